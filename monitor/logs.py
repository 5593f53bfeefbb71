"""Structured events through the standard library's logging: one line each, as JSON or for a person at a terminal.

    event(logger, "alert_fired", alert_id=alert.id, topic=alert.topic_id)

A line never breaks (feeds put line ends and terminal escapes into everything), never holds a secret, and writing it
never raises: a monitor must not stop because its log cannot be written. Left out on purpose: files and rotation, which
belong to whoever runs the process, and colour.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import TextIO

# A field longer than this is evidence, not a log; it belongs to the dead letters or the history.
_MAX_TEXT_CHARS = 2_000
_MAX_ITEMS = 50
_MAX_DEPTH = 4
# A traceback keeps its end, which names the culprit; deep recursion alone fills megabytes.
_MAX_TRACE_CHARS = 8_000

_RESERVED_KEYS = frozenset({"at", "level", "logger", "event", "message", "exception", "trace"})
_MASK = "***"
_SECRET_KEY = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key|authorization|credentials?"
    r"|cookie|webhook|webhook_url|dsn)$",
    re.IGNORECASE,
)
# Secrets that hide inside other text, an exception's message say: a password in a URL, a webhook's path, a header.
_SECRET_TEXT = (
    # Every repetition that can start anywhere is bounded: a line of a million letters must not cost a million squared.
    (re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE), rf"\1:{_MASK}@"),
    (re.compile(r"(hooks\.slack\.com/)[^\s\"']+", re.IGNORECASE), rf"\1{_MASK}"),
    (re.compile(r"\b(authorization[\"']?\s*[:=]\s*[\"']?)(?:\w+\s+)?[^\s\"']+", re.IGNORECASE), rf"\1{_MASK}"),
    (re.compile(r"\b(bearer)\s+[a-z0-9._~+/=-]{12,}", re.IGNORECASE), rf"\1 {_MASK}"),
    (
        re.compile(
            r"\b(\w{0,40}?(?:password|passwd|secret|token|api_?key)[\"']?\s*[=:]\s*[\"']?)[^\s,;&\"']+", re.IGNORECASE
        ),
        rf"\1{_MASK}",
    ),
)
# Most texts hold none of these words, and a search for them costs a tenth of the substitutions.
_SECRET_HINT = re.compile(r"://|slack|authorization|bearer|passw|secret|token|api", re.IGNORECASE)
# What ends a line or drives a terminal although JSON allows it: controls, separators, bidirectional overrides, and
# lone surrogates, which no encoding can write.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BARE = re.compile(r"[^\s\"'=\\]+")

_Plain = None | bool | int | float | str | list["_Plain"] | dict[str, "_Plain"]


class LogFormat(StrEnum):
    """How a line is written."""

    JSON = "json"
    CONSOLE = "console"


QUIET = ("kafka",)
"""Libraries that tell each step of theirs. The Kafka client's most talkative lines hold passwords, so no level of ours
lets them through."""


def configure(level: str, format: str, stream: TextIO | None = None) -> None:
    """Send everything that is logged, by us or by libraries, to one stream (standard error), one line an event.

    Calling it again replaces what it set up before. Python's own warnings become log lines too.
    Raises: ValueError: no such level or format.
    """
    try:
        number = logging.getLevelNamesMapping()[level.upper()]
    except KeyError:
        raise ValueError(f"log level {level!r} is none of debug, info, warning, error, critical") from None
    handler = EventHandler(sys.stderr if stream is None else stream, LogFormat(format))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, EventHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


def event(
    logger: logging.Logger,
    name: str,
    /,
    *,
    level: int = logging.INFO,
    exc_info: BaseException | bool | None = None,
    **fields: object,
) -> None:
    """Log one event with its fields; never raises. `name` is a closed set of verbs in the past: `alert_fired`."""
    if logger.isEnabledFor(level):
        logger.log(level, name, exc_info=exc_info, extra={"event_fields": fields}, stacklevel=2)


class EventHandler(logging.Handler):
    """Writes one line for each record and swallows every failure; `lost` counts the lines that could not be written."""

    def __init__(self, stream: TextIO, format: LogFormat) -> None:
        super().__init__()
        self.lost = 0
        self._stream = stream
        self._format = format

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a closed pipe, a full disk or an object that cannot be printed loses the line, no more."""
        try:
            line = render(record, self._format)
            encoding = getattr(self._stream, "encoding", None) or "utf-8"
            # Only a terminal in an old locale lacks a character; `\u4e2d` is right there, in JSON too.
            line = _UNSAFE.sub(_escape, line)
            try:
                line.encode(encoding)
            except UnicodeEncodeError:
                line = "".join(char if char.isascii() else _escape_char(char) for char in line)
            self._stream.write(line + "\n")
            self._stream.flush()
        except Exception:
            self.lost += 1


