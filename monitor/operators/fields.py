"""Fields: the attributes of a document that may be absent, read from whatever a feed puts in their place.

Nothing here refuses a record. A value of a wrong type, a link that is no link, a language that is none count as absent,
and the next key in the order of precedence is asked. What must be there (time, text) is `parse`'s.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from monitor.operators.clean import clean_line, cut_at_word

# The keys that may hold a value, in order of precedence; docs/feeds.md lists them, and a test holds the two together.
ID_KEYS = ("id_str", "id", "guid", "_id", "uuid")
SOURCE_KEYS = ("source", "vendor", "provider")
URL_KEYS = ("url", "link", "permalink", "external_url")
LANG_KEYS = ("lang", "language")
SYMBOL_KEYS = ("symbols", "cashtags", "tickers", "entities")
AUTHOR_KEYS = ("author", "user", "dc:creator", "creator", "byline")

INNER_KEYS = ("value", "rendered", "#text", "_", "full_text", "text", "html", "plain")
"""What feed readers, XML converters and publishing systems wrap a text in, in order of precedence."""

MAX_SYMBOLS = 64
_MAX_SOURCE_CHARS = 64
_MAX_AUTHOR_CHARS = 128
_MAX_SYMBOL_CHARS = 24
_MAX_URL_CHARS = 2_048
# Longer names are no names; the cache of sources holds 1,024 of them, so this also bounds its memory.
_MAX_RAW_CHARS = 1_000

_LANG = re.compile(r"[a-z]{2,3}(?=$|[-_])", re.IGNORECASE | re.ASCII)
_URL = re.compile(r"https?://[^\s\x00-\x20<>\"]+", re.IGNORECASE)


Value = TypeVar("Value")


def read_first(fields: dict[str, Any], keys: tuple[str, ...], read: Callable[[Any], Value | None]) -> Value | None:
    """The first key's value that can be read; None where there is none."""
    for key in keys:
        value = fields.get(key)
        if value and (found := read(value)) is not None:
            return found
    return None


def read_id(value: Any) -> str | None:
    """A feed's own id: a text or an integer, also inside an object (`guid`, `$oid`). Fractions identify nothing."""
    if type(value) is str:  # nearly always
        return value.strip() or None
    if isinstance(value, dict):
        value = next((value[key] for key in (*INNER_KEYS, "$oid") if value.get(key)), None)
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if type(value) is int else None


def read_source(value: Any) -> str | None:
    """The vendor's name: lower-case, trimmed, at most 64 characters, without a colon."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("name", "title", "id", *INNER_KEYS) if _is_text(value.get(key))), None)
    return _clean_source(value[:_MAX_RAW_CHARS]) if isinstance(value, str) else None


@lru_cache(maxsize=1_024)
def _clean_source(name: str) -> str | None:
    if name.lstrip().startswith("<"):
        return None  # Social posts name the program that they were written with here, as a link.
    # A colon parts source and id in a document's id; inside the source it would let two documents share one.
    return cut_at_word(clean_line(name, _MAX_RAW_CHARS).lower().replace(":", "-"), _MAX_SOURCE_CHARS) or None


def read_url(value: Any) -> str | None:
    """A web address, from a text, an object with `href` or a list of those; nothing else, for people click on it."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("href") or value.get("url")
    if not isinstance(value, str) or len(value) > _MAX_URL_CHARS:
        return None
    value = value.strip()
    return value if _URL.fullmatch(value) else None


def read_lang(value: Any) -> str | None:
    """The primary tag of a BCP 47 language (`zh` of `zh-Hant-TW`), lower-case; `und` says nothing."""
    found = _LANG.match(value.strip()) if isinstance(value, str) else None
    return found[0].lower() if found and found[0].lower() != "und" else None


def read_symbols(value: Any) -> tuple[str, ...] | None:
    """Tickers from a list of texts or objects, a text, or a post's `entities`: upper-case, in order, distinct."""
    if type(value) is not list:
        if isinstance(value, dict):
            value = value.get("symbols") or value.get("cashtags")
        if isinstance(value, str):
            value = re.split(r"[\s,;]+", value[:_MAX_RAW_CHARS])
        if not isinstance(value, list):
            return None
    symbols: dict[str, None] = {}
    for item in value:
        if type(item) is not str:
            if isinstance(item, dict):
                item = next((item[key] for key in ("symbol", "text", "tag", "ticker") if _is_text(item.get(key))), None)
            if not isinstance(item, str):
                continue
        # Few symbols come again and again; what is long is hardly one of them, and is not to fill the memory.
        symbol = _clean_symbol(item) if len(item) <= _MAX_SYMBOL_CHARS else _clean_symbol.__wrapped__(item)
        if symbol:
            symbols[symbol] = None
            if len(symbols) == MAX_SYMBOLS:
                break
    return tuple(symbols) or None


@lru_cache(maxsize=16_384)
def _clean_symbol(item: str) -> str | None:
    symbol = item.strip().lstrip("$").upper()
    is_symbol = len(symbol) <= _MAX_SYMBOL_CHARS and symbol.isprintable() and " " not in symbol
    return symbol if is_symbol else None


def read_author(value: Any) -> str | None:
    """Who said it: trimmed, case-folded, without a leading @; the handle where an object holds one, else the name."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        keys = ("screen_name", "username", "handle", "name", *INNER_KEYS)
        value = next((value[key] for key in keys if _is_text(value.get(key))), None)
    if not isinstance(value, str):
        return None
    return clean_line(value, _MAX_AUTHOR_CHARS).casefold().lstrip("@").strip() or None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
