"""kill -9 at random moments, a hundred times: whichever role dies, the effects are those of an undisturbed run.

    feed     - - - - - - - - - - - - - - - - - -            written a little at a time, so that work is always in hand
    role     --c--c--x     --c--x     --c-x                 c: a commit; x: SIGKILL, some time after the first commit
                                                            of a process; another takes its place

A kill counts only where the role had work that was not committed. What was seen is written to the log that `KILL_LOG`
names: a line of JSON for each kill, and one for the end.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.errors import TransientError
from monitor.transports.kafka_topics import KafkaAdmin
from tests.faults.effects import Effects, Kind, differences
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import World, embedded_effects, make_world, quick_config
from tests.feeds import FeedShape

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

KILLS = int(os.environ.get("KILLS", "100"))
"""Of each role; fewer for a first look."""

DOCUMENTS_A_SECOND = 40
SECONDS_A_KILL = 9
"""What a kill takes: a start, a session timeout, the wait until it works again, and the random moment."""

DECIDING = (RoleName.SCORE, RoleName.TREND, RoleName.ALERT)
READS = {RoleName.TREND: Stream.SCORED, RoleName.ALERT: Stream.DETECTIONS}
PATIENCE_SECONDS = 60.0


class Desk:
    """Looks at a role's group from outside."""

    def __init__(self, world: World, role: RoleName) -> None:
        cluster = world.cluster
        self._world = world
        self._group = cluster.group(role)
        self._admin = KafkaAdmin(cluster.access)
        name = cluster.inputs[0] if role is RoleName.SCORE else cluster.topic(READS[role])
        count = self._admin.standing([name])[name].shape.partitions
        self._places = [InputPartition(name, number) for number in range(count)]

    def committed(self) -> int:
        """The sum of the committed positions; 0 while nobody knows."""
        try:
            return sum(one.offset for one in self._admin.committed(self._group).values())
        except TransientError:
            return 0

    def uncommitted(self) -> int:
        """Records before the role, or in hand."""
        return sum(self._world.ends(self._places).values()) - self.committed()

    def await_commit(self, roles: Roles) -> None:
        """Until the position moves: a process that has not begun to work has nothing to lose."""
        before, deadline = self.committed(), time.monotonic() + PATIENCE_SECONDS
        while self.committed() <= before:
            roles.check()
            assert time.monotonic() < deadline, f"{self._group} commits nothing"
            time.sleep(0.1)  # between two looks

    def close(self) -> None:
        self._admin.close()


@contextmanager
def trickle(world: World) -> Iterator[None]:
    """Writes the feed at a steady pace while the block lasts, and what is left of it at its end."""
    over = threading.Event()
    longest = max(map(len, world.lines))
    step = max(1, DOCUMENTS_A_SECOND // len(world.lines) // 5)

    def write() -> None:
        at = 0
        while at < longest and not over.wait(0.2):
            world.feed([slice(at, at + step)] * len(world.lines))
            at += step
        world.feed([slice(at, None)] * len(world.lines))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("role", DECIDING)
def test_a_hundred_kills_at_random_moments_change_nothing(
    kafka_bootstrap: str, fresh: str, tmp_path: Path, role: RoleName
) -> None:
    seed = int(os.environ.get("KILL_SEED", "11"))
    rng = random.Random(seed)
    shape = FeedShape(DOCUMENTS_A_SECOND * SECONDS_A_KILL * KILLS, hours=96, bursts=24, late_share=0.02)
    world = make_world(kafka_bootstrap, fresh, tmp_path / "world", shape=shape)
    expected = embedded_effects(tmp_path / "embedded", quick_config(), shape=shape)
    roles, desk, killed, tried = Roles(world, kafka_bootstrap, fresh), Desk(world, role), 0, 0
    with Path(os.environ.get("KILL_LOG", tmp_path / "kills.jsonl")).open("a") as log:
        try:
            for name in DECIDING:
                roles.start(name.value)
            with trickle(world):
                while killed < KILLS:
                    desk.await_commit(roles)
                    time.sleep(rng.uniform(0.0, 2.0))  # the random moment
                    roles.running[role.value].send_signal(signal.SIGKILL)
                    roles.running[role.value].wait()
                    in_hand, tried = desk.uncommitted(), tried + 1
                    killed += in_hand > 0
                    _note(log, {"killed": role.value, "uncommitted": in_hand})
                    roles.start(role.value)
                    assert tried < 2 * KILLS
            world.await_effects(expected, roles.check, patience_seconds=300.0)
            roles.stop()
        finally:
            roles.kill()
            desk.close()
        found = world.said()
        _note(log, _summary(role, seed, killed, expected, found))
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()


def _note(log: TextIO, line: dict[str, object]) -> None:
    log.write(json.dumps(line) + "\n")
    log.flush()


def _summary(role: RoleName, seed: int, killed: int, expected: Effects, found: Effects) -> dict[str, object]:
    return {
        "role": role.value,
        "seed": seed,
        "kills": killed,
        "effects": {kind.value: expected.count(kind) for kind in Kind},
        "repeats_on_the_log": {kind.value: found.repeats[kind] for kind in Kind},
        "differences": len(differences(expected, found)),
    }
