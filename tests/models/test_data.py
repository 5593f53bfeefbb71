from pathlib import Path

import pytest

from models import data
from models.corpus.rows import Row, read_rows


def test_import_writes_the_schema_and_tells_what_the_licence_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, out = tmp_path / "Sentences_50Agree.txt", tmp_path / "fpb_50agree.jsonl.gz"
    copy.write_text("Hexley fell .@negative\n", encoding="latin-1")
    assert data.main(["import", "fpb_50agree", str(copy), "--out", str(out)]) == 0
    assert list(read_rows(out)) == [Row("Hexley fell .", "", 0, "en", "fpb_50agree", "fpb:0:agree50")]
    printed = capsys.readouterr().out
    assert "1 rows: 1 negative" in printed
    assert "CC BY-NC-SA 3.0; commercial use is forbidden" in printed


def test_import_writes_beside_the_caller_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sent_train.csv").write_text("text,label\nHexley fell,0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert data.main(["import", "tfns", "sent_train.csv"]) == 0
    assert (tmp_path / "tfns.jsonl.gz").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody", "a.csv"], "nobody: no data set of that name"),
        (["tfns", "missing.csv"], "missing.csv: cannot be read"),
        (["tfns", "a.csv", "--out", "a.parquet"], "must end with .jsonl.gz or .jsonl"),
        (["tfns", "a.csv", "--out", "nowhere/a.jsonl"], "nowhere"),
        (["tfns", "a.csv", "--out", "a.jsonl"], "has the columns sentence, tag, wanted are text, label"),
    ],
)
def test_wrong_use_ends_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    header = "text,label" if "nowhere/a.jsonl" in arguments else "sentence,tag"
    (tmp_path / "a.csv").write_text(f"{header}\nHexley fell,0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert data.main(["import", *arguments]) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.out == ""


def test_list_names_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fpb_50agree")
    assert "commercial use forbidden" in lines[0]
