"""The same feed gives the same alerts and windows, byte for byte: DESIGN section 4's promise, over generated feeds."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import feeds, replays
from tests.feeds import FeedShape

pytestmark = pytest.mark.slow

SHAPE = FeedShape()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("determinism")


def test_the_generated_feed_fires_raises_and_resolves_alerts(tmp_path: Path) -> None:
    """Equality below would be worth nothing if there were nothing to compare."""
    paths, watchlist = feeds.write(tmp_path, 1, SHAPE)
    found = replays.run(paths, watchlist, tmp_path, replays.quick_config())
    assert b'"event":"firing"' in found.alerts
    assert b'"event":"amended"' in found.alerts
    assert any("resolved" in row for row in found.history["alert_events"])
    assert any("far_future" in row for row in found.history["dead_letters"])
    assert any("too_late" in row for row in found.history["scored"])
    late = [row for row in found.history["windows"] if row.split(", ")[3] not in ("1", "1)")]
    assert late, "no window was published again after a late document"


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), batch=st.sampled_from([1, 7, 64, 4_096]), every=st.sampled_from([1, 37, 5_000]))
def test_batch_and_commit_sizes_change_nothing(folder: Path, seed: int, batch: int, every: int) -> None:
    here = folder / f"{seed}-{batch}-{every}"
    paths, watchlist = feeds.write(here, seed, FeedShape(documents=250))
    usual = replays.run(paths, watchlist, here, replays.quick_config(), name="usual")
    pending = max(batch, 2_048)
    config = replays.quick_config(
        scorer__batch_size=batch, storage__commit_documents=every, scorer__max_pending=pending
    )
    other = replays.run(paths, watchlist, here, config, name=f"other{batch}-{every}")
    assert other == usual


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), order=st.integers(0, 10_000))
def test_any_arrival_order_within_the_disorder_gives_the_same_bytes(folder: Path, seed: int, order: int) -> None:
    """No record is moved by more than max_out_of_orderness, so none becomes late that was not.

    event     1   2     3  4            each record keeps its date; it arrives up to 2 s later,
    arrival     2   1     4    3        and the file is in order of arrival
    """
    here = folder / f"order-{seed}-{order}"
    shape = FeedShape(documents=250, late_share=0.0, future_share=0.0, broken_share=0.0, hours=30)
    made = feeds.records(seed, shape)
    paths, watchlist = _one_file(here, [line for _, line in made])
    in_order = replays.run(paths, watchlist, here, replays.quick_config(), name="in_order")
    rng = random.Random(order)
    moved = sorted(made, key=lambda pair: pair[0] + rng.randrange(1_700))
    paths, watchlist = _one_file(here, [line for _, line in moved])
    assert replays.run(paths, watchlist, here, replays.quick_config(), name="moved") == in_order


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000))
def test_a_feed_in_three_files_equals_itself_whatever_is_polled_together(folder: Path, seed: int) -> None:
    here = folder / f"files-{seed}"
    paths, watchlist = feeds.write(here, seed, FeedShape(documents=250), files=3)
    a = replays.run(paths, watchlist, here, replays.quick_config(storage__commit_documents=50), name="a")
    b = replays.run(paths, watchlist, here, replays.quick_config(feeds__max_lead="3s"), name="b")
    assert a == b


def test_a_run_that_has_ended_is_run_again_without_effect(tmp_path: Path) -> None:
    paths, watchlist = feeds.write(tmp_path, 3, SHAPE)
    once = replays.run(paths, watchlist, tmp_path, replays.quick_config())
    assert replays.run(paths, watchlist, tmp_path, replays.quick_config()) == once


def _one_file(folder: Path, lines: list[bytes]) -> tuple[list[Path], Path]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "feed.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return [path], feeds.write_watchlist(folder)
