"""Hand-labelled posts: labels from one file, texts from another. All posts are invented."""

import gzip
import json
from pathlib import Path

import pytest

from models.corpus.rows import DataError
from models.evaluation.replay_posts import ReplayPost, agreement, read_posts, replay_set

HEADER = "id\ttarget\tlabel\tfirst\tsecond\n"


def stream(folder: Path, texts: dict[str, str]) -> Path:
    lines = [json.dumps({"id": name, "text": text, "symbols": []}) for name, text in texts.items()]
    (folder / "docs.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def test_labels_meet_their_texts_by_id(tmp_path: Path) -> None:
    path = tmp_path / "posts.tsv"
    path.write_text(HEADER + "7\tHXLY\tnegative\tneutral\tnegative\n", encoding="utf-8")
    posts = read_posts(path)
    assert posts == [ReplayPost("7", "HXLY", 0, 1, 0)]
    [row] = replay_set(posts, stream(tmp_path, {"7": "$HXLY halted", "8": "other"})).rows
    assert (row.text, row.target, row.label, row.id) == ("$HXLY halted", "HXLY", 0, "7")


def test_passes_agree_as_far_as_kappa_says() -> None:
    assert agreement([ReplayPost("1", "", 0, 0, 0), ReplayPost("2", "", 1, 1, 1)]) == 1.0
    assert agreement([ReplayPost("1", "", 0, 0, 1), ReplayPost("2", "", 1, 1, 0)]) == -1.0


@pytest.mark.parametrize("line", ["7\tHXLY\tbad\tneutral\tnegative\n", "7\tHXLY\tnegative\tneutral\n"])
def test_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "posts.tsv"
    path.write_text(HEADER + line, encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_posts(path)


def test_missing_labels_stream_and_posts_are_named(tmp_path: Path) -> None:
    posts = [ReplayPost("7", "HXLY", 0, 0, 0)]
    with pytest.raises(DataError, match=r"none.tsv: there is no such file"):
        read_posts(tmp_path / "none.tsv")
    with pytest.raises(DataError, match=r"docs.jsonl.gz: there is no such file; --replay names"):
        replay_set(posts, tmp_path)
    with pytest.raises(DataError, match="lacks 1 labelled posts, 7 for one"):
        replay_set(posts, stream(tmp_path, {"8": "other"}))
