"""MemoryFeed: the Feed port over lists, for tests and for joining roles in one process. Offsets count records."""

from collections.abc import Mapping, Sequence

import orjson

from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition
from monitor.errors import StateError
from monitor.ports import Feed
from monitor.transports.positions import digest


class MemoryFeed(Feed):
    """Delivers what the lists hold, in order. A partition ends with its list; in a feed that `is_open`, by `end`."""

    def __init__(self, values: Mapping[InputPartition, Sequence[bytes]], *, is_open: bool = False) -> None:
        self._records: dict[InputPartition, list[FeedRecord]] = {partition: [] for partition in values}
        self._next: dict[InputPartition, int] = dict.fromkeys(values, 0)
        self._open: set[InputPartition] = set(values) if is_open else set()
        self._paused: set[InputPartition] = set()
        self._turn = 0
        for partition, held in values.items():
            for value in held:
                self._append(partition, value, None, None)

    def append(
        self,
        partition: InputPartition,
        value: bytes,
        *,
        arrival_ms: int | None = None,
        fault: DeadLetterReason | None = None,
    ) -> None:
        """Add a record to an open partition."""
        if partition not in self._open:
            raise ValueError(f"{partition} has ended")
        self._append(partition, value, arrival_ms, fault)

    def end(self, partition: InputPartition) -> None:
        """Nothing more will come."""
        self._open.discard(partition)

    @property
    def partitions(self) -> Sequence[InputPartition]:
        return tuple(self._records)

    def poll(self, max_records: int) -> list[FeedRecord]:
        order = list(self._records)
        partitions = order[self._turn :] + order[: self._turn]
        ready = [one for one in partitions if one not in self._paused and self._next[one] < len(self._records[one])]
        polled: list[FeedRecord] = []
        for index, partition in enumerate(ready):
            share = -(-(max_records - len(polled)) // (len(ready) - index))
            start = self._next[partition]
            taken = self._records[partition][start : start + share]
            self._next[partition] = start + len(taken)
            polled += taken
            if taken:
                self._turn = order.index(partition) + 1
        return polled

    def pause(self, partition: InputPartition) -> None:
        self._paused.add(partition)

    def resume(self, partition: InputPartition) -> None:
        self._paused.discard(partition)

    def has_ended(self, partition: InputPartition) -> bool:
        return partition not in self._open and self._next[partition] >= len(self._records[partition])

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        return orjson.dumps({"at": next_offset, "after": self._digest_before(partition, next_offset)}).decode()

    def seek(self, partition: InputPartition, position: str) -> None:
        try:
            fields = orjson.loads(position)
            offset, after = int(fields["at"]), str(fields["after"])
        except (ValueError, KeyError, TypeError) as exc:
            raise StateError(f"the stored feed position {position[:200]!r} cannot be read: give a new --state") from exc
        if not 0 <= offset <= len(self._records[partition]) or self._digest_before(partition, offset) != after:
            raise StateError(f"{partition} is not the feed that was marked at {offset}: give the same feed")
        self._next[partition] = offset

    def close(self) -> None:
        self._open.clear()

    def _append(
        self, partition: InputPartition, value: bytes, arrival_ms: int | None, fault: DeadLetterReason | None
    ) -> None:
        records = self._records[partition]
        offset = len(records)
        records.append(FeedRecord(value, partition, offset, offset + 1, arrival_ms, fault))

    def _digest_before(self, partition: InputPartition, offset: int) -> str:
        return digest(self._records[partition][offset - 1].value) if offset > 0 else ""
