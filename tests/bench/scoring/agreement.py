"""What rounding costs: labels, probabilities and F1 of each backend beside full precision, on development rows.

Full precision is `torch-sorted`, the same weights in single precision. A label is the likeliest of three; F1 is over
the labels that a set has, as `models.evaluate` judges, and pooled over the rows of a language.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.corpus.rows import Row
from models.evaluation.answers import Answers, LabelledSet
from models.evaluation.material import Material
from models.evaluation.metrics import confusion, measures
from models.scorer import Pair
from tests.bench.scoring.contenders import PIPELINE, TORCH_SORTED, FloatArray
from tests.bench.scoring.reading import LANGUAGES
from tests.bench.scoring.workers import Absent, Worker

CHUNK = 512
"""Pairs in one call: enough to sort by length, few enough for a bar that moves."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One contender beside full precision, on the development rows of one language.

    Attributes:
        same_labels: share of rows. greatest_difference: of a probability.
        weighted_f1, weighted_f1_full: pooled, of it and of full precision.
    """

    rows: int
    same_labels: float
    greatest_difference: float
    weighted_f1: float
    weighted_f1_full: float


def development_sets(folder: Path, sample: int | None) -> dict[str, tuple[LabelledSet, ...]]:
    """Development rows by language, about `sample` of each set. Raises: DataError: the folder holds no labelled row."""
    sets = Material(folder, sample=sample).judged()
    return {lang: tuple(one for one in sets if one.lang == lang) for lang in LANGUAGES}


def pairs_of(rows: Sequence[Row]) -> list[Pair]:
    """What a scorer is asked about rows."""
    return [Pair(row.text, row.target, row.lang or None) for row in rows]


def agreements(
    workers: Sequence[Worker], sets: Sequence[LabelledSet], lang: str, on_pairs: Callable[[int], object]
) -> dict[str, Agreement]:
    """Each contender that knows targets beside full precision; nothing where full precision is not to be had."""
    by_name = {worker.name: worker for worker in workers if worker.name != PIPELINE}
    pairs = [pair for one in sets for pair in pairs_of(one.rows)]
    if TORCH_SORTED not in by_name or not pairs:
        return {}
    answers: dict[str, FloatArray] = {}
    for name, worker in by_name.items():
        try:
            answers[name] = _judged(worker, lang, pairs, on_pairs)
        except Absent:
            continue
    if TORCH_SORTED not in answers:
        return {}
    full = answers.pop(TORCH_SORTED)
    return {name: compare(found, full, sets) for name, found in answers.items()}


def compare(found: FloatArray, full: FloatArray, sets: Sequence[LabelledSet]) -> Agreement:
    """found, full: probabilities of the rows of all sets, in their order, shape (n_rows, n_labels)."""
    return Agreement(
        len(found),
        float((found.argmax(axis=1) == full.argmax(axis=1)).mean()),
        float(np.abs(found - full).max()),
        _weighted_f1(found, sets),
        _weighted_f1(full, sets),
    )


def _weighted_f1(probabilities: FloatArray, sets: Sequence[LabelledSet]) -> float:
    at, table = 0, np.zeros((3, 3), np.int64)
    for one in sets:
        rows = probabilities[at : at + len(one.rows)].astype(np.float64)
        table += confusion(one.gold, Answers(one, rows).labels)
        at += len(one.rows)
    return float(measures(table)["weighted_f1"])


def _judged(worker: Worker, lang: str, pairs: Sequence[Pair], on_pairs: Callable[[int], object]) -> FloatArray:
    chunks = []
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        chunks.append(worker.judge(lang, chunk))
        on_pairs(len(chunk))
    return np.concatenate(chunks)


def as_json(found: Mapping[str, Agreement]) -> dict[str, dict[str, float]]:
    """As it stands in the JSON."""
    return {
        name: {
            "rows": one.rows,
            "same_labels": round(one.same_labels, 5),
            "greatest_difference": round(one.greatest_difference, 5),
            "weighted_f1": round(one.weighted_f1, 5),
            "weighted_f1_full": round(one.weighted_f1_full, 5),
        }
        for name, one in found.items()
    }
