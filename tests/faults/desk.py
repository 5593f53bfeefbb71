"""Looks at a role from outside: what was there for it to read, and how much of that it had committed.

Score, trend and alert commit to their groups. Notify and archive commit to their own files, with what they did.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from monitor.app.distributed.cluster import RoleName
from monitor.clock import SystemClock
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.errors import TransientError
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_log import KafkaLog
from tests.faults.kafka_world import World

READS = {
    RoleName.TREND: (Stream.SCORED,),
    RoleName.ALERT: (Stream.DETECTIONS,),
    RoleName.NOTIFY: (Stream.ALERTS,),
    RoleName.ARCHIVE: (Stream.TRENDS, Stream.DETECTIONS, Stream.ALERTS, Stream.DEAD_LETTER),
}


ASKED = 100
"""Questions, a tenth of a second apart, until a broker must have an answer."""


class Positions(Protocol):
    """Where a role's commits are."""

    def committed(self) -> int:
        """The sum of the committed positions; 0 while there is none."""
        ...

    def waiting(self) -> int:
        """What was read and committed, and is not done yet all the same."""
        ...

    def close(self) -> None: ...


class GroupPositions:
    """Those of a consumer group."""

    def __init__(self, world: World, role: RoleName) -> None:
        self._group = world.cluster.group(role)
        self._admin = KafkaAdmin(world.cluster.access)

    def committed(self) -> int:
        """The sum; asked again while the group has no coordinator yet."""
        for _ in range(ASKED):
            with suppress(TransientError):
                return sum(one.offset for one in self._admin.committed(self._group).values())
            time.sleep(0.1)
        raise AssertionError(f"nobody knows what {self._group} has committed")

    def waiting(self) -> int:
        """Nothing: what it has committed is done."""
        return 0

    def close(self) -> None:
        self._admin.close()


class FilePositions:
    """Those in the file of notify or archive; what waits in an outbox is told to nobody yet."""

    def __init__(self, path: Path, role: RoleName) -> None:
        self._path = path
        self._role = role

    def committed(self) -> int:
        """The sum; 0 before there is a file."""
        sql = "SELECT position FROM positions WHERE source_partition LIKE ?"
        return sum(json.loads(position)["at"] for (position,) in self._rows(sql, f"{self._role.value}:%"))

    def waiting(self) -> int:
        """Turns of alerts that no channel has taken yet."""
        sql = "SELECT value FROM meta WHERE key LIKE ?"
        return sum(len(json.loads(value)) for (value,) in self._rows(sql, "outbox_%"))

    def close(self) -> None:
        """Each look opens the file anew."""

    def _rows(self, sql: str, like: str) -> list[tuple[str]]:
        if not self._path.exists():
            return []
        with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=30.0)) as connection:
            try:
                return connection.execute(sql, (like,)).fetchall()
            except sqlite3.OperationalError:  # the file is there, its tables are not yet
                return []


class Desk:
    """One role's; not for several threads."""

    def __init__(self, world: World, role: RoleName) -> None:
        self._log = KafkaLog(world.cluster.access, SystemClock())
        self._places = world.inputs if role is RoleName.SCORE else [p for s in READS[role] for p in world.places(s)]
        history = world.folder / "history.db"
        self._positions: Positions
        match role:
            case RoleName.NOTIFY:
                self._positions = FilePositions(history.with_name(f"{history.name}.notify"), role)
            case RoleName.ARCHIVE:
                self._positions = FilePositions(history, role)
            case _:
                self._positions = GroupPositions(world, role)

    def ends(self) -> int:
        """The sum of the offsets behind the last records."""
        return sum(self._end(place) for place in self._places)

    def committed(self) -> int:
        return self._positions.committed()

    def uncommitted(self, ends: int) -> int:
        """Of what was there when `ends` was asked for: records before the role or in hand, and what waits in it."""
        return max(0, ends - self.committed()) + self._positions.waiting()

    def close(self) -> None:
        self._positions.close()
        self._log.close()

    def _end(self, place: InputPartition) -> int:
        return self._log.bounds(place)[1]


def await_that(
    condition: Callable[[], object],
    what: str,
    patience_seconds: float = 180.0,
    look_seconds: float = 0.1,
) -> float:
    """Until it holds; the seconds that it took. Raises: AssertionError: it never did."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < patience_seconds, f"{what} did not come about"
        time.sleep(look_seconds)  # between two looks
    return time.monotonic() - started
