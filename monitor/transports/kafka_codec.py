"""What our own streams look like in Kafka: key, value, headers, and the way back; the header `kind` tells the value.

A dead letter keeps the bytes that it was; where they came from and why they could not be used stands in its headers.
Left out: partitions and sending.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from monitor import wire, wire_rows
from monitor.domain.alerts import AlertEvent, Detection
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition, ScoredDocument
from monitor.domain.progress import Progress
from monitor.errors import RecordError

KIND = "kind"
"""The header that every record of ours has."""


class Encoded(NamedTuple):
    """A value as Kafka takes it; the key is None where nothing is keyed by it (progress)."""

    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class _Form(NamedTuple):
    kind: str
    key: Callable[[Any], str | None]
    encode: Callable[[Any], bytes]


_FORMS: Mapping[type, _Form] = {
    ScoredDocument: _Form("scored", lambda value: value.topic_id, wire.encode_scored),
    Progress: _Form("progress", lambda value: None, wire.encode_progress),
    Detection: _Form("detection", lambda value: value.topic_id, wire.encode_detection),
    AlertEvent: _Form("alert", lambda value: value.alert_id, wire.encode_alert),
    ScoredRow: _Form("scored_row", lambda value: value.scored.topic_id, wire_rows.encode_scored_row),
    WindowRow: _Form("window", lambda value: value.topic_id, wire_rows.encode_window),
    VolumeRow: _Form("volume", lambda value: value.vendor, wire_rows.encode_volume),
    SuppressedRow: _Form("suppressed", lambda value: value.topic_id, wire_rows.encode_suppressed),
}

_DECODERS: Mapping[bytes, Callable[[bytes], object]] = {
    b"scored": wire.decode_scored,
    b"progress": wire.decode_progress,
    b"detection": wire.decode_detection,
    b"alert": wire.decode_alert,
    b"scored_row": wire_rows.decode_scored_row,
    b"window": wire_rows.decode_window,
    b"volume": wire_rows.decode_volume,
    b"suppressed": wire_rows.decode_suppressed,
}

_DEAD_LETTER = b"dead_letter"


def encode(value: object) -> Encoded:
    """A domain value of any of our streams. Raises: TypeError: nothing of that type is published."""
    if isinstance(value, DeadLetter):
        return _encode_dead_letter(value)
    form = _FORMS.get(type(value))
    if form is None:
        raise TypeError(f"{type(value).__name__} has no form in Kafka")
    key = form.key(value)
    return Encoded(None if key is None else key.encode(), form.encode(value), ((KIND, form.kind.encode()),))


def decode(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> object:
    """The domain value. Raises: RecordError: a tombstone, a kind of another program, or damaged bytes."""
    if value is None:
        raise RecordError(DeadLetterReason.EMPTY, "the record is a tombstone, which nobody of ours writes")
    named = dict(headers)
    kind = named.get(KIND)
    if kind == _DEAD_LETTER:
        return _decode_dead_letter(value, named)
    decoder = _DECODERS.get(kind or b"")
    if decoder is None:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"the header {KIND} is {kind!r}: not of this release")
    return decoder(value)


def _encode_dead_letter(letter: DeadLetter) -> Encoded:
    source = letter.source_partition
    headers = {
        KIND: _DEAD_LETTER,
        "version": str(wire.VERSION).encode(),
        "reason": letter.reason.value.encode(),
        "detail": letter.detail.encode(errors="replace"),
        "source_topic": source.kafka_topic.encode(),
        "source_partition": str(source.partition).encode(),
        "source_offset": str(letter.offset).encode(),
    }
    # By where it stood: the same record, read again after a crash, lands beside its first letter.
    return Encoded(f"{source}@{letter.offset}".encode(), letter.value, tuple(headers.items()))


def _decode_dead_letter(value: bytes, headers: Mapping[str, bytes]) -> DeadLetter:
    try:
        source = InputPartition(headers["source_topic"].decode(), int(headers["source_partition"]))
        reason, offset = DeadLetterReason(headers["reason"].decode()), int(headers["source_offset"])
        return DeadLetter(reason, headers["detail"].decode(errors="replace"), source, offset, value)
    except (KeyError, ValueError) as exc:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"a dead letter's headers cannot be read: {exc}") from exc
