"""The one threshold on p(negative): enough recall first, then precision, as a mean over the sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.negatives import called_sums, choose_threshold, precision_of, recall_of

EASY = np.array([0.9, 0.8, 0.4, 0.3, 0.1])
IS_EASY = np.array([True, True, False, True, False])


def test_threshold_finds_enough_and_is_as_precise_as_it_can() -> None:
    found = choose_threshold({"made": EASY}, {"made": IS_EASY}, 0.6)
    assert (found.value, found.precision) == (0.8, 1.0)
    assert found.recall == pytest.approx(2 / 3)


def test_more_recall_costs_precision() -> None:
    found = choose_threshold({"made": EASY}, {"made": IS_EASY}, 0.84)
    assert (found.value, found.recall, found.precision) == (0.3, 1.0, 0.75)


def test_sets_weigh_the_same_however_large_they_are() -> None:
    large = np.concatenate([EASY, np.full(100, 0.35)])
    is_large = np.concatenate([IS_EASY, np.zeros(100, np.bool_)])
    found = choose_threshold({"small": EASY, "large": large}, {"small": IS_EASY, "large": is_large}, 1.0)
    assert found.value == 0.3
    assert found.precision == pytest.approx((3 / 4 + 3 / 104) / 2)


def test_of_equal_precision_the_highest_threshold_is_chosen() -> None:
    negative, told = np.array([0.9, 0.7, 0.5]), np.array([True, True, True])
    assert choose_threshold({"made": negative}, {"made": told}, 0.3).value == 0.9


def test_scorer_that_tells_nothing_apart_calls_everything_negative() -> None:
    found = choose_threshold({"made": np.full(4, 0.01)}, {"made": np.array([True, False, False, False])}, 0.84)
    assert (found.value, found.recall, found.precision) == (0.01, 1.0, 0.25)


def test_set_without_negative_rows_has_no_say() -> None:
    found = choose_threshold(
        {"made": EASY, "other": np.array([0.5])}, {"made": IS_EASY, "other": np.array([False])}, 0.6
    )
    assert found.recall == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no set has a negative row"):
        choose_threshold({"other": np.array([0.5])}, {"other": np.array([False])})


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30), st.floats(0.1, 1.0))
def test_no_threshold_of_enough_recall_is_more_precise(rows: list[tuple[int, bool]], least: float) -> None:
    negative, told = np.array([one for one, _ in rows]) / 5, np.array([two for _, two in rows])
    if not told.any():
        return
    found = choose_threshold({"made": negative}, {"made": told}, least)
    for value in np.unique(negative):
        sums = called_sums(negative >= value, told).sum(axis=0)
        assert recall_of(sums) < least - 1e-12 or precision_of(sums) <= found.precision + 1e-12
    sums = called_sums(negative >= found.value, told).sum(axis=0)
    assert (float(recall_of(sums)), float(precision_of(sums))) == pytest.approx((found.recall, found.precision))


def test_nothing_called_has_no_precision_and_nothing_negative_no_recall() -> None:
    sums = called_sums(np.array([False]), np.array([False])).sum(axis=0)
    assert (float(precision_of(sums)), float(recall_of(sums))) == (0.0, 0.0)
