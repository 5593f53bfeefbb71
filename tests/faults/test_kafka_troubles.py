"""Troubles other than a kill: a process that sleeps through its replacement, a record that kills, and scaling."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.clock import SystemClock
from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition
from monitor.domain.streams import Stream
from monitor.transports.kafka_codec import decode
from monitor.transports.kafka_log import KafkaLog
from tests.faults import ownership, seen
from tests.faults.effects import Effects, differences
from tests.faults.embedded import embedded_effects
from tests.faults.kafka_process import KILLS_US
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, World, make_world, quick_config

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

DECIDING = (RoleName.SCORE, RoleName.TREND, RoleName.ALERT)
PATIENCE_SECONDS = 180.0


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    return make_world(kafka_bootstrap, fresh, tmp_path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Effects:
    return embedded_effects(tmp_path_factory.mktemp("embedded"), quick_config())


@pytest.fixture
def roles(world: World, kafka_bootstrap: str, fresh: str) -> Iterator[Roles]:
    found = Roles(world, kafka_bootstrap, fresh)
    yield found
    found.kill()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.1)  # between two looks


def halves(world: World) -> tuple[list[slice], list[slice]]:
    middles = [len(lines) // 2 for lines in world.lines]
    return [slice(0, middle) for middle in middles], [slice(middle, None) for middle in middles]


def assert_equal(world: World, expected: Effects) -> None:
    found = world.said()
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()


@pytest.mark.parametrize("role", DECIDING)
def test_zombie_that_wakes_up_after_it_was_replaced_changes_nothing(
    world: World, roles: Roles, expected: Effects, role: RoleName
) -> None:
    """frozen with work in hand -> the group gives its partitions to another -> thawed: it commits and moves nothing."""
    first, second = halves(world)
    for name in DECIDING:
        roles.start(name.value)
    world.feed(first)
    until(lambda: world.said().bodies, "the first effect")
    frozen = roles.running[role.value]
    frozen.send_signal(signal.SIGSTOP)
    roles.start(role.value, name="heir")
    world.feed(second)
    until(lambda: "partitions_assigned" in roles.log("heir"), "the heir's first partition")
    frozen.send_signal(signal.SIGCONT)
    world.await_effects(expected, roles.check)
    until(lambda: "partitions_lost" in roles.log(role.value), "the zombie's awakening")
    roles.stop()
    assert_equal(world, expected)


SCALED = Conditions(partitions=3, scored=3, session_timeout_ms=6_000)


def test_scaling_from_one_to_three_and_back_changes_nothing_and_leaves_no_partition_alone_for_long(
    kafka_bootstrap: str, fresh: str, tmp_path: Path
) -> None:
    """A partition is nobody's for no longer than a session timeout, though nobody died."""
    world = make_world(kafka_bootstrap, fresh, tmp_path / "world", conditions=SCALED)
    expected = embedded_effects(tmp_path / "embedded", quick_config(), partitions=SCALED.partitions)
    roles = Roles(world, kafka_bootstrap, fresh)
    scaled = (RoleName.SCORE, RoleName.TREND)
    first, second = halves(world)
    try:
        for name in DECIDING:
            roles.start(name.value)
        world.feed(first)
        until(lambda: world.said().bodies, "the first effect")
        more = [(role, f"{role.value}-{number}") for role in scaled for number in (2, 3)]
        for role, replica in more:
            roles.start(role.value, name=replica)
        replicas = [*(role.value for role in scaled), *(name for _, name in more)]
        until(lambda: all(roles.owned(name) == 1 for name in replicas), "a partition for each")
        world.feed(second)
        roles.stop(*(name for _, name in more))
        until(lambda: all(roles.owned(role.value) == 3 for role in scaled), "all partitions for one again")
        ended = time.time()
        world.await_effects(expected, roles.check)
        unowned = {role.value: _gaps(roles, role, ended) for role in scaled}
        seen.note("score and trend from one to three and back", roles, expected, world.said(), unowned_seconds=unowned)
        roles.stop()
    finally:
        roles.kill()
    assert_equal(world, expected)
    assert all(len(each) >= 2 for each in unowned.values()), "every role's partitions moved"
    assert max(max(each) for each in unowned.values()) <= SCALED.session_timeout_ms / 1_000


def _gaps(roles: Roles, role: RoleName, ended: float) -> list[float]:
    """Seconds for which a partition of a role was nobody's, longest first; who is told to stop has none any more."""
    told = []
    for name in (role.value, f"{role.value}-2", f"{role.value}-3"):
        till = roles.told_to_stop.get(name, ended)
        told += [one for one in ownership.words(name, role.value, roles.told(name, "owns")) if one.at <= till]
        if name in roles.told_to_stop:
            told.append(ownership.Word(till, name, frozenset()))
    moved = ownership.gaps(told, ended)
    return sorted((round(gap, 2) for each in moved.values() for gap in each), reverse=True)


def test_record_that_kills_the_process_becomes_a_dead_letter_and_no_other_does(
    world: World, roles: Roles, expected: Effects
) -> None:
    """Somebody starts the process again each time, as Kubernetes would."""
    first, second = halves(world)
    for name in (RoleName.TREND, RoleName.ALERT):
        roles.start(name.value)
    roles.start("score")
    world.feed(first)
    world.write(0, [KILLS_US])
    world.feed(second)
    deaths = 0

    def crashed() -> list[DeadLetter]:
        nonlocal deaths
        if roles.running["score"].poll() is not None:
            deaths += 1
            roles.start("score")
        place = InputPartition(world.cluster.topic(Stream.DEAD_LETTER), 0)
        log = KafkaLog(world.cluster.access, SystemClock())
        try:
            values = [decode(one.key, one.value, one.headers) for one in log.read(place, 0, 1 << 62)]
        finally:
            log.close()
        letters = [one for one in values if isinstance(one, DeadLetter)]
        return [one for one in letters if one.reason is DeadLetterReason.CRASHED]

    until(crashed, "the dead letter")
    world.await_effects(expected, roles.check)
    letters = crashed()
    roles.stop()
    assert_equal(world, expected)
    assert {one.value for one in letters} == {KILLS_US}
    assert 3 <= deaths <= 8
