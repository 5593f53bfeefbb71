"""Calibration error, bins and temperatures, on probabilities whose honesty is known."""

import numpy as np
import pytest

from models.evaluation.calibration import (
    LEAST_ROWS,
    CalibrationError,
    calibration_error,
    error_of,
    error_sums,
    fit_temperature,
    fit_temperatures,
    log_probabilities,
    mass_bins,
    scale,
    softmax,
    width_bins,
)
from models.evaluation.metrics import FloatArray, IntArray


def honest(count: int, seed: int = 1) -> tuple[FloatArray, IntArray]:
    """Logits, and labels drawn by their own probabilities."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(0, 2, (count, 3))
    sums = softmax(logits).cumsum(axis=1)
    return logits, (chance.random((count, 1)) > sums).sum(axis=1)


def test_error_is_that_of_two_bins_worked_by_hand() -> None:
    confidence = np.array([0.9, 0.9, 0.6, 0.6])
    is_right = np.array([True, False, True, True])
    # Two answers of .9 of which one is right, two of .6 of which both are: (.4 + .4) / 2.
    assert calibration_error(confidence, is_right) == pytest.approx(0.4)


def test_error_of_sums_is_the_error_of_their_rows() -> None:
    confidence, is_right = np.array([0.95, 0.4, 0.7]), np.array([True, True, False])
    sums = error_sums(confidence, is_right)
    assert float(error_of(sums[[0, 0, 2]].sum(axis=0))) == pytest.approx(
        calibration_error(confidence[[0, 0, 2]], is_right[[0, 0, 2]])
    )


def test_probability_on_the_edge_belongs_to_the_lower_bin() -> None:
    [only] = width_bins(np.array([0.2, 0.15]), np.array([True, False]), bins=5)
    assert (only.low, only.high, only.count, only.observed) == (0.0, 0.2, 2, 0.5)


def test_honest_probabilities_have_almost_no_error() -> None:
    logits, labels = honest(20_000)
    found = softmax(logits)
    assert calibration_error(found.max(axis=1), found.argmax(axis=1) == labels) < 0.015


def test_bins_of_equal_mass_hold_equally_many_and_cover_everything() -> None:
    predicted = np.linspace(0, 1, 1_000) ** 3
    bins = mass_bins(predicted, predicted > 0.5)
    assert [one.count for one in bins] == [100] * 10
    assert [one.predicted for one in bins] == sorted(one.predicted for one in bins)


def test_equal_probabilities_are_never_parted() -> None:
    [only] = mass_bins(np.full(50, 0.1), np.arange(50) < 5)
    assert (only.count, only.observed) == (50, 0.1)
    assert [one.count for one in mass_bins(np.repeat([0.1, 0.2, 0.9], [60, 20, 20]), np.zeros(100, np.bool_))] == [
        60,
        20,
        20,
    ]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_that_spoilt_the_logits_is_found(temperature: float) -> None:
    logits, labels = honest(8_000)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_no_temperature_is_better_than_the_fitted_one() -> None:
    logits, labels = honest(500, seed=3)

    def surprise(temperature: float) -> float:
        return -float(np.log(softmax(logits / temperature)[np.arange(500), labels]).mean())

    fitted = fit_temperature(logits, labels)
    assert surprise(fitted) < min(surprise(fitted * 1.02), surprise(fitted / 1.02))


def test_temperature_stays_within_its_bounds() -> None:
    sure = np.eye(3)[[0, 1, 2]] * 5
    assert 0.05 <= fit_temperature(sure, np.array([0, 1, 2])) < 0.2
    assert fit_temperature(sure, np.array([1, 2, 0])) == pytest.approx(20.0)


def test_one_label_alone_fits_no_temperature() -> None:
    with pytest.raises(CalibrationError, match="fewer than two labels occur"):
        fit_temperature(np.zeros((4, 3)), np.zeros(4, np.int64))


def test_damaged_logits_and_a_wrong_number_of_labels_are_refused() -> None:
    with pytest.raises(CalibrationError, match="no numbers"):
        fit_temperature(np.array([[np.nan, 0, 0], [0, 0, 0]]), np.array([0, 1]))
    with pytest.raises(CalibrationError, match="2 rows of logits and 1 labels"):
        fit_temperature(np.zeros((2, 3)), np.array([0]))


def test_rows_with_a_target_and_rows_without_get_temperatures_of_their_own() -> None:
    logits, labels = honest(8_000)
    named = np.arange(8_000) % 2 == 0
    found = fit_temperatures(logits * np.where(named, 2.0, 0.7)[:, None], labels, named)
    assert found == {"target": pytest.approx(2.0, rel=0.06), "text": pytest.approx(0.7, rel=0.06)}


def test_too_few_rows_of_one_kind_share_the_temperature_of_all() -> None:
    logits, labels = honest(2_000)
    named = np.arange(2_000) < LEAST_ROWS - 1
    found = fit_temperatures(logits, labels, named)
    assert found["target"] == fit_temperature(logits, labels)
    assert found["text"] == fit_temperature(logits[~named], labels[~named])


def test_scaling_uses_each_row_s_own_temperature_and_changes_no_answer() -> None:
    logits = np.array([[2.0, 0.0, 1.0], [2.0, 0.0, 1.0]])
    found = scale(logits, {"target": 2.0, "text": 0.5}, np.array([True, False]))
    assert found[0].tolist() == pytest.approx(softmax(logits[:1] / 2)[0].tolist())
    assert found[1, 0] > found[0, 0]
    assert found.argmax(axis=1).tolist() == [0, 0]


def test_probabilities_come_back_from_their_logits() -> None:
    found = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    assert softmax(log_probabilities(found)) == pytest.approx(found, abs=1e-6)
