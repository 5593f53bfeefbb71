import gzip
import json
import zipfile
from pathlib import Path

import pytest

from models.corpus.copies import Columns, parts, records
from models.corpus.rows import DataError
from tests.models.corpus.sheet import write_sheet

FORM = (Columns(("text", "label"), ("date",)),)
ROWS = [{"text": "Hexley falls", "label": "-1"}, {"text": "Orvane, of all, rises", "label": "1"}]
CSV = 'text,label\nHexley falls,-1\n"Orvane, of all, rises",1\n'


def read(path: Path) -> list[dict[str, str]]:
    return [dict(row) for part in parts(path) for _, row in records(part, FORM)]


def test_the_same_rows_come_from_every_form(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "a.tsv").write_text("text\tlabel\nHexley falls\t-1\nOrvane, of all, rises\t1\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(ROWS), encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    write_sheet(tmp_path / "a.xlsx", [["text", "label"], *(list(row.values()) for row in ROWS)])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inner/", "")
        archive.writestr("inner/a.csv", CSV)
        archive.writestr("__MACOSX/inner/._a.csv", "rubbish")
    found = {path.name: read(path) for path in tmp_path.iterdir()}
    assert len(found) == 7
    assert all(rows == ROWS for rows in found.values())


def test_folder_is_read_in_order_of_name(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "notes.md").write_text("not this", encoding="utf-8")
    assert [part.name for part in parts(tmp_path)] == ["b.csv", "a.csv"]


@pytest.mark.parametrize("header", ["text", "text,label,sentiment", "sentence,label"])
def test_other_columns_are_refused_with_what_is_wanted(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{'x,' * header.count(',')}x\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"has the columns .*, wanted are text, label"):
        read(path)


def test_each_json_object_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + '{"text": "no label"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="row 2: has the columns text,"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b"{}", "must be a list"),
        ("a.json", b"[1]", "row 1: no object"),
        ("a.jsonl", b"{]", "line 1: not JSON"),
        ("a.csv", b"text,label\na,b,c\n", "more values than columns"),
        ("a.csv", b"text,label\n", "holds no rows"),
        ("a.csv", b"text,label\n\xff,1\n", "in none of the encodings"),
        ("a.xlsx", b"PK", "no Excel file"),
        ("a.zip", b"PK", "cannot be read"),
        ("a.csv.gz", b"PK", "cannot be read"),
        ("a.parquet", b"PAR1", "Parquet is not read; save it as JSON lines"),
        ("a.md", b"", "holds no file that ends with"),
    ],
)
def test_fault_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        read(path)


def test_missing_copy_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "nowhere.csv")
