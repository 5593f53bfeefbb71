"""How sure a figure is: bootstrap over groups of equal texts, seeded, paired between scorers.

Rows of one text stand or fall together (a headline has a row for each entity), so groups are drawn, not rows. Every
figure here is a function of sums over rows; a resample is then a product of a matrix of weights with the groups' sums.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.evaluation.metrics import FloatArray, IntArray

RESAMPLES = 1_000
"""Enough that the ends of a 95 % interval move by less than the second digit that is printed."""
_LEVEL = 0.95
_BLOCK = 100  # Resamples multiplied at once: their weights as float64 stay in some MB.


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What one scorer has more than another on the same resamples.

    Attributes:
        not_better: share of the resamples in which it has no more; below .025 the gain is no chance.
    """

    value: float
    low: float
    high: float
    not_better: float


class Resampling:
    """The resamples of one set's groups. Every scorer meets the same ones, so that differences are paired."""

    def __init__(self, groups: IntArray, seed: int, name: str, count: int = RESAMPLES) -> None:
        """`groups`: any whole number for each row, equal for rows that belong together; `name` tells sets apart."""
        self._groups = np.unique(groups, return_inverse=True)[1]
        size = int(self._groups.max()) + 1 if len(groups) else 0
        chance = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self._weights: npt.NDArray[np.uint16] = np.zeros((count, size), dtype=np.uint16)
        for row in self._weights if size else ():
            row[:] = np.bincount(chance.integers(0, size, size), minlength=size)

    def sums(self, values: FloatArray) -> FloatArray:
        """Sums over the rows of each resample. values: (n_rows, n_sums) -> (n_resamples, n_sums)."""
        by_group = np.zeros((self._weights.shape[1], values.shape[1]))
        np.add.at(by_group, self._groups, values)
        blocks = [
            self._weights[start : start + _BLOCK].astype(np.float64) @ by_group
            for start in range(0, len(self._weights), _BLOCK)
        ]
        found: FloatArray = np.concatenate(blocks)
        return found

    def interval(self, values: FloatArray, figure: Callable[[FloatArray], FloatArray]) -> Interval:
        """The figure of all rows and its interval. `figure` maps sums (..., n_sums) to figures (...)."""
        return interval(float(figure(values.sum(axis=0))), figure(self.sums(values)))


def interval(value: float, resampled: FloatArray) -> Interval:
    """The middle 95 % of resampled figures."""
    low, high = _ends(resampled)
    return Interval(value, low, high)


def difference(value: float, resampled: FloatArray) -> Difference:
    """The same for a difference of two scorers' figures."""
    low, high = _ends(resampled)
    return Difference(value, low, high, float((resampled <= 0).mean()))


def _ends(resampled: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(resampled, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
