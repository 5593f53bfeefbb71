"""Items: documents before they are records, and the ways in which records break.

An item holds what a crawler would know. Its id is given at the end, in order of publication at its source, so that
neither id nor address tells what was planted.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from monitor.domain.topics import TopicId
from monitor.lab.story.sources import Source

Fields = dict[str, str | list[str]]

BROKEN_KINDS = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """A document of the story. `said_ms` is its event time, `seen_ms` when the crawler saw it, never before.

    `about` are the companies that it is written about: for the generator alone, never written into the feed.
    """

    source: Source
    said_ms: int
    seen_ms: int
    title: str
    text: str
    author: str | None
    symbols: tuple[str, ...] = ()
    about: tuple[TopicId, ...] = ()

    def at(self, said_ms: int, seen_ms: int) -> "Item":
        """The same words at another time."""
        return replace(self, said_ms=said_ms, seen_ms=seen_ms)


def format_time(time_ms: int, offset_hours: int = 0) -> str:
    """ISO 8601 to the millisecond, in the zone of a source; UTC is written Z."""
    moment = (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(timezone(timedelta(hours=offset_hours)))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields_of(item: Item, number: int) -> Fields:
    """The fields of docs/feeds.md; `number` counts the source's documents."""
    source = item.source
    published_at = format_time(item.said_ms, source.offset_hours)
    fields: Fields = {
        "id": f"{number:06}",
        "source": source.name,
        "published_at": published_at,
        "observed_at": format_time(item.seen_ms),
    }
    if item.title:
        fields["title"] = item.title
    fields["text"] = item.text
    if not source.is_social:
        fields["url"] = f"https://{source.name}.example/{published_at[:10].replace('-', '/')}/{number:06}"
    fields["lang"] = "zh" if source.is_chinese else "en"
    if item.symbols:
        fields["symbols"] = list(item.symbols)
    if item.author is not None:
        fields["author"] = item.author
    return fields


def encode(fields: Fields) -> bytes:
    """One JSON line without its end."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def break_record(fields: Fields, kind: int, rng: Random) -> bytes:
    """The record as a careless vendor would have sent it; each kind ends as a dead letter of its own reason or two."""
    if kind == 0:  # Cut in transit.
        line = encode(fields)
        return line[: rng.randrange(20, len(line) - 10)]
    if kind == 1:
        return encode({key: value for key, value in fields.items() if key != "published_at"})
    if kind == 2:  # A clock that was never set.
        return encode({**fields, "published_at": "1970-01-01T00:00:12Z"})
    if kind == 3:  # A clock that is a century ahead.
        return encode({**fields, "published_at": "2100" + str(fields["published_at"])[4:]})
    if kind == 4:
        return encode({key: value for key, value in fields.items() if key != "title"} | {"text": "   "})
    if kind == 5:
        return encode({**fields, "published_at": "yesterday evening"})
    if kind == 6:
        return json.dumps([fields["id"], fields["text"]], ensure_ascii=False).encode()
    return encode(fields).replace(b'"text":"', b'"text":"\xff\xfe\x81', 1)
