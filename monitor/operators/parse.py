"""Parse: the bytes of one record become a Document, or a dead letter that says what is wrong and how to mend it.

A pure function of the record and the limits; no clock, no state, and it never raises. docs/feeds.md is its contract:
which keys count, in which order, and what each wrong value leads to; a test holds the two together. What it leaves out:
whether a document is late, watched or a copy, and whether an event time is far ahead where nobody knows its arrival.

Order of events: bytes to an object (`decode`), time, text, identity, what may be absent (`fields`).
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from monitor.domain.document import DeadLetter, DeadLetterReason, Document, DocumentId, FeedRecord, Part
from monitor.errors import RecordError
from monitor.operators.clean import clean_line, clean_text, split_repeat
from monitor.operators.decode import decode
from monitor.operators.fields import (
    AUTHOR_KEYS,
    ID_KEYS,
    INNER_KEYS,
    LANG_KEYS,
    SOURCE_KEYS,
    SYMBOL_KEYS,
    URL_KEYS,
    read_author,
    read_first,
    read_id,
    read_lang,
    read_source,
    read_symbols,
    read_url,
)
from monitor.operators.times import LATEST_MS, format_time, read_time

# In order of precedence; docs/feeds.md lists them, and a test holds the two together.
TIME_KEYS = (
    "published_at", "publishedAt", "pubDate", "published", "date_published", "datePublished", "isoDate", "dc:date",
    "created_at", "createdAt", "created_utc", "created", "timestamp", "datetime", "date", "time", "updated",
)  # fmt: skip
TEXT_KEYS = (
    "extended_tweet", "full_text", "text", "content:encoded", "content_html", "content_text", "content", "body",
    "selftext", "message", "description", "summary",
)  # fmt: skip
TITLE_KEYS = ("title", "headline")
ARRIVAL_KEY = "observed_at"
PARTS_KEY = "parts"
_ROWS = (
    TIME_KEYS, TEXT_KEYS, TITLE_KEYS, ID_KEYS, SOURCE_KEYS, URL_KEYS, LANG_KEYS, SYMBOL_KEYS, AUTHOR_KEYS,
    (ARRIVAL_KEY,), (PARTS_KEY,),
)  # fmt: skip

_MAX_ID_CHARS = 256
_MAX_MODALITY_CHARS = 32
_MAX_PIECES = 64
_MAX_SHAPES = 1_024
"""Shapes of objects that are remembered; an input has a handful, and beyond the limit the memory starts anew."""
_MAX_SHAPE_CHARS = 2_000
"""Shapes whose keys are longer together are read each time, so that a hostile feed cannot fill the memory."""

_FAULT_REMEDIES = {
    DeadLetterReason.OVERSIZE: "the record is longer than the input's limit; send shorter records, or raise the limit",
    DeadLetterReason.TRUNCATED: "the input ended inside the record; send the rest of the file again",
    DeadLetterReason.CRASHED: "the record was in hand at three deaths of the process; keep it for the developers",
}


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What a document may hold.

    Attributes:
        max_text_chars: cap of the text and of each part; above 100,000 one record of tags alone can cost a second.
        max_title_chars: cap of the title. max_parts: captions and transcripts kept.
        oldest_ms: event times before it come from unset clocks (1990-01-01 by default).
        max_future_ms: how far a feed's clock may run ahead of the arrival; a wrong zone is further off.
    """

    max_text_chars: int = 10_000
    max_title_chars: int = 1_000
    max_parts: int = 32
    oldest_ms: int = 631_152_000_000
    max_future_ms: int = 600_000


def parse(record: FeedRecord, limits: ParseLimits) -> Document | DeadLetter:
    """The document that a record holds, or why it holds none. Never raises, whatever the bytes."""
    try:
        if record.fault is not None:
            remedy = _FAULT_REMEDIES.get(record.fault, "the input could not read it; its own log says why")
            raise RecordError(record.fault, f"record: {remedy}")
        return _read_document(decode(record.value), record, limits)
    except RecordError as unusable:
        return DeadLetter.of(record, DeadLetterReason(unusable.reason), unusable.detail)


