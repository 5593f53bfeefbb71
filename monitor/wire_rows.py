"""The wire of what only the history reads: rows of `sentiment.trends` and `sentiment.alerts`, as wire.py has it."""

from typing import Any

import orjson

from monitor.domain.alerts import Suppression
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import Counted
from monitor.domain.summary import Summary
from monitor.domain.windows import Window
from monitor.wire import VERSION, check_kinds, decode_object, encode_scored, kinds_of, read_scored

_SCORED_ROW_KINDS = kinds_of(text="story counted", body="scored")
_INNER_KINDS = kinds_of(whole="v")
_WINDOW_KINDS = kinds_of(text="topic_id", whole="revision", array="window summary")
_VOLUME_KINDS = kinds_of(text="vendor", whole="documents", array="window")
_EXPECTED_KINDS = kinds_of(number="expected")
_SUPPRESSED_KINDS = kinds_of(text="topic_id reason", whole="at_ms", number="severity")


def encode_scored_row(row: ScoredRow) -> bytes:
    """A scored document and how it counted; the document is inside as wire.py writes it."""
    scored = orjson.Fragment(encode_scored(row.scored))
    return orjson.dumps({"v": VERSION, "story": row.story, "counted": row.counted, "scored": scored})


def decode_scored_row(data: bytes) -> ScoredRow:
    """Raises: RecordError: the bytes are not one."""
    return decode_object(data, _scored_row, "scored row")


def encode_window(row: WindowRow) -> bytes:
    """One revision of one window; `summary` holds the counts in the order of Summary's fields."""
    window = (row.window.start_ms, row.window.end_ms)
    fields = {"topic_id": row.topic_id, "window": window, "revision": row.revision, "summary": row.summary.as_tuple()}
    return orjson.dumps({"v": VERSION, **fields})


def decode_window(data: bytes) -> WindowRow:
    """Raises: RecordError: the bytes are not one."""
    return decode_object(data, _window_row, "window")


def encode_volume(row: VolumeRow) -> bytes:
    """One hour of one vendor's feed; `expected` is left out while nobody knows it."""
    window = (row.window.start_ms, row.window.end_ms)
    fields: dict[str, Any] = {"v": VERSION, "vendor": row.vendor, "window": window, "documents": row.documents}
    if row.expected is not None:
        fields["expected"] = row.expected
    return orjson.dumps(fields)


def decode_volume(data: bytes) -> VolumeRow:
    """Raises: RecordError: the bytes are not one."""
    return decode_object(data, _volume_row, "feed volume")


def encode_suppressed(row: SuppressedRow) -> bytes:
    """A detection that told nobody."""
    fields = {"topic_id": row.topic_id, "at_ms": row.at_ms, "reason": row.reason, "severity": row.severity}
    return orjson.dumps({"v": VERSION, **fields})


def decode_suppressed(data: bytes) -> SuppressedRow:
    """Raises: RecordError: the bytes are not one."""
    return decode_object(data, _suppressed_row, "suppressed detection")


def _scored_row(fields: dict[str, Any]) -> ScoredRow:
    check_kinds(fields, _SCORED_ROW_KINDS)
    check_kinds(fields["scored"], _INNER_KINDS)
    if fields["scored"]["v"] != VERSION:
        raise ValueError(f"scored has the format version {fields['scored']['v']}")
    return ScoredRow(read_scored(fields["scored"]), fields["story"], Counted(fields["counted"]))


def _window_row(fields: dict[str, Any]) -> WindowRow:
    check_kinds(fields, _WINDOW_KINDS)
    counts = fields["summary"]
    if len(counts) != len(Summary().as_tuple()):
        raise ValueError(f"summary has {len(counts)} counts")
    return WindowRow(fields["topic_id"], _window(fields["window"]), fields["revision"], Summary(*_whole(counts)))


def _volume_row(fields: dict[str, Any]) -> VolumeRow:
    check_kinds(fields, _VOLUME_KINDS)
    if "expected" in fields:
        check_kinds(fields, _EXPECTED_KINDS)
    return VolumeRow(fields["vendor"], _window(fields["window"]), fields["documents"], fields.get("expected"))


def _suppressed_row(fields: dict[str, Any]) -> SuppressedRow:
    check_kinds(fields, _SUPPRESSED_KINDS)
    return SuppressedRow(fields["topic_id"], fields["at_ms"], Suppression(fields["reason"]), fields["severity"])


def _window(pair: list[Any]) -> Window:
    start_ms, end_ms = _whole(pair)
    return Window(start_ms, end_ms)


def _whole(items: list[Any]) -> list[int]:
    for item in items:
        if type(item) is not int:
            raise TypeError(f"{item!r} is not a whole number")
    return items
