"""Counts of right and wrong answers, and the figures that follow from them."""

import numpy as np
import numpy.typing as npt

from models.labels import LABELS

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

N_CELLS = len(LABELS) ** 2


def confusion(gold: npt.ArrayLike, answers: npt.ArrayLike) -> IntArray:
    """Counts by (gold label, answered label), shape (n_labels, n_labels)."""
    table: IntArray = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(table, (np.asarray(gold, dtype=np.int64), np.asarray(answers, dtype=np.int64)), 1)
    return table


def cells(gold: IntArray, answers: IntArray) -> FloatArray:
    """One confusion table for each row, flattened: one 1 in each, shape (n_rows, N_CELLS)."""
    found: FloatArray = np.zeros((len(gold), N_CELLS))
    found[np.arange(len(gold)), gold * len(LABELS) + answers] = 1.0
    return found


def measures(tables: npt.ArrayLike) -> dict[str, FloatArray]:
    """Figures of confusion tables, each in [0, 1]; what has no denominator is 0.

    Args:
        tables: counts, shape (..., n_labels, n_labels), so that many resamples are judged at once.
    Returns: accuracy, macro F1 over the labels that occur, F1 weighted by how often each label occurs, and of each
        label precision, recall and F1 (`negative_precision`), each of shape (...).
    """
    counts = np.asarray(tables, dtype=np.float64)
    right = np.diagonal(counts, axis1=-2, axis2=-1)  # (..., n_labels)
    gold, answered = counts.sum(axis=-1), counts.sum(axis=-2)
    precision, recall = right / np.maximum(answered, 1), right / np.maximum(gold, 1)
    f1 = 2 * right / np.maximum(gold + answered, 1)
    occurs, total = gold > 0, np.maximum(gold.sum(axis=-1), 1)
    found = {
        "accuracy": right.sum(axis=-1) / total,
        "macro_f1": (f1 * occurs).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1),
        "weighted_f1": (f1 * gold).sum(axis=-1) / total,
    }
    for index, label in enumerate(LABELS):
        found[f"{label}_precision"] = precision[..., index]
        found[f"{label}_recall"] = recall[..., index]
        found[f"{label}_f1"] = f1[..., index]
    return found


def kappa(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Agreement of two passes beyond chance: 1 is perfect, 0 is chance.

    Source: Cohen, A Coefficient of Agreement for Nominal Scales, 1960.
    """
    table = confusion(first, second).astype(np.float64)
    total = table.sum()
    if total == 0:
        return 0.0
    observed = float(np.trace(table) / total)
    expected = float((table.sum(axis=0) * table.sum(axis=1)).sum() / total**2)
    return 1.0 if expected == 1.0 else (observed - expected) / (1 - expected)
