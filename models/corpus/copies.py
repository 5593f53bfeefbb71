"""A user's own copy of a published data set: a file, a folder or an archive, as text, as tables or as JSON.

Forms are told apart by how a name ends: .txt, .csv, .tsv, .json, .jsonl, each also gzipped or inside a .zip, and .xlsx.
What a table's columns must be is declared by who reads it; a copy with other columns is refused, because repackaged
copies change label numbers too.
"""

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.corpus.rows import DataError
from models.corpus.sheets import read_sheet

ENDINGS = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xlsx")
_PARQUET = """save it as JSON lines, for example with pandas: \
read_parquet("{0}").to_json("{0}.jsonl", orient="records", lines=True, force_ascii=False)"""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns.

    Attributes:
        needed: all of these. known: what may be there too.
    """

    needed: tuple[str, ...]
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a copy. name: its last name, without .gz."""

    name: str
    data: bytes

    def text(self, encodings: Sequence[str] = ("utf-8-sig",)) -> str:
        """The file as text, by the first encoding that fits. Raises: DataError: none does."""
        for encoding in encodings:
            try:
                return self.data.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise DataError(f"{self.name}: is in none of the encodings {', '.join(encodings)}")

    def json(self) -> Any:
        """The file as one JSON value. Raises: DataError."""
        try:
            return json.loads(self.text())
        except json.JSONDecodeError as error:
            raise DataError(f"{self.name}, line {error.lineno}: not JSON ({error.msg})") from error


def parts(path: Path, endings: Sequence[str] = ENDINGS) -> list[Part]:
    """The files of a copy with one of the endings, in order of name. Raises: DataError: there is none."""
    try:
        found = [part for part in _all(path) if part.name.lower().endswith(tuple(endings))]
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); is it whole?") from error
    if not found and str(path).endswith(".parquet"):
        raise DataError(f"{path}: Parquet is not read; {_PARQUET.format(path.name)}")
    if not found:
        raise DataError(f"{path}: holds no file that ends with {', '.join(endings)}")
    return found


def _all(path: Path) -> Iterator[Part]:
    if path.is_dir():
        for inner in sorted(path.rglob("*")):
            if inner.is_file():
                yield from _all(inner)
    elif path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                # A copy made on a Mac carries a shadow of each file.
                if not name.endswith("/") and "__MACOSX" not in name:
                    yield _part(name, archive.read(name))
    else:
        yield _part(path.name, path.read_bytes())


def _part(name: str, data: bytes) -> Part:
    name = name.rsplit("/", 1)[-1]
    return Part(name[:-3], gzip.decompress(data)) if name.endswith(".gz") else Part(name, data)


def records(
    part: Part, forms: Sequence[Columns], encodings: Sequence[str] = ("utf-8-sig",)
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number from 0, row by column) of a table or of JSON objects. Raises: DataError: its columns are of no form."""
    number, seen = -1, None
    for number, record in enumerate(_records(part, encodings)):
        where = f"{part.name}, row {number + 1}"
        if None in record:
            raise DataError(f"{where}: has more values than columns; quote values that hold commas")
        if (columns := tuple(record)) != seen:  # JSON objects may each have their own
            _check(where, columns, forms)
            seen = columns
        yield number, record
    if number < 0:
        raise DataError(f"{part.name}: holds no rows")


def _records(part: Part, encodings: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    name = part.name.lower()
    if name.endswith(".xlsx"):
        yield from read_sheet(part.name, part.data)
    elif name.endswith((".csv", ".tsv")):
        delimiter = "\t" if name.endswith(".tsv") else ","
        try:
            yield from csv.DictReader(io.StringIO(part.text(encodings), newline=""), delimiter=delimiter)
        except csv.Error as error:
            raise DataError(f"{part.name}: no table ({error})") from error
    elif name.endswith(".jsonl"):
        for number, line in enumerate(part.text(encodings).splitlines(), 1):
            try:
                yield _object(part.name, number, json.loads(line))
            except json.JSONDecodeError as error:
                raise DataError(f"{part.name}, line {number}: not JSON ({error.msg})") from error
    else:
        content = part.json()
        if not isinstance(content, list):
            raise DataError(f"{part.name}: must be a list of objects")
        for number, one in enumerate(content, 1):
            yield _object(part.name, number, one)


def _object(name: str, number: int, one: Any) -> Mapping[str, Any]:
    if not isinstance(one, dict):
        raise DataError(f"{name}, row {number}: no object with named values")
    return one


def _check(where: str, columns: Sequence[str], forms: Sequence[Columns]) -> None:
    found = set(columns)
    for form in forms:
        if set(form.needed) <= found <= {*form.needed, *form.known, ""}:
            return
    wanted = " or ".join(", ".join(form.needed) for form in forms)
    raise DataError(
        f"{where}: has the columns {', '.join(sorted(found)) or 'none'}, wanted are {wanted}; "
        "if this is a repackaged copy, check its labels and write text and label into a CSV of your own (docs/data.md)"
    )
