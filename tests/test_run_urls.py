"""`monitor run` on URLs, as its users run it: a process, a real server on loopback, and a kill in between."""

import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from monitor.app import ReplayArguments, replay
from monitor.clock import ManualClock
from monitor.errors import ConfigError
from tests import feeds, replays
from tests.feed_server import FeedServer, Handler, Item, page, rss, serving, status
from tests.test_run import CONFIG, PATIENCE_SECONDS, Monitor

pytestmark = pytest.mark.slow


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with serving() as site:
        yield site


@pytest.fixture
def started() -> Iterator[list[Monitor]]:
    """Every monitor that a test starts; none outlives it."""
    running: list[Monitor] = []
    yield running
    for monitor in running:
        if monitor.process.poll() is None:
            monitor.kill()
        for stream in (monitor.process.stdout, monitor.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.replace("feeds: {idle_after: 1s}", "feeds: {idle_after: 1s, poll_every: 1s}")
    assert config != CONFIG
    monkeypatch.setattr("tests.test_run.CONFIG", config)


def items(first: int, last: int) -> list[Item]:
    """Entries of invented companies, the newest first, as feeds have them."""
    begin = datetime.now(UTC) - timedelta(minutes=30)
    return [
        Item(
            f"n{number}",
            f"{feeds.NAMES[number % 4]} opens office number {number}",
            when=format_datetime(begin + timedelta(seconds=number), usegmt=True),
        )
        for number in range(last, first - 1, -1)
    ]


def hang(handler: Handler) -> None:
    handler.site.is_over.wait(PATIENCE_SECONDS)


def test_a_url_is_followed_over_a_kill_and_nothing_is_lost_or_told_twice(
    tmp_path: Path, started: list[Monitor], site: FeedServer
) -> None:
    site.answers["/rss"] = page(rss(items(1, 6)), {"ETag": '"v1"'})
    url = site.url("/rss?token=hunter2")
    monitor = Monitor(tmp_path, url)
    started.append(monitor)
    monitor.wait_for("six scored entries", lambda: len(monitor.scored()) == 6)
    assert monitor.metric("sentiment_records_read_total") == 6
    assert "hunter2" not in monitor.get("/metrics")[1]
    monitor.kill()
    asked = len(site.asked)
    site.answers["/rss"] = page(rss(items(3, 9)), {"ETag": '"v2"'})
    monitor = Monitor(tmp_path, url)
    started.append(monitor)
    monitor.wait_for("nine scored entries", lambda: len(monitor.scored()) == 9)
    monitor.wait_for("another look", lambda: monitor.metric("sentiment_poll_fetches_total") >= 2)
    assert monitor.metric("sentiment_records_read_total") == 3
    assert re.search(r'poll_entries_total\{outcome="new"\} 3\.0', monitor.get("/metrics")[1])
    assert site.asked[asked][1]["If-None-Match"] == '"v1"'
    assert monitor.stop() == 0
    assert monitor.scored() == sorted({f"127.0.0.1:n{number}" for number in range(1, 10)})
    assert "hunter2" not in monitor.log + monitor.out


def test_a_url_that_fails_stops_neither_the_file_beside_it_nor_the_end(
    tmp_path: Path, started: list[Monitor], site: FeedServer
) -> None:
    site.answers["/gone"] = status(404)
    site.answers["/hangs"] = hang
    paths, _ = feeds.write(tmp_path, 7, feeds.FeedShape(documents=50, broken_share=0.0, future_share=0.0))
    monitor = Monitor(tmp_path, str(paths[0]), site.url("/gone"), site.url("/hangs"))
    started.append(monitor)
    monitor.wait_for("the file's documents", lambda: len(monitor.scored()) >= 40)
    monitor.wait_for("the warning", lambda: "feed_failing" in monitor.log)
    monitor.wait_for("a second look", lambda: sum(path == "/gone" for path, _ in site.asked) >= 2)
    assert monitor.log.count("feed_failing") == 1
    assert re.search(r'poll_fetches_total\{outcome="refused"\} [1-9]', monitor.get("/metrics")[1])
    # One look hangs with half a minute to go; the end waits for no server.
    monitor.process.send_signal(signal.SIGTERM)
    assert monitor.process.wait(10.0) == 0


def test_urls_that_cannot_be_followed_are_refused_together_and_unread(tmp_path: Path, started: list[Monitor]) -> None:
    monitor = Monitor(tmp_path, "https://ann:hunter2@wire.example.com/rss", "ftp://wire.example.com/rss?hunter2")
    started.append(monitor)
    assert monitor.process.wait(PATIENCE_SECONDS) == 2
    monitor.stop()
    assert "netrc" in monitor.log and "http and https only" in monitor.log
    assert "hunter2" not in monitor.log + monitor.out


def test_a_url_given_twice_is_refused(tmp_path: Path, started: list[Monitor], site: FeedServer) -> None:
    monitor = Monitor(tmp_path, site.url("/rss"), site.url("/rss#top"))
    started.append(monitor)
    assert monitor.process.wait(PATIENCE_SECONDS) == 2
    monitor.stop()
    assert "given twice" in monitor.log


def test_a_url_cannot_be_replayed(tmp_path: Path) -> None:
    arguments = ReplayArguments(
        feeds=("https://wire.example.com/rss?token=hunter2",),
        watchlist=feeds.write_watchlist(tmp_path),
        alerts=tmp_path / "alerts.jsonl",
        state=None,
        from_ms=None,
        to_ms=None,
        as_of_ms=None,
    )
    with pytest.raises(ConfigError, match="monitor run") as refused:
        replay(replays.quick_config(), arguments, ManualClock())
    assert "hunter2" not in str(refused.value)
