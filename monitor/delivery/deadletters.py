"""Dead letters as records of `sentiment.dead-letter`: what was read, whole, and its story.

    key      feeds.news/2@4711        the input position: the same record, dead again after a crash, has the same key
    value    the bytes as they were read
    headers  kind, version, source_topic, source_partition, source_offset, reason, detail,
             source_timestamp, source_key, source_header.NAME ...  as the record had them, so that it can be sent again
             cut                      only where bytes are missing: how many there were, or ? if nobody knows

A letter that was sent again is followed by a mark under the same key (kind `redriven`, and `redriven_to`: where to).
Left out: what is to be sent again (`redrive`), reading, sending, and who asks for it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from monitor.delivery.sizes import batch_bytes
from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason, InputPartition, Original
from monitor.errors import RecordError

VERSION = 1
"""Raised when a reader of the older form would misread the newer one."""

KIND, DEAD_LETTER, REDRIVEN = "kind", b"dead_letter", b"redriven"
REDRIVEN_FROM = "redriven_from"
"""The header of a record that was sent again: the key of its letter, for whoever wonders where it comes from."""
REDRIVEN_TO = "redriven_to"
SOURCE_HEADER = "source_header."

MAX_DETAIL_CHARS = 500
"""A sentence; headers count towards the broker's limit of a record."""

UNKNOWN = b"?"

Headers = tuple[tuple[str, bytes], ...]


class Record(NamedTuple):
    """A record as Kafka takes it and gives it."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter as it was read back.

    Attributes:
        letter: as a history keeps it. original: the record, as much of it as was kept.
        is_whole: whether that is all that the input held. size: of its value, in bytes, None where nobody knows.
    """

    letter: DeadLetter
    original: Original
    is_whole: bool
    size: int | None


def key_of(source: InputPartition, offset: int) -> bytes:
    """The key of whatever concerns the record that stood there."""
    return f"{source}@{offset}".encode()


def to_record(letter: DeadLetter, max_bytes: int | None = None) -> Record:
    """The record of a letter: the original whole, or as much of it as fits.

    Args:
        max_bytes: what the record may measure (see `sizes.batch_bytes`). The value gives way first; key and headers of
            the original only where they alone take half of the room.
    """
    source, original = letter.source_partition, letter.original
    told: Headers = (
        (KIND, DEAD_LETTER),
        ("version", str(VERSION).encode()),
        ("source_topic", source.kafka_topic.encode()),
        ("source_partition", str(source.partition).encode()),
        ("source_offset", str(letter.offset).encode()),
        ("reason", letter.reason.value.encode()),
        ("detail", letter.detail[:MAX_DETAIL_CHARS].encode(errors="replace")),
    )
    key = key_of(source, letter.offset)
    if original is None:
        # What its reader found too long was cut before anybody saw it.
        is_whole = letter.reason is not DeadLetterReason.OVERSIZE and len(letter.value) < LETTER_BYTES
        return Record(key, letter.value, told if is_whole else (*told, ("cut", UNKNOWN)))
    told = (*told, ("source_timestamp", str(original.timestamp_ms).encode()))
    carried = _carried(original)
    if max_bytes is None or batch_bytes(key, original.value, (*told, *carried)) <= max_bytes:
        return Record(key, original.value, (*told, *carried))
    told = (*told, ("cut", str(len(original.value)).encode()))
    if batch_bytes(key, b"", carried) > max_bytes // 2:
        carried = ()
    room = max_bytes - batch_bytes(key, b"", (*told, *carried))
    return Record(key, original.value[: max(0, room)], (*told, *carried))


def from_record(record: Record) -> StoredLetter:
    """The letter that `to_record` was given. Raises: RecordError: it is none, or its key and headers disagree."""
    headers = checked(record, DEAD_LETTER)
    value = record.value or b""
    try:
        source = InputPartition(headers["source_topic"].decode(), int(headers["source_partition"]))
        offset, reason = int(headers["source_offset"]), DeadLetterReason(headers["reason"].decode())
        detail, timestamp_ms = headers["detail"].decode(), int(headers.get("source_timestamp", b"-1"))
        cut = headers.get("cut")
        size = len(value) if cut is None else None if cut == UNKNOWN else int(cut)
    except (KeyError, ValueError) as exc:
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"a dead letter's headers cannot be read: {exc}"
        ) from exc
    if record.key != key_of(source, offset):
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"dead letter: its key is {record.key!r}, its headers say {offset}"
        )
    theirs = tuple(
        (name.removeprefix(SOURCE_HEADER), held) for name, held in record.headers if name.startswith(SOURCE_HEADER)
    )
    letter = DeadLetter(reason, detail, source, offset, value[:LETTER_BYTES])
    return StoredLetter(letter, Original(headers.get("source_key"), value, theirs, timestamp_ms), cut is None, size)


def redriven_mark(letter: DeadLetter, sent_to: str) -> Record:
    """The mark that a letter was sent again, and where to; to be written once that is acknowledged."""
    headers = ((KIND, REDRIVEN), ("version", str(VERSION).encode()), (REDRIVEN_TO, sent_to.encode()))
    return Record(key_of(letter.source_partition, letter.offset), b"", headers)


def redriven_record(stored: StoredLetter) -> Record:
    """The record to send again to the partition that it came from. Raises: ValueError: it was not kept whole."""
    if not stored.is_whole:
        raise ValueError("what was cut is another record")
    letter, original = stored.letter, stored.original
    theirs = tuple(header for header in original.headers if header[0] != REDRIVEN_FROM)
    origin = (REDRIVEN_FROM, key_of(letter.source_partition, letter.offset))
    return Record(original.key, original.value, (*theirs, origin))


def kind_of(record: Record) -> bytes | None:
    """What a record says that it is."""
    return dict(record.headers).get(KIND)


def checked(record: Record, kind: bytes) -> dict[str, bytes]:
    """The headers of a record of this kind and of a form that we read. Raises: RecordError: it is another."""
    headers = dict(record.headers)
    if headers.get(KIND) != kind or record.value is None:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"no {kind.decode()} of ours: the header {KIND} says otherwise")
    if headers.get("version") != str(VERSION).encode():
        version = headers.get("version", b"").decode(errors="replace")
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"dead letter: form {version!r}, but this release reads {VERSION}"
        )
    return headers


def _carried(original: Original) -> Headers:
    """What of a record is kept beside its value."""
    key: Headers = () if original.key is None else (("source_key", original.key),)
    return (*key, *((SOURCE_HEADER + name, held) for name, held in original.headers))
