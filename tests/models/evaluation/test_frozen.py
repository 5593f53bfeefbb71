"""An encoder as it came, with a regression on its features: a tiny one of random weights."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from models.evaluation.answers import RememberingScorer, labelled_set
from models.evaluation.frozen import FrozenScorer
from models.scorer import Pair
from tests.models.evaluation.made import row
from tests.models.training.tiny import texts, write_backbone


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_regression_finds_in_the_features_what_the_words_say(tmp_path: Path, kind: str) -> None:
    rows = [row(one["text"], one["label"], one["entity"] or "") for one in texts(900)]
    training, judged = labelled_set("made", rows[:600]), labelled_set("made", rows[600:])
    scorer = FrozenScorer(write_backbone(tmp_path / kind, kind), [training])
    assert scorer.name == f"frozen-{kind}"
    assert RememberingScorer(scorer, "frozen").answers(judged).is_right.mean() > 0.4  # chance is a third


def test_answers_are_the_same_in_any_company(tmp_path: Path) -> None:
    rows = [row(one["text"], one["label"]) for one in texts(60)]
    scorer = FrozenScorer(write_backbone(tmp_path / "tiny"), [labelled_set("made", rows)])
    pair = Pair("Hexley reports loss", "", "en")
    [alone] = scorer.score([pair])
    company = scorer.score([Pair("a gain at Orvane today in the quarter of the year", "", "en"), pair])
    assert alone.negative == pytest.approx(company[1].negative, abs=1e-5)
    assert scorer.score([]) == []


def test_encoder_without_rows_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no row to train its regression on"):
        FrozenScorer(write_backbone(tmp_path / "tiny"), [])
