"""Scoring: the thread that scores, so that the one that polls never waits for a model.

    orders in, at most `max_pending` records      documents -> flush -> progress -> [flush -> commit, by the poller]

Progress is sent once everything that it announces is acknowledged: a document that a retry brings in behind it would
count as a repeat. The poller makes the commits, because the client is not for two threads; a cut waits for the answer.
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.worker import Due, OnSeam, Pace, Seam
from monitor.clock import SECOND_MS, Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.progress import Progress
from monitor.domain.streams import Output
from monitor.engine import TICK_MS
from monitor.operators.watermark import PartitionState
from monitor.roles import score_snapshot
from monitor.roles.score import ScoreRole

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What the poller may know of the role: exchanged whole, so that no lock is needed to look at it."""

    stopped: frozenset[InputPartition] = frozenset()
    ahead: frozenset[InputPartition] = frozenset()


@dataclass(slots=True)
class CommitRequest:
    """Positions and states at a cut, for the poller to commit; `committed` are those of which it is known."""

    states: Mapping[InputPartition, tuple[int, bytes]]
    committed: frozenset[InputPartition] = frozenset()
    answered: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Settle:
    """Finish everything that was put before this, commit, and let partitions go."""

    leave: frozenset[InputPartition]
    commits: bool
    done: threading.Event = field(default_factory=threading.Event)


Order = Sequence[FeedRecord] | Mapping[InputPartition, PartitionState] | Settle


class Publishing(Protocol):
    """Who sends the outputs; durable once `flush` returns."""

    @property
    def is_full(self) -> bool: ...
    def publish(self, outputs: Sequence[Output]) -> None: ...
    def flush(self) -> None: ...


class Scoring:
    """The role with its thread. Every method but `work` is the poller's.

    Attributes:
        existing: every input partition there is, as last heard. behind: those that are known to hold more.
        failure: what ended the thread; to be raised by the poller.
    """

    def __init__(
        self,
        role: ScoreRole,
        publisher: Publishing,
        pace: Pace,
        clock: Clock,
        on_seam: OnSeam,
        max_pending: int,
        on_cut: Callable[[], None],
    ) -> None:
        self._role = role
        self._publisher = publisher
        self._pace = pace
        self._clock = clock
        self._on_seam = on_seam
        self._max_pending = max_pending
        self._on_cut = on_cut
        self._orders: deque[Order] = deque()
        self._waiting: Counter[InputPartition] = Counter()
        self._pending = 0
        self._changed = threading.Condition()
        self._request: CommitRequest | None = None
        self._is_closing = False
        self._commit_due = Due(clock, pace.commit_every_ms, pace.commit_records)
        self._has_news = False
        self._last_cut_seconds = clock.monotonic_seconds()
        self._thread = threading.Thread(target=self._run, name="score", daemon=True)
        self.failure: BaseException | None = None
        self.view = View()
        self.existing: Sequence[InputPartition] = ()
        self.behind: frozenset[InputPartition] = frozenset()

    def start(self) -> None:
        self._thread.start()

    @property
    def room(self) -> int:
        """Records that may be put now."""
        return self._max_pending - self._pending

    def put(self, *orders: Order) -> None:
        """Give orders; they are carried out one after the other. Together they wake the thread once."""
        with self._changed:
            for order in orders:
                self._orders.append(order)
                if not isinstance(order, Settle | Mapping):
                    self._pending += len(order)
                    self._waiting.update(record.source_partition for record in order)
            self._changed.notify_all()

    def take_request(self, timeout_seconds: float = 0.0) -> CommitRequest | None:
        """A commit that is wanted, waiting for one if there is time."""
        with self._changed:
            if self._request is None and timeout_seconds:
                self._changed.wait(timeout_seconds)
            request, self._request = self._request, None
            return request

    def close(self, timeout_seconds: float) -> None:
        """End the thread after the order in hand; what was not settled is given up."""
        with self._changed:
            self._is_closing = True
            self._orders.clear()
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        try:
            while self._work():
                pass
        except BaseException as exc:  # whatever it is, the poller's thread raises it
            self.failure = exc
            with self._changed:
                self._changed.notify_all()

    def _work(self) -> bool:
        order = self._next()
        if self._is_closing:
            return False
        match order:
            case None:
                pass
            case Settle():
                self._settle(order)
            case Mapping():
                for source, state in order.items():
                    self._role.assign(source, state)
            case _:
                self._score(order)
        if order is not None and not isinstance(order, Settle | Mapping):
            with self._changed:
                self._pending -= len(order)
        self._cut_if_due()
        return True

    def _next(self) -> Order | None:
        with self._changed:
            if not self._orders and not self._is_closing:
                self._changed.wait(self._pace.progress_every_ms / SECOND_MS)
            order = self._orders.popleft() if self._orders else None
            if order is not None and not isinstance(order, Settle | Mapping):
                self._waiting -= Counter(record.source_partition for record in order)  # and forget what is at zero
            return order

    def _score(self, records: Sequence[FeedRecord]) -> None:
        self._publish(self._role.handle(records, self._clock.now_ms()))
        self._commit_due.count(len(records))
        self._has_news = True
        for source in self._role.stopped():
            self._role.end(source)
        self._on_seam(RoleName.SCORE, Seam.OUTPUTS_SENT)

    def _settle(self, settle: Settle) -> None:
        self._cut()
        if settle.commits:
            self._commit()
        for source in settle.leave & self._role.positions().keys():
            self._role.revoke(source)
        settle.done.set()
        with self._changed:
            self._changed.notify_all()

    def _cut_if_due(self) -> None:
        waited_ms = (self._clock.monotonic_seconds() - self._last_cut_seconds) * SECOND_MS
        if waited_ms >= (self._pace.progress_every_ms if self._has_news else TICK_MS):
            self._cut()
        if self._commit_due.is_now():
            self._cut()
            self._commit()

    def _cut(self) -> None:
        self._last_cut_seconds = self._clock.monotonic_seconds()
        self._has_news = False
        if not self.existing or not self._role.positions():
            return
        self._role.know(self.existing)
        outputs = self._role.cut(self._clock.now_ms(), self.behind | self._queued())
        self._publish([output for output in outputs if not isinstance(output.value, Progress)])
        self._publisher.flush()
        self._on_seam(RoleName.SCORE, Seam.ACKNOWLEDGED)
        self._publish([output for output in outputs if isinstance(output.value, Progress)])
        self.view = View(frozenset(self._role.stopped()), frozenset(self._role.running_ahead()))
        self._on_cut()

    def _queued(self) -> frozenset[InputPartition]:
        """Partitions of which records wait here: they are not idle, however long a model takes for the others."""
        with self._changed:
            return frozenset(self._waiting)

    def _commit(self) -> None:
        """Of the cut that was just made."""
        self._publisher.flush()
        positions = self._role.positions()
        states = score_snapshot.snapshot(self._role.states)
        wanted = {source: (position, states[str(source)] or b"") for source, position in positions.items()}
        request = CommitRequest(wanted)
        with self._changed:
            self._request = request
            self._changed.notify_all()
        while not request.answered.wait(0.05):
            if self._is_closing:
                return
        self._role.committed(request.committed)
        self._commit_due.done()

    def _publish(self, outputs: Sequence[Output]) -> None:
        if self._publisher.is_full:
            self._publisher.flush()
        self._publisher.publish(outputs)
