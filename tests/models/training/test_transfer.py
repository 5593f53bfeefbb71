import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corpus.rows import read_rows, text_key
from models.corpus.split import is_development
from models.text import find_mentions, normalise
from models.training.transfer import main, shares
from tests.models.training.tiny import write_rows

RATIO = 0.2
LONG = (
    "Hexley said on Monday that its pulp mill in Sardis would close for repairs and that deliveries to customers of "
    "its paper division would go on from stock, with no effect on the forecast for the whole year, until the end of {}"
)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 500), min_size=1, max_size=6), st.integers(0, 1_500))
def test_shares_are_even_until_a_source_is_used_up(counts: dict[str, int], wanted: int) -> None:
    found = shares(counts, wanted)
    assert sum(found.values()) == min(wanted, sum(counts.values()))
    assert all(0 <= found[name] <= count for name, count in counts.items())
    most = max(found.values())
    assert all(found[name] >= most - 1 or found[name] == count for name, count in counts.items())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"text": f"Hexley opens branch {source} {number}", "lang": "en", "source": source}
        for source, count in (("large", 200), ("small", 20))
        for number in range(count)
    ]
    copies = [f"hexley OPENS branch large {number}! http://x.y/z" for number in range(9)]
    rows += [{"text": text, "lang": "en", "source": "copy"} for text in [*copies, "too short"]]
    write_rows(tmp_path / "unlabelled_en.jsonl", rows)
    write_rows(tmp_path / "own.jsonl", [{"text": "Mirtal falls", "label": "negative", "lang": "en"}])
    return tmp_path


def draw(folder: Path, *more: str) -> list[dict[str, str]]:
    out = folder / "out" / "texts.jsonl"
    out.parent.mkdir(exist_ok=True)
    arguments = ["--data", str(folder), "--out", str(out), "--development", str(RATIO), "--sample", "60", *more]
    assert main(arguments) == 0
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_sources_are_balanced_texts_are_unlike_and_none_is_kept_for_development(folder: Path) -> None:
    rows = draw(folder)
    counts = Counter(row["source"] for row in rows)
    assert len(rows) == 60
    assert counts["small"] > 10
    assert counts["large"] == 60 - counts["small"]
    assert len({text_key(normalise(row["text"])) for row in rows}) == len(rows)
    assert not any(is_development(normalise(row["text"]), RATIO) for row in rows)


def test_target_is_named_by_the_text_in_about_half_of_the_rows(folder: Path) -> None:
    rows = draw(folder)
    named = [row for row in rows if row["target"]]
    assert 0.3 < len(named) / len(rows) < 0.7
    assert all(find_mentions(normalise(row["text"]), row["target"]) for row in named)


def test_drawing_is_fixed_by_the_seed_and_reads_back(folder: Path) -> None:
    rows = draw(folder)
    assert draw(folder) == rows
    assert draw(folder, "--seed", "2") != rows
    assert [row.text for row in read_rows(folder / "out" / "texts.jsonl")] != [row["text"] for row in rows]


def test_near_copies_of_development_texts_are_left_out(folder: Path) -> None:
    months = ("March", "April", "May", "June", "July", "August", "autumn", "winter", "spring", "summer")
    kept = [text for text in map(LONG.format, months) if is_development(text, RATIO)]
    others = [text for text in map(LONG.format, months) if text not in kept]
    assert kept
    write_rows(folder / "own.jsonl", [{"text": text, "label": "neutral", "lang": "en"} for text in kept])
    rows = [json.loads(line) for line in (folder / "unlabelled_en.jsonl").read_text(encoding="utf-8").splitlines()]
    write_rows(folder / "unlabelled_en.jsonl", [*rows, *({"text": text, "lang": "en"} for text in others)])
    assert not {row["text"] for row in draw(folder, "--sample", "900")} & set(others)


def test_missing_set_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(folder), "--out", str(folder / "out.jsonl"), "--sets", "unlabelled_zh"]) == 2
    assert "holds no unlabelled_zh.jsonl.gz" in capsys.readouterr().err
