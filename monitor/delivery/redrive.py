"""What is to be sent again of everything that `sentiment.dead-letter` holds, each record once.

A mark under a letter's key says that it was sent, so that it is sent once however often that is asked for. A crash
between the two sends it twice: ids come from content, and the second is a repeat. A record that is dead again at its
new place is a letter of its own. Left out: reading and sending; and the bytes, of which there are gigabytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from monitor.delivery.deadletters import REDRIVEN, REDRIVEN_TO, Record, StoredLetter, checked, from_record, kind_of
from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition
from monitor.errors import RecordError

SKETCH_BYTES = 400
"""Kept of each letter's value while all are looked at: its first words. A million letters are then half a gigabyte."""

WORTH_SENDING = frozenset({DeadLetterReason.FAR_FUTURE, DeadLetterReason.POISON, DeadLetterReason.OVERSIZE})
"""Reasons that lie outside the record: the hour, the scorer, a limit. By every other the same bytes fail again, until a
release reads them or `feeds.oldest` is another; those are sent where they are named."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One letter in the topic.

    Attributes:
        letter: its value cut to the first words. place, at: where it lies in the dead-letter topic.
        time_ms: when it was written there. size: of the record's value, None where nobody knows.
        sent_to: where it was sent again, None if it was not.
    """

    letter: DeadLetter
    place: InputPartition
    at: int
    time_ms: int
    is_whole: bool
    size: int | None
    sent_to: str | None = None

    @property
    def position(self) -> str:
        """By which people name it: where the record stood."""
        return f"{self.letter.source_partition}@{self.letter.offset}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters somebody asks for: all that every one of these allows; None allows all.

    Attributes:
        positions: by name. source: a Kafka topic, or one partition of it. since_ms: written at that time or later.
    """

    positions: frozenset[str] | None = None
    reasons: frozenset[DeadLetterReason] | None = None
    source: str | None = None
    since_ms: int | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether this letter is among them."""
        source = entry.letter.source_partition
        return (
            (self.positions is None or entry.position in self.positions)
            and (self.reasons is None or entry.letter.reason in self.reasons)
            and (self.source is None or self.source in (source.kafka_topic, str(source)))
            and (self.since_ms is None or entry.time_ms >= self.since_ms)
        )


@dataclass(slots=True)
class Shelf:
    """Every letter of the topic, each position once. `unreadable` counts records that are no letters of ours."""

    unreadable: int = 0
    _letters: dict[str, Entry] = field(default_factory=dict)
    _sent_to: dict[str, str] = field(default_factory=dict)

    def add(self, place: InputPartition, at: int, time_ms: int, record: Record) -> None:
        """Take a record of the topic; those of one partition in their order."""
        try:
            if kind_of(record) == REDRIVEN:
                sent_to = checked(record, REDRIVEN).get(REDRIVEN_TO, b"").decode(errors="replace")
                self._sent_to[(record.key or b"").decode(errors="replace")] = sent_to
            else:
                self._put(_entry(place, at, time_ms, from_record(record)))
        except RecordError:
            self.unreadable += 1

    def entries(self) -> list[Entry]:
        """The letters, the oldest first. A mark counts wherever it stands: score may have read the input again, and
        made the letter again, after it."""
        told = [replace(one, sent_to=self._sent_to.get(position)) for position, one in self._letters.items()]
        return sorted(told, key=lambda one: (one.time_ms, one.letter.source_partition, one.letter.offset))

    def _put(self, entry: Entry) -> None:
        # The first holds, but for one that was cut where a later one is whole.
        known = self._letters.setdefault(entry.position, entry)
        if entry.is_whole and not known.is_whole:
            self._letters[entry.position] = entry


@dataclass(frozen=True, slots=True)
class RedrivePlan:
    """What to send of the letters that were asked for, in order of their inputs, and why the rest stays.

    Attributes:
        sent_before: have a mark. cut: their bytes were not kept whole. crashed: known to kill the process.
    """

    send: tuple[Entry, ...]
    sent_before: tuple[Entry, ...]
    cut: tuple[Entry, ...]
    crashed: tuple[Entry, ...]


def plan_redrive(entries: Iterable[Entry], *, with_crashed: bool = False) -> RedrivePlan:
    """Sort letters into those to send and those to leave.

    Args:
        with_crashed: those too that were in hand at three deaths: after a release that is said to bear them.
    """
    found = sorted(entries, key=lambda one: (one.letter.source_partition, one.letter.offset))
    unsent = [one for one in found if one.sent_to is None]
    crashed = [one for one in unsent if not with_crashed and one.letter.reason is DeadLetterReason.CRASHED]
    bearable = [one for one in unsent if with_crashed or one.letter.reason is not DeadLetterReason.CRASHED]
    return RedrivePlan(
        send=tuple(one for one in bearable if one.is_whole),
        sent_before=tuple(one for one in found if one.sent_to is not None),
        cut=tuple(one for one in bearable if not one.is_whole),
        crashed=tuple(crashed),
    )


def _entry(place: InputPartition, at: int, time_ms: int, stored: StoredLetter) -> Entry:
    sketch = replace(stored.letter, value=stored.letter.value[:SKETCH_BYTES])
    return Entry(sketch, place, at, time_ms, stored.is_whole, stored.size)
