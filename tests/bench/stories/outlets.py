"""Outlets: seven invented vendors, when they speak, who writes for them, and the shape of their records.

Shapes are those of docs/feeds.md, section 5: vendors do not agree on keys, so a feed of only one shape would test less.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Any

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from tests.bench.stories.wording import Words

_ENGLISH_HOURS = (4, 3, 2, 2, 3, 4, 7, 13, 17, 16, 14, 15, 19, 27, 30, 26, 22, 21, 22, 24, 17, 12, 9, 6)
_CHINESE_HOURS = (7, 20, 26, 19, 9, 18, 24, 21, 11, 8, 8, 11, 15, 14, 10, 6, 3, 1, 1, 1, 1, 1, 2, 4)
"""Relative volume by hour in UTC."""
_WEEKDAYS = (11, 10, 10, 10, 9, 3, 4)
"""Relative volume by weekday, Monday first."""
_MONDAY = 3
"""1970-01-01 was a Thursday."""


class Genre(StrEnum):
    """What kind of vendor it is, which decides the shape of its records."""

    PRESS = "press"
    BLOG = "blog"
    MICROBLOG = "microblog"
    FORUM = "forum"


@dataclass(frozen=True, slots=True)
class Outlet:
    """A vendor. `weight` is its part of all talk, `delay_ms` the usual time until the crawler has seen a document."""

    name: str
    genre: Genre
    is_chinese: bool
    weight: int
    delay_ms: int

    @property
    def is_social(self) -> bool:
        """Whether it carries posts, not articles."""
        return self.genre in (Genre.MICROBLOG, Genre.FORUM)

    def author(self, rng: Random) -> str:
        """Somebody who writes for it: reporters are few, posters are thousands, and some post far more than others."""
        if not self.is_social:
            return f"{'记者' if self.is_chinese else 'Staff writer '}{rng.randrange(1, 60)}"
        return f"{'用户' if self.is_chinese else 'user_'}{int(9_000 * rng.random() ** 2.2):04}"


WIRE = Outlet("meridian-wire", Genre.PRESS, False, 10, 3_000)
DAILY = Outlet("tradewinds-daily", Genre.PRESS, False, 8, 30_000)
BLOGS = Outlet("openbook-blogs", Genre.BLOG, False, 7, 90_000)
PINBOARD = Outlet("pinboard", Genre.MICROBLOG, False, 40, 2_000)
NEWSWIRE_ZH = Outlet("jiangpan-newswire", Genre.PRESS, True, 9, 4_000)
FORUM_ZH = Outlet("渡口股吧", Genre.FORUM, True, 18, 3_000)
POSTS_ZH = Outlet("xiaodao-posts", Genre.MICROBLOG, True, 8, 3_000)
OUTLETS = (WIRE, DAILY, BLOGS, PINBOARD, NEWSWIRE_ZH, FORUM_ZH, POSTS_ZH)


def pick_outlet(is_chinese: bool, is_social: bool, rng: Random) -> Outlet:
    """A vendor of that language and kind, the larger ones more often."""
    fitting = [one for one in OUTLETS if one.is_chinese is is_chinese and one.is_social is is_social]
    return rng.choices(fitting, [one.weight for one in fitting])[0]


def weekday_of(at_ms: int) -> int:
    """Day of the week in UTC, Monday is 0."""
    return (at_ms // DAY_MS + _MONDAY) % 7


class Rhythm:
    """Draws times over some days as an outlet's readers are awake: one weight for each hour."""

    def __init__(self, start_ms: int, days: int, is_chinese: bool) -> None:
        hours = _CHINESE_HOURS if is_chinese else _ENGLISH_HOURS
        self._hours_ms = [start_ms + hour * HOUR_MS for hour in range(days * 24)]
        self._cumulative = list(
            accumulate(hours[at % DAY_MS // HOUR_MS] * _WEEKDAYS[weekday_of(at)] for at in self._hours_ms)
        )

    def draw(self, rng: Random) -> int:
        """One moment."""
        return rng.choices(self._hours_ms, cum_weights=self._cumulative)[0] + rng.randrange(HOUR_MS)


@dataclass(frozen=True, slots=True)
class Item:
    """A document before it is a record. `planted` is the place in the truth of what it belongs to, None for chatter."""

    outlet: Outlet
    said_ms: int
    seen_ms: int
    words: Words
    author: str
    planted: int | None = None


def _iso(at_ms: int, offset_hours: int = 0) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(timezone(timedelta(hours=offset_hours)))
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def fields_of(item: Item, number: int) -> dict[str, Any]:
    """The record's fields; `number` counts the outlet's documents."""
    outlet, words = item.outlet, item.words
    fields: dict[str, Any] = {"source": outlet.name, "observed_at": _iso(item.seen_ms + 999)}
    if outlet.genre is Genre.PRESS:
        fields |= {"id": f"a{number}", "published_at": _iso(item.said_ms, 8 if outlet.is_chinese else 0)}
        fields |= {"title": words.title, "text": words.text, "lang": "zh" if outlet.is_chinese else "en"}
        fields |= {"url": f"https://{outlet.name}.example/{number}"}
        if words.symbols:
            fields["symbols"] = list(words.symbols)
    elif outlet.genre is Genre.BLOG:
        page = f"<p>{words.text.replace('&', '&amp;')}</p>\n<p><a href='/about'>About this blog</a></p>"
        fields |= {"id": f"a{number}", "published": _iso(item.said_ms, 1), "title": words.title}
        fields |= {"content": [{"type": "text/html", "value": page}], "author": {"name": item.author}}
    elif outlet.genre is Genre.FORUM:
        fields |= {"id": f"a{number}", "created": item.said_ms // 1000, "title": None, "lang": "zh-CN"}
        fields |= {"content": words.text, "author": item.author}
    else:
        fields |= {"id_str": f"a{number}", "created_at": _iso(item.said_ms, 8 if outlet.is_chinese else 0)}
        fields |= {"full_text": words.text, "user": {"screen_name": item.author}}
        fields |= {"lang": "zh" if outlet.is_chinese else "en"}
        if words.symbols:
            fields["entities"] = {"symbols": [{"text": symbol} for symbol in words.symbols]}
    return fields


def encode(fields: dict[str, Any]) -> bytes:
    """One JSON line without its end."""
    return json.dumps(fields, ensure_ascii=False).encode()


def broken(fields: dict[str, Any], rng: Random) -> bytes:
    """What arrives when a vendor's export fails: each ends as a dead letter."""
    kind = rng.randrange(5)
    line = encode(fields)
    if kind == 0:
        return line[: rng.randrange(10, len(line) - 8)]
    if kind == 1:
        return b"<html><head><title>502 Bad Gateway</title></head></html>"
    times = ("published_at", "published", "created", "created_at")
    if kind == 2:
        return encode({key: value for key, value in fields.items() if key not in times})
    if kind == 3:
        return encode({key: "soon" if key in times else value for key, value in fields.items()})
    return line.replace(b'"source": "', b'"source": "\xc3\x28', 1)


def usual_delay(outlet: Outlet, rng: Random) -> int:
    """Milliseconds from saying to seeing; one in seventy waits from twenty minutes to ten hours."""
    if rng.random() < 1 / 70:
        return rng.randrange(20 * MINUTE_MS, 10 * HOUR_MS)
    return 200 + int(rng.expovariate(2 / outlet.delay_ms))
