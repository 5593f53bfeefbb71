"""What our own streams look like in Kafka: key, value, headers, and the way back; the header `kind` tells the value.

What a dead letter looks like, `monitor.delivery.deadletters` knows. Left out: partitions and sending.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from monitor import wire, wire_rows
from monitor.delivery import deadletters
from monitor.delivery.deadletters import KIND
from monitor.domain.alerts import AlertEvent, Detection
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import DeadLetter, DeadLetterReason, ScoredDocument
from monitor.domain.progress import Progress
from monitor.errors import RecordError


class Encoded(NamedTuple):
    """A value as Kafka takes it; the key is None where nothing is keyed by it (progress)."""

    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class _Form(NamedTuple):
    headers: tuple[tuple[str, bytes], ...]
    key: Callable[[Any], str | None]
    encode: Callable[[Any], bytes]


def _form(kind: str, key: Callable[[Any], str | None], encode: Callable[[Any], bytes]) -> _Form:
    # The headers are made once: each record of a kind has the same.
    return _Form(((KIND, kind.encode()),), key, encode)


_FORMS: Mapping[type, _Form] = {
    ScoredDocument: _form("scored", lambda value: value.topic_id, wire.encode_scored),
    Progress: _form("progress", lambda value: None, wire.encode_progress),
    Detection: _form("detection", lambda value: value.topic_id, wire.encode_detection),
    AlertEvent: _form("alert", lambda value: value.alert_id, wire.encode_alert),
    ScoredRow: _form("scored_row", lambda value: value.scored.topic_id, wire_rows.encode_scored_row),
    WindowRow: _form("window", lambda value: value.topic_id, wire_rows.encode_window),
    VolumeRow: _form("volume", lambda value: value.vendor, wire_rows.encode_volume),
    SuppressedRow: _form("suppressed", lambda value: value.topic_id, wire_rows.encode_suppressed),
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


def encode(value: object, max_record_bytes: int | None = None) -> Encoded:
    """A domain value of any of our streams. Raises: TypeError: nothing of that type is published.

    Args:
        max_record_bytes: what a dead letter is cut to; every other value is given whole.
    """
    if isinstance(value, DeadLetter):
        letter = deadletters.to_record(value, max_record_bytes)
        return Encoded(letter.key, letter.value or b"", letter.headers)
    form = _FORMS.get(type(value))
    if form is None:
        raise TypeError(f"{type(value).__name__} has no form in Kafka")
    key = form.key(value)
    return Encoded(None if key is None else key.encode(), form.encode(value), form.headers)


def decode(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> object:
    """The domain value. Raises: RecordError: a tombstone, a kind of another program, or damaged bytes."""
    if value is None:
        raise RecordError(DeadLetterReason.EMPTY, "the record is a tombstone, which nobody of ours writes")
    if len(headers) == 1 and headers[0][0] == KIND and (decoder := _DECODERS.get(headers[0][1])) is not None:
        return decoder(value)  # nearly every record of ours
    headers = tuple(headers)
    kind = dict(headers).get(KIND)
    if kind == deadletters.DEAD_LETTER:
        return deadletters.from_record(deadletters.Record(key, value, headers)).letter
    decoder = _DECODERS.get(kind or b"")
    if decoder is None:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"the header {KIND} is {kind!r}: not of this release")
    return decoder(value)
