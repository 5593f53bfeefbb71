"""From data sets to the rows of a run: splits, which labels a set may answer, and a teacher's answers."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from models.corpus.rows import NO_LABEL, DataError, Row, classes, find_set, read_rows
from models.corpus.split import is_development, split
from models.labels import LABELS
from models.training.settings import TrainSettings

ALL_POSSIBLE = (True, True, True)

SoftRow = tuple[Row, tuple[float, ...]]
"""A text with a teacher's logits."""


@dataclass(slots=True)
class Prepared:
    """The rows of a run.

    Attributes:
        possible: by source, which labels an answer may have.
        soft: texts with a teacher's logits.
    """

    training: list[Row]
    development: list[Row]
    possible: dict[str, tuple[bool, ...]]
    soft: list[SoftRow]


def prepare(settings: TrainSettings) -> Prepared:
    """Read and split everything that a run needs. Raises: DataError."""
    rows: list[Row] = []
    possible: dict[str, tuple[bool, ...]] = {}
    for name, source in settings.sources.items():
        path = source.path or find_set(settings.data, name)
        found = [replace(row, source=name) for row in read_rows(path) if row.label != NO_LABEL]
        if not found:
            raise DataError(f"{path}: holds no row with a label; leave it out of `sources`")
        possible[name] = classes(found) if source.absent == "masked" else ALL_POSSIBLE
        rows += found
    training, development = split(rows, settings.development)
    for part, name in ((training, "training"), (development, "development")):
        if not part:
            raise DataError(f"{settings.data}: too few texts, none is left for {name}; change `development`")
    soft = [] if settings.soft.path is None else read_soft(settings.soft.path)
    # A teacher's answer to a development text would be an answer key: such rows are never read.
    return Prepared(training, development, possible, [
        one for one in soft if not is_development(one[0].text, settings.development)
    ])


def read_soft(path: Path) -> list[SoftRow]:
    """A file of `python -m models.train --label`. Raises: DataError: names the line and what is wrong with it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"soft.path: {path} cannot be read ({error.strerror}); make it with --label") from error
    return list(_soft(path, lines))


def _soft(path: Path, lines: list[str]) -> Iterator[SoftRow]:
    for number, line in enumerate(lines):
        try:
            one = json.loads(line)
            row = Row(one["text"], one["target"], NO_LABEL, one["lang"], "soft", str(number))
            logits = tuple(float(value) for value in one["logits"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}, line {number + 1}: no row of `models.train --label` ({error!r})") from error
        if len(logits) != len(LABELS) or not all(map(math.isfinite, logits)):
            raise DataError(f"{path}, line {number + 1}: `logits` must be {len(LABELS)} finite numbers")
        yield row, logits
