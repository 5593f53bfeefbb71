"""States: what a partition begins with, and its snapshots, in `sentiment.state`.

Order of a write: bounds of the log, chunks sent, flushed, bounds again; the pointer is good once this has returned, and
found once a commit names it. Order of a restore: the commit's metadata, then the newest snapshot that can be read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.delivery.chunks import CHUNK_BYTES, LEAST_CHUNK_BYTES, Snapshot, Versions, cut
from monitor.delivery.metadata import Pointer, StateCommit, decode_state
from monitor.delivery.restore import Restored, begin_anew, restore
from monitor.delivery.shape import Owner, Shape
from monitor.domain.document import InputPartition
from monitor.transports.kafka_log import KafkaLog
from monitor.transports.kafka_member import Committed
from monitor.transports.kafka_sender import KafkaSender, OutRecord

ROOM_BYTES = 1_024
"""Left beside a chunk for its key and for what Kafka writes around a record."""


@dataclass(frozen=True, slots=True)
class Begun:
    """How a partition begins, and the commit from which it does; `is_new`: that is to be committed before any other."""

    restored: Restored
    commit: StateCommit
    is_new: bool


class States:
    """Reads and writes snapshots for one role.

    Args:
        present: the Kafka topics of now, by name; `rests_on` are those that this role's state depends on.
    """

    def __init__(
        self,
        log: KafkaLog,
        sender: KafkaSender,
        versions: Versions,
        present: Mapping[str, Shape],
        rests_on: tuple[str, ...],
        max_record_bytes: int,
    ) -> None:
        self._log = log
        self._sender = sender
        self._versions = versions
        self._present = present
        self._shapes = tuple(present[name] for name in rests_on)
        self._chunk_bytes = max(LEAST_CHUNK_BYTES, min(CHUNK_BYTES, max_record_bytes - ROOM_BYTES))

    def begin(self, owner: Owner, stored: Committed | None, earliest: int, place: InputPartition) -> Begun:
        """What a partition begins with. Raises: StateError: what was committed does not fit, or cannot be read."""
        if stored is None:
            first, end = self._log.bounds(place)
            has_snapshots = any(record.key == _key(owner) for record in self._log.read(place, first, end))
            restored = begin_anew(owner, earliest, has_snapshots=has_snapshots)
            return Begun(restored, StateCommit(owner, restored.committed, (), self._shapes), is_new=True)
        commit = decode_state(stored.metadata, owner, stored.offset)
        found = ((pointer, self._values(place, pointer)) for pointer in commit.pointers)
        return Begun(restore(commit, found, self._versions, self._present), commit, is_new=False)

    def write(
        self, owner: Owner, applied: int, state: Mapping[str, bytes], place: InputPartition
    ) -> tuple[Pointer, int]:
        """Make a snapshot durable; where it lies, and its size in bytes. Raises: as KafkaSender.flush."""
        snapshot = Snapshot(owner, applied, self._versions, self._shapes, state)
        snapshot_id, chunks = cut(snapshot, self._chunk_bytes)
        _, first = self._log.bounds(place)
        for chunk in chunks:
            if self._sender.is_full:
                self._sender.flush()
            self._sender.append(OutRecord(place.kafka_topic, place.partition, _key(owner), chunk))
        self._sender.flush()
        _, end = self._log.bounds(place)
        return Pointer(snapshot_id, first, end, applied), sum(map(len, chunks))

    def _values(self, place: InputPartition, pointer: Pointer) -> Iterator[bytes]:
        for record in self._log.read(place, pointer.first_offset, pointer.end_offset):
            if record.value is not None:
                yield record.value


def _key(owner: Owner) -> bytes:
    return str(owner).encode()
