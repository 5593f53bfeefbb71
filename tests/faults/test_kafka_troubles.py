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
from tests.faults.effects import Effects, differences
from tests.faults.kafka_process import KILLS_US
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import World, embedded_effects, make_world, quick_config

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


def test_scaling_from_one_to_three_and_back_changes_nothing(world: World, roles: Roles, expected: Effects) -> None:
    first, second = halves(world)
    for name in DECIDING:
        roles.start(name.value)
    world.feed(first)
    until(lambda: world.said().bodies, "the first effect")
    more = [(role, f"{role.value}-{number}") for role in (RoleName.SCORE, RoleName.TREND) for number in (2, 3)]
    for role, replica in more:
        roles.start(role.value, name=replica)
    until(lambda: any("partitions_assigned" in roles.log(name) for _, name in more), "a partition for the new ones")
    world.feed(second)
    roles.stop(*(name for _, name in more))
    world.await_effects(expected, roles.check)
    roles.stop()
    assert_equal(world, expected)


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
