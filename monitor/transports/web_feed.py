"""WebFeed: the Feed port over one URL of RSS or Atom; never ends. Another thread fetches, the engine's loop polls.

Offsets count entries, over restarts too. Entries wait here until they are polled; while many wait, nothing is fetched,
so that a paused input takes no memory without bound.
"""

from collections import deque
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from monitor.clock import Clock
from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition
from monitor.ports import Feed
from monitor.transports.entries import Entry
from monitor.transports.fetch import Validators
from monitor.transports.lines import FAULT_BYTES
from monitor.transports.seen import SeenEntries

QUEUE_BYTES = 16 * 1_048_576
"""Entries that may wait, to within one document: a few thousand articles."""


class Turn(NamedTuple):
    """Leave to fetch: what to ask the server by, and which reading of the feed the answer is for."""

    validators: Validators
    reading: int


class WebFeed(Feed):
    """One partition. `begin` and `admit` are the fetching thread's, everything else the engine's."""

    def __init__(
        self, name: str, clock: Clock, max_record_bytes: int = 1_000_000, queue_bytes: int = QUEUE_BYTES
    ) -> None:
        self.partition = InputPartition(name)
        self._clock = clock
        self._max_record_bytes = max_record_bytes
        self._queue_bytes = queue_bytes
        self._lock = Lock()
        self._seen = SeenEntries()
        self._queue: deque[FeedRecord] = deque()
        self._queued_bytes = 0
        self._reading = 0
        self._is_paused = False
        self._is_closed = False

    @property
    def partitions(self) -> Sequence[InputPartition]:
        return (self.partition,)

    def begin(self) -> Turn | None:
        """Leave to fetch; None while too much waits to be polled, or after `close`."""
        with self._lock:
            if self._is_closed or self._queued_bytes >= self._queue_bytes:
                return None
            return Turn(self._seen.validators, self._reading)

    def admit(self, turn: Turn, entries: Sequence[Entry], validators: Validators) -> list[Entry]:
        """Take a document's entries, the oldest first. Returns: those that are new and will be told."""
        arrival_ms = self._clock.now_ms()
        with self._lock:
            if self._is_closed or turn.reading != self._reading:
                return []
            offsets = self._seen.admit([entry.key for entry in entries], validators)
            new = []
            for entry, offset in zip(entries, offsets, strict=True):
                if offset is not None:
                    self._queue_one(entry.value, offset, arrival_ms)
                    new.append(entry)
            return new

    def poll(self, max_records: int) -> list[FeedRecord]:
        with self._lock:
            count = 0 if self._is_paused else min(max_records, len(self._queue))
            records = [self._queue.popleft() for _ in range(count)]
            self._queued_bytes -= sum(len(record.value) for record in records)
            return records

    def pause(self, partition: InputPartition) -> None:
        self._is_paused = True

    def resume(self, partition: InputPartition) -> None:
        self._is_paused = False

    def has_ended(self, partition: InputPartition) -> bool:
        return False

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        with self._lock:
            return self._seen.position(next_offset)

    def seek(self, partition: InputPartition, position: str) -> None:
        seen = SeenEntries.restore(position)
        with self._lock:
            self._seen = seen
            self._queue.clear()
            self._queued_bytes = 0
            self._reading += 1

    def close(self) -> None:
        with self._lock:
            self._is_closed = True

    def _queue_one(self, value: bytes, offset: int, arrival_ms: int) -> None:
        fault = None
        if len(value) > self._max_record_bytes:
            value, fault = value[:FAULT_BYTES], DeadLetterReason.OVERSIZE
        self._queue.append(FeedRecord(value, self.partition, offset, offset + 1, arrival_ms, fault))
        self._queued_bytes += len(value)