_shapes: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}


def _present_keys(fields: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Of each of `_ROWS` the keys that an object has, in order of precedence."""
    # A feed repeats one shape; to look that up costs a tenth of asking for each of the fifty keys that might be there.
    shape = tuple(fields)
    rows = _shapes.get(shape)
    if rows is None:
        rows = tuple(tuple(key for key in row if key in fields) for row in _ROWS)
        if sum(map(len, shape)) <= _MAX_SHAPE_CHARS:
            if len(_shapes) >= _MAX_SHAPES:
                _shapes.clear()
            _shapes[shape] = rows
    return rows


def _read_document(fields: dict[str, Any], record: FeedRecord, limits: ParseLimits) -> Document:
    (
        time_keys, text_keys, title_keys, id_keys, source_keys, url_keys, lang_keys, symbol_keys, author_keys,
        arrival_keys, parts_keys,
    ) = _present_keys(fields)  # fmt: skip
    event_time_ms = _read_event_time(fields, time_keys, limits)
    arrival_ms = record.arrival_ms
    if arrival_keys or arrival_ms is not None:
        arrival_ms = _read_arrival(fields, arrival_ms, limits)
    if arrival_ms is not None and event_time_ms > arrival_ms + limits.max_future_ms:
        raise RecordError(
            DeadLetterReason.FAR_FUTURE,
            f"{_first(fields, time_keys)[0]}: {format_time(event_time_ms)} is more than "
            f"{limits.max_future_ms // 1_000} s after the record arrived ({format_time(arrival_ms)}); "
            "write the time with its zone, and set the feed's clock",
        )

    title, text = _read_words(fields, title_keys, text_keys, limits)
    parts = _read_parts(fields[PARTS_KEY], title, text, limits) if parts_keys else ()
    if not (title or text):
        if not parts:
            raise RecordError(
                DeadLetterReason.NO_TEXT, "text: nothing to read, nor in title or parts; send the words of the document"
            )
        text, parts = parts[0].text, parts[1:]

    url = read_first(fields, url_keys, read_url) if url_keys else None
    source = (
        read_first(fields, source_keys, read_source) or read_source(record.source_partition.kafka_topic) or "unknown"
    )
    attributes = (
        _name(read_first(fields, id_keys, read_id), source, event_time_ms, title, text, url),
        source,
        event_time_ms,
        arrival_ms,
        title,
        text,
        url,
        read_first(fields, lang_keys, read_lang) if lang_keys else None,
        (read_first(fields, symbol_keys, read_symbols) or ()) if symbol_keys else (),
        read_first(fields, author_keys, read_author) if author_keys else None,
        parts,
    )
    # In the order of its fields, and past the constructor: with names it took a tenth of parsing.
    return tuple.__new__(Document, attributes)


def _name(feed_id: str | None, source: str, event_time_ms: int, title: str, text: str, url: str | None) -> DocumentId:
    if feed_id is None:
        content = f"{''.join((title + text).casefold().split())}\n{url or ''}\n{event_time_ms}"
        return DocumentId(f"{source}:#{blake2b(content.encode(), digest_size=8).hexdigest()}")
    if len(feed_id) > _MAX_ID_CHARS:
        # Ids are kept for as long as a document may come again; one of a page must not cost a page each time.
        feed_id = f"~{blake2b(feed_id.encode(), digest_size=16).hexdigest()}"
    return DocumentId(f"{source}:{feed_id}")


def _first(fields: dict[str, Any], keys: tuple[str, ...]) -> tuple[str, Any]:
    """The first key whose value is neither null nor empty, with the value; None if there is none."""
    for key in keys:
        value = fields[key]
        if value or value == 0:  # A zero is a value: an unset clock, which the range refuses by name.
            return key, value
    return TIME_KEYS[0], None


def _read_event_time(fields: dict[str, Any], keys: tuple[str, ...], limits: ParseLimits) -> int:
    key, value = _first(fields, keys)
    if value is None:
        raise RecordError(
            DeadLetterReason.NO_TIME, f"{key}: no time, nor in its aliases; send when it was published, in UTC"
        )
    if type(value) is not str and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise RecordError(
            DeadLetterReason.BAD_FIELD,
            f"{key}: a time cannot be {_kind(value)}; send ISO 8601 text or an epoch number",
        )
    try:
        time_ms = read_time(value)
    except ValueError as fault:
        raise RecordError(
            DeadLetterReason.BAD_TIME,
            f"{key}: {_shown(value)}: {fault}; send ISO 8601 in UTC (2024-03-05T10:30:00Z)",
        ) from fault
    if not limits.oldest_ms <= time_ms <= LATEST_MS:
        raise RecordError(
            DeadLetterReason.TIME_OUT_OF_RANGE,
            f"{key}: {_shown(value)} is not between {format_time(limits.oldest_ms)} and the year 9999; "
            "send when it was published, as ISO 8601 or an epoch number in s, ms, us or ns",
        )
    return time_ms


def _read_arrival(fields: dict[str, Any], arrival_ms: int | None, limits: ParseLimits) -> int | None:
    """The least of the arrival times that are known; one that is unreadable or an unset clock is not known."""
    if arrival_ms is not None and not limits.oldest_ms <= arrival_ms <= LATEST_MS:
        arrival_ms = None
    value = fields.get(ARRIVAL_KEY)
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return arrival_ms
    try:
        observed_ms = read_time(value)
    except ValueError:
        return arrival_ms
    if not limits.oldest_ms <= observed_ms <= LATEST_MS:
        return arrival_ms
    return observed_ms if arrival_ms is None else min(observed_ms, arrival_ms)


def _read_words(
    fields: dict[str, Any], title_keys: tuple[str, ...], text_keys: tuple[str, ...], limits: ParseLimits
) -> tuple[str, str]:
    """Title and text, clean; of each row of keys the first that leaves something to read."""
    text = title = ""
    for key in text_keys:
        if (value := fields[key]) is not None:
            text = clean_text(value if type(value) is str else _inner_text(key, value), limits.max_text_chars)
            if text:
                break
    for key in title_keys:
        if (value := fields[key]) is not None:
            title = clean_line(value if type(value) is str else _inner_text(key, value), limits.max_title_chars)
            if title:
                return split_repeat(title, text)
    return "", text


def _inner_text(key: str, value: Any) -> str:
    """The text inside a list or an object. A number or a truth value is refused: a text is what everything rests on."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        items = value[:_MAX_PIECES]
        pieces = [_wrapped_text(item) if isinstance(item, dict) else _inner_text(key, item) for item in items]
        return "\n".join(piece for piece in pieces if piece)
    if isinstance(value, dict):
        inner = _wrapped_text(value)
        if inner is not None or not value:
            return inner or ""
    if value is None:
        return ""
    raise RecordError(DeadLetterReason.BAD_FIELD, f"{key}: a text cannot be {_kind(value)}; send a string")


def _wrapped_text(value: dict[str, Any]) -> str | None:
    return next((value[name] for name in INNER_KEYS if isinstance(value.get(name), str)), None)


def _read_parts(value: Any, title: str, text: str, limits: ParseLimits) -> tuple[Part, ...]:
    if not isinstance(value, list):
        return ()
    parts: list[Part] = []
    seen = {title, text, ""}
    for item in value:
        if len(parts) == limits.max_parts:
            break
        piece: dict[str, Any] = item if isinstance(item, dict) else {"text": item}
        raw = piece.get("text")
        if not isinstance(raw, str):
            continue
        words = clean_text(raw, limits.max_text_chars)
        if words in seen:  # The caption of a picture is often the post itself.
            continue
        seen.add(words)
        modality = piece.get("modality")
        name = clean_line(modality, _MAX_MODALITY_CHARS).lower() if isinstance(modality, str) else ""
        parts.append(Part(name or "text", words, read_url(piece.get("url"))))
    return tuple(parts)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a number"


def _shown(value: str | int | float) -> str:
    return repr(value[:40] if isinstance(value, str) else value)
