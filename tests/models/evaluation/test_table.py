"""A report as text."""

import pytest

from models.evaluation.answers import RememberingScorer
from models.evaluation.examiner import Examiner, Posed
from models.evaluation.leave_out import LeftOut
from models.evaluation.report import Findings
from models.evaluation.table import columns, sections
from models.neutral import NeutralScorer
from tests.models.evaluation.made import MadeScorer, knowing, made_set, row


@pytest.fixture(scope="module")
def findings() -> Findings:
    sets = (
        made_set("fiqa", ["negative", "neutral", "positive"] * 8),
        made_set("tfns", ["negative", "neutral"] * 8),
        made_set("sides", ["negative", "positive"] * 4),
    )
    posed = Posed(
        sets, resamples=20, probes={("en", "disaster"): [row("Hexley collapses negative", "negative", "Hexley")]}
    )
    examiner = Examiner(posed)
    good, floor = RememberingScorer(MadeScorer(knowing), "good"), RememberingScorer(NeutralScorer(), "floor")
    reports = {"good": examiner.report(good), "floor": examiner.report(floor)}
    left = {"tfidf": [LeftOut("fiqa", 24, 0.5, 0.6, 0.7, 0.8)]}
    return Findings(reports, {"good - floor": examiner.differences(good, floor)}, left)


def test_figures_stand_to_the_right_and_words_to_the_left() -> None:
    assert columns(("set", "texts"), [["fiqa", "12"], ["a", "1,200"]]) == "set   texts\nfiqa     12\na     1,200"


def test_every_table_has_its_title_and_every_line_its_figures(findings: Findings) -> None:
    found = sections(findings)
    assert [title.partition(":")[0].partition(",")[0] for title in found] == [
        "",
        "By label",
        "Calibration error",
        "Negative at one threshold",
        "Accuracy by the share of texts answered",
        "Answers about targets",
        "Sentences of our own",
        "Paired differences",
        "Leave one source out",
    ]
    assert all("nan" not in text for text in found.values())


def test_first_table_has_a_line_for_each_set_and_scorer_and_the_mean(findings: Findings) -> None:
    header, *lines = sections(findings)[""].splitlines()
    assert header.split()[:4] == ["data", "set", "texts", "scorer"]
    assert [line.split()[0] for line in lines] == ["fiqa"] * 2 + ["tfns"] * 2 + ["sides"] * 2 + ["mean"] * 2 + ["mean:"]
    assert lines[0].split()[2:4] == ["good", "1.000"]
    assert lines[-1] == "mean: of fiqa, tfns"


def test_label_that_a_set_lacks_has_no_figure(findings: Findings) -> None:
    [line] = [one for one in sections(findings)["By label"].splitlines() if one.startswith("sides") and "good" in one]
    assert line.split()[2:] == ["1.000"] * 3 + ["-"] * 3 + ["1.000"] * 3


def test_temperatures_to_export_with_are_told(findings: Findings) -> None:
    text = next(text for title, text in sections(findings).items() if title.startswith("Calibration"))
    assert "good, en: fits temperature 0." in text


def test_short_findings_have_the_leading_figures(findings: Findings) -> None:
    found = findings.short()
    assert list(found) == ["fiqa", "tfns", "sides"]
    assert found["fiqa"]["good"] == {
        "accuracy": 1.0,
        "macro_f1": 1.0,
        "weighted_f1": 1.0,
        "negative_precision": 1.0,
        "negative_recall": 1.0,
    }
