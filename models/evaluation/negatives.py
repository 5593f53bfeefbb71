"""Negative, the class that the product lives on: one threshold on p(negative) for all sets, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.evaluation.metrics import BoolArray, FloatArray

LEAST_RECALL = 0.84
"""Missed bad news is a spike that nobody hears of; among thresholds that find this much the most precise is chosen."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A text is called negative from `value` on; recall and precision are means over the sets."""

    value: float
    recall: float
    precision: float


def choose_threshold(
    negative: Mapping[str, FloatArray], is_negative: Mapping[str, BoolArray], least_recall: float = LEAST_RECALL
) -> Threshold:
    """The threshold of best precision among those of enough recall; of equals the highest.

    Args:
        negative: p(negative) by set, each of shape (n_rows,). is_negative: whether it is, in the same form.
        least_recall: mean over the sets, in [0, 1].
    Raises: ValueError: no set has a negative row.
    """
    names = [name for name, told in is_negative.items() if told.any()]
    if not names:
        raise ValueError("no set has a negative row: no threshold can be chosen")
    candidates = np.unique(np.concatenate([negative[name] for name in names]))[::-1]  # highest first
    recalls, precisions = np.zeros(len(candidates)), np.zeros(len(candidates))
    for name in names:
        order = np.argsort(-negative[name], kind="stable")
        found = np.concatenate([[0], np.cumsum(is_negative[name][order])])
        called = np.searchsorted(-negative[name][order], -candidates, side="right")
        recalls += found[called] / found[-1] / len(names)
        precisions += found[called] / np.maximum(called, 1) / len(names)
    enough = recalls >= least_recall - 1e-9  # the lowest candidate finds everything
    best = int(np.argmax(np.where(enough, precisions, -1.0)))
    return Threshold(float(candidates[best]), float(recalls[best]), float(precisions[best]))


def called_sums(called: BoolArray, is_negative: BoolArray) -> FloatArray:
    """What precision and recall need of each row: (found, called, negative), shape (n_rows, 3)."""
    return np.stack([called & is_negative, called, is_negative], axis=1).astype(np.float64)


def precision_of(sums: FloatArray) -> FloatArray:
    """Precision of sums (..., 3); 0 where nothing was called negative."""
    found: FloatArray = sums[..., 0] / np.maximum(sums[..., 1], 1)
    return found


def recall_of(sums: FloatArray) -> FloatArray:
    """Recall of sums (..., 3); 0 where nothing is negative."""
    found: FloatArray = sums[..., 0] / np.maximum(sums[..., 2], 1)
    return found
