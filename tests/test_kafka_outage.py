"""`monitor run` through an outage of its broker: it lives, says that it is not ready, and goes on; and no hung call
holds a process that was told to end."""

import json
import re
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.run import DRAIN_SECONDS
from monitor.errors import ExitCode
from tests.faults.kafka_world import World, make_world
from tests.feeds import FeedShape
from tests.kafka_monitor import Monitor, write_config
from tests.parts import started
from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import Cluster, running_cluster

pytestmark = [pytest.mark.slow, pytest.mark.real]

AT_ONCE_SECONDS = 3.0
ROLES = ("score", "trend", "alert", "notify", "archive")
SETTLED_SECONDS = 4.0
"""More than two heartbeats, in which a role hears that its group has let it go."""
ONLY = 1
"""The number of the one broker."""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker that nobody else uses: it is killed and frozen."""
    with started(running_cluster(tmp_path_factory.mktemp("mortal")), BrokerError) as cluster:
        yield cluster


@pytest.fixture
def world(mortal: Cluster, fresh: str, tmp_path: Path) -> World:
    return make_world(mortal.bootstrap, fresh, tmp_path, shape=FeedShape(documents=300, hours=96, bursts=12))


@pytest.fixture
def monitor(world: World) -> Iterator[Monitor]:
    running = Monitor(write_config(world))
    try:
        running.wait_for("ready", lambda: running.get("/readyz")[0] == 200)
        yield running
    finally:
        running.kill()


def at_work(world: World, monitor: Monitor, commits: int = 3) -> None:
    """Something was read and committed, so that there are places to lose."""
    world.feed([slice(0, 100)] * len(world.lines))
    monitor.wait_for("commits", lambda: monitor.metric("commits_total") >= commits)


def settle(monitor: Monitor) -> None:
    """Wait until every role has its partitions, and nobody has moved for longer than it takes to hear of a move."""
    seen, since = (0.0, 0.0), time.monotonic()

    def is_settled() -> bool:
        nonlocal seen, since
        now = monitor.metric("rebalanced_partitions_total"), monitor.metric("worker_failures_total")
        if now != seen or not all(monitor.metric("owned_partitions", f'worker="{role}"') for role in ROLES):
            seen, since = now, time.monotonic()
        return time.monotonic() - since > SETTLED_SECONDS

    monitor.wait_for("quiet groups", is_settled)


def test_broker_that_dies_and_returns_is_told_and_survived(mortal: Cluster, world: World, monitor: Monitor) -> None:
    at_work(world, monitor)
    mortal.kill(ONLY)
    try:
        monitor.wait_for("not ready", lambda: monitor.get("/readyz")[0] == 503)
        conditions = json.loads(monitor.get("/readyz")[1])["conditions"]
        assert any(not one["ready"] and one["reason"] for one in conditions.values()), conditions
        # An outage longer than the session: everybody has to join again.
        until = time.monotonic() + 7.0
        while time.monotonic() < until:
            assert monitor.get("/livez")[0] == 200
            assert monitor.get("/readyz")[0] == 503
            time.sleep(0.2)  # between two probes, as Kubernetes leaves some time between its
        assert monitor.metric("broker_silence_seconds") > 0 or monitor.metric("worker_failures_total") > 0
    finally:
        mortal.restart(ONLY)
    monitor.wait_for("ready again", lambda: monitor.get("/readyz")[0] == 200)
    read = monitor.metric("records_read_total")
    world.feed([slice(100, None)] * len(world.lines))
    monitor.wait_for("the rest", lambda: monitor.metric("records_read_total") > read)
    monitor.wait_for("its lag", lambda: monitor.metric("lag_records", 'worker="score"') == 0)
    settle(monitor)
    assert monitor.get("/livez")[0] == 200
    assert monitor.stop() == 0


def test_idle_process_tells_an_outage_too(mortal: Cluster, monitor: Monitor) -> None:
    """Nothing is to be sent and nothing is to be committed: only the group's heartbeats are not answered."""
    mortal.freeze(ONLY)
    try:
        monitor.wait_for("not ready", lambda: monitor.get("/readyz")[0] == 503)
        assert "the brokers do not answer its group" in monitor.get("/readyz")[1]
        assert monitor.get("/livez")[0] == 200
        # The role that heard the brokers last is the last to miss them.
        monitor.wait_for("silence", lambda: monitor.metric("broker_silence_seconds", 'worker="notify"') >= 3.0)
    finally:
        mortal.thaw(ONLY)
    monitor.wait_for("ready again", lambda: monitor.get("/readyz")[0] == 200)
    settle(monitor)
    assert monitor.stop() == 0


