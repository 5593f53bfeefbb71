"""kill -9 of notify and archive at each seam of a commit: no row is missing or doubled, and nobody is told twice unless
the second message says so.

    in hand [acknowledged] -> stored as undecided [snapshot_written] -> sent, by notify [outputs_sent] -> [committed]
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.worker import Seam
from tests.channels.slack_server import SlackServer, slack_server
from tests.faults import seen
from tests.faults.desk import await_that
from tests.faults.effects import differences
from tests.faults.embedded import undisturbed
from tests.faults.feeding import feeding, written
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, World, make_world
from tests.faults.told_ends import OPTIONS, Ends, environment
from tests.feeds import FeedShape, recent

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

SHAPE = FeedShape(documents=1_500, hours=150, bursts=50, bursts_from=0.0, late_share=0.02)
DOCUMENTS_A_SECOND = 100
NUMBER = "3"
"""Of the passing of the seam at which it dies."""

KILLS = [
    pytest.param(role, seam, id=f"{role.value}-{seam.value}")
    for role in (RoleName.NOTIFY, RoleName.ARCHIVE)
    for seam in (Seam.ACKNOWLEDGED, Seam.SNAPSHOT_WRITTEN, Seam.OUTPUTS_SENT, Seam.COMMITTED)
    if role is RoleName.NOTIFY or seam is not Seam.OUTPUTS_SENT
]
END_SECONDS = 180.0


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path, slack: SlackServer) -> World:
    conditions = Conditions(options=OPTIONS, environment=environment(slack))
    return make_world(kafka_bootstrap, fresh, tmp_path / "world", shape=recent(SHAPE), conditions=conditions)


@pytest.fixture
def roles(world: World, kafka_bootstrap: str, fresh: str) -> Iterator[Roles]:
    found = Roles(world, kafka_bootstrap, fresh)
    yield found
    found.kill()


@pytest.mark.parametrize(("role", "seam"), KILLS)
def test_kill_of_an_end_at_a_seam_loses_and_doubles_nothing(
    world: World, roles: Roles, slack: SlackServer, tmp_path: Path, role: RoleName, seam: Seam
) -> None:
    for name in RoleName:
        if name is not role:
            roles.start(name.value)
    dying = roles.start(role.value, role.value, seam.value, NUMBER)
    await_that(lambda: all(roles.owned(name.value) for name in RoleName), "a partition for each role")
    with feeding(world, DOCUMENTS_A_SECOND) as feeder:
        assert dying.wait(60.0) == -signal.SIGKILL, roles.log(role.value)[-3_000:]
        assert not feeder.is_over, "nothing was left to do after the kill"
        roles.start(role.value)
        await_that(lambda: feeder.is_over, "the end of the feed")
    expected = undisturbed(tmp_path / "undisturbed", world.config, written(world), world.watchlist)
    ends = Ends(world, slack, expected)
    found = world.await_effects(expected.effects, roles.check)
    ends.await_all(END_SECONDS)
    roles.stop()
    told = ends.told
    fault = f"kill -9 of {role.value} at {seam.value}"
    seen.note(fault, roles, expected.effects, found, told_again=told.again, told_marked=told.marked.total())
    assert differences(expected.effects, found) == []
    assert ends.faults() == []
