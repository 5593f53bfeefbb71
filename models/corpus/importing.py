"""Writing a user's copy of a data set in the project's schema."""

import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from models.corpus.rows import DataError
from models.corpus.sample import Sample


@dataclass(slots=True)
class Told:
    """What was written. labels: rows by label; empty: rows without a text, which are left out."""

    labels: Counter[str] = field(default_factory=Counter)
    empty: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {label}" for label, count in sorted(self.labels.items()))
        return f"{self.labels.total():,} rows: {counts or 'none'}; {self.empty:,} without a text left out"


def write_samples(samples: Iterable[Sample], out: Path) -> Told:
    """Write JSON lines, gzipped where the name says so; whole or not at all, the same bytes for the same rows.

    Raises: DataError: no row has a text, or two rows have one id.
    """
    told, ids, lines = Told(), set[str](), []
    for sample in samples:
        if not sample.text:
            told.empty += 1
            continue
        if sample.id in ids:
            raise DataError(f"{sample.id}: two rows have this id; is a file there twice?")
        ids.add(sample.id)
        told.labels[sample.label or "without a label"] += 1
        lines.append(sample.line())
    if not lines:
        raise DataError(f"{out}: not written, because no row has a text")
    content = "".join(lines).encode()
    partial = out.with_name(f"{out.name}.partial")
    partial.write_bytes(gzip.compress(content, mtime=0) if out.name.endswith(".gz") else content)
    partial.replace(out)
    return told
