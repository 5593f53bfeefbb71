"""What every worker has in common: lives, heartbeats, seams, and the pace of commits.

A worker lives until it is closed or something outside fails it. After a failure that may pass it gives up all that it
holds, waits, and begins anew from its commits; any other error ends the process.
"""

import logging
import random
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from monitor.app.distributed.cluster import RoleName
from monitor.clock import SECOND_MS, Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import RecordError, TransientError
from monitor.logs import event
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_member import KafkaMember
from monitor.transports.kafka_membership import Change

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""How long a poll waits for records: what a drain waits for at most, far below what a person notices."""

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
"""Between two lives, doubling: a broker that restarts is met soon, an outage is not hammered."""

LAG_SECONDS = 10.0
"""Between two looks at the ends of logs: each is a question to the brokers, and nobody scrapes more often."""

STEADY_SECONDS = 60.0
"""A life this long has recovered: the next failure begins with the first pause again."""


class Seam(StrEnum):
    """Moments between which a killed process must change nothing."""

    OUTPUTS_SENT = "outputs_sent"
    ACKNOWLEDGED = "acknowledged"
    SNAPSHOT_WRITTEN = "snapshot_written"
    COMMITTED = "committed"


OnSeam = Callable[[RoleName, Seam], None]


def no_seam(role: RoleName, seam: Seam) -> None:
    """Nothing happens between a commit's steps outside the fault suite."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How workers are paced.

    Attributes:
        poll_records: taken from Kafka at once.
        commit_every_ms, commit_records: whichever comes first makes a commit due.
        progress_every_ms: the least time between two progress records of score.
        snapshot_every_ms, snapshot_records: whichever comes first makes a snapshot due; what lies between snapshot and
            commit is read again at each restore.
        commit_timeout_ms: how long a commit may take. handover_ms: how long what is in hand may take to be finished
            when a partition is wanted elsewhere: a third of the session timeout.
    """

    poll_records: int
    commit_every_ms: int
    commit_records: int
    progress_every_ms: int
    snapshot_every_ms: int
    snapshot_records: int
    commit_timeout_ms: int
    handover_ms: int


class Watch(Protocol):
    """Who is told how workers go: health and metrics, or a test. Each worker calls from its own threads."""

    def beat(self, role: RoleName) -> None:
        """A sign of life."""
        ...

    def owns(self, role: RoleName, partitions: Sequence[InputPartition]) -> None:
        """The partitions that a worker has after a rebalance: it has joined its group."""
        ...

    def rebalanced(self, role: RoleName, change: Change, partitions: int) -> None: ...

    def failed(self, role: RoleName, error: TransientError) -> None:
        """It gave up what it held, and will begin anew."""
        ...

    def read(self, records: Sequence[FeedRecord]) -> None:
        """Records of feeds."""
        ...

    def advanced(self, role: RoleName, parts: Sequence[object]) -> None:
        """The roles of its partitions have decided something: what they counted can be taken."""
        ...

    def committed(self, role: RoleName, seconds: float) -> None: ...
    def snapshot(self, role: RoleName, seconds: float, size: int) -> None: ...
    def restoring(self, role: RoleName, left: int) -> None:
        """So many records are still to be read again."""
        ...

    def heard(self, role: RoleName, silent_seconds: float) -> None:
        """How long the brokers have not answered its member."""
        ...

    def lag(self, role: RoleName, partition: InputPartition, records: int, written_ms: int | None) -> None:
        """How many records wait, and when the last one that was read had been written, if it says."""
        ...


class Worker(Protocol):
    """One role at work, in the thread that calls `run`."""

    role: RoleName

    def run(self) -> None:
        """Until `close`, or an error that no new life mends."""
        ...

    def close(self) -> None:
        """Take no more; what is in hand is finished and committed. From any thread."""
        ...


class Lives:
    """Runs one life after another."""

    def __init__(self, role: RoleName, clock: Clock, watch: Watch, dice: random.Random) -> None:
        self._role = role
        self._clock = clock
        self._watch = watch
        self._dice = dice
        self._closed = threading.Event()

    @property
    def is_closing(self) -> bool:
        return self._closed.is_set()

    def close(self) -> None:
        """End the present life well, and begin no other."""
        self._closed.set()

    def run(self, live: Callable[[], None]) -> None:
        """Live until closed. Raises: whatever `live` raises; a TransientError only while it is closing."""
        pause = FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            began = self._clock.monotonic_seconds()
            try:
                live()
                return
            except TransientError as exc:
                self._watch.failed(self._role, exc)
                if self._closed.is_set():
                    raise  # what was in hand is not committed, and whoever stopped us should know
                event(logger, "worker_begins_anew", level=logging.WARNING, role=self._role.value, reason=str(exc))
                if self._clock.monotonic_seconds() - began > STEADY_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
                self.wait(pause * self._dice.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def wait(self, seconds: float) -> None:
        """Give signs of life for so long, or until closed."""
        until = self._clock.monotonic_seconds() + seconds
        while not self._closed.is_set() and (left := until - self._clock.monotonic_seconds()) > 0:
            self._watch.beat(self._role)
            self._closed.wait(min(left, 1.0))


class LivingWorker(ABC):
    """A worker whose lives are told by `_live`.

    Attributes:
        role: whose work it is.
    """

    def __init__(self, role: RoleName, clock: Clock, watch: Watch) -> None:
        self.role = role
        self._clock = clock
        self._watch = watch
        self._lives = Lives(role, clock, watch, random.Random())

    def run(self) -> None:
        """Until `close`. Raises: StateError, DependencyError, AllStopped: no new life mends that."""
        self._lives.run(self._live)

    def close(self) -> None:
        """Finish what is in hand, commit, leave."""
        self._lives.close()

    @abstractmethod
    def _live(self) -> None:
        """One life: until `_lives.is_closing`, or something outside fails it."""

    def _lag_looks(self) -> "Due":
        """When it is time to look at the ends of logs again."""
        looks = Due(self._clock, round(LAG_SECONDS * SECOND_MS), sys.maxsize)
        looks.count(1)
        return looks

    def _tell_brokers(self, member: KafkaMember, looks: "Due", tell_lag: Callable[[], None]) -> None:
        """Tell whether the brokers answer, and now and then what waits there."""
        silent_seconds = member.unanswered_seconds()
        self._watch.heard(self.role, silent_seconds)
        # What does not answer is not asked: that would hold up the polls.
        if looks.is_now() and silent_seconds < LAG_SECONDS:
            # What must be durable fails in an outage; to know the lag is not worth a life.
            with suppress(TransientError):
                tell_lag()
            looks.done()
            looks.count(1)


def tell_unusable(record: InRecord, why: RecordError) -> None:
    """Log a record of our own streams that cannot be read."""
    place = f"{record.source}@{record.offset}"
    event(logger, "record_unusable", level=logging.ERROR, place=place, why=str(why))


class Due:
    """Whether it is time again: after so many milliseconds or so many records, whichever comes first."""

    def __init__(self, clock: Clock, every_ms: int, records: int) -> None:
        self._clock = clock
        self._every_seconds = every_ms / SECOND_MS
        self._records = records
        self._since = 0
        self._last_seconds = clock.monotonic_seconds()

    def count(self, records: int) -> None:
        self._since += records

    @property
    def has_news(self) -> bool:
        return self._since > 0

    def is_now(self) -> bool:
        """Never while nothing was counted."""
        waited = self._clock.monotonic_seconds() - self._last_seconds
        return self._since > 0 and (self._since >= self._records or waited >= self._every_seconds)

    def done(self) -> None:
        self._since = 0
        self._last_seconds = self._clock.monotonic_seconds()