def test_hung_broker_cannot_hold_a_process_that_drains(mortal: Cluster, world: World, monitor: Monitor) -> None:
    """Every call gives up by itself or is given up, within the deadline; the exit code says that it went badly."""
    at_work(world, monitor)
    mortal.freeze(ONLY)
    try:
        began = time.monotonic()
        monitor.signal(signal.SIGTERM)
        assert monitor.process.wait(DRAIN_SECONDS + 10.0) == ExitCode.DEPENDENCY_DOWN
        assert time.monotonic() - began < DRAIN_SECONDS + 5.0
        assert re.search('"event":"(worker_failed|drain_given_up)"', monitor.log)
    finally:
        mortal.thaw(ONLY)


def test_score_that_cannot_commit_what_it_has_ends_badly_too(mortal: Cluster, world: World) -> None:
    running = Monitor(write_config(world), "--roles", "score")
    try:
        running.wait_for("ready", lambda: running.get("/readyz")[0] == 200)
        at_work(world, running, commits=1)
        mortal.freeze(ONLY)
        running.signal(signal.SIGTERM)
        assert running.process.wait(DRAIN_SECONDS + 10.0) == ExitCode.DEPENDENCY_DOWN
    finally:
        mortal.thaw(ONLY)
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_a_drain_that_hangs_at_once(
    mortal: Cluster, world: World, monitor: Monitor, number: signal.Signals
) -> None:
    at_work(world, monitor)
    mortal.freeze(ONLY)
    try:
        monitor.signal(signal.SIGTERM)
        # It drains: it takes no more, and cannot finish what it has.
        monitor.wait_for("the first signal", lambda: '"event":"draining"' in monitor.log)
        monitor.signal(number)
        assert monitor.process.wait(AT_ONCE_SECONDS) == 128 + number
    finally:
        mortal.thaw(ONLY)


def is_late(monitor: Monitor, stage: str) -> bool:
    return monitor.metric("watermark_delay_seconds", f'stage="{stage}"') > 0


def test_what_an_operator_watches_is_exposed(world: World, monitor: Monitor) -> None:
    world.feed()
    monitor.wait_for("alerts", lambda: monitor.metric("alerts_total", 'state="firing"') >= 1)
    monitor.wait_for("snapshots", lambda: monitor.metric("snapshots_total", 'worker="trend"') >= 2)
    monitor.wait_for("lag", lambda: monitor.metric("lag_records", 'worker="score"') == 0)
    shown = monitor.get("/metrics")[1]
    for worker in ROLES:
        for name in ("lag_records", "lag_seconds"):
            assert f'sentiment_{name}{{input="' in shown and f'worker="{worker}"}}' in shown
        for name in ("worker_heartbeat_timestamp_seconds", "owned_partitions", "broker_silence_seconds"):
            assert monitor.metric(name, f'worker="{worker}"') >= 0
        assert monitor.metric("rebalanced_partitions_total", f'change="assigned",worker="{worker}"') >= 1
        assert time.time() - monitor.metric("worker_heartbeat_timestamp_seconds", f'worker="{worker}"') < 30
    for stage in ("score", "trend", "alert"):
        # Told at the next look, which may come after the first alert.
        monitor.wait_for("a delay", partial(is_late, monitor, stage))
    assert monitor.metric("commits_total") > 0
    assert "sentiment_restore_records" in shown
    assert "sentiment_held_out_sources" in shown
