"""KafkaMember: one member of a consumer group: raw bytes of the partitions that the group gives it.

Order for a new partition: the group assigns it, its owner hears of it from `take_events`, decides where it begins, and
calls `begin`; nothing of it is read before. Order for one that goes: after a poll tells REVOKED its owner may still
commit what is in hand, and the group waits for the next poll; LOST means that nothing more may be committed.

A position outside its log, or a topic that was made again, is a StateError. Nothing is ever reset in silence, and the
client is told not to. Left out: decoding, and any memory of what was read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from kafka import OffsetAndMetadata, TopicPartition, errors
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from monitor.clock import Clock
from monitor.delivery.shape import Shape
from monitor.domain.document import InputPartition
from monitor.errors import DependencyError, StateError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_consumer import ASK_SECONDS, InRecord, bounds_of, open_consumer
from monitor.transports.kafka_errors import MembershipError, told
from monitor.transports.kafka_membership import Change, Event, Membership

HEARTBEATS = 4
"""Heartbeats in one session timeout: Kafka asks for at least three, and one may be lost."""

HEARTBEAT_MS = 3_000
"""The longest between two, as in Kafka's own clients: only by an answer does a member hear that the group moves, and
until the last has heard it a partition that is free stands still."""

FETCH_WAIT_MS = 100
"""How long a broker holds a fetch that finds nothing: progress comes every 100 ms, and an alert waits for it."""

FETCH_BYTES = 8 << 20
PARTITION_FETCH_BYTES = 1 << 20
"""What one answer may hold, and hold of one partition: bounds what lies in memory beyond what was asked for."""

REJOIN_SECONDS = 0.1
"""Least time for a poll in which the group is joined, so that joining takes no thousand polls that do nothing."""

PATTERN_JOIN_SECONDS = 2.0
"""The same of a group of a pattern: the client asks for fresh metadata in each such poll and waits for the answer no
longer than the poll lasts. In polls that are shorter than a slow answer it would never join."""


class Committed(NamedTuple):
    """What the group has committed for a partition: the position from which reading goes on, and its metadata."""

    offset: int
    metadata: str


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """Attributes:
    session_timeout_ms: after which a member that is not heard of is replaced.
    poll_interval_ms: after which one that does not poll is.
    """

    session_timeout_ms: int
    poll_interval_ms: int


class KafkaMember:
    """A member of `group`, which reads the named topics, or all whose whole name matches `pattern`.

    Args:
        instance_id: for a static member: a restart within the session timeout moves no partition.
    Raises: DependencyError, TransientError: no broker lets us in.
    """

    def __init__(
        self,
        access: Access,
        group: str,
        kafka_topics: Sequence[str],
        limits: MemberLimits,
        clock: Clock,
        *,
        pattern: str | None = None,
        instance_id: str | None = None,
    ) -> None:
        self.group = group
        self._instance_id = instance_id
        self._clock = clock
        self._topics = tuple(kafka_topics)
        self._pattern = pattern
        self._membership = Membership()
        self._events: list[Event] = []
        self._silent: set[InputPartition] = set()
        self._paused: set[InputPartition] = set()
        self._held: set[InputPartition] = set()
        self._ends: dict[InputPartition, int] = {}
        self._owned: dict[InputPartition, int] = {}
        self._handing_over: dict[InputPartition, int] = {}
        self._assignments = 0
        self._ids: dict[str, str] = {}
        self._is_closed = False
        self._consumer = open_consumer(
            access,
            group,
            group_id=group,
            group_instance_id=instance_id,
            partition_assignment_strategy=[CooperativeStickyAssignor],
            session_timeout_ms=limits.session_timeout_ms,
            heartbeat_interval_ms=max(1, min(HEARTBEAT_MS, limits.session_timeout_ms // HEARTBEATS)),
            max_poll_interval_ms=limits.poll_interval_ms,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        )
        self._membership.attach(self._consumer)
        if pattern is None:
            self._consumer.subscribe(topics=list(kafka_topics), listener=self._membership)
        else:
            self._consumer.subscribe(pattern=f"(?:{pattern})$", listener=self._membership)

    @property
    def owned(self) -> Mapping[InputPartition, int]:
        """Partitions of ours, each with the number of its assignment, which changes when it was away in between."""
        return self._owned

    def poll(self, max_records: int, timeout_seconds: float = 0.0) -> list[InRecord]:
        """Records that can be had within the time, and whatever the group wants of us, for `take_events`.

        Raises: StateError: a position lies outside its log, or a topic was made again. TransientError,
            DependencyError: as told.
        """
        self._finish_joining()
        if self._consumer._coordinator.need_rejoin():
            timeout_seconds = max(timeout_seconds, REJOIN_SECONDS if self._pattern is None else PATTERN_JOIN_SECONDS)
        self._unpark()
        try:
            polled = self._consumer.poll(timeout_ms=timeout_seconds * 1_000, max_records=max_records)
        except errors.KafkaError as exc:
            failure = told(exc, f"reading as {self.group}")
            if not isinstance(failure, MembershipError):
                raise failure from exc
            polled = {}
        finally:
            self._follow()
        self._check_ids()
        self._check_place()
        return [
            InRecord(source, one.offset, one.timestamp, one.key, one.value, one.headers)
            for where, records in polled.items()
            if (source := InputPartition(*where)) in self._owned
            for one in records
        ]

    def take_events(self) -> list[Event]:
        """What happened to our partitions in the polls since the last call, in order."""
        events, self._events = self._events, []
        return events

    def begin(self, partition: InputPartition, offset: int | None = None) -> int:
        """Read a new partition from an offset, or from the earliest record; the offset from which it is read.

        Raises: StateError: the offset lies outside the log. MembershipError: it is no longer ours.
        """
        first, end = self.bounds([partition])[partition]
        start = first if offset is None else offset
        if not first <= start <= end:
            raise StateError(
                f"{partition}: the position {start} lies outside the log, which holds {first} to {end}: retention "
                "deleted what should be read next, or the topic was made again; restore the topic, or give the state "
                "up with: monitor state reset"
            )
        self._mine(partition)
        self._consumer.seek(TopicPartition(*partition), start)
        self._silent.discard(partition)
        self._ends[partition] = end
        self._apply(partition)
        return start

    def pause(self, partition: InputPartition) -> None:
        """Read nothing of it until `resume`, through any number of assignments."""
        self._paused.add(partition)
        self._apply(partition)

    def resume(self, partition: InputPartition) -> None:
        self._paused.discard(partition)
        self._apply(partition)

    def hold(self, partition: InputPartition, is_held: bool) -> None:
        """Read nothing of it for the moment, apart from whether it is paused."""
        if is_held != (partition in self._held):
            (self._held.add if is_held else self._held.discard)(partition)
            self._apply(partition)

    def has_caught_up(self, partition: InputPartition) -> bool:
        """Whether everything was read that the brokers had told of when they last answered."""
        place = TopicPartition(*partition)
        if partition not in self._owned or partition in self._silent:
            return False
        highwater = self._consumer.highwater(place)
        return self.position(partition) >= (self._ends[partition] if highwater is None else highwater)

    def position(self, partition: InputPartition) -> int:
        """The offset behind the last record that `poll` gave of a partition of ours; -1 where it is not read."""
        state = self._consumer._subscription.assignment.get(TopicPartition(*partition))
        if state is None or state.position is None or partition in self._silent:
            return -1
        return int(state.position.offset)

    def unanswered_seconds(self) -> float:
        """How long the group's coordinator has not answered; 0 while the group is being joined."""
        coordinator = self._consumer._coordinator
        if not coordinator.stable():
            return 0.0
        beats = coordinator.heartbeat
        answered_seconds = float(max(beats.last_receive, beats.last_reset))
        return max(0.0, self._clock.monotonic_seconds() - answered_seconds)

    def committed(self, partitions: Iterable[InputPartition]) -> dict[InputPartition, Committed | None]:
        """What the group has committed. Raises: TransientError, DependencyError."""
        found: dict[InputPartition, Committed | None] = {}
        for partition in partitions:
            try:
                stored = self._consumer.committed(
                    TopicPartition(*partition), metadata=True, timeout_ms=ASK_SECONDS * 1_000
                )
            except errors.KafkaError as exc:
                raise told(exc, f"asking for what {self.group} has committed") from exc
            found[partition] = None if stored is None else Committed(stored.offset, stored.metadata or "")
        return found

    def bounds(self, partitions: Sequence[InputPartition]) -> dict[InputPartition, tuple[int, int]]:
        """The first offset in each log, and the one after its last. Raises: TransientError, DependencyError."""
        return bounds_of(self._consumer, partitions)

    def commit(
        self, positions: Mapping[InputPartition, Committed], assignments: Mapping[InputPartition, int], seconds: float
    ) -> None:
        """Commit positions of partitions that are, without a break since `assignments`, ours.

        Args:
            assignments: of each partition the number under which what is committed was computed (see `owned`).
        Raises: MembershipError: one is not, or the group has moved on; nothing was committed. TransientError: no answer
            in time: it may have been committed or not, and what was computed must be given up.
        """
        for partition in positions:
            number = self._owned.get(partition, self._handing_over.get(partition))
            if number is None or number != assignments.get(partition):
                raise MembershipError(f"{partition} has been elsewhere since its records were read")
        offsets = {
            TopicPartition(*partition): OffsetAndMetadata(offset, metadata, -1)
            for partition, (offset, metadata) in positions.items()
        }
        try:
            self._consumer.commit(offsets, timeout_ms=seconds * 1_000)
        except errors.KafkaError as exc:
            raise told(exc, f"committing for {self.group}") from exc

    def shape(self, kafka_topic: str) -> Shape:
        """The topic as the brokers last described it. Raises: DependencyError: they know no such topic."""
        cluster = self._consumer._cluster
        partitions = cluster.partitions_for_topic(kafka_topic)
        if partitions is None:
            raise DependencyError(
                f"there is no Kafka topic {kafka_topic}; make ours with: monitor topics --create --config FILE"
            )
        return Shape(kafka_topic, str(cluster.topic_id(kafka_topic)), len(partitions))

    def existing(self) -> list[InputPartition]:
        """Every partition of what this group reads, whoever owns it, as far as the brokers have told."""
        cluster = self._consumer._cluster
        names = self._topics
        if self._pattern is not None:
            names = tuple(name for name in cluster.topics() if re.fullmatch(self._pattern, name))
        return sorted(
            InputPartition(name, number) for name in names for number in cluster.partitions_for_topic(name) or ()
        )

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Leave the group, unless as a static member. Never hangs for longer; may be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(errors.KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=timeout_seconds * 1_000)

    def _follow(self) -> None:
        """Take over what the listener wrote down during a poll."""
        self._handing_over = {}
        for event in self._membership.take():
            self._events.append(event)
            for partition in event.partitions:
                if event.change is Change.ASSIGNED:
                    self._assignments += 1
                    self._owned[partition] = self._assignments
                    self._silent.add(partition)
                    continue
                number = self._owned.pop(partition, None)
                self._silent.discard(partition)
                self._held.discard(partition)
                if event.change is Change.REVOKED and number is not None:
                    self._handing_over[partition] = number
                else:
                    self._handing_over.pop(partition, None)

    def _unpark(self) -> None:
        """Let the client see that it may go on with what it had fetched of a partition before that was paused.

        It looks for such records only while it has no others in hand, and takes those that it has given to the last
        for others: a partition that was resumed would stand still until another partition brings something new.
        """
        fetcher = self._consumer._fetcher
        if not fetcher._next_partition_records:
            fetcher._next_partition_records = None

    def _apply(self, partition: InputPartition) -> None:
        """Bring the client's pause in line with what is wanted; a new assignment forgets pauses."""
        if partition not in self._owned:
            return
        is_quiet = partition in self._paused or partition in self._silent or partition in self._held
        (self._consumer.pause if is_quiet else self._consumer.resume)(TopicPartition(*partition))

    def _mine(self, partition: InputPartition) -> None:
        if partition not in self._owned:
            raise MembershipError(f"{partition} is not assigned to this member of {self.group}")

    def _finish_joining(self) -> None:
        """Let the client go on with a join that outlasted a poll.

        Where it joins because a topic or partition is new, it forgets so as soon as it has computed the assignment, and
        never looks at the answer: it would own nothing, send no heartbeat, and poll in peace for ever.
        """
        coordinator = self._consumer._coordinator
        if coordinator.rejoining and not coordinator.need_rejoin():
            coordinator.request_rejoin()

    def _check_place(self) -> None:
        """The client notes that another process took a static member's place only by falling silent; it reads on."""
        coordinator = self._consumer._coordinator
        if self._instance_id is not None and coordinator.stable() and not coordinator._heartbeat_enabled:
            raise told(errors.FencedInstanceIdError(self._instance_id), f"reading as {self.group}")

    def _check_ids(self) -> None:
        """A topic that was deleted and made again counts its offsets anew: what we hold is of another log.

        Fetches go by the topic's name, so one that vanishes and returns between two of them is noticed only with the
        next metadata. What is committed meanwhile carries the old id, and is refused when it is restored.
        """
        cluster = self._consumer._cluster
        for name in {partition.kafka_topic for partition in self._owned}:
            now = cluster.topic_id(name)
            if now is None:
                continue
            was = self._ids.setdefault(name, str(now))
            if was != str(now):
                raise StateError(
                    f"the Kafka topic {name} was deleted and made again while it was read (its id was {was}, and is "
                    f"{now}): its offsets mean other records now; give the state up with: monitor state reset"
                )
