"""From logits to a judgement."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import CUT, MARKS, NO_RISK, UNSUPPORTED_TARGET, UNTRAINED_LANGUAGE
from models.pooling import UNREAD, judgement, ordered, pool, softmax, unread
from models.scorer import Judgement

NOTHING: frozenset[str] = frozenset()
FLOOR = Judgement(0.6, 0.3, 0.1, "fraud", ("fraud",))

_LOGITS = st.tuples(*[st.floats(-1e38, 1e38)] * 3)


@given(_LOGITS, st.floats(0.05, 20))
def test_any_logits_give_probabilities_strictly_between_0_and_1(logits: tuple[float, ...], temperature: float) -> None:
    found = softmax(logits, temperature)
    assert all(0.0 < one < 1.0 for one in found)
    assert math.isclose(sum(found), 1.0, abs_tol=1e-9)
    assert found[logits.index(max(logits))] == max(found)


def test_temperature_softens_and_keeps_the_order() -> None:
    sharp, soft = softmax((2.0, 0.0, -1.0), 0.5), softmax((2.0, 0.0, -1.0), 2.0)
    assert sharp[0] > soft[0] > soft[1] > soft[2] > sharp[2]
    assert softmax((math.log(3), math.log(2), 0.0), 1.0) == pytest.approx((3 / 6, 2 / 6, 1 / 6))


def test_shift_moves_neutral_alone_before_the_temperature() -> None:
    assert softmax((1.0, 0.5, 0.0), 2.0, -0.5) == pytest.approx(softmax((1.0, 0.0, 0.0), 2.0))


def test_windows_weigh_by_their_tokens() -> None:
    assert pool([(0.8, 0.1, 0.1), (0.2, 0.2, 0.6)], [30, 10]) == pytest.approx((0.65, 0.125, 0.225))


@given(_LOGITS)
def test_one_window_is_its_own_mean(logits: tuple[float, ...]) -> None:
    found = softmax(logits, 1.0)
    assert pool([found], [17]) == found


@pytest.mark.parametrize(
    ("found", "risk"),
    [
        ((0.5, 0.3, 0.2), "fraud"),
        ((0.36, 0.33, 0.31), "fraud"),
        ((0.3, 0.6, 0.1), "fraud"),
        ((0.3, 0.1, 0.6), "fraud"),
        ((0.29, 0.6, 0.11), NO_RISK),
        ((0.1, 0.1, 0.8), NO_RISK),
    ],
)
def test_kind_of_risk_is_named_only_where_the_model_sees_a_bad_side(
    found: tuple[float, float, float], risk: str
) -> None:
    answer = judgement(found, FLOOR, NOTHING)
    assert (answer.negative, answer.neutral, answer.positive) == found
    assert (answer.risk, answer.cues, answer.marks) == (risk, ("fraud",), ())


def test_where_the_model_reads_nothing_the_lexicon_answers_if_it_found_something() -> None:
    marks = frozenset((CUT,))
    assert unread(FLOOR, marks) == Judgement(0.6, 0.3, 0.1, "fraud", ("fraud",), (CUT,))
    assert unread(Judgement(0.1, 0.6, 0.3, NO_RISK, ()), NOTHING) == UNREAD
    assert UNREAD.positive == UNREAD.negative < UNREAD.neutral


def test_marks_stand_in_one_order() -> None:
    assert ordered(frozenset((CUT, UNTRAINED_LANGUAGE, UNSUPPORTED_TARGET))) == MARKS
    assert ordered(NOTHING) == ()
