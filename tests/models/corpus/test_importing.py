from pathlib import Path

import pytest

from models.corpus.importing import write_samples
from models.corpus.rows import DataError, Row, read_rows
from models.corpus.sample import Sample


def sample(text: str, label: str | None, name: str) -> Sample:
    return Sample(text, label, None, None, "en", "own", name)


SAMPLES = [sample("Hexley falls", "negative", "a"), sample("", "neutral", "b"), sample("A talk", None, "c")]


@pytest.mark.parametrize("name", ["own.jsonl", "own.jsonl.gz"])
def test_what_is_written_reads_back(tmp_path: Path, name: str) -> None:
    told = write_samples(SAMPLES, tmp_path / name)
    assert str(told) == "2 rows: 1 negative, 1 without a label; 1 without a text left out"
    assert list(read_rows(tmp_path / name)) == [
        Row("Hexley falls", "", 0, "en", "own", "a"),
        Row("A talk", "", -1, "en", "own", "c"),
    ]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.jsonl.gz", "two.jsonl.gz"):
        write_samples(SAMPLES, tmp_path / name)
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()


def test_a_file_that_is_there_twice_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a: two rows have this id"):
        write_samples([SAMPLES[0], SAMPLES[0]], tmp_path / "own.jsonl")
    with pytest.raises(DataError, match="no row has a text"):
        write_samples(SAMPLES[1:2], tmp_path / "own.jsonl")
    assert list(tmp_path.iterdir()) == []
