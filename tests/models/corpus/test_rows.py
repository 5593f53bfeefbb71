import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from models.corpus.rows import NO_LABEL, DataError, Row, classes, find_set, fraction, read_rows, set_name, text_key

RECORDS: list[dict[str, Any]] = [
    {"text": "Hexley cuts its dividend", "label": "negative", "entity": "Hexley", "lang": "en", "id": "a"},
    {"text": "Orvane opens an office, in Lund", "label": "neutral", "entity": None, "lang": "en", "id": "b"},
    {"text": "No opinion here", "label": None, "entity": "", "lang": "en", "id": "c"},
]
ROWS = [
    Row("Hexley cuts its dividend", "Hexley", 0, "en", "own", "a"),
    Row("Orvane opens an office, in Lund", "", 1, "en", "own", "b"),
    Row("No opinion here", "", NO_LABEL, "en", "own", "c"),
]


def write(path: Path, content: str) -> Path:
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(content.encode()))
    else:
        path.write_text(content, encoding="utf-8")
    return path


def lines() -> str:
    return "\n".join(json.dumps(record) for record in RECORDS) + "\n\n"


def test_the_same_rows_come_from_json_lines_zipped_or_not_and_from_csv(tmp_path: Path) -> None:
    assert list(read_rows(write(tmp_path / "own.jsonl", lines()))) == ROWS
    assert list(read_rows(write(tmp_path / "own.jsonl.gz", lines()))) == ROWS
    path = tmp_path / "own.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label", "entity", "lang", "id"])
        writer.writeheader()
        writer.writerows(RECORDS)
    assert list(read_rows(path)) == ROWS


def test_csv_as_a_spreadsheet_saves_it_needs_only_the_text(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("\ufefftext,label\nHexley falls,negative\n".encode())
    assert list(read_rows(path)) == [Row("Hexley falls", "", 0, "", "own", "1")]


def test_target_may_be_called_target_too(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", '{"text": "Hexley falls", "target": "Hexley"}\n')
    assert [row.target for row in read_rows(path)] == ["Hexley"]


def test_row_without_an_id_is_known_by_its_number_wherever_its_folder_lies(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
        write(folder / "own.jsonl", '{"text": "a"}\n{"text": "b"}\n')
    assert list(read_rows(first / "own.jsonl")) == list(read_rows(second / "own.jsonl"))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("own.jsonl", '{"text": "a"}\nno json\n', "line 2: not JSON"),
        ("own.jsonl", '["a"]\n', "line 1: no JSON object"),
        ("own.jsonl", '{"txt": "a"}\n', "row 1: the key `text` is missing"),
        ("own.jsonl", '{"text": 7}\n', "row 1: the key `text` is missing or no string"),
        ("own.jsonl", '{"text": "a", "label": "Positive"}\n', "the label 'Positive' is none of negative, neutral"),
        ("own.csv", "sentence,label\na,negative\n", "`text` among them; it names sentence, label"),
        ("own.csv", "text,label\na,negative,b\n", "row 1: has more values than columns"),
        ("own.csv", "", "it names none"),
    ],
)
def test_fault_is_told_with_its_place(tmp_path: Path, name: str, content: str, told: str) -> None:
    with pytest.raises(DataError) as error:
        list(read_rows(write(tmp_path / name, content)))
    assert told in str(error.value)
    assert str(tmp_path / name) in str(error.value)


# Names of their own: gzip writes the time into its header, and the workers of a suite must collect equal names.
@pytest.mark.parametrize(
    "content",
    [b"\x1f\x8b broken", gzip.compress(b'{"text": "a"}\n' * 99)[:-9], b"plain"],
    ids=["broken", "cut off", "not packed"],
)
def test_damaged_archive_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        list(read_rows(path))


def test_other_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("text\ncaf\u00e9\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8"):
        list(read_rows(path))


def test_missing_file_and_other_ending_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        list(read_rows(tmp_path / "own.jsonl"))
    with pytest.raises(DataError, match="the name must end with"):
        set_name(tmp_path / "own.parquet")
    with pytest.raises(DataError, match=r"holds no fiqa\.jsonl\.gz"):
        find_set(tmp_path, "fiqa")


def test_set_is_found_in_any_form(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "text\na\n")
    assert find_set(tmp_path, "own") == path


def test_equal_texts_have_one_key_and_one_fraction() -> None:
    assert text_key("Hexley's  profit: UP!") == text_key("hexleys profit up")
    assert fraction("Profit UP!") == fraction("profit up")
    assert fraction("profit up", "a") != fraction("profit up", "b")
    assert 0 <= fraction("\ud800") < 1  # half a character, as JSON can hold it


def test_classes_are_those_that_occur() -> None:
    assert classes(ROWS[:1]) == (True, False, False)
    assert classes(ROWS) == (True, True, False)
