"""The rows of an evaluation: which sets, which side of the split, how many."""

from collections.abc import Sequence
from pathlib import Path

from models.corpus.rows import DataError, Row, fraction
from models.corpus.sets import data_files, labelled_rows
from models.corpus.split import is_development, split
from models.evaluation.answers import MERGED, LabelledSet, labelled_set

DEVELOPMENT_RATIO = 0.08
"""The ratio of the shipped checkpoints' training: by another one they would be judged on rows that they know."""


class Material:
    """The named sets of a folder, parted as a training run of the same ratio parts them."""

    def __init__(
        self,
        folder: Path,
        names: Sequence[str] = (),
        merged: Sequence[str] = (),
        is_masked: bool = True,
        ratio: float | None = DEVELOPMENT_RATIO,
        sample: int | None = None,
    ) -> None:
        """Read them.

        Args:
            names: of sets; empty for all. merged: names of those whose neutral means "not negative", beside MERGED.
            is_masked: False allows every answer in every set.
            ratio: of development rows; None judges every row, and leaves none to train on.
            sample: about so many rows of each set are kept on either side, equal texts together; None keeps all.
        Raises: DataError: a name that the folder does not hold, or no labelled row.
        """
        files = data_files(folder)
        if unknown := [name for name in names if name not in files]:
            raise DataError(f"--sets: {folder} holds no {', '.join(unknown)}; it has {', '.join(files)}")
        joined = MERGED | set(merged) if is_masked else frozenset()
        self._sets: dict[str, LabelledSet] = {}
        for name in names or files:
            if rows := labelled_rows(files[name]):
                self._sets[name] = labelled_set(name, rows, name in joined, is_masked)
        if not self._sets:
            raise DataError(f"{folder}: no row of {', '.join(names or files)} has a label")
        self._ratio = ratio
        self._sample = sample
        self._training: list[LabelledSet] | None = None

    def judged(self) -> tuple[LabelledSet, ...]:
        """The development rows of each set, or all. Raises: DataError: there are none."""
        ratio = self._ratio
        kept = [
            one.with_rows(self._some([row for row in one.rows if ratio is None or is_development(row.text, ratio)]))
            for one in self._sets.values()
        ]
        if not any(one.rows for one in kept):
            raise DataError(f"--development {ratio}: no row is left to judge; raise it, or use --all")
        return tuple(one for one in kept if one.rows)

    def training(self) -> Sequence[LabelledSet]:
        """The other rows of each set, without near copies of development rows. Raises: DataError: all are judged."""
        if self._ratio is None:
            raise DataError("every row is judged, so none is left to train on: use --development instead of --all")
        if self._training is None:
            kept: dict[str, list[Row]] = {}
            for lang in dict.fromkeys(one.lang for one in self._sets.values()):
                rows = [row for one in self._sets.values() if one.lang == lang for row in self._some(one.rows)]
                for row in split(rows, self._ratio)[0]:
                    kept.setdefault(row.source, []).append(row)
            self._training = [self._sets[name].with_rows(rows) for name, rows in kept.items()]
        return self._training

    def _some(self, rows: Sequence[Row]) -> Sequence[Row]:
        if self._sample is None or len(rows) <= self._sample:
            return rows
        limit = sorted(fraction(row.text, "sample") for row in rows)[self._sample - 1]
        return [row for row in rows if fraction(row.text, "sample") <= limit]
