"""Resamples: the same for the same seed, whole groups, paired."""

import numpy as np
import pytest

from models.evaluation.bootstrap import Resampling, difference, interval


def mean(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[..., 0] / sums[..., 1])


def right(share: float, count: int) -> np.ndarray:
    """Rows of (right, 1), the first `share` of them right."""
    return np.stack([np.arange(count) < share * count, np.ones(count)], axis=1).astype(np.float64)


def test_interval_is_as_wide_as_theory_says() -> None:
    found = Resampling(np.arange(400), 1, "made").interval(right(0.8, 400), mean)
    error = (0.8 * 0.2 / 400) ** 0.5
    assert found.value == pytest.approx(0.8)
    assert found.low == pytest.approx(0.8 - 1.96 * error, abs=0.008)
    assert found.high == pytest.approx(0.8 + 1.96 * error, abs=0.008)


def test_rows_of_one_text_stand_or_fall_together() -> None:
    # Ten rows of each text are no ten observations: the interval is that of forty texts.
    values = right(0.5, 400)
    alone = Resampling(np.arange(400), 1, "made").interval(values, mean)
    together = Resampling(np.repeat(np.arange(40), 10), 1, "made").interval(values, mean)
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_each_resample_has_as_many_groups_as_there_are() -> None:
    sums = Resampling(np.array([7, 7, 3, 9]), 1, "made", 50).sums(np.ones((4, 1)))
    # Three groups of two, one and one rows: a resample of three has three to six rows.
    assert sums.min() >= 3 and sums.max() <= 6


def test_same_seed_gives_the_same_resamples_and_another_gives_others() -> None:
    values = np.arange(30.0)[:, None]
    first, same, other = (Resampling(np.arange(30), seed, "made", 20).sums(values) for seed in (1, 1, 2))
    assert (first == same).all()
    assert (first != other).any()


def test_sets_of_equal_size_are_resampled_differently() -> None:
    one, other = (Resampling(np.arange(30), 1, name, 20).sums(np.arange(30.0)[:, None]) for name in ("one", "other"))
    assert (one != other).any()


def test_difference_of_scorers_that_fail_on_the_same_rows_is_surer_than_their_intervals() -> None:
    draws = Resampling(np.arange(300), 1, "made")
    better, worse = right(0.80, 300), right(0.76, 300)
    gain = difference(0.04, mean(draws.sums(better)) - mean(draws.sums(worse)))
    assert gain.low > 0 and gain.not_better == 0.0
    assert draws.interval(worse, mean).high > draws.interval(better, mean).low


def test_scorer_is_never_better_than_itself() -> None:
    assert difference(0.0, np.zeros(10)).not_better == 1.0


def test_set_without_rows_has_resamples_of_nothing() -> None:
    assert Resampling(np.zeros(0, np.int64), 1, "made", 5).sums(np.zeros((0, 2))).tolist() == [[0.0, 0.0]] * 5


def test_interval_holds_the_middle_of_what_was_drawn() -> None:
    found = interval(0.5, np.linspace(0, 1, 1001))
    assert found.low == pytest.approx(0.025) and found.high == pytest.approx(0.975)
