"""Entries: a document of RSS or Atom as records of docs/feeds.md, the oldest first.

What can be read of broken XML is read. HTML stays in the texts; the parser of records takes it out. Left out: pictures
and sound, comments, categories (they name subjects, not tickers).
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from io import BytesIO
from typing import Any, NamedTuple

import feedparser
import orjson
from feedparser.encodings import convert_to_utf8

from monitor.clock import SECOND_MS
from monitor.transports.addresses import WebAddress
from monitor.transports.fetch import FetchError, FetchOutcome, Page

KEY_BYTES = 8
"""Of an entry's id in the memory of what was told: among a few thousand, two agree once in 10^12 feeds."""

MAX_ENTRIES = 5_000
"""Of one document: a feed holds tens, an archive hundreds. Each costs 11 bytes in every committed position."""

MAX_TAGS = 200_000
"""Of one document. feedparser takes 50 microseconds for each, and an interpreter does one thing at a time: five
megabytes of nothing but tags would slow the whole monitor for minutes, at every look."""

_TAIL_BYTES = 1_024
_ENDS = re.compile(rb"</\s*(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_SURROGATES = re.compile("[\ud800-\udfff]")
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_NUMBERED = re.compile(rb"&#(x[0-9a-f]{1,8}|[0-9]{1,10});", re.IGNORECASE)
_TIMES = ("published_parsed", "updated_parsed", "created_parsed")

# What feedparser notes as flaws although the document is read as it was meant.
_HARMLESS = ("CharacterEncodingOverride", "NonXMLContentType")


class EntryOutcome(StrEnum):
    """What became of an entry: a closed set, and a counter label."""

    NEW = "new"
    NEW_UNDATED = "new_undated"
    NEW_AHEAD = "new_ahead"
    KNOWN = "known"
    LEFT_OUT = "left_out"


class Entry(NamedTuple):
    """One entry. `key` recognises it, whatever its text says later; `outcome` is one of the NEW ones."""

    key: bytes
    value: bytes
    outcome: EntryOutcome


@dataclass(frozen=True, slots=True)
class EntryDates:
    """Which dates are believed: `oldest_ms` and later, at most `max_future_ms` after the fetch."""

    oldest_ms: int
    max_future_ms: int


@dataclass(frozen=True, slots=True)
class Entries:
    """What a document holds, the oldest first; entries without a believable date come last, in the feed's order.

    Attributes:
        is_broken: its XML is; what could be read is here. is_cut: it ends before its end, so its last entry, which may
            be cut too, was left out. left_out: entries that are not here, that one among them.
    """

    entries: tuple[Entry, ...]
    is_broken: bool = False
    is_cut: bool = False
    left_out: int = 0


def read_entries(page: Page, address: WebAddress, now_ms: int, dates: EntryDates) -> Entries:
    """Every entry as a record. One without a believable date takes `now_ms`, the moment it was seen.

    Raises: FetchError: the page is no feed.
    """
    parsed, data = _parse(page, address.base)
    found = parsed.entries
    if not found and not parsed.get("version"):
        raise FetchError(FetchOutcome.NOT_A_FEED, "it holds neither RSS nor Atom")
    is_broken = bool(parsed.bozo) and type(parsed.get("bozo_exception")).__name__ not in _HARMLESS
    is_cut = is_broken and not _ENDS.search(data[-_TAIL_BYTES:])
    # The next fetch brings it whole; told now, it would stay as it is, because nothing is told twice.
    kept = found[: len(found) - 1 if is_cut and found else None][:MAX_ENTRIES]
    language = _text(parsed.feed, "language")
    dated = []
    # Feeds put the newest first; the sort is stable, so entries of one moment keep the order in which they came.
    for raw in reversed(kept):
        time_ms, outcome = _date(raw, now_ms, dates)
        dated.append((time_ms, _entry(raw, address.source, time_ms, outcome, language)))
    dated.sort(key=lambda pair: pair[0])
    entries = tuple(entry for _, entry in dated if entry is not None)
    return Entries(entries, is_broken, is_cut, len(found) - len(entries))


def _parse(page: Page, base_url: str) -> tuple[Any, bytes]:
    """What the library makes of a page, and the page in UTF-8. Raises: FetchError: nothing."""
    try:
        given = {"content-type": page.content_type} if page.content_type else {}
        encoding: dict[str, Any] = {}
        # Read once, here, so that what follows finds what it looks for in whatever encoding it was hidden.
        data: bytes = convert_to_utf8(given, page.body, encoding)
        # No feed needs entities of its own, and a few of them, each of ten others, unpack to gigabytes.
        data = _ENTITY.sub(b"<!NOENTITY", data)
        if data.count(b"<") > MAX_TAGS:
            raise FetchError(FetchOutcome.TOO_LARGE, f"it has more than {MAX_TAGS} tags")
        parsed = _parse_utf8(data, base_url)
        if parsed is None:
            data = _NUMBERED.sub(_mend, data)
            parsed = _parse_utf8(data, base_url)
    except (LookupError, ValueError) as exc:  # an encoding that is none
        raise FetchError(FetchOutcome.NOT_A_FEED, f"its encoding cannot be read ({type(exc).__name__})") from exc
    if parsed is None:
        raise FetchError(FetchOutcome.NOT_A_FEED, "no reader of feeds gets through it")
    return parsed, data


def _parse_utf8(data: bytes, base_url: str) -> Any:
    """None when the library stumbles."""
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": base_url}
    try:
        # From bytes themselves the library would open a file of that name.
        return feedparser.parse(
            BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception:  # Its code raises whatever it stumbles over, and the next feed must not hear of it.
        return None


def _mend(found: re.Match[bytes]) -> bytes:
    """A reference to a character; to half an emoji, or to none, the sign that something is missing."""
    digits = found[1]
    number = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
    return found[0] if number < 0xD800 or 0xDFFF < number <= 0x10FFFF else b"&#xFFFD;"


def _date(raw: dict[str, Any], now_ms: int, dates: EntryDates) -> tuple[int, EntryOutcome]:
    """When it was said. A wrong zone puts news hours ahead; that it was seen by now is known better than its date."""
    for name in _TIMES:
        # Asked of the dict itself: feedparser's own `get` answers for a missing key with another one's value.
        moment = dict.get(raw, name)
        if moment is None:
            continue
        try:
            time_ms = calendar.timegm(moment) * SECOND_MS
        except (ValueError, OverflowError, TypeError):
            continue
        if time_ms > now_ms + dates.max_future_ms:
            return now_ms, EntryOutcome.NEW_AHEAD
        if time_ms >= dates.oldest_ms:
            return time_ms, EntryOutcome.NEW
    return now_ms, EntryOutcome.NEW_UNDATED


def _entry(
    raw: Mapping[str, Any], source: str, time_ms: int, outcome: EntryOutcome, language: str | None
) -> Entry | None:
    title, link = _text(raw, "title"), _text(raw, "link")
    text, lang = _body(raw)
    if not (title or text):
        return None
    identity = _text(raw, "id") or link or "#" + _digest(f"{title} {text}").hex()
    fields = {
        "id": identity,
        "source": source,
        "published_at": datetime.fromtimestamp(time_ms / SECOND_MS, UTC).isoformat(timespec="milliseconds"),
        "title": title,
        "text": text,
        "url": link,
        "lang": lang or language,
        "author": _author(raw),
    }
    given = {name: value for name, value in fields.items() if value}
    try:
        value = orjson.dumps(given)
    except TypeError:  # Half an emoji, which no encoding can write.
        value = orjson.dumps({name: _SURROGATES.sub("\ufffd", held) for name, held in given.items()})
    return Entry(_digest(identity), value, outcome)


def _body(raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The fullest text that an entry has, and its language."""
    bodies = [*_dicts(raw.get("content")), *_dicts([raw.get("summary_detail")])]
    best = max(bodies, key=lambda body: len(_text(body, "value") or ""), default=None)
    if best is None:
        return None, None
    return _text(best, "value"), _text(best, "language")


def _author(raw: Mapping[str, Any]) -> str | None:
    detail = raw.get("author_detail")
    name = _text(detail, "name") if isinstance(detail, dict) else None
    return name or _text(raw, "author")


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return (value.strip() or None) if isinstance(value, str) else None


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=KEY_BYTES).digest()
