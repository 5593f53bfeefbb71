"""The effects of a run, whatever was killed in it: canonical bytes, equal to those of a run that nobody disturbed.

    log         pair a | window w r0 | pair a (again) | alert x r0 | window w r1 | alert x r0 (again)
    effects     alert x r0 | pair a | window w r0 | window w r1          each id and revision once, in order

Take everything that stands on `sentiment.trends` and `sentiment.alerts`, decoded, in any order. Repeats are removed and
counted; where one id and revision stands for two contents, that is a conflict and no repeat. Left out of the bytes is
what says where and not what: input partitions, offsets, and partitions of ours; no value of ours holds a time of day.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from monitor.domain.alerts import AlertEvent
from monitor.domain.archive import ScoredRow, WindowRow
from monitor.wire import encode_alert, encode_scored

PLACES = ("source_partition", "offset", "partition")
"""Where a record stood: a file has other names and offsets than a Kafka topic, and one partition is not four."""

SHOWN = 5
"""Differences of each sort that are written out; the rest is a number."""


class Kind(StrEnum):
    """The effects that are compared."""

    PAIR = "pair"
    WINDOW = "window"
    ALERT = "alert"


class EffectId(NamedTuple):
    """Which effect. The revision of a decided pair is its effective time: said again a day later, it is another."""

    kind: Kind
    name: tuple[str | int, ...]
    revision: int


@dataclass
class Effects:
    """The effects of a run, each once, and how often each kind stood on the log beyond that.

    Attributes:
        conflicts: one id, two contents: never right, whatever was killed.
        beside: values that are no effects (progress, suppressions, feed volumes), by type.
    """

    bodies: dict[EffectId, bytes] = field(default_factory=dict)
    repeats: Counter[Kind] = field(default_factory=Counter)
    conflicts: list[tuple[EffectId, bytes, bytes]] = field(default_factory=list)
    beside: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, values: Iterable[object]) -> "Effects":
        """The effects among these domain values."""
        found = cls()
        for value in values:
            found.take(value)
        return found

    def take(self, value: object) -> None:
        """One more value, if it is an effect."""
        if isinstance(value, ScoredRow):
            scored = value.scored
            effect = EffectId(Kind.PAIR, (scored.document_id, scored.topic_id), scored.effective_ms)
            body = {**orjson.loads(encode_scored(scored)), "story": value.story, "counted": value.counted}
        elif isinstance(value, WindowRow):
            effect = EffectId(Kind.WINDOW, (value.topic_id, *value.window), value.revision)
            body = {"summary": value.summary.as_tuple()}
        elif isinstance(value, AlertEvent):
            effect = EffectId(Kind.ALERT, (value.alert_id,), value.revision)
            body = orjson.loads(encode_alert(value))
        else:
            self.beside[type(value).__name__] += 1
            return
        content = orjson.dumps(without_places(body), option=orjson.OPT_SORT_KEYS)
        known = self.bodies.get(effect)
        if known is None:
            self.bodies[effect] = content
        elif known == content:
            self.repeats[effect.kind] += 1
        else:
            self.conflicts.append((effect, known, content))

    def count(self, kind: Kind) -> int:
        """Different effects of a kind."""
        return sum(effect.kind is kind for effect in self.bodies)

    def as_bytes(self) -> bytes:
        """One line for each effect, in order of kind, id and revision.

        Raises: AssertionError: there is a conflict, so there is no one content to compare.
        """
        assert not self.conflicts, f"{len(self.conflicts)} ids have two contents, first {self.conflicts[0]}"
        lines = (orjson.dumps([*effect, orjson.Fragment(self.bodies[effect])]) for effect in sorted(self.bodies))
        return b"".join(line + b"\n" for line in lines)


def differences(expected: Effects, found: Effects) -> list[str]:
    """What a person needs to see when the bytes are not equal: nothing when they are."""
    missing = sorted(expected.bodies.keys() - found.bodies.keys())
    surplus = sorted(found.bodies.keys() - expected.bodies.keys())
    common = sorted(expected.bodies.keys() & found.bodies.keys())
    other = [one for one in common if expected.bodies[one] != found.bodies[one]]
    said = [*_shown("missing", missing), *_shown("surplus", surplus)]
    said += [
        f"differs: {_name(one)}: {_fields_that_differ(expected.bodies[one], found.bodies[one])}"
        for one in other[:SHOWN]
    ]
    said += [f"and {len(other) - SHOWN} more differ"] if len(other) > SHOWN else []
    said += [f"conflict: {_name(one)}: {_fields_that_differ(a, b)}" for one, a, b in found.conflicts[:SHOWN]]
    return said


def without_places(value: Any) -> Any:
    """The value without what says where it stood."""
    if isinstance(value, Mapping):
        return {key: without_places(inner) for key, inner in value.items() if key not in PLACES}
    if isinstance(value, list):
        return [without_places(inner) for inner in value]
    return value


def _shown(sort: str, effects: list[EffectId]) -> list[str]:
    more = [f"and {len(effects) - SHOWN} more {sort}"] if len(effects) > SHOWN else []
    return [*(f"{sort}: {_name(one)}" for one in effects[:SHOWN]), *more]


def _name(effect: EffectId) -> str:
    return f"{effect.kind} {' '.join(map(str, effect.name))} r{effect.revision}"


def _fields_that_differ(one: bytes, other: bytes) -> str:
    first, second = orjson.loads(one), orjson.loads(other)
    names = [name for name in sorted(first.keys() | second.keys()) if first.get(name) != second.get(name)]
    return ", ".join(f"{name} {first.get(name)!r} != {second.get(name)!r}" for name in names)