def render(record: logging.LogRecord, format: LogFormat) -> str:
    """One record as a line without its end. A traceback's line ends are written as `\\n` in both forms."""
    fields = getattr(record, "event_fields", None)
    head: dict[str, _Plain] = {
        "at": _iso(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    body: dict[str, _Plain] = {}
    if isinstance(fields, Mapping):
        head["event"] = _text(record.getMessage())
        for key, value in fields.items():
            body[f"{key}_" if key in _RESERVED_KEYS else str(key)] = _field(str(key), value)
    else:
        head["event"] = "message"
        body["message"] = _text(_message(record))
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        body["exception"] = _text(f"{type(error).__name__}: {_safe_str(error)}")
        body["trace"] = _mask(_trace(record)[-4 * _MAX_TRACE_CHARS :])[-_MAX_TRACE_CHARS:]
    if format is LogFormat.JSON:
        return json.dumps(head | body, ensure_ascii=False, separators=(",", ":"))
    pairs = " ".join(f"{key}={_console_value(value)}" for key, value in body.items())
    return f"{head['at']} {record.levelname:<8} {record.name} {head['event']} {pairs}".rstrip()


def _field(key: str, value: object) -> _Plain:
    return _MASK if _SECRET_KEY.search(key) and value is not None else _plain(value, 0)


def _plain(value: object, depth: int) -> _Plain:
    """A value that JSON can hold, whatever came in: bounded in length, count and depth."""
    if isinstance(value, Enum):
        return _plain(value.value, depth)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Python refuses to print an integer of thousands of digits.
        return value if value.bit_length() <= 128 else f"integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes | bytearray):
        return _text(bytes(value[:_MAX_TEXT_CHARS]).decode("utf-8", "backslashreplace"))
    if depth < _MAX_DEPTH:
        if isinstance(value, Mapping):
            return {
                _text(_safe_str(key)): _MASK if _SECRET_KEY.search(_safe_str(key)) else _plain(item, depth + 1)
                for key, item in list(value.items())[:_MAX_ITEMS]
            }
        if isinstance(value, list | tuple | set | frozenset):
            return _items(value, depth)
    return _text(_safe_str(value))


def _items(values: Iterable[object], depth: int) -> list[_Plain]:
    plain: list[_Plain] = []
    for value in values:
        if len(plain) == _MAX_ITEMS:
            plain.append("…")
            break
        plain.append(_plain(value, depth + 1))
    return plain


def _text(text: str) -> str:
    # Masked before the cut that counts, which could leave half a secret that no pattern knows.
    text = _mask(text[: 4 * _MAX_TEXT_CHARS])
    return text if len(text) <= _MAX_TEXT_CHARS else text[:_MAX_TEXT_CHARS] + "…"


def _mask(text: str) -> str:
    if not _SECRET_HINT.search(text):
        return text
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _safe_str(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<unprintable {type(value).__name__}>"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return f"{_safe_str(record.msg)} {_safe_str(record.args)}"


def _trace(record: logging.LogRecord) -> str:
    try:
        return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    except Exception:
        return "<unprintable traceback>"


def _console_value(value: _Plain) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escape(match: re.Match[str]) -> str:
    return _escape_char(match.group())


def _escape_char(char: str) -> str:
    number = ord(char)
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    # JSON knows no longer escape than four digits: beyond the first plane it takes the two surrogates.
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
