"""A bad line between the roles and their broker: it cuts, delays, and swallows for longer than any request waits.

    roles -> proxy -> broker          the test writes the feed, and reads what was said, past the proxy
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from tests.faults import seen
from tests.faults.effects import differences
from tests.faults.embedded import undisturbed
from tests.faults.feeding import feeding, written
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, make_world
from tests.faults.proxy import Proxy
from tests.feeds import FeedShape
from tests.parts import started
from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import Cluster, running_cluster

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

DECIDING = (RoleName.SCORE, RoleName.TREND, RoleName.ALERT)
CONDITIONS = Conditions(session_timeout_ms=6_000, delivery_timeout_ms=9_000)
DOCUMENTS_A_SECOND = 20
SHAPE = FeedShape(DOCUMENTS_A_SECOND * 600, hours=1_500, bursts=500, bursts_from=0.0, late_share=0.02)

SEED = int(os.environ.get("LINE_SEED", "7"))
TROUBLES = 12
QUIET_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 3.0
DELAYED_SECONDS = 6.0

SHORT_HOLE_SECONDS = 7.0
"""Longer than a request of a sender waits (a third of the delivery timeout), and than the session timeout."""

LONG_HOLE_SECONDS = 35.0
"""Longer than the 30 s that any request of a reader waits."""

END_SECONDS = 240.0


@pytest.fixture
def broker_behind_a_proxy(tmp_path: Path) -> Iterator[tuple[Cluster, Proxy]]:
    with started(running_cluster(tmp_path / "kafka", proxied=True), BrokerError) as cluster:
        proxy = Proxy(cluster.proxied)
        proxy.start()
        yield cluster, proxy
        proxy.stop()


def test_line_that_cuts_delays_and_swallows_changes_nothing(
    broker_behind_a_proxy: tuple[Cluster, Proxy], fresh: str, tmp_path: Path
) -> None:
    cluster, proxy = broker_behind_a_proxy
    world = make_world(cluster.bootstrap, fresh, tmp_path / "world", shape=SHAPE, conditions=CONDITIONS)
    roles = Roles(world, proxy.addresses, fresh)
    try:
        for role in DECIDING:
            roles.start(role.value)
        began = time.monotonic()
        with roles.supervised():
            with feeding(world, DOCUMENTS_A_SECOND) as feeder:
                _trouble(proxy, random.Random(SEED))
                assert not feeder.is_over, "the feed was over before the troubles"
            expected = undisturbed(tmp_path / "undisturbed", world.config, written(world), world.watchlist).effects
            found = world.await_effects(expected, patience_seconds=END_SECONDS)
        seen.note(
            "a line that cuts, delays and swallows",
            roles,
            expected,
            found,
            seconds=round(time.monotonic() - began),
            links_cut=proxy.links_cut,
            pieces_delayed=proxy.pieces_delayed,
            bytes_swallowed=proxy.bytes_swallowed,
        )
        roles.stop()
    finally:
        roles.kill()
    assert min(proxy.links_cut, proxy.pieces_delayed, proxy.bytes_swallowed) > 0
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()


def _trouble(proxy: Proxy, rng: random.Random) -> None:
    """One trouble after the other, each kind at least three times; the sleeps are the troubles."""
    kinds = ["cut", "delay", "hole"] * (TROUBLES // 3)
    rng.shuffle(kinds)
    holes = [LONG_HOLE_SECONDS, *[SHORT_HOLE_SECONDS] * (TROUBLES // 3 - 1)]
    for kind in kinds:
        time.sleep(rng.uniform(0.5, QUIET_SECONDS))
        match kind:
            case "cut":
                proxy.cut(rng.choice((0.3, 0.6, 1.0)), rng)
            case "delay":
                proxy.delay_seconds = rng.uniform(0.1, LONGEST_DELAY_SECONDS)
                time.sleep(DELAYED_SECONDS)
                proxy.delay_seconds = 0.0
            case _:
                proxy.open_hole()
                time.sleep(holes.pop())
                proxy.close_hole()
