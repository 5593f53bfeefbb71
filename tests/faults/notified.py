"""What people were told: every turn of every alert, and no turn twice unless the second says so.

A turn may arrive again where a process died while it was on its way; that message says *possible repeat*. The first to
arrive may say so too: whoever died may not have got as far as to send it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from monitor.channels.slack import message
from monitor.domain.alerts import AlertEvent
from monitor.domain.naming import subject
from monitor.domain.topics import TopicId

MARK = "possible repeat"


@dataclass(frozen=True)
class Told:
    """Messages by their words, the mark left out: those that said they may be a repeat, and those that did not."""

    plain: Counter[bytes]
    marked: Counter[bytes]

    @classmethod
    def of(cls, posts: Iterable[dict[str, Any]]) -> "Told":
        """What a web hook was sent."""
        found = cls(Counter(), Counter())
        for post in posts:
            blocks = [block for block in post["blocks"] if not _is_mark(block)]
            which = found.plain if len(blocks) == len(post["blocks"]) else found.marked
            which[_words({**post, "blocks": blocks})] += 1
        return found

    @property
    def again(self) -> int:
        """Messages beyond the first of each turn."""
        return (self.plain + self.marked).total() - len(self.plain.keys() | self.marked.keys())


def expected(alerts: Iterable[AlertEvent], name_of: Callable[[TopicId], str]) -> Counter[bytes]:
    """What each turn of these alerts says, told once."""
    bodies = (message(one, subject(one.detection, name_of), may_repeat=False) for one in alerts)
    return Counter(_words(orjson.loads(orjson.dumps(body))) for body in bodies)


def missing(wanted: Counter[bytes], told: Told) -> list[bytes]:
    """What was not told yet."""
    return [body for body in wanted if body not in told.plain and body not in told.marked]


def faults(wanted: Counter[bytes], told: Told) -> list[str]:
    """What is not as it should be; nothing where every turn was told, and none twice without the mark."""
    all_told = told.plain + told.marked
    found = [f"never told: {body[:200]!r}" for body in missing(wanted, told)]
    found += [f"told, though nothing happened: {body[:200]!r}" for body in all_told if body not in wanted]
    found += [
        f"told {count} times without a mark: {body[:200]!r}"
        for body, count in told.plain.items()
        if count > wanted[body] > 0
    ]
    return found


def _is_mark(block: dict[str, Any]) -> bool:
    return block["type"] == "context" and MARK in block["elements"][0]["text"]


def _words(post: dict[str, Any]) -> bytes:
    return orjson.dumps(post, option=orjson.OPT_SORT_KEYS)
