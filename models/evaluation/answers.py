"""Data sets to be judged, and what a scorer answers to them.

A set that lacks a class is judged by the classes that it has: the likeliest of those is the answer, and its
probability is its share among them. In a *merged* set neutral means "not negative": the likeliest of all three labels
is the answer, and positive is read as neutral. Both as `models.training.judge` does while a model is trained.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from tqdm import tqdm

from models.corpus.rows import Row, classes, fraction, text_key
from models.evaluation.metrics import BoolArray, FloatArray, IntArray
from models.labels import LABELS, NEGATIVE, NEUTRAL, POSITIVE
from models.scorer import Pair, PairScorer
from models.text import find_mentions, normalise

MERGED = frozenset(("finnsp", "finnsp_entity"))
"""Sets in which neutral means "not negative"; others are named with --merged."""
THREE = ("fpb_50agree", "fiqa", "tfns")
"""The English sets over which the product's bars are set; means are over those of them that are there."""
UNLIKE = frozenset(("gold_headlines", "nwgi"))
"""Sets that are judged and never fitted on: the direction of a gold price is no sentiment, and a machine's grades are
no labels."""
_CHUNK = 512  # Pairs in one call: enough for a scorer to sort by length, few enough for a bar that moves.


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Rows of one set.

    Attributes:
        possible: by label, whether an answer may have it.
        is_merged: neutral means "not negative".
    """

    name: str
    rows: tuple[Row, ...]
    possible: tuple[bool, ...] = (True, True, True)
    is_merged: bool = False

    @property
    def is_full(self) -> bool:
        """Whether all three labels mean what they say."""
        return all(self.possible) and not self.is_merged

    @property
    def is_fitted(self) -> bool:
        """Whether temperatures may be fitted on it."""
        return self.is_full and self.name not in UNLIKE

    @property
    def lang(self) -> str:
        """The language of most rows."""
        return Counter(row.lang for row in self.rows).most_common(1)[0][0] if self.rows else ""

    @property
    def gold(self) -> IntArray:
        """Labels, shape (n_rows,)."""
        return np.array([row.label for row in self.rows], dtype=np.int64)

    @property
    def groups(self) -> IntArray:
        """Equal numbers for equal texts, shape (n_rows,)."""
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(text_key(row.text), len(numbers)) for row in self.rows], dtype=np.int64)

    @property
    def has_targets(self) -> bool:
        """Whether labels of this set are about targets."""
        return any(row.target for row in self.rows)

    def with_rows(self, rows: Sequence[Row]) -> "LabelledSet":
        """Other rows under the same labels."""
        return replace(self, rows=tuple(rows))


def labelled_set(name: str, rows: Sequence[Row], is_merged: bool = False, is_masked: bool = True) -> LabelledSet:
    """A set with the labels that occur in it; without `is_masked` any label may be answered and be wrong."""
    possible = classes(rows) if is_masked and not is_merged else (True,) * len(LABELS)
    return LabelledSet(name, tuple(rows), possible, is_merged)


def mean_sets(sets: Sequence[LabelledSet]) -> list[LabelledSet]:
    """The sets that a mean is over: those of THREE that are there, or else all with three labels."""
    return [one for one in sets if one.name in THREE] or [one for one in sets if one.is_full]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a scorer says of one set; rows in the set's order.

    Attributes:
        raw: probabilities of the three labels, shape (n_rows, 3).
        probabilities: the same over the labels that the set has. labels: the answers, shape (n_rows,).
    """

    of: LabelledSet
    raw: FloatArray
    probabilities: FloatArray = field(init=False)
    labels: IntArray = field(init=False)

    def __post_init__(self) -> None:
        probabilities, labels = _read(self.raw, self.of)
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "labels", labels)

    @property
    def is_right(self) -> BoolArray:
        """Whether each answer is the label, shape (n_rows,)."""
        found: BoolArray = self.labels == self.of.gold
        return found

    @property
    def confidence(self) -> FloatArray:
        """The probability of each answer, shape (n_rows,)."""
        found: FloatArray = self.probabilities[np.arange(len(self.labels)), self.labels]
        return found

    @property
    def negative(self) -> FloatArray:
        """The probability of negative, shape (n_rows,)."""
        found: FloatArray = self.probabilities[:, NEGATIVE]
        return found


def _read(raw: FloatArray, of: LabelledSet) -> tuple[FloatArray, IntArray]:
    if of.is_merged:
        labels = raw.argmax(axis=1)
        rest = raw[:, NEUTRAL] + raw[:, POSITIVE]
        merged = np.stack([raw[:, NEGATIVE], rest, np.zeros(len(raw))], axis=1)
        return merged, np.where(labels == POSITIVE, NEUTRAL, labels)
    masked = np.where(np.array(of.possible), raw, 0.0)
    masked = masked / np.maximum(masked.sum(axis=1, keepdims=True), 1e-12)
    return masked, masked.argmax(axis=1)


class RememberingScorer:
    """Asks a scorer about each pair once, however often it is judged, and shows how far it is."""

    def __init__(self, scorer: PairScorer, title: str) -> None:
        self._scorer = scorer
        self._title = title
        self._known: dict[Pair, tuple[float, float, float]] = {}

    @property
    def name(self) -> str:
        """The scorer's own name."""
        return self._scorer.name

    def probabilities(self, rows: Sequence[Row]) -> FloatArray:
        """Probabilities of the three labels, shape (n_rows, 3)."""
        pairs = [Pair(row.text, row.target, row.lang or None) for row in rows]
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        is_short = len(new) <= _CHUNK
        bar = tqdm(total=len(new), desc=self._title, unit=" pairs", leave=False, disable=True if is_short else None)
        for start in range(0, len(new), _CHUNK):
            chunk = new[start : start + _CHUNK]
            for pair, one in zip(chunk, self._scorer.score(chunk), strict=True):
                self._known[pair] = (one.negative, one.neutral, one.positive)
            bar.update(len(chunk))
        bar.close()
        return np.array([self._known[pair] for pair in pairs], dtype=np.float64).reshape(-1, len(LABELS))

    def answers(self, of: LabelledSet) -> Answers:
        """The answers to a set."""
        return Answers(of, self.probabilities(of.rows))


def has_target(rows: Sequence[Row]) -> BoolArray:
    """Whether each row has a target that its text names: what decides which temperature holds, shape (n_rows,)."""
    return np.array(
        [bool(row.target and find_mentions(normalise(row.text), row.target)) for row in rows], dtype=np.bool_
    )


def first_half(rows: Sequence[Row]) -> BoolArray:
    """Two halves by text, for what is fitted on one and judged on the other, shape (n_rows,)."""
    return np.array([fraction(row.text, "halves") < 0.5 for row in rows], dtype=np.bool_)
