"""EndWorker: notify and archive, the ends of the flow: what they did and how far they read move in one transaction.

Positions lie in the store with what was written, so that a row and its position are there together or not at all. They
are committed to the group too, but only for whoever looks at its lag. Where the group goes on without us in the middle
of a batch, the batch is given up and read again.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.worker import POLL_SECONDS, Due, LivingWorker, OnSeam, Pace, Seam, Watch, tell_unusable
from monitor.clock import SECOND_MS, Clock
from monitor.domain.alerts import AlertEvent
from monitor.domain.document import InputPartition
from monitor.domain.streams import Message, Stream
from monitor.errors import RecordError, StateError, TransientError
from monitor.logs import event
from monitor.ports import Commit
from monitor.roles.archive import ArchiveRole
from monitor.roles.notify import NotifyRole
from monitor.storage.store import EmbeddedStore
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_errors import MembershipError
from monitor.transports.kafka_member import Committed, KafkaMember
from monitor.transports.kafka_membership import Change, Event
from monitor.transports.kafka_streams import KafkaReader

logger = logging.getLogger(__name__)

LEDGER_KEY = "notified"
LEDGER_ALERTS = 5_000
"""Alerts of which it is remembered what was told: at two a day, more than a desk has in five years."""


class Sink(Protocol):
    """What one life of an end does with messages; `collect` gives what has to be stored of it, once it is durable."""

    def handle(self, messages: Sequence[Message], now_ms: int) -> None: ...
    def collect(self) -> Commit: ...


class ArchiveSink:
    """Rows for the history."""

    def __init__(self) -> None:
        self._role = ArchiveRole()

    def handle(self, messages: Sequence[Message], now_ms: int) -> None:
        """Sort them into rows."""
        self._role.handle(messages)

    def collect(self) -> Commit:
        """The rows since the last call."""
        return self._role.take()


class NotifySink:
    """Tells people each turn of an alert once: a smaller revision than the last that was told is a repeat."""

    def __init__(self, role: NotifyRole, kept: str) -> None:
        self.role = role
        self._told: dict[str, int] = orjson.loads(kept) if kept else {}
        self.repeats = 0

    def handle(self, messages: Sequence[Message], now_ms: int) -> None:
        """Send what was not told before."""
        fresh = []
        for message in messages:
            value = message.value
            if not isinstance(value, AlertEvent):
                continue
            if value.revision <= self._told.get(value.alert_id, -1):
                self.repeats += 1
                continue
            # Taken out and put in again, so that the ledger forgets what was told longest ago.
            self._told.pop(value.alert_id, None)
            self._told[value.alert_id] = value.revision
            fresh.append(message)
        self.role.handle(fresh, now_ms)

    def collect(self) -> Commit:
        """What the channels keep, and the ledger."""
        for alert_id in list(self._told)[: max(0, len(self._told) - LEDGER_ALERTS)]:
            del self._told[alert_id]
        return Commit(meta={**self.role.flush(), LEDGER_KEY: orjson.dumps(self._told).decode()})


@dataclass(slots=True)
class _Life:
    member: KafkaMember
    reader: KafkaReader
    sink: Sink
    due: Due
    assignments: dict[InputPartition, int] = field(default_factory=dict)
    positions: dict[InputPartition, int] = field(default_factory=dict)


class EndWorker(LivingWorker):
    """Drives one end in one process.

    Args:
        make: a new sink for each life. falls_back: whether the group's own commit holds where the store has none.
    """

    def __init__(
        self,
        cluster: Cluster,
        role: RoleName,
        streams: tuple[Stream, ...],
        make: Callable[[], Sink],
        store: EmbeddedStore,
        pace: Pace,
        clock: Clock,
        watch: Watch,
        on_seam: OnSeam,
        *,
        falls_back: bool,
    ) -> None:
        super().__init__(role, clock, watch)
        self._cluster = cluster
        self._streams = streams
        self._make = make
        self._store = store
        self._pace = pace
        self._on_seam = on_seam
        self._falls_back = falls_back

    def _live(self) -> None:
        with ExitStack() as open_things:
            life = self._open(open_things)
            looks = self._lag_looks()
            while not self._lives.is_closing:
                self._watch.beat(self.role)
                messages = life.reader.poll(self._pace.poll_records, POLL_SECONDS)
                self._follow(life, life.member.take_events())
                looks.count(self._take(life, messages))
                if life.due.is_now():
                    self._commit(life)
                if looks.is_now():
                    self._tell_lag(life)
                    looks.done()
            self._commit(life)

    def _open(self, open_things: ExitStack) -> _Life:
        member = self._cluster.member(self.role, self._streams, self._clock)
        open_things.callback(member.close)
        # Told at once: who is told is few, and what is not committed is told again after a crash.
        every_ms = 0 if self.role is RoleName.NOTIFY else self._pace.commit_every_ms
        due = Due(self._clock, every_ms, self._pace.commit_records)
        return _Life(member, KafkaReader(member, self._cluster.stream, self._unusable), self._make(), due)

    def _unusable(self, record: InRecord, why: RecordError) -> None:
        # The mark that a letter was sent again is for whoever sends letters again.
        if dict(record.headers).get("kind") != b"redriven":
            tell_unusable(record, why)

    def _take(self, life: _Life, messages: Sequence[Message]) -> int:
        places = {(source.kafka_topic, source.partition) for source in life.positions}
        names = {stream: self._cluster.topic(stream) for stream in self._streams}
        ours = [one for one in messages if (names[one.stream], one.partition) in places]
        if ours:
            life.sink.handle(ours, self._clock.now_ms())
            self._on_seam(self.role, Seam.OUTPUTS_SENT)
            life.due.count(len(ours))
        for source in life.positions:
            position = life.member.position(source)
            if position > life.positions[source]:
                life.positions[source] = position
        return len(ours)

    def _tell_lag(self, life: _Life) -> None:
        for source, (_, end) in life.member.bounds(list(life.positions)).items():
            self._watch.lag(self.role, source, end - life.positions[source], None)

    def _follow(self, life: _Life, events: Sequence[Event]) -> None:
        for change in events:
            self._watch.rebalanced(self.role, change.change, len(change.partitions))
            going = [one for one in change.partitions if one in life.positions]
            match change.change:
                case Change.ASSIGNED:
                    for source in change.partitions:
                        self._begin(life, source)
                case Change.REVOKED:
                    self._commit(life)
                case Change.LOST:
                    if going:
                        raise TransientError(f"{self.role} lost {', '.join(map(str, going))} with work in hand")
            if change.change is not Change.ASSIGNED:
                for source in going:
                    del life.positions[source], life.assignments[source]
        if events:
            self._watch.owns(self.role, list(life.positions))

    def _begin(self, life: _Life, source: InputPartition) -> None:
        assignment = life.member.owned.get(source)
        if assignment is None:
            return
        kafka_id = life.member.shape(source.kafka_topic).kafka_id
        stored = self._store.load().positions.get(self._key(source))
        offset: int | None = None
        if stored is not None:
            found = orjson.loads(stored)
            if found["id"] != kafka_id:
                raise StateError(
                    f"{source}: the Kafka topic was made again (its id was {found['id']}, and is {kafka_id}) "
                    f"since then; bring it back, or name another file in storage.path"
                )
            offset = found["at"]
        elif self._falls_back:
            committed = life.member.committed([source])[source]
            offset = None if committed is None else committed.offset
        try:
            life.positions[source] = life.member.begin(source, offset)
            life.assignments[source] = assignment
        except MembershipError as exc:
            event(logger, "partition_went", level=logging.WARNING, partition=str(source), reason=str(exc))

    def _commit(self, life: _Life) -> None:
        started = self._clock.monotonic_seconds()
        commit = life.sink.collect()
        self._on_seam(self.role, Seam.SNAPSHOT_WRITTEN)
        positions = dict(life.positions)
        for source, position in positions.items():
            kafka_id = life.member.shape(source.kafka_topic).kafka_id
            commit.positions[self._key(source)] = orjson.dumps({"at": position, "id": kafka_id}).decode()
        self._store.commit(commit)
        self._on_seam(self.role, Seam.COMMITTED)
        life.due.done()
        self._watch.committed(self.role, self._clock.monotonic_seconds() - started)
        self._watch.advanced(self.role, [life.sink])
        if not positions:
            return
        told = {source: Committed(position, "") for source, position in positions.items()}
        try:
            life.member.commit(told, life.assignments, self._pace.commit_timeout_ms / SECOND_MS)
        except MembershipError as exc:
            event(logger, "commit_refused", level=logging.WARNING, role=self.role.value, reason=str(exc))

    def _key(self, source: InputPartition) -> str:
        return f"{self.role.value}:{source}"
