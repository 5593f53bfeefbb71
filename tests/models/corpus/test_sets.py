"""Which data sets a folder holds. All texts are invented."""

import gzip
import json
from pathlib import Path

import pytest

from models.corpus.rows import DataError
from models.corpus.sets import data_files, labelled_rows


def test_sets_of_every_form_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.csv", "a.jsonl.gz", "c.jsonl", "notes.txt", "docs.json"):
        (tmp_path / name).touch()
    assert {name: path.name for name, path in data_files(tmp_path).items()} == {
        "a": "a.jsonl.gz",
        "b": "b.csv",
        "c": "c.jsonl",
    }
    assert list(data_files(tmp_path)) == ["a", "b", "c"]


def test_set_that_is_there_twice_is_read_from_the_form_that_training_reads(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl.gz"):
        (tmp_path / name).touch()
    assert data_files(tmp_path)["a"].name == "a.jsonl.gz"


def test_folder_without_data_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name the folder of the data sets with --data"):
        data_files(tmp_path)


def test_rows_without_a_label_are_passed_over(tmp_path: Path) -> None:
    rows = [{"text": "Fraud at Hexley", "label": "negative", "lang": "en"}, {"text": "Hexley", "label": None}]
    path = tmp_path / "made.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    [row] = labelled_rows(path)
    assert (row.text, row.target, row.label, row.lang, row.source) == ("Fraud at Hexley", "", 0, "en", "made")
