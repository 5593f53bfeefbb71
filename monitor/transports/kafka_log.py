"""KafkaLog: one partition of a Kafka topic read from here to there, outside any group: snapshots, and what was said.

A snapshot's place is told by the bounds of its partition before and after it was written, so that nothing hangs on
what a client reports of single records. Left out: following a log as it grows, which is a member's work.
"""

from collections.abc import Iterator
from contextlib import suppress

from kafka import TopicPartition, errors

from monitor.clock import Clock
from monitor.domain.document import InputPartition
from monitor.errors import TransientError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_consumer import ASK_SECONDS, InRecord, bounds_of, open_consumer
from monitor.transports.kafka_errors import told

POLL_SECONDS = 0.5
FETCH_BYTES = 32 << 20
PARTITION_FETCH_BYTES = 8 << 20
"""A snapshot is read as fast as it comes: a member's smaller fetches would cost a round trip for each megabyte."""


class KafkaLog:
    """Reads ranges. Not for several threads.

    Args:
        patience_seconds: how long a range may give nothing before it counts as unreadable.
    Raises: DependencyError, TransientError: no broker lets us in.
    """

    def __init__(self, access: Access, clock: Clock, patience_seconds: float = 30.0) -> None:
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._is_closed = False
        self._consumer = open_consumer(
            access, "log", group_id=None, fetch_max_bytes=FETCH_BYTES, max_partition_fetch_bytes=PARTITION_FETCH_BYTES
        )

    def bounds(self, partition: InputPartition) -> tuple[int, int]:
        """The first offset of the log, and the one after its last. Raises: TransientError, DependencyError."""
        return bounds_of(self._consumer, [partition])[partition]

    def read(self, partition: InputPartition, first: int, end: int) -> Iterator[InRecord]:
        """What still lies in [first, end). Raises: TransientError: it does not come; as KafkaMember.poll."""
        earliest, latest = self.bounds(partition)
        position, end = max(first, earliest), min(end, latest)
        if position >= end:
            return
        place = TopicPartition(*partition)
        heard_seconds = self._clock.monotonic_seconds()
        try:
            self._consumer.assign([place])
            self._consumer.seek(place, position)
            while position < end:
                polled = self._consumer.poll(timeout_ms=POLL_SECONDS * 1_000).get(place, ())
                for one in polled:
                    if one.offset >= end:
                        return
                    yield InRecord(partition, one.offset, one.timestamp, one.key, one.value, one.headers)
                now_seconds = self._clock.monotonic_seconds()
                # The log may end in records that no reader is given: the position tells, and not the last record.
                reached = self._consumer.position(place, timeout_ms=ASK_SECONDS * 1_000)
                if reached > position:
                    position, heard_seconds = reached, now_seconds
                elif now_seconds - heard_seconds > self._patience_seconds:
                    raise TransientError(f"{partition} gave nothing from {position} on for {self._patience_seconds} s")
        except errors.KafkaError as exc:
            raise told(exc, f"reading {partition}") from exc

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Let the connections go. Never hangs for longer; may be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(errors.KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=timeout_seconds * 1_000)
