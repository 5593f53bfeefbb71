"""Three brokers, every record on all of them, and one at a time restarts, is killed, or freezes, under load.

    feed      - - - - - - - - - - - - - - - - - - - - -
    brokers   1 1 1   1 1 1   1 1 1 1 1 1 1 1 1 1 1 1        two of three must have what is acknowledged
              2 2 2 2 2   2 2   2 2 2 2 2 2 2 2 2 2 2
    roles     go on, begin anew, or end and are started again, as Kubernetes would
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from monitor.app.distributed.cluster import RoleName
from monitor.domain.streams import Stream
from monitor.errors import TransientError
from tests.faults import seen
from tests.faults.desk import await_that
from tests.faults.effects import Kind, differences
from tests.faults.embedded import undisturbed
from tests.faults.feeding import feeding, written
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, Ear, World, make_world
from tests.feeds import FeedShape
from tests.parts import started
from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import Cluster, running_cluster

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

NODES = (1, 2, 3)
DECIDING = (RoleName.SCORE, RoleName.TREND, RoleName.ALERT)
DELIVERY_TIMEOUT_MS = 6_000
CONDITIONS = Conditions(replication=3, session_timeout_ms=6_000, delivery_timeout_ms=DELIVERY_TIMEOUT_MS)

DOCUMENTS_A_SECOND = 20
SHAPE = FeedShape(DOCUMENTS_A_SECOND * 600, hours=1_500, bursts=500, bursts_from=0.0, late_share=0.02)
"""For ten minutes, so that it is never over before the fault is."""

FROZEN_SECONDS = 20.0
"""Longer than the delivery timeout, and than the nine seconds after which the others give its work away."""

LEAST_ALERTS = 6
END_SECONDS = 240.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(running_cluster(tmp_path_factory.mktemp("kafka"), nodes=len(NODES)), BrokerError) as found:
        yield found


@pytest.fixture
def world(cluster: Cluster, fresh: str, tmp_path: Path) -> World:
    return make_world(cluster.bootstrap, fresh, tmp_path / "world", shape=SHAPE, conditions=CONDITIONS)


@pytest.fixture
def roles(world: World, cluster: Cluster, fresh: str) -> Iterator[Roles]:
    found = Roles(world, cluster.bootstrap, fresh)
    yield found
    found.kill()


def test_rolling_restart_changes_nothing(cluster: Cluster, world: World, roles: Roles, tmp_path: Path) -> None:
    def roll() -> None:
        for node in NODES:
            await_that(lambda: _is_whole(cluster, world), "every replica in step", END_SECONDS, look_seconds=1.0)
            cluster.restart(node)
        await_that(lambda: _is_whole(cluster, world), "every replica in step", END_SECONDS, look_seconds=1.0)

    _compare("rolling restart of three brokers", world, roles, roll, tmp_path)


@pytest.mark.parametrize("node", NODES)
def test_broker_that_is_killed_and_comes_back_changes_nothing(
    cluster: Cluster, world: World, roles: Roles, tmp_path: Path, node: int
) -> None:
    def kill() -> None:
        cluster.kill(node)
        _await_news(world, "an effect while it is away")
        cluster.restart(node)
        await_that(lambda: _is_whole(cluster, world), "every replica in step", END_SECONDS, look_seconds=1.0)

    _compare(f"broker {node} of three killed -9, and started again", world, roles, kill, tmp_path)


@pytest.mark.parametrize("node", NODES)
def test_broker_that_freezes_for_longer_than_the_delivery_timeout_changes_nothing(
    cluster: Cluster, world: World, roles: Roles, tmp_path: Path, node: int
) -> None:
    def freeze() -> None:
        cluster.freeze(node)
        try:
            time.sleep(FROZEN_SECONDS)  # the fault itself
        finally:
            cluster.thaw(node)
        await_that(lambda: _is_whole(cluster, world), "every replica in step", END_SECONDS, look_seconds=1.0)

    _compare(f"broker {node} of three frozen for {FROZEN_SECONDS:.0f} s", world, roles, freeze, tmp_path)


def _compare(fault: str, world: World, roles: Roles, disturb: Callable[[], None], tmp_path: Path) -> None:
    for role in DECIDING:
        roles.start(role.value)
    with roles.supervised():
        with feeding(world, DOCUMENTS_A_SECOND) as feeder:
            _await_news(world, "the first effect")
            began = time.monotonic()
            disturb()
            lasted = time.monotonic() - began
            back = _await_news(world, "an effect after it")
            _await_alerts(world)
            assert not feeder.is_over, "the feed was over before the fault"
        expected = undisturbed(tmp_path / "undisturbed", world.config, written(world), world.watchlist).effects
        found = world.await_effects(expected, patience_seconds=END_SECONDS)
    seen.note(fault, roles, expected, found, seconds=round(lasted), news_after_seconds=round(back, 1))
    roles.stop()
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()


def _await_news(world: World, what: str) -> float:
    """Until an effect stands on the log that did not stand there before; the seconds that it took."""
    with closing(Ear(world, Stream.TRENDS)) as ear:

        def hears() -> list[object] | None:
            try:
                return ear.listen()
            except TransientError:  # a broker is away
                return None

        await_that(lambda: hears() is not None, "an answer of the brokers", END_SECONDS)
        return await_that(hears, what, END_SECONDS, look_seconds=0.2)


def _await_alerts(world: World) -> None:
    """Until so many turns of alerts were told that something was compared."""
    with closing(Ear(world, Stream.ALERTS)) as ear:

        def heard() -> bool:
            ear.listen()
            return ear.effects.count(Kind.ALERT) >= LEAST_ALERTS

        await_that(heard, f"{LEAST_ALERTS} turns of alerts", END_SECONDS, look_seconds=0.5)


def _is_whole(cluster: Cluster, world: World) -> bool:
    """Whether every replica of ours is in step; False where nobody can say."""
    try:
        admin: Any = KafkaAdminClient(bootstrap_servers=cluster.bootstrap, request_timeout_ms=10_000)
    except KafkaError:
        return False
    try:
        names = [name for name in admin.list_topics() if name.startswith(world.cluster.prefix) or name.startswith("__")]
        described = admin.describe_topics(names)
    except KafkaError:
        return False
    finally:
        admin.close()
    partitions = [one for row in described for one in row["partitions"]]
    return all(len(one["isr_nodes"]) == len(NODES) for one in partitions)
