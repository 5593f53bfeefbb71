"""A small Excel file, written as Excel writes it: texts shared in one table, numbers in place."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def write_sheet(path: Path, rows: Sequence[Sequence[str]], inline: bool = False) -> Path:
    """Rows of at most 26 values; empty ones are left out, as Excel does. inline: texts in place, as others write."""
    texts: list[str] = []
    lines = []
    for number, row in enumerate(rows, 1):
        cells = ""
        for letter, value in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", row, strict=False):
            if value.lstrip("-").isdigit():
                cells += f'<c r="{letter}{number}"><v>{value}</v></c>'
            elif value and inline:
                cells += f'<c r="{letter}{number}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            elif value:
                texts.append(value)
                cells += f'<c r="{letter}{number}" t="s"><v>{len(texts) - 1}</v></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    with zipfile.ZipFile(path, "w") as archive:
        sheet = f"<worksheet {_MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        if texts:
            pieces = [[escape(text[:1]), escape(text[1:])] for text in texts]  # rich text comes in pieces
            shared = "".join(f"<si><r><t>{one}</t></r><r><t>{other}</t></r></si>" for one, other in pieces)
            archive.writestr("xl/sharedStrings.xml", f"<sst {_MAIN}>{shared}</sst>")
    return path
