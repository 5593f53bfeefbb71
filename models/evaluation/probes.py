"""Plain sentences of our own, never trained on: disasters that must be called negative, and harmless news."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.corpus.rows import DataError, Row
from models.evaluation.answers import RememberingScorer
from models.labels import NEGATIVE, NEUTRAL

PROBES = Path(__file__).resolve().parent.parent / "probes"
_COLUMNS = ("id", "lang", "kind", "target", "text")
_KINDS = ("disaster", "harmless")


@dataclass(frozen=True, slots=True)
class ProbeFigures:
    """Sentences of one language and kind.

    Attributes:
        negative: share called negative with the target given. negative_without: without it.
        at_threshold, at_threshold_without: share whose p(negative) reaches the threshold.
        wrong: ids of those answered wrongly in either form.
    """

    lang: str
    kind: str
    count: int
    negative: float
    negative_without: float
    at_threshold: float
    at_threshold_without: float
    wrong: tuple[str, ...]


def read_probes(folder: Path = PROBES) -> dict[tuple[str, str], list[Row]]:
    """Rows by (language, kind). Raises: DataError: names the file and the line."""
    found: dict[tuple[str, str], list[Row]] = {}
    for kind in _KINDS:
        for path in sorted(folder.glob(f"*_{'disasters' if kind == 'disaster' else kind}.tsv")):
            with path.open(encoding="utf-8", newline="") as lines:
                reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
                for number, line in enumerate(reader, 2):
                    if tuple(line) != _COLUMNS or None in line.values() or line["kind"] != kind:
                        columns = ", ".join(_COLUMNS)
                        raise DataError(f"{path}, line {number}: the columns are {columns}, and kind is {kind}")
                    label = NEGATIVE if kind == "disaster" else NEUTRAL
                    row = Row(line["text"], line["target"], label, line["lang"], "probes", line["id"])
                    found.setdefault((row.lang, kind), []).append(row)
    return found


def judge_probes(
    scorer: RememberingScorer, probes: dict[tuple[str, str], list[Row]], threshold: float
) -> list[ProbeFigures]:
    """The figures of each language and kind."""
    return [_judge(scorer, lang, kind, rows, threshold) for (lang, kind), rows in sorted(probes.items())]


def _judge(scorer: RememberingScorer, lang: str, kind: str, rows: Sequence[Row], threshold: float) -> ProbeFigures:
    given = scorer.probabilities(rows)
    without = scorer.probabilities([Row(row.text, "", row.label, row.lang, row.source, row.id) for row in rows])
    called = given.argmax(axis=1) == NEGATIVE, without.argmax(axis=1) == NEGATIVE
    is_bad = kind == "disaster"
    wrong = (called[0] != is_bad) | (called[1] != is_bad)
    return ProbeFigures(
        lang,
        kind,
        len(rows),
        float(called[0].mean()),
        float(called[1].mean()),
        float((given[:, NEGATIVE] >= threshold).mean()),
        float((without[:, NEGATIVE] >= threshold).mean()),
        tuple(row.id for row, is_wrong in zip(rows, wrong, strict=True) if is_wrong),
    )
