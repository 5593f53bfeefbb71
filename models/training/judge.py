"""Figures on development rows while a run goes on; `python -m models.evaluate` gives the whole picture afterwards."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.corpus.rows import DataError, Row, text_key
from models.labels import LABELS, NEUTRAL, POSITIVE
from models.text import TextEncoder
from models.training.answers import predict
from models.training.epochs import plain_items
from models.training.network import SentimentNetwork

IntArray = npt.NDArray[np.int64]

_FEW = 20
"""Rows below which an accuracy says nothing."""


def weighted_f1(gold: IntArray, answers: IntArray) -> float:
    """F1 of each label, weighted by how often the label occurs."""
    total = 0.0
    for label in range(len(LABELS)):
        right = float(((gold == label) & (answers == label)).sum())
        both = float((gold == label).sum() + (answers == label).sum())
        total += (2 * right / both if both else 0.0) * float((gold == label).sum())
    return total / max(len(gold), 1)


def make_judge(
    rows: Sequence[Row],
    possible: Mapping[str, tuple[bool, ...]],
    merged: set[str],
    selection: Sequence[str],
    encoder: TextEncoder,
) -> Callable[[SentimentNetwork], tuple[float, dict[str, float]]]:
    """A judge of networks: (mean weighted F1 over the selected sets, weighted F1 and accuracy by set).

    Raises: DataError: the selected sets have no development rows.
    """
    chosen = [row for row in rows if row.source in selection]
    if not chosen:
        raise DataError(f"{', '.join(selection)}: no development rows; raise `development` or change `selection`")
    items = plain_items(chosen, encoder)
    gold: IntArray = np.array([row.label for row in chosen], dtype=np.int64)
    sources = np.array([row.source for row in chosen])
    labels: dict[str, set[int]] = {}
    for row in chosen:
        labels.setdefault(row.source + text_key(row.text), set()).add(row.label)
    conflicting = np.array([len(labels[row.source + text_key(row.text)]) > 1 for row in chosen])

    def judge(network: SentimentNetwork) -> tuple[float, dict[str, float]]:
        logits = predict(network, items, encoder.pad, "development")
        table: dict[str, float] = {}
        figures = []
        for name in selection:
            here = sources == name
            if not here.any():
                continue
            answers = np.where(np.array(possible[name]), logits[here], -np.inf).argmax(axis=1)
            if name in merged:
                answers = np.where(answers == POSITIVE, NEUTRAL, answers)
            figures.append(weighted_f1(gold[here], answers))
            table[f"{name}_f1"] = round(figures[-1], 4)
            table[f"{name}_accuracy"] = round(float((gold[here] == answers).mean()), 4)
            both = conflicting[here]
            if both.sum() >= _FEW:
                table[f"{name}_conflicting"] = round(float((gold[here] == answers)[both].mean()), 4)
        return float(np.mean(figures)), table

    return judge
