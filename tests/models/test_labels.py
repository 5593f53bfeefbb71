"""The names stand in models/ and in monitor/, because neither side imports the other; here they must agree."""

from models.labels import LABELS, MARKS, NEGATIVE, NEUTRAL, NO_RISK, POSITIVE, RISKS
from monitor.domain.sentiment import Label, RiskKind, ScoreMark


def test_labels_are_those_of_the_domain_in_the_same_order() -> None:
    assert list(LABELS) == [label.value for label in Label]
    assert (LABELS[NEGATIVE], LABELS[NEUTRAL], LABELS[POSITIVE]) == ("negative", "neutral", "positive")


def test_marks_are_those_of_the_domain() -> None:
    assert list(MARKS) == [mark.value for mark in ScoreMark]


def test_kinds_of_risk_are_those_of_the_domain_in_the_same_order() -> None:
    assert list(RISKS) == [kind.value for kind in RiskKind]
    assert RiskKind.NONE.value == NO_RISK
