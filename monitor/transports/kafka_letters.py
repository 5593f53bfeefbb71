"""KafkaLetters: the dead-letter topic read from end to end, outside any group. Left out: what is made of it."""

from collections.abc import Iterable, Iterator

from monitor.clock import Clock
from monitor.delivery.deadletters import Record, StoredLetter, from_record
from monitor.delivery.redrive import Entry, Shelf
from monitor.domain.document import InputPartition
from monitor.domain.partitioning import partition_of
from monitor.errors import RecordError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_log import KafkaLog

_END = 1 << 62


class KafkaLetters:
    """Reads letters and marks. Not for several threads.

    Args:
        partitions: how many the topic has.
    Raises: DependencyError, TransientError: no broker lets us in; the same of each method.
    """

    def __init__(self, access: Access, kafka_topic: str, partitions: int, clock: Clock) -> None:
        self._topic = kafka_topic
        self._partitions = partitions
        self._log = KafkaLog(access, clock)

    def shelf(self) -> Shelf:
        """Every letter that retention has left, without its bytes."""
        shelf = Shelf()
        for number in range(self._partitions):
            for record in self._log.read(InputPartition(self._topic, number), 0, _END):
                shelf.add(record.source, record.offset, record.timestamp_ms, as_record(record))
        return shelf

    def records_of(self, position: str) -> list[InRecord]:
        """Everything under one key, in order: the letter, that letter again after a crash, the mark."""
        place = self.place_of(position)
        return [one for one in self._log.read(place, 0, _END) if one.key == position.encode()]

    def place_of(self, position: str) -> InputPartition:
        """The partition in which a position's letter and mark lie."""
        return InputPartition(self._topic, partition_of(position, self._partitions))

    def whole(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, StoredLetter]]:
        """These letters with their bytes, by partition; one that retention took meanwhile is missing."""
        wanted = {(one.place, one.at): one for one in entries}
        for place in sorted({one.place for one in wanted.values()}):
            places = [at for held, at in wanted if held == place]
            for record in self._log.read(place, min(places), max(places) + 1):
                entry = wanted.get((place, record.offset))
                if entry is not None:
                    yield entry, from_record(as_record(record))

    def close(self) -> None:
        """Let the connections go; may be repeated."""
        self._log.close()


def as_record(record: InRecord) -> Record:
    """The record without its place."""
    return Record(record.key, record.value, tuple(record.headers))


def letter_in(records: Iterable[InRecord]) -> StoredLetter | None:
    """The letter among everything under one key: the first, but for one that was cut where a later one is whole."""
    found: StoredLetter | None = None
    for record in records:
        try:
            stored = from_record(as_record(record))
        except RecordError:
            continue
        if found is None or (stored.is_whole and not found.is_whole):
            found = stored
    return found
