"""How dead letters are told: a line and a page for people, JSON for scripts. What a feed sent drives no terminal."""

import base64
import re
from collections.abc import Iterable, Sequence

import orjson

from monitor.delivery.redrive import Entry
from monitor.domain.document import Original
from monitor.operators.times import format_time

WORDS_CHARS = 100
"""Of a record's first words: as much as fits on a line behind the rest."""

Header = tuple[str, bytes]


def line_of(entry: Entry) -> str:
    """Position, reason, when it was written, what became of it, first words."""
    parts = [entry.position, entry.letter.reason.value]
    if entry.time_ms >= 0:
        parts.append(format_time(entry.time_ms))
    if entry.sent_to is not None:
        parts.append(f"sent again: {entry.sent_to}")
    elif not entry.is_whole:
        parts.append("cut")
    return "  ".join([*parts, _words(entry.letter.value)])


def fields_of(entry: Entry) -> dict[str, object]:
    """The same for scripts."""
    letter = entry.letter
    return {
        "position": entry.position,
        "reason": letter.reason.value,
        "detail": letter.detail,
        "kafka_topic": letter.source_partition.kafka_topic,
        "partition": letter.source_partition.partition,
        "offset": letter.offset,
        "at": format_time(entry.time_ms) if entry.time_ms >= 0 else None,
        "bytes": entry.size,
        "is_whole": entry.is_whole,
        "sent_to": entry.sent_to,
        "words": _words(letter.value),
    }


def page_of(entry: Entry, original: Original, headers: Sequence[Header]) -> str:
    """Everything about one letter: headers as they stand there, what of the record is kept, and its text."""
    held = len(original.value)
    size = "an unknown number of" if entry.size is None else f"{entry.size:,}"
    lines = [line_of(entry), "", *(f"{_plain(name)}: {_text(value)}" for name, value in headers), ""]
    lines.append(f"{held:,} bytes, whole:" if entry.is_whole else f"{held:,} of {size} bytes:")
    return "\n".join([*lines, _text(original.value)])


def page_fields_of(entry: Entry, original: Original, headers: Iterable[Header]) -> dict[str, object]:
    """The same for scripts, with every byte."""
    return {
        **fields_of(entry),
        "headers": [[name, _base64(value)] for name, value in headers],
        "key_base64": None if original.key is None else _base64(original.key),
        "value_base64": _base64(original.value),
    }


def json_line(fields: dict[str, object]) -> str:
    return orjson.dumps(fields).decode()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _words(value: bytes) -> str:
    """One line, without what a person cannot read."""
    return _plain(re.sub(r"\s+", " ", value[: 4 * WORDS_CHARS].decode(errors="replace")))[:WORDS_CHARS].strip()


def _text(value: bytes) -> str:
    """Its lines, with what is no text, and what would drive a terminal, as escapes."""
    return _plain(value.decode(errors="backslashreplace"))


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text)
