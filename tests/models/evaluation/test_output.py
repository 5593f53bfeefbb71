"""What is kept: JSON and pictures."""

import json
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from models.evaluation.answers import LabelledSet, RememberingScorer
from models.evaluation.examiner import Examiner, Posed
from models.evaluation.output import keep
from models.evaluation.report import Findings
from models.neutral import NeutralScorer
from models.scorer import PairScorer
from tests.models.evaluation.made import MadeScorer, knowing, made_set

pytestmark = pytest.mark.slow  # drawing takes seconds

PNG = b"\x89PNG"


def findings(*sets: LabelledSet, posts: LabelledSet | None = None) -> Findings:
    examiner = Examiner(Posed(sets, resamples=20, posts_set=posts))
    scorers: dict[str, PairScorer] = {"models/mine": MadeScorer(knowing), "neutral": NeutralScorer()}
    return Findings({key: examiner.report(RememberingScorer(one, key)) for key, one in scorers.items()}, {}, {})


def test_report_and_pictures_are_written(tmp_path: Path) -> None:
    sets = made_set("fiqa", ["negative", "neutral", "positive"] * 5), made_set("sides", ["negative", "positive"])
    keep(
        findings(*sets, posts=made_set("replay_posts", ["negative", "neutral"])), tmp_path / "new" / "out", {"seed": 1}
    )
    names = sorted(path.name for path in (tmp_path / "new" / "out").iterdir())
    assert names == [
        "abstention.png",
        *(f"{what}_{key}.png" for what in ("confusion", "reliability") for key in ("mine", "neutral")),
        "reliability_posts_mine.png",
        "reliability_posts_neutral.png",
        "report.json",
    ]
    for path in (tmp_path / "new" / "out").glob("*.png"):
        assert path.read_bytes().startswith(PNG)
    found = json.loads((tmp_path / "new" / "out" / "report.json").read_text(encoding="utf-8"))
    assert (found["format"], found["seed"]) == (1, 1)
    assert found["reports"]["models/mine"]["sets"]["fiqa"]["figures"]["accuracy"] == {
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
    }


def test_set_in_which_a_label_means_something_else_is_drawn_alone(tmp_path: Path) -> None:
    keep(findings(made_set("finnsp", ["negative", "neutral"] * 3, True)), tmp_path, {})
    assert not (tmp_path / "abstention.png").exists()
    assert (tmp_path / "reliability_mine.png").exists()
