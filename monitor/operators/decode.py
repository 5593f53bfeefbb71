"""Decoding: the bytes of one record become a JSON object, or a refusal that says what is wrong with them.

The fast reader (orjson) takes nearly every record. What it refuses is read again with patience, because the document in
it is often good: a post that was cut inside an emoji, a NaN in a key that nobody reads. Which keys there are is not its
business.
"""

import json
import re
from typing import Any

import orjson

from monitor.domain.document import DeadLetterReason
from monitor.errors import RecordError

MAX_DEPTH = 64
"""Deepest nesting read; feeds nest to about ten. The patient reader's own limit depends on its caller's stack, so that
without this one the same record could count in one run and be refused in the next."""

_BOM = b"\xef\xbb\xbf"
_PADDING = b" \t\r\n\x00"  # A crash of the writer leaves holes of zeros in a file.
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_CUT_CHARACTER = re.compile(rb'(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})(?=")')


def decode(value: bytes) -> dict[str, Any]:
    """The object that a record's bytes hold; of a key that comes twice, the last counts.

    Raises: RecordError: EMPTY, NOT_UTF8, NOT_JSON, NOT_AN_OBJECT or TOO_DEEP, with the remedy; nothing else.
    """
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise RecordError(DeadLetterReason.TOO_DEEP, f"record: deeper than {MAX_DEPTH} levels; send flat objects")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError:
        fields = _read_patiently(value)
    if isinstance(fields, dict):
        return fields
    raise RecordError(
        DeadLetterReason.NOT_AN_OBJECT, f"record: a JSON {type(fields).__name__}; send one object a record, {{...}}"
    )


def _depth(value: bytes) -> int:
    depth = deepest = 0
    for bracket in re.findall(rb"[][{}]", _JSON_STRING.sub(b"", value)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _read_patiently(value: bytes) -> Any:
    """What the fast reader refuses though the document in it is good.

    Lone surrogates and characters cut at the end of a string become U+FFFD; NaN and numbers beyond a double are absent;
    raw control characters inside strings, a byte order mark and padding around the record are passed over.
    """
    value = value.strip(_PADDING).removeprefix(_BOM).strip(_PADDING)
    if not value:
        raise RecordError(DeadLetterReason.EMPTY, "record: no bytes but padding; send one JSON object a record")
    try:
        fields = _load(_read_characters(value))
        # Once more through text: there, halves of an emoji that stand side by side become one, and lone ones U+FFFD.
        halves = json.dumps(fields, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        return _load(halves.decode("utf-16-le", "replace"))
    except UnicodeDecodeError as fault:
        raise RecordError(
            DeadLetterReason.NOT_UTF8,
            f"record: byte 0x{fault.object[fault.start]:02x} near position {fault.start} is not UTF-8; "
            "send UTF-8, not Windows-1252 or GBK",
        ) from fault
    except ValueError as fault:
        raise RecordError(
            DeadLetterReason.NOT_JSON, f"record: not JSON ({fault}); send one JSON object a record"
        ) from fault


def _read_characters(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        # Crawlers that cut posts by bytes leave part of a character before the closing quote; Java's modified UTF-8
        # writes an emoji as two surrogates. Both are certain. Guessing an encoding is not: GBK read as Windows-1252
        # would count as a document about nothing, and nobody would ever hear of it.
        return _CUT_CHARACTER.sub("\ufffd".encode(), value).decode(errors="surrogatepass")


def _load(text: str) -> Any:
    return json.loads(text, strict=False, parse_constant=_absent, parse_int=_bounded_integer)


def _absent(_: str) -> None:
    return None


def _bounded_integer(digits: str) -> int | float:
    # Beyond 64 bits a float, as the fast reader has it, so that a record means the same on both ways.
    number = int(digits) if len(digits) <= 20 else float(digits)
    return number if -(2**63) <= number < 2**64 else float(number)
