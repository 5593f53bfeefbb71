"""One row of a data set in the project's schema, and how published labels become the three of the product."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from models.corpus.rows import DataError

EDGE = 0.1
"""Scores in [-EDGE, EDGE) are neutral: the cut that is usual for FiQA."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row as it is written. Attributes as the keys in docs/data.md."""

    text: str
    label: str | None
    score: float | None
    entity: str | None
    lang: str
    source: str
    id: str

    def line(self) -> str:
        """The row as a line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def collapsed(value: object) -> str:
    """Text with runs of white space made one space."""
    return " ".join(str(value if value is not None else "").split())


def mapped(value: object, labels: Mapping[str, str], where: str) -> str:
    """The label that a published one stands for. Raises: DataError: it stands for none."""
    key = str(value).strip().lower()
    key = key[:-2] if key.endswith(".0") else key  # a table that was saved once more shows 1 as 1.0
    if key not in labels:
        raise DataError(f"{where}: the label {value!r} is none of {', '.join(labels)}")
    return labels[key]


def cut(score: float) -> str:
    """The label of a score in [-1, 1]."""
    return "negative" if score < -EDGE else "neutral" if score < EDGE else "positive"


def scored(value: object, where: str) -> float:
    """A published score. Raises: DataError: no number in [-1, 1]."""
    try:
        score = float(str(value))
    except ValueError as error:
        raise DataError(f"{where}: the score {value!r} is no number") from error
    if not -1 <= score <= 1:
        raise DataError(f"{where}: the score {value!r} is not in [-1, 1]")
    return score
