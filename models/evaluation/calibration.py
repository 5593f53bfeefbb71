"""Whether probabilities are honest: calibration error, reliability in bins, temperatures."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np

from models.evaluation.metrics import BoolArray, FloatArray, IntArray

BINS = 15
"""Equal-width bins of the calibration error, as most papers have it; fewer hide faults, more measure noise."""
MASS_BINS = 10
LEAST_ROWS = 100
"""Below this a temperature of one's own is noise, and the common one holds."""
_HOTTEST, _COLDEST = 20.0, 0.05
_HALVINGS = 60


class CalibrationError(ValueError):
    """Rows that no temperature can be fitted on."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same probability.

    Attributes:
        predicted: their mean probability. observed: the share in which it came true.
    """

    low: float
    high: float
    count: int
    predicted: float
    observed: float


def error_sums(confidence: FloatArray, is_right: BoolArray, bins: int = BINS) -> FloatArray:
    """What the calibration error needs of each row: confidence and rightness by bin, and one count.

    Shape (n_rows, 2 x bins + 1); sums of it, of any rows, go to `error_of`.
    """
    found: FloatArray = np.zeros((len(confidence), 2 * bins + 1))
    rows, index = np.arange(len(confidence)), equal_width(confidence, bins)
    found[rows, index] = confidence
    found[rows, bins + index] = is_right
    found[:, -1] = 1.0
    return found


def error_of(sums: FloatArray) -> FloatArray:
    """Expected calibration error of sums (..., 2 x bins + 1): the mean distance of confidence and accuracy.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    bins = (sums.shape[-1] - 1) // 2
    gaps: FloatArray = np.abs(sums[..., :bins] - sums[..., bins:-1]).sum(axis=-1) / np.maximum(sums[..., -1], 1)
    return gaps


def calibration_error(confidence: FloatArray, is_right: BoolArray, bins: int = BINS) -> float:
    """Expected calibration error over equal-width bins, in [0, 1]."""
    return float(error_of(error_sums(confidence, is_right, bins).sum(axis=0)))


def equal_width(confidence: FloatArray, bins: int = BINS) -> IntArray:
    """The bin of each probability: (low, high], and 0 in the first."""
    found: IntArray = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return found


def width_bins(predicted: FloatArray, observed: BoolArray, bins: int = BINS) -> list[Bin]:
    """The bins of equal width that hold something."""
    index = equal_width(predicted, bins)
    return [
        _bin(predicted[index == number], observed[index == number], number / bins, (number + 1) / bins)
        for number in range(bins)
        if (index == number).any()
    ]


def mass_bins(predicted: FloatArray, observed: BoolArray, bins: int = MASS_BINS) -> list[Bin]:
    """Bins of about equal counts, lowest first; equal probabilities stay together, so there may be fewer."""
    order = np.argsort(predicted, kind="stable")
    ranked = predicted[order]
    edges = [0]
    for number in range(1, bins + 1):
        edge = round(len(ranked) * number / bins)
        while 0 < edge < len(ranked) and ranked[edge] == ranked[edge - 1]:
            edge += 1
        if edge > edges[-1]:
            edges.append(edge)
    pieces = [order[start:stop] for start, stop in pairwise(edges)]
    return [_bin(predicted[one], observed[one], predicted[one].min(), predicted[one].max()) for one in pieces]


def _bin(predicted: FloatArray, observed: BoolArray, low: float, high: float) -> Bin:
    return Bin(float(low), float(high), len(predicted), float(predicted.mean()), float(observed.mean()))


def log_probabilities(probabilities: FloatArray) -> FloatArray:
    """Logits of probabilities; scaling them is scaling the scorer's own logits once more."""
    found: FloatArray = np.log(np.maximum(probabilities, 1e-9))
    return found


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities of logits, shape (n_rows, n_labels)."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: FloatArray = odds / odds.sum(axis=1, keepdims=True)
    return found


def fit_temperature(logits: FloatArray, labels: IntArray) -> float:
    """Fit the one scalar that makes probabilities honest; no answer changes.

    The likelihood is concave in 1/temperature, so halving finds its greatest value.

    Args:
        logits: unscaled scores, shape (n_rows, n_labels).
        labels: gold label indices, shape (n_rows,).
    Returns: temperature, dimensionless, in [0.05, 20]; above 1 softens.
    Raises: CalibrationError: fewer than two labels occur, or a logit is no number.
    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    logits = np.asarray(logits, dtype=np.float64)
    labels = np.asarray(labels, dtype=np.int64)
    if len(logits) != len(labels):
        raise CalibrationError(f"{len(logits)} rows of logits and {len(labels)} labels: give one label for each row")
    if not np.isfinite(logits).all():
        raise CalibrationError("some logits are no numbers: the model that gave them is damaged")
    if len(np.unique(labels)) < 2:
        raise CalibrationError("fewer than two labels occur: fit on more rows")
    told = logits[np.arange(len(labels)), labels].mean()

    def slope(sharpness: float) -> float:
        return float(told - (softmax(sharpness * logits) * logits).sum(axis=1).mean())

    low, high = 1 / _HOTTEST, 1 / _COLDEST
    for _ in range(_HALVINGS):
        middle = sqrt(low * high)
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return 1 / sqrt(low * high)


def fit_temperatures(logits: FloatArray, labels: IntArray, has_target: BoolArray) -> dict[str, float]:
    """One temperature for rows with a target that their text names (`target`), and one for the others (`text`).

    Where one kind has fewer than LEAST_ROWS rows, or one label only, it gets the temperature of all rows.
    Raises: CalibrationError: see `fit_temperature`.
    """
    common = fit_temperature(logits, labels)
    found: dict[str, float] = {}
    for name, chosen in (("target", has_target), ("text", ~has_target)):
        is_enough = int(chosen.sum()) >= LEAST_ROWS and len(np.unique(labels[chosen])) > 1
        found[name] = fit_temperature(logits[chosen], labels[chosen]) if is_enough else common
    return found


def scale(logits: FloatArray, temperatures: Mapping[str, float], has_target: BoolArray) -> FloatArray:
    """Probabilities at the temperature that holds for each row, shape (n_rows, n_labels)."""
    divisors = np.where(has_target, temperatures["target"], temperatures["text"])
    return softmax(logits / divisors[:, None])
