"""Dead letters as records of `sentiment.dead-letter`, and what is to be sent again of them.

    key      feeds.news/2@4711        the input position: the same record, dead again after a crash, has the same key
    value    the bytes as they were read
    headers  kind, version, source_topic, source_partition, source_offset, reason, detail, whole

A letter that was sent again is followed by a mark under the same key (kind `redriven`), so that it is sent once however
often the command is given. A crash between the two sends it twice: ids come from content, and the second is a repeat.
What is left out: reading, sending, and who asks for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition
from monitor.errors import RecordError

VERSION = 1
"""Raised when a reader of the older form would misread the newer one."""

KIND, DEAD_LETTER, REDRIVEN = "kind", b"dead_letter", b"redriven"
REDRIVEN_FROM = "redriven_from"
"""The header of a record that was sent again: the key of its letter, for whoever wonders where it comes from."""

CUT_BYTES = 4_096
"""What score keeps of a record that it cannot use; a value of this length may have been longer."""

MAX_DETAIL_CHARS = 500
"""A sentence; headers count towards the broker's limit of a record."""

Headers = tuple[tuple[str, bytes], ...]


class Record(NamedTuple):
    """A record as Kafka takes it and gives it."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter as it was read back; `is_whole`: its value is all that the input held."""

    letter: DeadLetter
    is_whole: bool


@dataclass(frozen=True, slots=True)
class RedrivePlan:
    """What can be sent again, in order of arrival, each position once; and why the rest is not.

    Attributes:
        send: whole, not sent before, and not known to kill the process.
        redriven: how many were sent before. cut: those whose bytes were not kept whole. crashed: those that kill.
        unreadable: records that are no letters of ours.
    """

    send: tuple[DeadLetter, ...]
    redriven: int
    cut: tuple[DeadLetter, ...]
    crashed: tuple[DeadLetter, ...]
    unreadable: int


def key_of(source: InputPartition, offset: int) -> bytes:
    """The key of whatever concerns the record that stood there."""
    return f"{source}@{offset}".encode()


def to_record(letter: DeadLetter, original: bytes | None = None) -> Record:
    """The record of a letter; `original` are the bytes as they were read, where the caller still has them."""
    value = letter.value if original is None else original
    # What the transport found too long it has cut before anybody saw it.
    is_whole = letter.reason is not DeadLetterReason.OVERSIZE and (original is not None or len(value) < CUT_BYTES)
    source = letter.source_partition
    headers = {
        KIND: DEAD_LETTER,
        "version": str(VERSION).encode(),
        "source_topic": source.kafka_topic.encode(),
        "source_partition": str(source.partition).encode(),
        "source_offset": str(letter.offset).encode(),
        "reason": letter.reason.value.encode(),
        "detail": letter.detail[:MAX_DETAIL_CHARS].encode(errors="replace"),
        "whole": b"yes" if is_whole else b"no",
    }
    return Record(key_of(source, letter.offset), value, tuple(headers.items()))


def from_record(record: Record) -> StoredLetter:
    """The letter that `to_record` was given. Raises: RecordError: it is none, or its key and headers disagree."""
    headers = _checked(record, DEAD_LETTER)
    try:
        source = InputPartition(headers["source_topic"].decode(), int(headers["source_partition"]))
        offset, reason = int(headers["source_offset"]), DeadLetterReason(headers["reason"].decode())
        detail, whole = headers["detail"].decode(), {b"yes": True, b"no": False}[headers["whole"]]
    except (KeyError, ValueError) as exc:
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"a dead letter's headers cannot be read: {exc}"
        ) from exc
    if record.key != key_of(source, offset):
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"dead letter: its key is {record.key!r}, its headers say {offset}"
        )
    return StoredLetter(DeadLetter(reason, detail, source, offset, record.value or b""), whole)


def redriven_mark(letter: DeadLetter) -> Record:
    """The mark that a letter was sent again; to be written once that is acknowledged."""
    headers = ((KIND, REDRIVEN), ("version", str(VERSION).encode()))
    return Record(key_of(letter.source_partition, letter.offset), b"", headers)


def redriven_record(letter: DeadLetter) -> Record:
    """The record to send again to the partition that it came from; its first key is not known any more."""
    headers = ((REDRIVEN_FROM, key_of(letter.source_partition, letter.offset)),)
    return Record(None, letter.value, headers)


def plan_redrive(records: Iterable[Record], *, with_crashed: bool = False) -> RedrivePlan:
    """What to send again of everything that `sentiment.dead-letter` holds.

    Args:
        with_crashed: those too that were in hand at three deaths: after a release that is said to bear them.
    """
    letters: dict[bytes, StoredLetter] = {}
    redriven: set[bytes] = set()
    unreadable = 0
    for record in records:
        try:
            if _kind(record) == REDRIVEN:
                _checked(record, REDRIVEN)
                redriven.add(record.key or b"")
            else:
                stored = from_record(record)
                # The first holds, but for one that was cut where a later one is whole.
                known = letters.setdefault(record.key or b"", stored)
                if stored.is_whole and not known.is_whole:
                    letters[record.key or b""] = stored
        except RecordError:
            unreadable += 1
    # A mark counts wherever it stands: score may have read the input again, and made the letter again, after it.
    open_letters = [stored for key, stored in letters.items() if key not in redriven]
    bearable = [one for one in open_letters if with_crashed or one.letter.reason is not DeadLetterReason.CRASHED]
    return RedrivePlan(
        send=tuple(one.letter for one in bearable if one.is_whole),
        redriven=len(letters) - len(open_letters),
        cut=tuple(one.letter for one in bearable if not one.is_whole),
        crashed=tuple(one.letter for one in open_letters if one not in bearable),
        unreadable=unreadable,
    )


def _kind(record: Record) -> bytes | None:
    return dict(record.headers).get(KIND)


def _checked(record: Record, kind: bytes) -> dict[str, bytes]:
    """The headers of a record of this kind and of a form that we read."""
    headers = dict(record.headers)
    if headers.get(KIND) != kind or record.value is None:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"no {kind.decode()} of ours: the header {KIND} says otherwise")
    if headers.get("version") != str(VERSION).encode():
        version = headers.get("version", b"").decode(errors="replace")
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"dead letter: form {version!r}, but this release reads {VERSION}"
        )
    return headers
