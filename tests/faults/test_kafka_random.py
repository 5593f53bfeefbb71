"""kill -9 at random moments: whatever dies, and however often, the effects are those of an undisturbed run.

    feed      - - - - - - - - - - - - - - - - - -           written a little at a time, so that work is always in hand
    score     --c--c--x     --c--x     --c-x                c: a commit; x: SIGKILL, with work that was not committed;
    trend     --c-x     --c--c--x     --c--c                another takes its place
    alert, notify, archive: the same, each at moments of its own

All five roles die in one world, each `KILLS` times. What was seen goes into the file that `KILL_LOG` names: a line of
JSON for each kill, and one for the end (docs/faults/kills.jsonl is that of a hundred kills of each).
"""

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from tests.channels.slack_server import SlackServer, slack_server
from tests.faults.effects import Effects, Kind, differences
from tests.faults.embedded import Undisturbed, undisturbed
from tests.faults.feeding import feeding, written
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, World, make_world
from tests.faults.killing import Killer, KillLog
from tests.faults.told_ends import OPTIONS, Ends, environment
from tests.feeds import FeedShape, recent

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

KILLS = int(os.environ.get("KILLS", "3"))
"""Of each role."""

SEED = int(os.environ.get("KILL_SEED", "11"))

SESSION_TIMEOUT_MS = 4_000
DOCUMENTS_A_SECOND = 20
SECONDS_A_KILL = 30
"""What a kill takes at most on average: a start, a session timeout, the wait until it works again, and the moment."""

DOCUMENTS_AN_HOUR = 10
HOURS_A_BURST = 3
"""In the time of the feed. Few documents between bursts, so that there is an alert every second or two."""

SLACK_SECONDS = 0.3
"""What a message takes, so that one is on its way when somebody dies."""

END_SECONDS = 600.0


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        server.slow_seconds = SLACK_SECONDS
        yield server


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path, slack: SlackServer) -> World:
    documents = DOCUMENTS_A_SECOND * SECONDS_A_KILL * (KILLS + 3)
    hours = documents // DOCUMENTS_AN_HOUR
    shape = FeedShape(documents, hours, bursts=hours // HOURS_A_BURST, bursts_from=0.0, late_share=0.02)
    conditions = Conditions(session_timeout_ms=SESSION_TIMEOUT_MS, options=OPTIONS, environment=environment(slack))
    return make_world(kafka_bootstrap, fresh, tmp_path / "world", shape=recent(shape), conditions=conditions)


@pytest.fixture
def roles(world: World, kafka_bootstrap: str, fresh: str) -> Iterator[Roles]:
    found = Roles(world, kafka_bootstrap, fresh)
    yield found
    found.kill()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[KillLog]:
    with closing(KillLog(Path(os.environ.get("KILL_LOG", tmp_path / "kills.jsonl")))) as found:
        yield found


def test_kills_of_every_role_at_random_moments_change_nothing(
    world: World, roles: Roles, slack: SlackServer, log: KillLog, tmp_path: Path
) -> None:
    started = time.monotonic()
    for role in RoleName:
        roles.start(role.value)
    with feeding(world, DOCUMENTS_A_SECOND) as feeder:
        _kill_all(world, roles, log)
        assert not feeder.is_over, "the feed was over before the last kill"
    expected = undisturbed(tmp_path / "undisturbed", world.config, written(world), world.watchlist)
    found = world.await_effects(expected.effects, roles.check, END_SECONDS)
    ends = Ends(world, slack, expected)
    ends.await_all(END_SECONDS)
    roles.stop()
    log.write(_summary(log, expected, found, ends, time.monotonic() - started))
    assert differences(expected.effects, found) == []
    assert found.as_bytes() == expected.effects.as_bytes()
    assert ends.faults() == []
    assert min(expected.effects.count(kind) for kind in Kind) > KILLS, "a feed in which little happens proves little"


def _kill_all(world: World, roles: Roles, log: KillLog) -> None:
    """Each role in a thread of its own. Raises: what the first that failed raised."""
    killers = [Killer(world, roles, role, log, random.Random(f"{SEED} {role}")) for role in RoleName]
    with ThreadPoolExecutor(len(killers)) as pool:
        running = [pool.submit(killer.run, KILLS) for killer in killers]
        wait(running, return_when=FIRST_EXCEPTION)
        for killer in killers if any(one.done() and one.exception() for one in running) else []:
            killer.stop()
    for one in running:
        one.result()


def _summary(
    log: KillLog, expected: Undisturbed, found: Effects, ends: Ends, seconds: float
) -> dict[str, object]:
    told = ends.told
    by_role = {role.value: [kill for kill in log.kills if kill.role == role.value] for role in RoleName}
    return {
        "seed": SEED,
        "session_timeout_ms": SESSION_TIMEOUT_MS,
        "seconds": round(seconds),
        "kills": {role: len(kills) for role, kills in by_role.items()},
        "back_seconds_median": {role: median(kill.back_seconds for kill in kills) for role, kills in by_role.items()},
        "back_seconds_most": {role: max(kill.back_seconds for kill in kills) for role, kills in by_role.items()},
        "effects": {kind.value: expected.effects.count(kind) for kind in Kind},
        "repeats_on_the_log": {kind.value: found.repeats[kind] for kind in Kind},
        "differences": len(differences(expected.effects, found)),
        "rows": {table: len(lines) for table, lines in ends.rows.items()},
        "notifications": len(told.plain.keys() | told.marked.keys()),
        "notifications_again": told.again,
        "notifications_marked": told.marked.total(),
        "notifications_again_without_a_mark": told.plain.total() - len(told.plain),
        "faults_of_the_ends": len(ends.faults()),
    }
