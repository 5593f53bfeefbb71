"""The engine: the one loop that drives the roles of a process. Poll, submit, advance, publish, flush, snapshot, commit.

Downstream runs before more is read, so what waits between roles stays small. Everything that a record caused is
durable before the position behind it is committed:

    cut (finish what is in hand) -> channels flushed -> [outputs written] -> state and rows collected -> [snapshot]
    -> one transaction: positions, state, history -> [committed]

The names in brackets are the seams at which the fault suite kills the process. A replay reads the next records between
the cut and the rest, so that a scorer on a thread of its own has work while what was cut is decided and committed:

    read 1, cut 1 -> read 2 -> decide 1, commit 1 -> cut 2 -> read 3 -> decide 2, commit 2 -> ...
    scorer:          [--------- scores 2 --------]            [--------- scores 3 --------]

Nothing of what was read ahead is handed on before that commit, and what the commit holds was taken at its cut.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from monitor.clock import Clock, Laps
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.streams import Message, Output
from monitor.errors import TransientError
from monitor.ports import Commit, Feed, Store

logger = logging.getLogger(__name__)

DRAIN_BATCH = 4_096
"""Messages that a role takes at once: large enough to pay for the call, small enough to beat in between."""

IDLE_SLEEP_SECONDS = 0.05
"""How long to wait when no input had anything: below what a person notices, above what a core notices."""

TICK_MS = 1_000
"""Progress is written this often though nothing was read, so that idleness is told."""


class Seam(StrEnum):
    """Moments between which a killed process must change nothing."""

    OUTPUTS_WRITTEN = "outputs_written"
    SNAPSHOT = "snapshot"
    COMMITTED = "committed"


class Reader(Protocol):
    """One place in one stream."""

    def poll(self, max_messages: int) -> list[Message]: ...


class Transport(Protocol):
    """How the roles of this process are joined."""

    def publish(self, outputs: Sequence[Output]) -> None: ...


class StatefulRole(Protocol):
    """A role between two streams."""

    def handle(self, messages: Sequence[Message]) -> list[Output]: ...


class Intake(Protocol):
    """The head of the chain: takes feed records, and says where each input stands."""

    def handle(self, records: Sequence[FeedRecord], now_ms: int) -> list[Output]: ...
    def cut(self, now_ms: int) -> list[Output]: ...
    def end(self, source: InputPartition) -> bool: ...
    def committed(self) -> None: ...
    def positions(self) -> dict[InputPartition, int]: ...
    def running_ahead(self) -> set[InputPartition]: ...
    def stopped(self) -> set[InputPartition]: ...


class Notifier(Protocol):
    """The end of the chain that tells people; `flush` gives what a commit must keep."""

    def handle(self, messages: Sequence[Message], now_ms: int) -> None: ...
    def flush(self) -> dict[str, str]: ...


class Archiver(Protocol):
    """The end of the chain that collects rows for the next commit."""

    def handle(self, messages: Sequence[Message]) -> None: ...
    def take(self) -> Commit: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """A role, what it reads, and how its changed state is collected for a commit (key -> bytes, None: gone).

    `lap` is the stage to which the time is booked that the role does not book itself.
    """

    name: str
    lap: str
    reader: Reader
    role: StatefulRole
    snapshot: Callable[[], Mapping[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop is paced. `is_live`: inputs may still grow, and time is told by the clock; else a replay.

    Attributes:
        poll_records: records read at once.
        progress_every_ms: live, the least time between two progress records; a replay cuts only to commit.
        commit_every_ms, commit_records: whichever comes first makes a commit due.
        retention_ms: how long history is kept; 0 for ever.
    """

    is_live: bool
    poll_records: int
    progress_every_ms: int
    commit_every_ms: int
    commit_records: int
    retention_ms: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What a commit rests on, as it was when all that had been read was finished.

    Attributes:
        outputs: the last that score published, progress among them. positions, state: of score, for the store.
    """

    outputs: Sequence[Output]
    positions: dict[str, str]
    state: dict[str, bytes | None]


class Observer(Protocol):
    """Who is told how the loop goes: metrics, health, a progress bar."""

    def beat(self) -> None: ...
    def read(self, records: Sequence[FeedRecord]) -> None: ...
    def advanced(self) -> None: ...
    def committed(self, seconds: float, state_bytes: int) -> None: ...
    def paused(self, source: InputPartition) -> None: ...


class Engine:
    """Drives score and everything behind it in one process."""

    def __init__(
        self,
        feed: Feed,
        score: Intake,
        transport: Transport,
        stages: Sequence[Stage],
        notify: tuple[Reader, Notifier],
        archive: tuple[Sequence[Reader], Archiver],
        store: Store | None,
        score_snapshot: Callable[[], Mapping[str, bytes | None]],
        clock: Clock,
        pace: Pace,
        observer: Observer,
        laps: Laps,
        on_seam: Callable[[Seam], None],
        maintenance: Callable[[], None],
        meta: Callable[[], dict[str, str]],
    ) -> None:
        self._feed = feed
        self._score = score
        self._transport = transport
        self._stages = tuple(stages)
        self._notify_reader, self._notify = notify
        self._archive_readers, self._archive = archive
        self._store = store
        self._score_snapshot = score_snapshot
        self._clock = clock
        self._pace = pace
        self._observer = observer
        self._laps = laps
        self._on_seam = on_seam
        self._maintenance = maintenance
        self._meta = meta
        self._since_commit = 0
        self._last_commit_ms = clock.now_ms()
        self._last_cut_ms = self._last_commit_ms
        self._has_news = False
        self._cut_in_hand: Cut | None = None
        self._prune: Iterator[int] | None = None
        self._pruned_ms = 0
        self._paused_ahead: set[InputPartition] = set()
        self.stopped_inputs: set[InputPartition] = set()
        self._is_closing = False

    def close(self) -> None:
        """Take no more; `run` finishes what is in hand, commits and returns. Safe to call from a signal handler."""
        self._is_closing = True

    def run(self) -> bool:
        """Until every input has ended, or `close`. False when every input was stopped for unusable records."""
        collect_garbage_seldom()
        while not self._is_closing:
            self._observer.beat()
            worked = self._step()
            if self._all_over():
                break
            if not worked:
                self._clock.sleep(IDLE_SLEEP_SECONDS)
        self._finish_commit()
        self._end_what_ended()
        self._begin_commit()
        self._finish_commit()
        return not self.stopped_inputs or set(self._feed.partitions) != self.stopped_inputs

    def _step(self) -> bool:
        self._maintenance()
        now_ms = self._clock.now_ms()
        self._laps.start()
        try:
            records = self._feed.poll(self._pace.poll_records)
        except TransientError as exc:
            logger.warning("an input cannot be read for now: %s", exc)
            self._clock.sleep(exc.retry_after_seconds)
            records = []
        outputs: list[Output] = []
        if records:
            self._laps.lap("read", len(records))
            self._observer.read(records)
            outputs = self._score.handle(records, self._event_clock(now_ms))
            self._since_commit += len(records)
            self._has_news = True
        self._finish_commit()
        if records:
            self._publish(outputs)
        self._end_what_ended()
        self._stop_bad_inputs()
        self._hold_back()
        if self._cut_is_due(now_ms):
            self._cut()
        if self._commit_is_due(now_ms):
            self._begin_commit()
            if self._pace.is_live:
                self._finish_commit()
        elif not records:
            self._prune_a_little(now_ms)
        return bool(records)

    def _event_clock(self, now_ms: int) -> int:
        """A replay's progress is written at no time of day, so that it does not depend on the speed of the machine."""
        return now_ms if self._pace.is_live else 0

    def _cut_is_due(self, now_ms: int) -> bool:
        if not self._pace.is_live:
            # A commit cuts anyway, and each cut tells the volumes since the last commit once more.
            return False
        waited_ms = now_ms - self._last_cut_ms
        return waited_ms >= (self._pace.progress_every_ms if self._has_news else TICK_MS)

    def _commit_is_due(self, now_ms: int) -> bool:
        if self._since_commit >= self._pace.commit_records:
            return True
        # Idleness alone decides what was waiting for a later document, so rows can come without records.
        has_news = self._since_commit > 0 or len(self._archive) > 0
        return self._pace.is_live and has_news and now_ms - self._last_commit_ms >= self._pace.commit_every_ms

    def _cut(self) -> None:
        self._publish(self._finish_score())
        self._observer.advanced()

    def _finish_score(self) -> list[Output]:
        self._last_cut_ms = self._clock.now_ms()
        self._has_news = False
        self._laps.start()
        return self._score.cut(self._event_clock(self._last_cut_ms))

    def _publish(self, outputs: Sequence[Output]) -> None:
        """Hand on, then let everything downstream finish: what waits between roles never outlives a step."""
        self._transport.publish(outputs)
        self._laps.lap("repartition")
        self._drain_ends()
        while self._advance_a_stage():
            self._drain_ends()

    def _advance_a_stage(self) -> bool:
        """One batch of the last stage that has one: whoever is behind reads before anybody writes to it again."""
        for stage in reversed(self._stages):
            if messages := stage.reader.poll(DRAIN_BATCH):
                self._observer.beat()
                self._transport.publish(stage.role.handle(messages))
                self._laps.lap(stage.lap)
                return True
        return False

    def _drain_ends(self) -> None:
        now_ms = self._clock.now_ms()
        while messages := self._notify_reader.poll(DRAIN_BATCH):
            self._notify.handle(messages, now_ms)
        self._laps.start()
        for reader in self._archive_readers:
            while messages := reader.poll(DRAIN_BATCH):
                self._archive.handle(messages)
        self._laps.lap("archive")

    def _begin_commit(self) -> None:
        """Cut, and take of score what the commit will hold."""
        outputs = self._finish_score()
        positions: dict[str, str] = {}
        state: dict[str, bytes | None] = {}
        if self._store is not None:
            positions = {str(s): self._feed.mark(s, position) for s, position in self._score.positions().items()}
            state = dict(self._score_snapshot())
        if not self._pace.is_live:
            # What is read ahead counts from here. A commit that fails ends the process, and with it what score knows.
            self._score.committed()
        self._since_commit = 0
        self._cut_in_hand = Cut(outputs, positions, state)

    def _finish_commit(self) -> None:
        """Decide what was cut, if anything was; positions, state and history in one transaction."""
        cut, self._cut_in_hand = self._cut_in_hand, None
        if cut is None:
            return
        started = self._clock.monotonic_seconds()
        self._publish(cut.outputs)
        self._observer.advanced()
        self._laps.start()
        kept = self._notify.flush()
        self._on_seam(Seam.OUTPUTS_WRITTEN)
        commit = self._archive.take()
        state_bytes = 0
        if self._store is not None:
            commit.positions = cut.positions
            commit.state = {"score": cut.state}
            for stage in self._stages:
                commit.state[stage.name] = dict(stage.snapshot())
            commit.meta = {**kept, **self._meta()}
            state_bytes = sum(len(v) for values in commit.state.values() for v in values.values() if v is not None)
            self._on_seam(Seam.SNAPSHOT)
            self._laps.lap("snapshot")
            self._store.commit(commit)
            self._on_seam(Seam.COMMITTED)
        if self._pace.is_live:
            self._score.committed()
        self._laps.lap("commit")
        self._last_commit_ms = self._clock.now_ms()
        self._observer.committed(self._clock.monotonic_seconds() - started, state_bytes)

    def _end_what_ended(self) -> None:
        for source in self._feed.partitions:
            if self._feed.has_ended(source) or source in self.stopped_inputs:
                self._has_news |= self._score.end(source)

    def _stop_bad_inputs(self) -> None:
        """Pause inputs that gave too many unusable records; the others go on."""
        for source in sorted(self._score.stopped() - self.stopped_inputs):
            self.stopped_inputs.add(source)
            self._feed.pause(source)
            self._observer.paused(source)

    def _hold_back(self) -> None:
        """Pause partitions that run far ahead of the slowest, so that several inputs drain in step."""
        ahead = self._score.running_ahead() - self.stopped_inputs
        for source in ahead - self._paused_ahead:
            self._feed.pause(source)
        for source in self._paused_ahead - ahead - self.stopped_inputs:
            self._feed.resume(source)
        self._paused_ahead = ahead

    def _all_over(self) -> bool:
        return all(self._feed.has_ended(s) or s in self.stopped_inputs for s in self._feed.partitions)

    def _prune_a_little(self, now_ms: int) -> None:
        """While nothing is to do: one small step of deleting history that is older than the desk keeps."""
        if self._store is None or not self._pace.retention_ms or not self._pace.is_live:
            return
        if self._prune is None:
            if now_ms - self._pruned_ms < 3_600_000:
                return
            self._pruned_ms = now_ms
            self._prune = self._store.prune_steps(now_ms - self._pace.retention_ms)
        if next(self._prune, None) is None:
            self._prune = None


def collect_garbage_seldom() -> None:
    """Almost everything that is made here is a value that dies by its reference count, and nothing forms cycles.

    The default looks at young objects every 700 allocations and at all of them again and again: a sixth of the time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
