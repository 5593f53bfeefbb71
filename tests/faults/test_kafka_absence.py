"""One of two score replicas is dead for two minutes: the others wait for its input, and nothing is lost.

    score      ------------------------------------------   its own partition; from the takeover on, both
    score-2    ----------x                                  killed, and not started again
    trend      decides . . waits for what score-2 read . . decides
                         |<-- session timeout: 2 min -->|   `max_hold` is longer: nobody is held out
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from tests.faults import seen
from tests.faults.desk import await_that
from tests.faults.effects import differences
from tests.faults.embedded import undisturbed
from tests.faults.feeding import feeding, written
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, World, make_world
from tests.feeds import FeedShape

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

DEAD_SECONDS = 120.0
CONDITIONS = Conditions(session_timeout_ms=round(DEAD_SECONDS * 1_000), options={"feeds__max_hold": "10m"})
DOCUMENTS_A_SECOND = 20
SHAPE = FeedShape(DOCUMENTS_A_SECOND * 600, hours=1_500, bursts=500, bursts_from=0.0, late_share=0.02)
FIRST = RoleName.SCORE.value
SECOND = f"{FIRST}-2"


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    return make_world(kafka_bootstrap, fresh, tmp_path / "world", shape=SHAPE, conditions=CONDITIONS)


@pytest.fixture
def roles(world: World, kafka_bootstrap: str, fresh: str) -> Iterator[Roles]:
    found = Roles(world, kafka_bootstrap, fresh)
    yield found
    found.kill()


def test_score_replica_that_is_dead_for_two_minutes_holds_up_and_changes_nothing(
    world: World, roles: Roles, tmp_path: Path
) -> None:
    roles.start(FIRST)
    roles.start(FIRST, name=SECOND)
    for role in (RoleName.TREND, RoleName.ALERT):
        roles.start(role.value)
    await_that(lambda: roles.owned(FIRST) == roles.owned(SECOND) == 1, "a partition for each replica")
    with feeding(world, DOCUMENTS_A_SECOND) as feeder:
        await_that(lambda: world.said().bodies, "the first effect")
        dead = roles.running.pop(SECOND)
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        killed = time.monotonic()
        # What was under way is decided soon; then the watermark stands.
        stands_at = _await_standstill(world)
        await_that(lambda: roles.owned(FIRST) == 2, "the takeover", 3 * DEAD_SECONDS, look_seconds=0.5)
        away = time.monotonic() - killed
        waited = len(world.said().bodies)
        await_that(lambda: len(world.said().bodies) > waited, "an effect after it")
        assert not feeder.is_over, "the feed was over before the takeover"
    expected = undisturbed(tmp_path / "undisturbed", world.config, written(world), world.watchlist).effects
    found = world.await_effects(expected, roles.check, patience_seconds=2 * DEAD_SECONDS)
    seen.note("one of two score replicas dead", roles, expected, found, away_seconds=round(away), stood_at=stands_at)
    roles.stop()
    assert away > DEAD_SECONDS * 0.7, "it was away for less than was meant"
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()


def _await_standstill(world: World) -> int:
    """Until nothing new is said for ten seconds; how many effects there are then."""
    said, since = len(world.said().bodies), time.monotonic()

    def stands() -> bool:
        nonlocal said, since
        now = len(world.said().bodies)
        if now != said:
            said, since = now, time.monotonic()
        return time.monotonic() - since > 10.0

    await_that(stands, "a standstill", DEAD_SECONDS * 0.7, look_seconds=1.0)
    return said
