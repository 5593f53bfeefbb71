from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from tokenizers import Tokenizer

from models.corpus.rows import DataError, Row
from models.text import TextEncoder
from models.training import judge as judging
from models.training.judge import make_judge, weighted_f1
from tests.models.training import tiny

ANSWERS = {"negative": [5.0, 0.0, 1.0], "neutral": [0.0, 5.0, 1.0], "positive": [1.0, 0.0, 5.0]}


@pytest.fixture
def encoder(tmp_path: Path) -> TextEncoder:
    tiny.write_tokenizer(tmp_path)
    return TextEncoder(Tokenizer.from_file(str(tmp_path / "tokenizer.json")), 24)


def answer(monkeypatch: pytest.MonkeyPatch, *labels: str) -> None:
    """The network answers these labels, row by row."""
    logits = np.array([ANSWERS[label] for label in labels], dtype=np.float32)
    monkeypatch.setattr(judging, "predict", lambda *_: logits)


def test_weighted_f1_is_that_of_scikit_learn() -> None:
    chance = np.random.default_rng(1)
    gold, answers = chance.integers(0, 3, 200), chance.integers(0, 3, 200)
    assert weighted_f1(gold, answers) == pytest.approx(f1_score(gold, answers, average="weighted"))
    assert weighted_f1(gold[:0], answers[:0]) == 0


def test_class_that_a_set_lacks_is_never_its_answer(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row("Hexley falls", "", 0, "en", "sides", "1"), Row("Hexley rises", "", 2, "en", "sides", "2")]
    judge = make_judge(rows, {"sides": (True, False, True)}, set(), ["sides"], encoder)
    answer(monkeypatch, "negative", "neutral")
    assert judge(tiny.network()) == (1.0, {"sides_f1": 1.0, "sides_accuracy": 1.0})


def test_merged_set_asks_only_negative_or_not(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row("Hexley falls", "", 0, "en", "own", "1"), Row("Hexley rises", "", 1, "en", "own", "2")]
    judge = make_judge(rows, {"own": (True, True, True)}, {"own"}, ["own"], encoder)
    answer(monkeypatch, "negative", "positive")
    assert judge(tiny.network())[0] == 1.0


def test_figure_is_the_mean_over_the_selected_sets(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row("a", "", 0, "en", "one", "1"), Row("b", "", 0, "en", "two", "2"), Row("c", "", 1, "en", "out", "3")]
    possible = dict.fromkeys(("one", "two", "out"), (True, True, True))
    judge = make_judge(rows, possible, set(), ["one", "two"], encoder)
    answer(monkeypatch, "negative", "neutral")
    assert judge(tiny.network()) == (
        0.5,
        {"one_f1": 1.0, "one_accuracy": 1.0, "two_f1": 0.0, "two_accuracy": 0.0},
    )


def test_texts_with_several_labels_are_told_on_their_own(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Row(f"Hexley up, Orvane down {number}", name, label, "en", "own", f"{number}{name}")
        for number in range(12)
        for name, label in (("Hexley", 2), ("Orvane", 0))
    ]
    judge = make_judge(rows, {"own": (True, True, True)}, set(), ["own"], encoder)
    answer(monkeypatch, *["positive"] * 24)
    assert judge(tiny.network())[1]["own_conflicting"] == 0.5


def test_nothing_to_judge_by_is_told(encoder: TextEncoder) -> None:
    with pytest.raises(DataError, match="own: no development rows"):
        make_judge([], {"own": (True, True, True)}, set(), ["own"], encoder)
