"""`monitor run` on Kafka as its users run it: roles in a process, health and metrics, drained on SIGTERM."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.cli import main
from tests import feeds
from tests.faults.kafka_world import World, make_world
from tests.feeds import FeedShape
from tests.imports import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.real]

PATIENCE_SECONDS = 60.0

CONFIG = """
server: {port: 0}
feeds: {idle_after: 1s}
logging: {format: json}
detection: {look_backs: [15m, 1h, 4h], min_history: 12h, episode_gap: 2h}
alerts: {initial_threshold: 1.5, budget_per_topic_month: 100, cooldown: 3h}
notify: {max_age: 365d}
storage: {path: %(folder)s/history.db, commit_every: 300ms}
kafka:
  bootstrap: [%(bootstrap)s]
  input_topics: [%(prefix)sfeeds.news]
  prefix: %(prefix)s
  session_timeout: 6s
  delivery_timeout: 20s
  connect_timeout: 2s
  snapshot_every: 1s
"""


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    shape = FeedShape(documents=300, hours=96, bursts=12)
    return make_world(kafka_bootstrap, fresh, tmp_path, shape=shape)


@pytest.fixture
def config(world: World) -> Path:
    path = world.folder / "monitor.yaml"
    bootstrap, prefix = world.cluster.access.bootstrap[0], world.cluster.prefix
    path.write_text(CONFIG % {"folder": world.folder, "bootstrap": bootstrap, "prefix": prefix})
    return path


class Monitor:
    """`monitor run` on Kafka in a process of its own."""

    def __init__(self, config: Path, *arguments: str) -> None:
        self._log = config.with_name("monitor.log")
        self._out = config.with_name("monitor.out")
        command = [sys.executable, "-m", "monitor", "run", "--config", str(config), *arguments]
        command += ["--watchlist", str(config.with_name("watchlist.csv"))]
        with self._log.open("wb") as log, self._out.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=log, env={**os.environ, "NO_COLOR": "1"}
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def out(self) -> str:
        return self._out.read_text()

    def wait_for(self, what: str, seen: Callable[[], object]) -> None:
        """Until something is so; fails with the log when it is not in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen():
            assert time.monotonic() < deadline, f"{what} did not come: {self.log[-3_000:]}"
            assert self.process.poll() is None, f"ended before {what}: {self.log[-3_000:]}"
            time.sleep(0.05)  # between two looks

    def get(self, path: str) -> tuple[int, str]:
        self.wait_for("the server's address", lambda: re.search(r'"port": ?(\d+)|127\.0\.0\.1:(\d+)/', self.log))
        found = re.search(r"127\.0\.0\.1:(\d+)/", self.log)
        assert found is not None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of a metric's series whose labels hold these."""
        lines = re.findall(rf"^sentiment_{name}({{.*}})? (\S+)$", self.get("/metrics")[1], re.M)
        return sum(float(value) for found, value in lines if labels in found)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def monitor(config: Path) -> Iterator[Monitor]:
    running = Monitor(config)
    yield running
    running.kill()


def rows(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_every_role_in_one_process_serves_tells_and_drains(world: World, monitor: Monitor) -> None:
    monitor.wait_for("ready", lambda: monitor.get("/readyz")[0] == 200)
    conditions = json.loads(monitor.get("/readyz")[1])["conditions"]
    assert conditions.keys() == {"score", "trend", "alert", "notify", "archive"}
    world.feed()
    read = sum(map(len, world.lines))
    monitor.wait_for("records", lambda: monitor.metric("records_read_total") == read)
    monitor.wait_for("alerts", lambda: monitor.metric("alerts_total", 'state="firing"') >= 1)
    monitor.wait_for("notifications", lambda: monitor.metric("notifications_total", 'outcome="sent"') >= 1)
    assert monitor.get("/livez")[0] == 200
    assert monitor.metric("owned_partitions", 'worker="trend"') == 2
    assert monitor.metric("rebalanced_partitions_total", 'change="assigned"') >= 7
    monitor.wait_for("snapshots", lambda: monitor.metric("snapshots_total", 'worker="trend"') >= 2)
    assert monitor.metric("watermark_seconds", 'stage="alert"') > feeds.START_MS / 1_000
    # A drain finishes what each role has in hand; what lies between two of them stays on the log for the next start.
    monitor.wait_for("rows", lambda: rows(world.folder / "history.db", "scored") > 200)
    assert monitor.stop() == 0
    assert "FIRING" in monitor.out.upper()
    assert rows(world.folder / "history.db", "alert_events") >= 1


def run_over(world: World, config: Path, shares: list[slice]) -> None:
    """One run over a part of the feed: it reads exactly that, and ends well."""
    count = sum(len(lines[share]) for lines, share in zip(world.lines, shares, strict=True))
    running = Monitor(config)
    try:
        world.feed(shares)
        running.wait_for("records", lambda: running.metric("records_read_total") >= count)
        running.wait_for("commit", lambda: running.metric("commits_total") >= 4)
        assert running.metric("records_read_total") == count
        assert running.stop() == 0
        assert "handover_given_up" not in running.log
    finally:
        running.kill()


def test_second_process_goes_on_where_the_first_was_told_to_stop(world: World, config: Path) -> None:
    halves = [len(lines) // 2 for lines in world.lines]
    run_over(world, config, [slice(0, half) for half in halves])
    run_over(world, config, [slice(half, None) for half in halves])


def test_process_of_some_roles_is_ready_without_the_others(config: Path) -> None:
    running = Monitor(config, "--roles", "trend,alert")
    try:
        running.wait_for("ready", lambda: running.get("/readyz")[0] == 200)
        assert json.loads(running.get("/readyz")[1])["conditions"].keys() == {"trend", "alert"}
        assert running.stop() == 0
    finally:
        running.kill()


@pytest.mark.parametrize(
    ("change", "arguments", "code", "said"),
    [
        (("%", "%"), ["--roles", "score,poet"], 2, r"--roles: poet is no role that runs on Kafka; name some of score,"),
        (("%", "%"), ["--roles", "score", "feed.jsonl"], 2, r"--roles: on Kafka feeds are Kafka topics"),
        ((r"bootstrap: .*", "bootstrap: ['127.0.0.1:1']"), [], 3, r"kafka\.bootstrap: no broker answered at 127"),
        ((r"  prefix: .*", "  prefix: nobody-made-them."), [], 3, r"there is no Kafka topic .*monitor topics --create"),
        ((r"  bootstrap: .*", ""), ["--roles", "score"], 2, r"kafka\.bootstrap: nobody said where Kafka is"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_an_exit_code(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[str, str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    config.write_text(re.sub(*change, config.read_text()))
    watchlist = str(config.with_name("watchlist.csv"))
    assert main(["run", *arguments, "--config", str(config), "--watchlist", watchlist]) == code
    assert re.search(said, capsys.readouterr().err)
