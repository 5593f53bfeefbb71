"""The bench of scoring compares what can be compared: texts, tokens, ratios, bars; and the whole runs."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
import pytest

from models.corpus.rows import Row
from models.evaluation.answers import LabelledSet
from models.text import MAX_TOKENS, normalise
from tests.bench.bench_score import WRONG_USE, main
from tests.bench.machine import EXTENSIONS, cpu_extensions
from tests.bench.scoring.agreement import compare
from tests.bench.scoring.bars import speed_bars
from tests.bench.scoring.contenders import ENGINE, PIPELINE, TORCH_SORTED, sorted_batches
from tests.bench.scoring.reading import count_tokens, cut_windows, fresh_tokenizer
from tests.bench.scoring.rounds import Race, in_turn, repeats, speeds_of
from tests.bench.scoring.texts import NEWS, POSTS, SETS, Supply, TextSet, draw_lengths
from tests.bench.scoring.workers import Absent, Worker
from tests.imports import ROOT


def lengths(of: TextSet, texts: list[str]) -> list[int]:
    """Tokens of texts as their tokenizer alone reads them."""
    return [len(one.ids) for one in fresh_tokenizer(of.lang).encode_batch(texts)]


@pytest.mark.parametrize("tokens", [POSTS, NEWS])
def test_lengths_are_those_that_were_measured(tokens: tuple[int, ...]) -> None:
    found = sorted(draw_lengths(tokens, 2_000, Random(1)))
    assert found[1_000] == pytest.approx(tokens[10], abs=1)
    assert found[100] == pytest.approx(tokens[1], abs=1)
    assert tokens[0] <= found[0] and found[-1] <= tokens[-1]


@pytest.mark.parametrize("of", SETS, ids=lambda one: one.name)
def test_texts_are_new_and_as_long_as_they_should_be(of: TextSet) -> None:
    supply = Supply(of, 1)
    texts = [*supply.draw(40), *supply.draw(20)]
    assert len(set(texts)) == 60
    assert median(lengths(of, texts)) == pytest.approx(of.tokens[10], rel=0.1)
    assert Supply(of, 1).draw(40) == texts[:40]
    assert Supply(of, 2).draw(40) != texts[:40]


@pytest.mark.parametrize("of", SETS, ids=lambda one: one.name)
def test_who_reads_texts_as_they_stand_reads_the_same_tokens_as_we_do(of: TextSet) -> None:
    texts = Supply(of, 3).draw(30)
    assert [normalise(text) for text in texts] == texts
    tokenizer = fresh_tokenizer(of.lang)
    tokenizer.enable_truncation(MAX_TOKENS)
    ours, theirs = cut_windows(of.lang, texts), tokenizer.encode_batch(texts)
    assert [window.ids for window in ours] == [tuple(one.ids) for one in theirs]


def test_whole_texts_have_more_tokens_than_their_beginnings_only_where_they_are_long() -> None:
    short, long = ["One two three"], Supply(SETS[2], 1).draw(20)
    assert len(set(count_tokens("en", short))) == 1
    cut, whole = count_tokens("en", long)
    assert cut < whole


def test_batches_hold_each_text_once_and_keep_to_the_budget() -> None:
    chance = Random(1)
    tokens = [chance.randrange(3, 129) for _ in range(300)]
    batches = list(sorted_batches(tokens, 512))
    assert sorted(number for batch in batches for number in batch) == list(range(300))
    assert all(len(batch) * max(tokens[number] for number in batch) <= 512 for batch in batches)
    assert max(map(len, batches)) > 20


def test_text_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert list(sorted_batches([5, 900, 5], 512)) == [[1], [0, 2]]
    assert list(sorted_batches([], 512)) == []


def test_ratios_are_taken_within_a_round() -> None:
    # The machine is half as fast in the second round: of the medians alone nothing could be told.
    seconds = {PIPELINE: [6.0, 12.0], TORCH_SORTED: [3.0, 6.0], "quick": [1.0, 3.0]}
    found = speeds_of(seconds, 10, [(100, 150), (100, 150)])
    assert (found["quick"].against[PIPELINE].least, found["quick"].against[PIPELINE].most) == (4.0, 6.0)
    assert found["quick"].against[TORCH_SORTED].median == 2.5
    assert found[PIPELINE].texts.most == pytest.approx(10 / 6)


def test_engine_is_compared_by_the_tokens_that_it_reads() -> None:
    found = speeds_of({PIPELINE: [2.0], ENGINE: [1.0]}, 10, [(100, 150)])
    assert found[ENGINE].against[PIPELINE].median == 3.0
    assert found[ENGINE].tokens.median == 150
    assert found[PIPELINE].tokens.median == 50


def test_contender_without_one_to_compare_with_has_no_ratio() -> None:
    assert speeds_of({ENGINE: [1.0]}, 10, [(100, 100)])[ENGINE].against == {}


@pytest.mark.parametrize(("extensions", "holds"), [(("AVX2",), None), (("AVX-512", "AVX-512 VNNI"), False)])
def test_bar_of_speed_is_one_only_where_the_processor_can_pass_it(
    extensions: tuple[str, ...], holds: bool | None
) -> None:
    races = {
        name: Race(10, 1, 10.0, speeds_of({PIPELINE: [seconds], ENGINE: [1.0]}, 10, [(100, 100)]), {})
        for name, seconds in (("posts-en", 8.0), ("news-en", 5.0))
    }
    (found,) = speed_bars(races, extensions)
    assert (found.found, found.holds) == (5.0, holds)
    assert "news-en" in found.note


def test_agreement_counts_labels_and_pools_the_sets() -> None:
    rows = tuple(Row("text", "", label, "en", "made", str(label)) for label in (0, 1, 2, 0))
    sets = (LabelledSet("one", rows[:2]), LabelledSet("two", rows[2:]))
    full = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]], np.float32)
    other = full.copy()
    other[3] = [0.3, 0.6, 0.1]
    same, found = compare(full, full, sets), compare(other, full, sets)
    assert (same.same_labels, same.greatest_difference, same.weighted_f1) == (1.0, 0.0, 1.0)
    assert (found.rows, found.same_labels) == (4, 0.75)
    assert found.greatest_difference == pytest.approx(0.5)
    assert found.weighted_f1 < found.weighted_f1_full == 1.0


def test_each_batch_is_asked_often_enough_and_not_for_ever() -> None:
    assert [repeats(batch, 96) for batch in (1, 4, 16, 64, 256)] == [24, 24, 6, 3, 3]


def test_extensions_of_the_processor_are_told_in_our_words() -> None:
    assert set(cpu_extensions()) <= set(EXTENSIONS.values())


def test_contender_that_is_not_there_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--contenders", "abacus"]) == WRONG_USE
    told = capsys.readouterr().err
    assert "abacus" in told and ENGINE in told and "onnxruntime-float32" in told


def test_threads_below_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--threads", "0"]) == WRONG_USE
    assert "at least 1" in capsys.readouterr().err


@pytest.mark.slow
def test_contender_that_cannot_be_opened_says_why_and_ends_alone() -> None:
    worker = Worker("abacus", 1)
    try:
        with pytest.raises(Absent, match="abacus"):
            worker.score("en", ["One two three"])
        with pytest.raises(Absent, match="abacus"):
            worker.time("en", ["It still answers"])
    finally:
        worker.close()


@pytest.mark.slow
def test_everyone_begins_a_round_in_turn() -> None:
    workers = [Worker(name, 1) for name in ("a", "b", "c")]
    try:
        orders = [[one.name for one in in_turn(workers, number)] for number in range(4)]
    finally:
        for worker in workers:
            worker.close()
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


@pytest.mark.slow
def test_quick_run_measures_everything_and_tells_it_in_its_last_line(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="who is compared with needs the full set: make setup-full")
    out, nowhere = tmp_path / "out", tmp_path / "nowhere"
    contenders = [PIPELINE, TORCH_SORTED, ENGINE, "onnxruntime-float32"]
    command = [sys.executable, "-m", "tests.bench.bench_score", "--quick", "--out", str(out), "--data", str(nowhere)]
    ended = subprocess.run([*command, "--contenders", *contenders], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told == json.loads((out / "score.json").read_text("utf-8"))
    assert (told["bench"], told["quick"], told["absent"]) == ("score", True, {})
    for found in told["throughput"].values():
        assert list(found["contenders"]) == contenders
        assert all(one["texts_per_second"]["least"] > 0 for one in found["contenders"].values())
        assert set(found["contenders"][ENGINE]["times"]) == {PIPELINE, TORCH_SORTED}
    for curve in told["curves"].values():
        assert list(curve) == contenders
        assert all([point["batch"] for point in points] == [1, 2] for points in curve.values())
    for apart in told["most_apart"].values():
        assert all(apart[name] < 1e-3 for name in (PIPELINE, TORCH_SORTED, "onnxruntime-float32"))
    assert told["start"]["cold_start_seconds"]["median"] > 0 and told["start"]["single_ms"] > 0
    assert told["replay"]["pairs"] > 0 and told["replay"]["ratio"]["median"] > 0
    assert {"times transformers.pipeline", "cold start seconds", "resident MB", "single text ms"} <= set(told["bars"])
    assert told["agreement"] == {}
    assert any("NOT MEASURED" in note and str(nowhere) in note for note in told["notes"])
    assert "NOT MEASURED" in ended.stderr
    assert (out / "score.png").read_bytes().startswith(b"\x89PNG")
