"""`monitor run` as its users run it: a process that follows files, serves health and metrics, drains on SIGTERM."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests import feeds
from tests.imports import ROOT

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 30.0

CONFIG = """
server: {port: 0}
feeds: {idle_after: 1s}
logging: {format: json}
detection: {look_backs: [15m, 1h], min_history: 1h}
alerts: {initial_threshold: 1.0, budget_per_topic_month: 100}
storage: {path: %s, commit_every: 200ms}
"""

BAD = (
    "{name} files for bankruptcy protection",
    "Regulator opens fraud probe into {name}",
    "{name} halts withdrawals, clients say they lost money",
    "{name} shares plunge on profit warning",
)


class Monitor:
    """A running monitor and what it says."""

    def __init__(self, folder: Path, *feed: str, stdin: int = subprocess.DEVNULL, config: str | None = None) -> None:
        self.state = folder / "monitor.db"
        path = folder / "monitor.yaml"
        path.write_text((config or CONFIG) % self.state)
        command = [sys.executable, "-m", "monitor", "run", *feed, "--config", str(path)]
        command += ["--watchlist", str(feeds.write_watchlist(folder))]
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.out = ""
        self.log = ""
        self._readers = [
            threading.Thread(target=self._collect, args=(name,), daemon=True) for name in ("stdout", "stderr")
        ]
        for reader in self._readers:
            reader.start()
        self.url = ""

    def _collect(self, name: str) -> None:
        for line in getattr(self.process, name):
            if name == "stdout":
                self.out += line
            else:
                self.log += line

    def wait_for(self, what: str, seen: Callable[[], object]) -> None:
        """Until something is so; fails with the log when it is not in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen():
            assert time.monotonic() < deadline, f"{what} did not come: {self.out}\n{self.log}"
            assert self.process.poll() is None, f"ended before {what}: {self.log}"
            time.sleep(0.02)

    def get(self, path: str) -> tuple[int, str]:
        """Ask the health server."""
        if not self.url:
            self.wait_for("the server's address", lambda: re.search(r'"port": ?(\d+)', self.log))
            found = re.search(r'"port": ?(\d+)', self.log)
            assert found is not None
            self.url = f"http://127.0.0.1:{found[1]}"
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.get("/metrics")[1], re.M))

    def scored(self) -> list[str]:
        """Ids in the history."""
        if not self.state.exists():
            return []
        connection = sqlite3.connect(self.state)
        try:
            return [row[0] for row in connection.execute("SELECT document_id FROM scored ORDER BY 1")]
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_SECONDS)
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)
        return code

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def started() -> Iterator[list[Monitor]]:
    """Every monitor that a test starts; none outlives it."""
    running: list[Monitor] = []
    yield running
    for monitor in running:
        if monitor.process.poll() is None:
            monitor.kill()
        for stream in (monitor.process.stdout, monitor.process.stderr, monitor.process.stdin):
            if stream is not None:
                stream.close()


def post(number: int, text: str, moment: datetime) -> str:
    """One line of a feed."""
    fields = {"id": f"p{number}", "source": "wire", "author": f"w{number}", "published_at": moment.isoformat()}
    return json.dumps({**fields, "text": text}) + "\n"


def history(now: datetime) -> str:
    """A quiet day, so that the usual is known."""
    return "".join(
        post(n, f"{feeds.NAMES[n % 4]} opens office number {n}", now - timedelta(minutes=1500 - n)) for n in range(1400)
    )


def test_a_growing_file_is_followed_to_an_alert_and_sigterm_ends_with_zero(
    tmp_path: Path, started: list[Monitor]
) -> None:
    now = datetime.now(UTC)
    feed = tmp_path / "feed.jsonl"
    feed.write_text(history(now))
    told = tmp_path / "alerts.jsonl"
    monitor = Monitor(tmp_path, str(feed), config=f"{CONFIG}notify: {{file: {told}}}\n")
    started.append(monitor)
    monitor.wait_for("a ready monitor", lambda: monitor.get("/readyz")[0] == 200)
    assert monitor.get("/livez")[0] == 200
    monitor.wait_for("the history", lambda: monitor.metric("sentiment_records_read_total") == 1400)
    with open(feed, "a") as file:
        for number, text in enumerate(BAD):
            file.write(post(2_000 + number, text.format(name="Halden Bank"), now + timedelta(seconds=number)))
    monitor.wait_for("the alert", lambda: "FIRING" in monitor.out)
    assert "Halden Bank" in monitor.out
    assert "bankruptcy" in monitor.out
    monitor.wait_for("its count", lambda: monitor.metric("sentiment_alerts_total") >= 1)
    assert monitor.stop() == 0
    assert len(monitor.scored()) == 1404
    assert "Halden Bank" in [json.loads(line)["name"] for line in told.read_text().splitlines()]


