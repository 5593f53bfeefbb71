"""The first sheet of an Excel file as rows by column name: only what a data set needs, by the standard library.

Deliberately left out: dates, formulas, formats, further sheets.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from models.corpus.rows import DataError

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET, _STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def read_sheet(name: str, data: bytes) -> Iterator[Mapping[str, str]]:
    """Rows by the names in the first row, every value as text. Raises: DataError: no Excel file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheet = ElementTree.fromstring(archive.read(_SHEET))
            names = archive.namelist()
            strings = ElementTree.fromstring(archive.read(_STRINGS)) if _STRINGS in names else None
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise DataError(f"{name}: no Excel file that can be read ({error}); save it as CSV in UTF-8") from error
    shared = [_text(one) for one in strings.iter(f"{_MAIN}si")] if strings is not None else []
    columns: dict[str, str] = {}
    for row in sheet.iter(f"{_MAIN}row"):
        cells = {_column(cell): _value(cell, shared) for cell in row.iter(f"{_MAIN}c")}
        if not columns:
            columns = {place: value.strip() for place, value in cells.items() if value.strip()}
        elif any(cells.values()):
            yield {title: cells.get(place, "") for place, title in columns.items()}


def _column(cell: ElementTree.Element) -> str:
    """The letters of a cell's place: `B` of `B7`."""
    return re.sub(r"\d", "", cell.get("r", ""))


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind = cell.get("t")
    if kind == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{_MAIN}v") or ""
    return shared[int(value)] if kind == "s" and value else value


def _text(element: ElementTree.Element) -> str:
    return "".join(one.text or "" for one in element.iter(f"{_MAIN}t"))
