"""EndWorker: notify and archive, the ends of the flow: what they did and how far they read move in one transaction.

    archive    poll -> rows and positions, one transaction
    notify     poll -> ledger and positions -> send -> ledger

Positions lie in the store with what was written, so that a row and its position are there together or not at all. They
are committed to the group too, but only for whoever looks at its lag. Where the group goes on without us in the middle
of a batch, the batch is given up and read again. One process writes a store; another stands by, outside the group.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import orjson

from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.sinks import Sink
from monitor.app.distributed.worker import POLL_SECONDS, Due, LivingWorker, OnSeam, Pace, Seam, Watch, tell_unusable
from monitor.clock import SECOND_MS, Clock
from monitor.domain.document import InputPartition
from monitor.domain.streams import Message, Stream
from monitor.errors import RecordError, StateError, TransientError
from monitor.logs import event
from monitor.storage.sql_store import SqlStore
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_errors import MembershipError
from monitor.transports.kafka_member import Committed, KafkaMember
from monitor.transports.kafka_membership import Change, Event
from monitor.transports.kafka_streams import KafkaReader

logger = logging.getLogger(__name__)

STANDBY_SECONDS = 1.0
"""Between two tries for a store that another process writes: what a takeover costs at most, beside the rebalance."""

PRUNE_EVERY_MS = 3_600_000
"""History is looked through for what is old once in an hour, as without Kafka."""


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
        retention_ms: history that is older is deleted, a little at a time; 0 keeps it for ever.
    """

    def __init__(
        self,
        cluster: Cluster,
        role: RoleName,
        streams: tuple[Stream, ...],
        make: Callable[[], Sink],
        store: SqlStore,
        pace: Pace,
        clock: Clock,
        watch: Watch,
        on_seam: OnSeam,
        *,
        falls_back: bool,
        retention_ms: int = 0,
    ) -> None:
        super().__init__(role, clock, watch)
        self._cluster = cluster
        self._streams = streams
        self._make = make
        self._store = store
        self._pace = pace
        self._on_seam = on_seam
        self._falls_back = falls_back
        self._retention_ms = retention_ms
        self._prune: Iterator[int] | None = None
        self._pruned_ms = 0

    def _live(self) -> None:
        if not self._is_attached():
            return
        with ExitStack() as open_things:
            life = self._open(open_things)
            looks = self._lag_looks()
            while not self._lives.is_closing:
                self._watch.beat(self.role)
                messages = life.reader.poll(self._pace.poll_records, POLL_SECONDS)
                self._follow(life, life.member.take_events())
                self._take(life, messages)
                if life.due.is_now() or life.sink.has_news:
                    self._commit(life)
                if len(messages) < self._pace.poll_records:
                    self._prune_a_little()
                self._tell_brokers(life.member, looks, lambda: self._tell_lag(life))
            self._commit(life)

    def _is_attached(self) -> bool:
        """Wait until the store is ours to write; False where the worker is closed before that."""
        is_standing_by = False
        while not self._lives.is_closing:
            if self._store.attach():
                return True
            if not is_standing_by:
                event(logger, "stands_by", role=self.role.value, reason="another process writes the store")
                # As a member without partitions: ready to take over, and no reason to hold up a rolling update.
                self._watch.owns(self.role, [])
                is_standing_by = True
            self._lives.wait(STANDBY_SECONDS)
        return False

    def _prune_a_little(self) -> None:
        """While reading keeps up: one small step of deleting history that is older than the desk keeps."""
        if not self._retention_ms:
            return
        now_ms = self._clock.now_ms()
        if self._prune is None:
            if now_ms - self._pruned_ms < PRUNE_EVERY_MS:
                return
            self._pruned_ms = now_ms
            self._prune = self._store.prune_steps(now_ms - self._retention_ms)
        if next(self._prune, None) is None:
            self._prune = None

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

    def _take(self, life: _Life, messages: Sequence[Message]) -> None:
        places = {(source.kafka_topic, source.partition) for source in life.positions}
        names = {stream: self._cluster.topic(stream) for stream in self._streams}
        ours = [one for one in messages if (names[one.stream], one.partition) in places]
        if ours:
            life.sink.handle(ours)
            life.due.count(len(ours))
        for source in life.positions:
            position = life.member.position(source)
            if position > life.positions[source]:
                life.positions[source] = position

    def _tell_lag(self, life: _Life) -> None:
        for source, (_, end) in life.member.bounds(list(life.positions)).items():
            self._watch.lag(self.role, source, end - life.positions[source], None)

    def _follow(self, life: _Life, events: Sequence[Event]) -> None:
        for change in events:
            self._watch.rebalanced(self.role, change.change, len(change.partitions))
            event(
                logger,
                f"partitions_{change.change.value}",
                role=self.role.value,
                partitions=[str(one) for one in change.partitions],
            )
            going = [one for one in change.partitions if one in life.positions]
            match change.change:
                case Change.ASSIGNED:
                    for source in change.partitions:
                        self._begin(life, source)
                case Change.REVOKED:
                    self._commit(life)
                case Change.LOST:
                    # What is committed is nobody's loss: the partition is begun again where the store says.
                    if going and (life.due.has_news or life.sink.has_news):
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
                    f"since then; bring it back, or {self._store.faults.elsewhere}"
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
        """The ledger or the rows, then what may only follow them, then that it was done; the group hears of it last."""
        started = self._clock.monotonic_seconds()
        positions = dict(life.positions)
        self._on_seam(self.role, Seam.ACKNOWLEDGED)
        self._write(life, positions)
        self._on_seam(self.role, Seam.SNAPSHOT_WRITTEN)
        if life.sink.act(self._clock.now_ms()):
            self._on_seam(self.role, Seam.OUTPUTS_SENT)
            self._write(life, positions)
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

    def _write(self, life: _Life, positions: Mapping[InputPartition, int]) -> None:
        commit = life.sink.collect()
        for source, position in positions.items():
            kafka_id = life.member.shape(source.kafka_topic).kafka_id
            commit.positions[self._key(source)] = orjson.dumps({"at": position, "id": kafka_id}).decode()
        self._store.commit(commit)

    def _key(self, source: InputPartition) -> str:
        return f"{self.role.value}:{source}"