def test_sigterm_scores_and_commits_what_is_in_hand(tmp_path: Path, started: list[Monitor]) -> None:
    """Nothing is scored, cut or committed for ten seconds, and the signal comes before that."""
    feed = tmp_path / "feed.jsonl"
    feed.write_text(history(datetime.now(UTC)))
    slow = CONFIG.replace("idle_after: 1s", "idle_after: 1s, progress_every: 10s").replace("200ms", "10m")
    slow += "scorer: {batch_size: 4096, batch_delay: 10s, max_pending: 4096}\n"
    monitor = Monitor(tmp_path, str(feed), config=slow)
    started.append(monitor)
    monitor.wait_for("the history", lambda: monitor.metric("sentiment_records_read_total") == 1400)
    assert monitor.scored() == []
    assert monitor.stop() == 0
    assert len(monitor.scored()) == 1399, "all but the last, which nothing later has put below the watermark"
    again = Monitor(tmp_path, str(feed))
    started.append(again)
    again.wait_for("the last, from the state", lambda: len(again.scored()) == 1400)
    assert again.metric("sentiment_records_read_total") == 0
    assert again.stop() == 0


def _has_more(monitor: Monitor, already: int) -> bool:
    return len(monitor.scored()) > already


def test_what_was_killed_goes_on_and_loses_and_doubles_nothing(tmp_path: Path, started: list[Monitor]) -> None:
    now = datetime.now(UTC)
    feed = tmp_path / "feed.jsonl"
    feed.write_text("")
    lines = history(now).splitlines(keepends=True)
    written = 0
    for _ in range(3):
        monitor = Monitor(tmp_path, str(feed))
        started.append(monitor)
        with open(feed, "a") as file:
            file.writelines(lines[written : written + 400])
        written += 400
        already = len(monitor.scored())
        monitor.wait_for("a commit", partial(_has_more, monitor, already))
        monitor.kill()
    monitor = Monitor(tmp_path, str(feed))
    started.append(monitor)
    monitor.wait_for("everything", lambda: len(monitor.scored()) == written)
    assert monitor.stop() == 0
    assert len(set(monitor.scored())) == written


def test_a_rotated_file_loses_nothing(tmp_path: Path, started: list[Monitor]) -> None:
    now = datetime.now(UTC)
    feed = tmp_path / "feed.jsonl"
    lines = history(now).splitlines(keepends=True)
    feed.write_text("".join(lines[:300]))
    monitor = Monitor(tmp_path, str(feed))
    started.append(monitor)
    monitor.wait_for("the first file", lambda: len(monitor.scored()) == 300)
    feed.rename(tmp_path / "feed.jsonl.1")
    feed.write_text("".join(lines[300:500]))
    monitor.wait_for("the file after rotation", lambda: len(monitor.scored()) == 500)
    with open(feed, "w") as file:  # cut in place, as copytruncate does
        file.writelines(lines[500:600])
    monitor.wait_for("the file after truncation", lambda: len(monitor.scored()) == 600)
    assert monitor.stop() == 0


def test_standard_input_is_read_to_its_end_and_again_after_a_restart(tmp_path: Path, started: list[Monitor]) -> None:
    lines = history(datetime.now(UTC)).splitlines(keepends=True)
    for part in (lines[:200], lines[200:320]):
        monitor = Monitor(tmp_path, "-", stdin=subprocess.PIPE)
        started.append(monitor)
        assert monitor.process.stdin is not None
        monitor.process.stdin.write("".join(part))
        monitor.process.stdin.close()
        assert monitor.process.wait(PATIENCE_SECONDS) == 0, monitor.log
    assert len(started[-1].scored()) == 320


def test_a_changed_watchlist_is_taken_and_a_broken_one_is_refused(tmp_path: Path, started: list[Monitor]) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(history(datetime.now(UTC)))
    monitor = Monitor(tmp_path, str(feed))
    started.append(monitor)
    monitor.wait_for("the topics", lambda: monitor.metric("sentiment_topics") == 4)
    path = tmp_path / "watchlist.csv"
    path.write_text(feeds.WATCHLIST + "LOWE,Lowender Air,company,LOWE,Lowender Air,,\n")
    monitor.wait_for("five topics", lambda: monitor.metric("sentiment_topics") == 5)
    path.write_text("this is no watchlist\n")
    monitor.wait_for("the refusal", lambda: "watchlist_refused" in monitor.log)
    assert monitor.metric("sentiment_topics") == 5
    assert monitor.stop() == 0
