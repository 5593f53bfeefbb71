"""The same feed through one process without a broker, one process on Kafka, and a process for each role: the same
decided pairs, windows and alerts, byte for byte; and the same with a kill -9 at each seam of a commit.
"""

import io
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.app.distributed.roster import Builder
from monitor.app.distributed.worker import Seam, no_seam
from monitor.clock import SystemClock
from monitor.tags import LiveTags
from monitor.watchlist import WatchlistFile
from tests.faults import rows
from tests.faults.desk import await_that
from tests.faults.effects import Effects, Kind, differences
from tests.faults.embedded import embedded_effects, undisturbed
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import PACE, Conditions, World, make_world, quick_config
from tests.faults.watching import BeatingWatch

pytestmark = [pytest.mark.slow, pytest.mark.real]

DECIDING = (RoleName.SCORE, RoleName.TREND, RoleName.ALERT)
END_SECONDS = 40.0


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    return make_world(kafka_bootstrap, fresh, tmp_path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Effects:
    """What one process without a broker makes of the feed."""
    effects = embedded_effects(tmp_path_factory.mktemp("embedded"), quick_config())
    assert effects.count(Kind.ALERT) >= 8
    assert effects.count(Kind.PAIR) > 1_000 < effects.count(Kind.WINDOW)
    return effects


@pytest.fixture
def roles(world: World, kafka_bootstrap: str, fresh: str) -> Iterator[Roles]:
    found = Roles(world, kafka_bootstrap, fresh)
    yield found
    found.kill()


def assert_equal(expected: Effects, found: Effects) -> None:
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()


def archived(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_one_process_on_kafka_equals_one_without_and_stores_it_all(world: World, expected: Effects) -> None:
    clock, names = SystemClock(), list(RoleName)
    config = quick_config(storage__path=str(world.folder / "history.db"), notify__console=False)
    beats = Beats(clock, names)
    watch = BeatingWatch(beats)
    tags = LiveTags(WatchlistFile(world.watchlist).current, None)
    roster = Builder(config, world.cluster, PACE, tags, clock, watch, no_seam).build(names, io.StringIO())
    process = Process(roster.workers, beats, clock, Patience(30.0, 60.0))
    thread = threading.Thread(target=process.run)
    thread.start()
    try:
        world.feed()
        world.await_effects(expected)
    finally:
        process.stop()
        thread.join(END_SECONDS)
        roster.close()
    assert not thread.is_alive()
    assert watch.failures == []
    found = world.said()
    assert_equal(expected, found)
    assert found.repeats.total() == 0
    history = world.folder / "history.db"
    assert archived(history, "scored") == expected.count(Kind.PAIR)
    assert archived(history, "alert_events") == expected.count(Kind.ALERT)


def test_process_for_each_role_equals_one_without_a_broker(world: World, roles: Roles, expected: Effects) -> None:
    for name in RoleName:
        roles.start(name.value)
    world.feed()
    world.await_effects(expected, roles.check)
    roles.stop()
    assert_equal(expected, world.said())


THREE = Conditions(partitions=3, scored=3)


@pytest.mark.faults
def test_three_of_each_role_equal_one_process_and_one_without_a_broker(
    kafka_bootstrap: str, fresh: str, tmp_path: Path
) -> None:
    """Three partitions of the feed and of the scored documents; of the three alert processes two stand by."""
    lone = make_world(kafka_bootstrap, f"{fresh}a", tmp_path / "lone", conditions=THREE)
    spread = make_world(kafka_bootstrap, f"{fresh}b", tmp_path / "spread", conditions=THREE)
    one, many = Roles(lone, kafka_bootstrap, f"{fresh}a"), Roles(spread, kafka_bootstrap, f"{fresh}b")
    found = undisturbed(tmp_path / "undisturbed", lone.config, lone.lines, lone.watchlist)
    try:
        one.start(",".join(RoleName))
        lone.feed()
        lone.await_effects(found.effects, one.check)
        await_that(lambda: rows.archived(lone.folder / "history.db") == rows.archived(found.history), "the last row")
        one.stop()
        for role in DECIDING:
            for number in (1, 2, 3):
                many.start(role.value, name=f"{role.value}-{number}")
        for role in (RoleName.NOTIFY, RoleName.ARCHIVE):
            many.start(role.value)
        sharing = [f"{role.value}-{number}" for role in (RoleName.SCORE, RoleName.TREND) for number in (1, 2, 3)]
        await_that(lambda: all(many.owned(name) == 1 for name in sharing), "a partition for each")
        spread.feed()
        spread.await_effects(found.effects, many.check)
        await_that(lambda: rows.archived(spread.folder / "history.db") == rows.archived(found.history), "the last row")
        many.stop()
    finally:
        one.kill()
        many.kill()
    assert_equal(found.effects, lone.said())
    assert_equal(found.effects, spread.said())
    assert found.effects.count(Kind.ALERT) >= 8


ALWAYS = {
    (RoleName.SCORE, Seam.OUTPUTS_SENT),
    (RoleName.TREND, Seam.ACKNOWLEDGED),
    (RoleName.TREND, Seam.SNAPSHOT_WRITTEN),
    (RoleName.ALERT, Seam.COMMITTED),
}
"""One kill at each seam in `make test`; the others in `make test-faults`."""

KILLS = [
    pytest.param(
        role, seam, id=f"{role.value}-{seam.value}", marks=[] if (role, seam) in ALWAYS else pytest.mark.faults
    )
    for role in DECIDING
    for seam in Seam
]


@pytest.mark.parametrize(("role", "seam"), KILLS)
def test_kill_at_a_seam_changes_nothing(
    world: World, roles: Roles, expected: Effects, role: RoleName, seam: Seam
) -> None:
    """The role dies at its third passing of the seam, when the feed is half written, and another takes its place."""
    halves = [len(lines) // 2 for lines in world.lines]
    others = [name for name in DECIDING if name is not role]
    for name in others:
        roles.start(name.value)
    dying = roles.start(role.value, role.value, seam.value, "3")
    world.feed([slice(0, half) for half in halves])
    assert dying.wait(60.0) == -signal.SIGKILL, roles.log(role.value)[-3_000:]
    roles.start(role.value)
    world.feed([slice(half, None) for half in halves])
    world.await_effects(expected, roles.check)
    roles.stop()
    assert_equal(expected, world.said())
