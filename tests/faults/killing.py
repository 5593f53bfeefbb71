"""kill -9 of one role again and again, each time with work that it had not committed.

    start .. owns .. commits ..... random moment .. work in hand .. x           x: SIGKILL, and at once another start
             |<- it is back ->|    0 to 2 s

What it had in hand is what was there before the kill and is not committed after it.
"""

import json
import random
import signal
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from monitor.app.distributed.cluster import RoleName
from tests.faults.desk import Desk, await_that
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import World

LONGEST_MOMENT_SECONDS = 2.0
BACK_SECONDS = 180.0
"""Generous: on two cores that do other things too, five processes start over and over."""

WORK_LOOK_SECONDS = 0.08
"""An alert is told within a fraction of a second: whoever looks more seldom finds nobody at work."""

MOST_TRIES = 3
"""Kills in all, for each that counts."""


@dataclass(frozen=True)
class Kill:
    """One kill. `back_seconds`: from it until the next process had its partitions and committed."""

    role: str
    number: int
    uncommitted: int
    back_seconds: float


class KillLog:
    """A line of JSON for each kill and one for the end; for several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self._turn = threading.Lock()
        self.kills: list[Kill] = []

    def note(self, kill: Kill) -> None:
        """One more."""
        with self._turn:
            self.kills.append(kill)
        self.write(asdict(kill))

    def write(self, line: dict[str, object]) -> None:
        with self._turn:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()


class Killer:
    """Kills one role as often as is asked for."""

    def __init__(self, world: World, roles: Roles, role: RoleName, log: KillLog, rng: random.Random) -> None:
        self._world = world
        self._roles = roles
        self._role = role
        self._log = log
        self._rng = rng
        self._over = threading.Event()

    def stop(self) -> None:
        """Another killer failed: this one need not go on."""
        self._over.set()

    def run(self, times: int) -> None:
        """Raises: AssertionError: the role does not come back, or is never found at work."""
        counted = tried = 0
        with closing(Desk(self._world, self._role)) as desk:
            self._await_back(desk, 0, 0)
            while counted < times and not self._over.is_set():
                self._over.wait(self._rng.uniform(0.0, LONGEST_MOMENT_SECONDS))
                self._await_work(desk)
                ends = desk.ends()
                process = self._roles.running[self._role.value]
                process.send_signal(signal.SIGKILL)
                killed = time.monotonic()
                process.wait()
                committed, in_hand = desk.committed(), desk.uncommitted(ends)
                log_bytes = self._roles.log_bytes(self._role.value)
                self._roles.start(self._role.value)
                tried += 1
                assert tried < MOST_TRIES * times + 10, f"{self._role} is hardly ever at work when it is killed"
                self._await_back(desk, committed, log_bytes)
                if in_hand:
                    counted += 1
                    back_seconds = round(time.monotonic() - killed, 1)
                    self._log.note(Kill(self._role.value, counted, in_hand, back_seconds))

    def _await_back(self, desk: Desk, committed: int, log_bytes: int) -> None:
        """Until it has its partitions, and has committed more than before: who has not begun has nothing to lose.

        Of notify the first alone: alerts are few.
        """

        def is_back() -> bool:
            self._roles.check(self._role.value)
            if not self._roles.owns(self._role.value, log_bytes):
                return False
            return self._role is RoleName.NOTIFY or desk.committed() > committed

        await_that(lambda: self._over.is_set() or is_back(), f"the return of {self._role}", BACK_SECONDS, 0.25)

    def _await_work(self, desk: Desk) -> None:
        def has_work() -> bool:
            return self._over.is_set() or desk.uncommitted(desk.ends()) > 0

        await_that(has_work, f"work for {self._role}", BACK_SECONDS, WORK_LOOK_SECONDS)
