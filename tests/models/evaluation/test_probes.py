"""Our own sentences: those that ship can be read, and what is called negative is counted."""

from pathlib import Path

import pytest

from models.corpus.rows import DataError
from models.evaluation.answers import RememberingScorer
from models.evaluation.probes import judge_probes, read_probes
from models.scorer import Pair
from tests.models.evaluation.made import MadeScorer

HEADER = "id\tlang\tkind\ttarget\ttext\n"


def test_shipped_sentences_are_as_many_as_promised_and_name_their_targets() -> None:
    probes = read_probes()
    assert {key: len(rows) for key, rows in probes.items()} == {
        ("en", "disaster"): 200,
        ("zh", "disaster"): 100,
        ("en", "harmless"): 200,
        ("zh", "harmless"): 100,
    }
    rows = [row for found in probes.values() for row in found]
    assert len({row.text for row in rows}) == len({row.id for row in rows}) == 600
    assert [row.id for row in rows if row.target not in row.text] == []


def test_share_called_negative_is_told_with_and_without_target_and_at_the_threshold(tmp_path: Path) -> None:
    lines = "en-d-1\ten\tdisaster\tHexley\tHexley collapses\nen-d-2\ten\tdisaster\tOrvane\tOrvane is wound up\n"
    (tmp_path / "en_disasters.tsv").write_text(HEADER + lines, encoding="utf-8")
    (tmp_path / "en_harmless.tsv").write_text(HEADER + "en-h-1\ten\tharmless\tHexley\tHexley meets\n", encoding="utf-8")

    def answer(pair: Pair) -> tuple[float, float, float]:
        if "collapses" in pair.text:
            return 0.9, 0.05, 0.05
        return (0.4, 0.5, 0.1) if pair.target else (0.2, 0.7, 0.1)

    scorer = RememberingScorer(MadeScorer(answer), "made")
    bad, good = judge_probes(scorer, read_probes(tmp_path), 0.3)
    assert (bad.lang, bad.kind, bad.count, bad.negative, bad.negative_without) == ("en", "disaster", 2, 0.5, 0.5)
    assert (bad.at_threshold, bad.at_threshold_without, bad.wrong) == (1.0, 0.5, ("en-d-2",))
    assert (good.negative, good.at_threshold, good.wrong) == (0.0, 1.0, ())


@pytest.mark.parametrize("line", ["en-d-1\ten\tharmless\tHexley\tHexley falls\n", "en-d-1\ten\tdisaster\tHexley\n"])
def test_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "en_disasters.tsv").write_text(HEADER + line, encoding="utf-8")
    with pytest.raises(DataError, match="line 2: the columns are id, lang, kind, target, text, and kind is disaster"):
        read_probes(tmp_path)
