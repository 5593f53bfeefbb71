"""KafkaFeed: the Feed port over Kafka topics that somebody else writes, several by name or all that match a pattern.

Partitions come and go with the group. Each takes its fair share of a poll, whatever the others hold; what was fetched
beyond that waits here, bounded by one fetch. A position is an offset with the Kafka topic's id, so that one of a topic
that was made again is refused.
"""

from collections import deque
from collections.abc import Callable, Sequence

import orjson

from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition, Original
from monitor.errors import StateError
from monitor.ports import Feed
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_member import KafkaMember
from monitor.transports.kafka_membership import Change, Event

CHUNK_RECORDS = 500
"""Taken from the client at once at least: polls of one record must not cost a call each."""

QUIET_SECONDS = 0.01
"""How long a poll waits though everything was read: the loop itself waits between polls that found nothing."""

_FORM = 1


class KafkaFeed(Feed):
    """Reads what the group assigns to this member.

    Args:
        patience_seconds: how long a poll may wait for records that may be there.
        begins: where new partitions begin; None begins each where the group committed, else at the earliest record.
            One that is given calls `member.begin` for those that it has restored, and may leave others for later.
    """

    def __init__(
        self,
        member: KafkaMember,
        max_record_bytes: int,
        *,
        patience_seconds: float = 0.1,
        begins: Callable[[Sequence[InputPartition]], None] | None = None,
    ) -> None:
        self._member = member
        self._max_record_bytes = max_record_bytes
        self.patience_seconds = patience_seconds
        self._begins = begins or self._begin_where_committed
        self._waiting: dict[InputPartition, deque[FeedRecord]] = {}
        self._paused: set[InputPartition] = set()
        self._events: list[Event] = []
        self._turn: InputPartition | None = None

    @property
    def partitions(self) -> Sequence[InputPartition]:
        return self._member.existing()

    @property
    def owned(self) -> Sequence[InputPartition]:
        """Those of them that this member reads, in order."""
        return sorted(self._waiting)

    def has_more(self, partition: InputPartition) -> bool:
        """Whether records of it wait here, or in its log as far as the brokers have told: it is not idle then."""
        return bool(self._waiting.get(partition)) or not self._member.has_caught_up(partition)

    def take_events(self) -> list[Event]:
        """What happened to our partitions since the last call; records of one that went are already forgotten."""
        events, self._events = self._events, []
        return events

    def poll(self, max_records: int) -> list[FeedRecord]:
        """Raises: as KafkaMember.poll."""
        while self._reads_on(max_records):
            pass
        return self._share(max_records)

    def pause(self, partition: InputPartition) -> None:
        self._paused.add(partition)
        self._member.pause(partition)

    def resume(self, partition: InputPartition) -> None:
        self._paused.discard(partition)
        self._member.resume(partition)

    def has_ended(self, partition: InputPartition) -> bool:
        return False

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        kafka_id = self._member.shape(partition.kafka_topic).kafka_id
        return orjson.dumps({"v": _FORM, "at": next_offset, "id": kafka_id}).decode()

    def seek(self, partition: InputPartition, position: str) -> None:
        try:
            fields = orjson.loads(position)
            form, offset, kafka_id = fields["v"], fields["at"], fields["id"]
            if form != _FORM or type(offset) is not int or offset < 0:
                raise ValueError(f"form {form}, offset {offset}")
        except (ValueError, KeyError, TypeError) as exc:
            raise StateError(
                f"the stored feed position {position[:200]!r} of {partition} cannot be read: give a new --state"
            ) from exc
        now = self._member.shape(partition.kafka_topic).kafka_id
        if kafka_id != now:
            raise StateError(
                f"{partition}: the Kafka topic was deleted and made again (its id was {kafka_id}, and is {now}): give "
                "the same feed, or a new --state"
            )
        self._member.begin(partition, offset)
        self._waiting[partition].clear()

    def close(self) -> None:
        self._member.close()
        self._waiting.clear()

    def _reads_on(self, max_records: int) -> bool:
        """Take once from the client, if anything is wanted; whether it is worth doing so again."""
        ready = [one for one in self.owned if one not in self._paused]
        hungry = [one for one in ready if not self._waiting[one] and not self._member.has_caught_up(one)]
        held = sum(len(self._waiting[one]) for one in ready)
        if held >= max_records and not hungry:
            return False
        # Who has enough waiting is not asked, so that the others come next, whatever the first has fetched already.
        for one in ready:
            self._member.hold(one, len(self._waiting[one]) >= max_records)
        may_come = bool(hungry) or not self._waiting
        patience = 0.0 if held else self.patience_seconds if may_come else QUIET_SECONDS
        taken = self._member.poll(max(max_records, CHUNK_RECORDS), patience)
        for record in taken:
            self._waiting[record.source].append(self._feed_record(record))
        # What goes may be committed until the next poll of the client: its owner hears of it first.
        return not self._follow() and bool(taken)

    def _follow(self) -> bool:
        """Take over what happened to our partitions; whether anything did."""
        events = self._member.take_events()
        for event in events:
            for partition in event.partitions:
                if event.change is Change.ASSIGNED:
                    self._waiting[partition] = deque()
                else:
                    self._waiting.pop(partition, None)
        self._events += events
        fresh = {one for event in events if event.change is Change.ASSIGNED for one in event.partitions}
        if fresh := fresh & self._waiting.keys():
            self._begins(sorted(fresh))
        return bool(events)

    def _begin_where_committed(self, partitions: Sequence[InputPartition]) -> None:
        for partition, stored in self._member.committed(partitions).items():
            self._member.begin(partition, None if stored is None else stored.offset)

    def _share(self, max_records: int) -> list[FeedRecord]:
        """Fair shares, beginning behind whoever was last."""
        owned = self.owned
        later = [one for one in owned if self._turn is None or one > self._turn]
        order = [*later, *(one for one in owned if one not in later)]
        ready = [one for one in order if one not in self._paused and self._waiting[one]]
        shared: list[FeedRecord] = []
        for index, partition in enumerate(ready):
            share = -(-(max_records - len(shared)) // (len(ready) - index))
            waiting = self._waiting[partition]
            for _ in range(min(share, len(waiting))):
                shared.append(waiting.popleft())
                self._turn = partition
        return shared

    def _feed_record(self, record: InRecord) -> FeedRecord:
        value, fault = record.value or b"", None
        # A header without a value cannot be sent by the client.
        headers = tuple((name, held or b"") for name, held in record.headers) if record.headers else ()
        original = Original(record.key, value, headers, record.timestamp_ms)
        if record.value is None:
            fault = DeadLetterReason.EMPTY
        elif len(value) > self._max_record_bytes:
            value, fault = value[: self._max_record_bytes], DeadLetterReason.OVERSIZE
        return FeedRecord(value, record.source, record.offset, record.offset + 1, record.timestamp_ms, fault, original)
