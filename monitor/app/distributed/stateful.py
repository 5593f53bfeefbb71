"""StatefulWorker: trend, one state for each scored partition, and alert, which has one.

    assigned    commit -> snapshot -> read again, muted, up to the commit -> news
    at work     poll -> decide -> publish ... flush -> [encode a snapshot] -> commit, naming the last that is durable
    revoked     flush -> snapshot -> commit, within a third of the session timeout; else it equals a crash
    lost        everything is forgotten, and nothing committed

A partition's unit carries the number of its assignment, so that no commit rests on what an older one computed.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from monitor.app.distributed.cluster import Cluster, RoleName, state_place
from monitor.app.distributed.snapshots import Snapshots
from monitor.app.distributed.states import Begun, States
from monitor.app.distributed.units import Make, Unit
from monitor.app.distributed.worker import POLL_SECONDS, Due, LivingWorker, OnSeam, Pace, Seam, Watch, tell_unusable
from monitor.clock import SECOND_MS, Clock
from monitor.delivery.chunks import Versions
from monitor.delivery.metadata import StateCommit, encode_state
from monitor.delivery.replay import MutedReplay
from monitor.delivery.shape import Owner
from monitor.domain.document import InputPartition
from monitor.domain.progress import Progress
from monitor.domain.streams import Message, Output, Stream
from monitor.errors import RecordError
from monitor.logs import event
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_errors import MembershipError
from monitor.transports.kafka_log import KafkaLog
from monitor.transports.kafka_member import Committed, KafkaMember
from monitor.transports.kafka_membership import Change, Event
from monitor.transports.kafka_sender import KafkaSender
from monitor.transports.kafka_streams import KafkaPublisher, KafkaReader

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StatefulRole:
    """What tells trend and alert apart."""

    name: RoleName
    reads: Stream
    versions: Versions
    make: Make


@dataclass(slots=True)
class _Life:
    """The clients and the partitions of one life."""

    member: KafkaMember
    reader: KafkaReader
    publisher: KafkaPublisher
    states: States
    snapshots: Snapshots
    shapes: Mapping[str, object]
    partitions: int
    places: Callable[[InputPartition], InputPartition]
    unreadable: list[Message] = field(default_factory=list)
    units: dict[InputPartition, Unit] = field(default_factory=dict)


class StatefulWorker(LivingWorker):
    """Drives the units of one role in one process."""

    def __init__(
        self, cluster: Cluster, role: StatefulRole, pace: Pace, clock: Clock, watch: Watch, on_seam: OnSeam
    ) -> None:
        super().__init__(role.name, clock, watch)
        self._cluster = cluster
        self._spec = role
        self._pace = pace
        self._on_seam = on_seam

    def _live(self) -> None:
        with ExitStack() as open_things:
            life = self._open(open_things)
            due = Due(self._clock, self._pace.commit_every_ms, self._pace.commit_records)
            looks = self._lag_looks()
            while not self._lives.is_closing:
                self._watch.beat(self.role)
                messages = self._poll(life)
                self._follow(life, life.member.take_events())
                count = self._take(life, messages)
                due.count(count)
                if due.is_now():
                    self._commit(life, life.units.values())
                    due.done()
                    self._watch.advanced(self.role, [unit.made.decider for unit in life.units.values()])
                self._tell_brokers(life.member, looks, lambda: self._tell_lag(life))
            self._commit(life, life.units.values(), is_last=True)

    def _open(self, open_things: ExitStack) -> _Life:
        cluster, spec, clock = self._cluster, self._spec, self._clock
        shapes = cluster.shapes()

        def states(sender: KafkaSender) -> States:
            log = KafkaLog(cluster.access, clock)
            open_things.callback(log.close)
            return States(log, sender, spec.versions, shapes, rests_on, cluster.sending.max_record_bytes)

        # Snapshots have a client of their own: they are written in another thread.
        sender = cluster.sender(clock)
        open_things.callback(sender.close)
        snapshot_sender = cluster.sender(clock)
        open_things.callback(snapshot_sender.close)
        member = cluster.member(spec.name, [spec.reads], clock)
        open_things.callback(member.close)
        kafka_topic = cluster.topic(spec.reads)
        rests_on = (kafka_topic, cluster.state_topic)
        unreadable: list[Message] = []

        def unusable(record: InRecord, why: RecordError) -> None:
            """Its place is kept: a hole would look like records that were lost."""
            tell_unusable(record, why)
            unreadable.append(Message(spec.reads, record.source.partition, record.offset, None))

        return _Life(
            member,
            KafkaReader(member, cluster.stream, unusable),
            KafkaPublisher(sender, cluster.topic),
            states(sender),
            Snapshots(states(snapshot_sender), clock),
            shapes,
            shapes[kafka_topic].partitions,
            lambda source: state_place(cluster, spec.name, source, shapes),
            unreadable,
        )

    def _poll(self, life: _Life) -> dict[InputPartition, list[Message]]:
        """Messages by partition, in order; those that cannot be read among them, with None for their value."""
        life.unreadable.clear()
        found: dict[int, list[Message]] = {}
        for message in life.reader.poll(self._pace.poll_records, POLL_SECONDS):
            found.setdefault(message.partition, []).append(message)
        for message in life.unreadable:
            found.setdefault(message.partition, []).append(message)
        if life.unreadable:
            for messages in found.values():
                messages.sort(key=lambda message: message.offset)
        kafka_topic = self._cluster.topic(self._spec.reads)
        return {InputPartition(kafka_topic, partition): messages for partition, messages in found.items()}

    def _take(self, life: _Life, messages: Mapping[InputPartition, list[Message]]) -> int:
        """Let each partition's role decide; the number of records that were news."""
        count = 0
        for source, read in messages.items():
            unit = life.units.get(source)
            if unit is None:
                continue
            muted, news = unit.replay.split(read)
            if muted:
                unit.made.decider.handle(muted)
                self._watch.restoring(self.role, unit.replay.left)
            if news:
                self._publish(life, unit.made.decider.handle(news))
            unit.position += len(muted) + len(news)
            if isinstance(read[-1].value, Progress):
                unit.written_ms = read[-1].value.written_ms
            unit.snapshot_due.count(len(muted) + len(news))
            count += len(news)
        if count:
            self._on_seam(self.role, Seam.OUTPUTS_SENT)
        return count

    def _publish(self, life: _Life, outputs: Sequence[Output]) -> None:
        """Progress leaves when the detections before it are acknowledged.

        One that comes in behind it, because its batch was given up and the next one was not, would count as a repeat.
        """
        if life.publisher.is_full:
            life.publisher.flush()
        start, has_detection = 0, False
        for number, output in enumerate(outputs):
            if output.stream is not Stream.DETECTIONS:
                continue
            if not isinstance(output.value, Progress):
                has_detection = True
            elif has_detection:
                life.publisher.publish(outputs[start:number])
                life.publisher.flush()
                start, has_detection = number, False
        life.publisher.publish(outputs[start:])

    def _follow(self, life: _Life, events: Sequence[Event]) -> None:
        for change in events:
            self._watch.rebalanced(self.role, change.change, len(change.partitions))
            event(
                logger,
                f"partitions_{change.change.value}",
                role=self.role.value,
                partitions=[str(one) for one in change.partitions],
            )
            going = [life.units[one] for one in change.partitions if one in life.units]
            if change.change is Change.REVOKED:
                self._commit(life, going, is_last=True)
            if change.change is Change.ASSIGNED:
                self._begin(life, change.partitions)
            else:
                for unit in going:
                    del life.units[unit.source]
        if events:
            self._watch.owns(self.role, list(life.units))

    def _begin(self, life: _Life, partitions: Iterable[InputPartition]) -> None:
        for source in partitions:
            assignment = life.member.owned.get(source)
            if assignment is None:
                continue  # it went again in the same poll
            try:
                self._begin_one(life, source, assignment)
            except MembershipError as exc:
                event(logger, "partition_went", level=logging.WARNING, partition=str(source), reason=str(exc))
                life.units.pop(source, None)

    def _begin_one(self, life: _Life, source: InputPartition, assignment: int) -> None:
        started = self._clock.monotonic_seconds()
        owner, place = Owner(self.role.value, source), life.places(source)
        stored = life.member.committed([source])[source]
        earliest, _ = life.member.bounds([source])[source]
        begun: Begun = life.states.begin(owner, stored, earliest, place)
        restored = begun.restored
        for damage in restored.damage:
            event(logger, "snapshot_damaged", level=logging.ERROR, owner=str(owner), damage=damage)
        made = self._spec.make(source.partition, life.partitions, restored.state)
        unit = Unit(
            owner,
            place,
            assignment,
            made,
            dict(restored.state),
            MutedReplay(owner, restored.read_from, restored.committed),
            begun.commit,
            restored.read_from,
            Due(self._clock, self._pace.snapshot_every_ms, self._pace.snapshot_records),
        )
        if begun.is_new:
            # Before anything is read, so that a snapshot that no commit names is never all that there is.
            self._send_commits(life, {source: begun.commit}, [unit])
        life.units[source] = unit
        life.member.begin(source, restored.read_from)
        seconds = self._clock.monotonic_seconds() - started
        event(
            logger,
            "partition_begun",
            owner=str(owner),
            read_from=restored.read_from,
            committed=restored.committed,
            keys=len(restored.state),
            seconds=round(seconds, 3),
        )

    def _commit(self, life: _Life, units: Iterable[Unit], *, is_last: bool = False) -> None:
        """Outputs, snapshots that are due, then positions. `is_last`: a snapshot spares whoever is next the replay."""
        units = list(units)
        started = self._clock.monotonic_seconds()
        life.publisher.flush()
        self._on_seam(self.role, Seam.ACKNOWLEDGED)
        for unit in units:
            self._collect(unit)
            left_ms = self._pace.handover_ms - (self._clock.monotonic_seconds() - started) * SECOND_MS
            is_first = not unit.commit.pointers and unit.pointer is None and unit.position != unit.commit.position
            wants = unit.snapshot_due.is_now() or is_first or (is_last and unit.snapshot_due.has_news)
            patience = None if is_first else max(0.0, left_ms / SECOND_MS) if is_last else 0.0
            if wants and unit.replay.is_over and (is_first or not is_last or left_ms > 0):
                self._snapshot(life, unit, patience)
            if patience != 0.0 and unit.writing is not None:
                # The last commit, or one that may not move on without it.
                unit.writing.wait(patience)
                self._collect(unit)
        due = {unit.source: moved for unit in units if (moved := unit.moved) is not None}
        if not due:
            return
        self._on_seam(self.role, Seam.SNAPSHOT_WRITTEN)
        try:
            self._send_commits(life, due, units)
        except MembershipError as exc:
            # What is still ours is committed next time; of what is not, the next poll tells.
            event(logger, "commit_refused", level=logging.WARNING, role=self.role.value, reason=str(exc))
            return
        self._on_seam(self.role, Seam.COMMITTED)
        for unit in units:
            if unit.source in due:
                unit.commit, unit.pointer = due[unit.source], None
        self._watch.committed(self.role, self._clock.monotonic_seconds() - started)

    def _snapshot(self, life: _Life, unit: Unit, patience_seconds: float | None) -> None:
        """Begin a snapshot, once the one before is over, of this partition or of another; a later commit names it."""
        if not life.snapshots.wait(patience_seconds):
            return
        self._collect(unit)
        started = self._clock.monotonic_seconds()
        for key, value in unit.made.changes().items():
            if value is None:
                unit.encoded.pop(key, None)
            else:
                unit.encoded[key] = value
        unit.writing = life.snapshots.begin(unit.owner, unit.position, unit.encoded, unit.place)
        unit.encoding_seconds = self._clock.monotonic_seconds() - started
        unit.snapshot_due.done()

    def _collect(self, unit: Unit) -> None:
        if (written := unit.collect()) is not None:
            self._watch.snapshot(self.role, *written)

    def _send_commits(self, life: _Life, due: Mapping[InputPartition, StateCommit], units: Iterable[Unit]) -> None:
        positions = {source: Committed(commit.position, encode_state(commit)) for source, commit in due.items()}
        assignments = {unit.source: unit.assignment for unit in units}
        life.member.commit(positions, assignments, self._pace.commit_timeout_ms / SECOND_MS)

    def _tell_lag(self, life: _Life) -> None:
        for source, (_, end) in life.member.bounds(list(life.units)).items():
            unit = life.units[source]
            self._watch.lag(self.role, source, end - unit.position, unit.written_ms)
