"""Folders of data sets: which sets a folder holds, one file each."""

from pathlib import Path

from models.corpus.rows import NO_LABEL, SUFFIXES, DataError, Row, read_rows, set_name


def data_files(folder: Path) -> dict[str, Path]:
    """The data sets of a folder by name, in order of name. Raises: DataError: there are none."""
    found: dict[str, Path] = {}
    for suffix in SUFFIXES:  # A set that is there twice is read from its first form, as training reads it.
        for path in folder.glob(f"*{suffix}"):
            found.setdefault(set_name(path), path)
    if not found:
        raise DataError(f"{folder} holds no {', '.join(SUFFIXES)} file: name the folder of the data sets with --data")
    return dict(sorted(found.items()))


def labelled_rows(path: Path) -> list[Row]:
    """The rows of a file that have a label. Raises: DataError."""
    return [row for row in read_rows(path) if row.label != NO_LABEL]
