"""Labelled and unlabelled rows: what training and evaluation read, whatever file they come from.

Three shapes, told apart by the file's name: gzipped or plain JSON lines, and CSV with a line of column names. The
keys are those of `docs/data.md`: text, label, entity (or target), lang, source, id. Only `text` is required.
"""

import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.labels import LABELS

NO_LABEL = -1
SUFFIXES = (".jsonl.gz", ".jsonl", ".csv")


class DataError(ValueError):
    """A data file that cannot be used; the message names the file, the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its target and label.

    Attributes:
        target: what the label is about; empty for the text as a whole.
        label: index into `labels.LABELS`, or NO_LABEL.
        source: the data set, by its file's name.
    """

    text: str
    target: str
    label: int
    lang: str
    source: str
    id: str


def set_name(path: Path) -> str:
    """The name of a data set: its file's name without the suffix."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    raise DataError(f"{path}: the name must end with {', '.join(SUFFIXES)}")


def find_set(folder: Path, name: str) -> Path:
    """The file of a data set. Raises: DataError: there is none."""
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.exists():
            return path
    raise DataError(f"{folder} holds no {name}.jsonl.gz, .jsonl or .csv; docs/data.md says where each set comes from")


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of one file. Raises: DataError: names the row and what is wrong with it."""
    name = set_name(path)
    for number, record in enumerate(read_records(path), 1):
        yield _row(record, name, number, f"{path}, row {number}")


def read_records(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of one file as their keys. Raises: DataError: names the line that cannot be read."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        yield from _csv(path) if path.name.endswith(".csv") else _json_lines(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}); is it whole?") from error


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if "text" not in (reader.fieldnames or ()):
            found = ", ".join(reader.fieldnames or ()) or "none"
            raise DataError(f"{path}: the first line must name the columns, `text` among them; it names {found}")
        for number, record in enumerate(reader, 1):
            if None in record:
                raise DataError(f"{path}, row {number}: has more values than columns; quote values that hold commas")
            yield record


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    is_zipped = path.name.endswith(".gz")
    with gzip.open(path, "rt", encoding="utf-8") if is_zipped else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{path}, line {number}: not JSON ({error.msg})") from error
            if not isinstance(record, dict):
                raise DataError(f"{path}, line {number}: no JSON object; a line looks like {{\"text\": ...}}")
            yield record


def _row(record: Mapping[str, Any], name: str, number: int, where: str) -> Row:
    text = record.get("text")
    if not isinstance(text, str):
        raise DataError(f"{where}: the key `text` is missing or no string")
    label = record.get("label")
    if label in (None, ""):
        index = NO_LABEL
    elif label in LABELS:
        index = LABELS.index(label)
    else:
        raise DataError(f"{where}: the label {label!r} is none of {', '.join(LABELS)}, nor empty")
    target = record.get("entity") or record.get("target") or ""
    # Without an id the row's number stands in: draws depend on ids, and a folder may move.
    return Row(text, str(target), index, str(record.get("lang") or ""), name, str(record.get("id") or number))


def text_key(text: str) -> str:
    """What equal texts share: lower case, letters and digits only."""
    return "".join(mark for mark in text.lower() if mark.isalnum())


def fraction(text: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on the text alone: equal texts fall on one side of any split."""
    digest = hashlib.blake2b((salt + text_key(text)).encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def classes(rows: Sequence[Row]) -> tuple[bool, ...]:
    """Which labels occur in some rows, in label order."""
    present = {row.label for row in rows}
    return tuple(index in present for index in range(len(LABELS)))
