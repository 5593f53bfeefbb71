"""Pictures: the same figures give the same bytes, and nothing is left open."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot as plt

from models.evaluation.answers import RememberingScorer
from models.evaluation.examiner import Examiner, Posed
from models.evaluation.pictures import save_abstention, save_confusion, save_reliability
from models.evaluation.report import POOLED, Report
from tests.models.evaluation.made import MadeScorer, knowing, made_set

pytestmark = pytest.mark.slow  # drawing takes seconds


@pytest.fixture(scope="module")
def report() -> Report:
    sets = [made_set(name, ["negative", "neutral", "positive"] * 8) for name in ("fiqa", "tfns", "one", "two", "three")]
    return Examiner(Posed(tuple(sets), resamples=20)).report(RememberingScorer(MadeScorer(knowing), "made"))


def test_same_figures_give_the_same_bytes(report: Report, tmp_path: Path) -> None:
    for number in range(2):
        save_confusion(report, "made", tmp_path / f"confusion{number}.png")
        save_reliability(report.calibration[POOLED], "made", tmp_path / f"reliability{number}.png")
        save_abstention({"made": report}, tmp_path / f"abstention{number}.png")
    for name in ("confusion", "reliability", "abstention"):
        assert (tmp_path / f"{name}0.png").read_bytes() == (tmp_path / f"{name}1.png").read_bytes()
    assert plt.get_fignums() == []
