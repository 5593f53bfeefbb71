"""Judging: sets what a monitor told against what was planted, by the rules that `bench_stories` states."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import orjson

from monitor.clock import HOUR_MS
from tests.bench.stories.kinds import Decoy
from tests.bench.stories.truth import SHOCK, Planted

FOUND_MS = 6 * HOUR_MS
"""An alert this long after an incident's last document still found it; after a decoy's, it was taken in."""
AFTER_MS = 12 * HOUR_MS
"""For this long after a planted event an alert on its companies is about it."""
GROUP_RULE = "group_burst"
FEED_PREFIX = "feed:"


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fired: on a company, a group (then `members` are its companies), or a feed."""

    topic: str
    at_ms: int
    members: tuple[str, ...] = ()
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a monitor made of a story.

    Attributes:
        incidents: each with the first firing that found it, None where it was missed.
        shock_alerted, shock_grouped: companies of the shock that had an alert of their own, and that a group named.
        decoys_fired: decoys that were taken for news. false: firings on companies that nothing explains.
        in_outages: false firings while a feed was silent, the outage's own companies or not.
        groups_wrong: group alerts outside the shock and the time after it.
        feeds_right, feeds_wrong: alerts on feeds in an outage, and at any other time. total: all that fired.
    """

    incidents: tuple[tuple[Planted, Firing | None], ...]
    shock_alerted: frozenset[str]
    shock_grouped: frozenset[str]
    decoys_fired: tuple[Planted, ...]
    false: tuple[Firing, ...]
    in_outages: int
    groups_wrong: int
    feeds_right: int
    feeds_wrong: int
    total: int


def read_alerts(path: Path) -> list[Firing]:
    """The firings of an alerts file, in its order; a group's members are all that its alert named while it rose."""
    firings: list[Firing] = []
    places: dict[str, int] = {}
    for line in path.read_bytes().splitlines():
        alert = orjson.loads(line)
        members = tuple(alert.get("members") or ())
        if alert["event"] == "firing":
            at_ms = round(datetime.fromisoformat(alert["at"]).timestamp() * 1000)
            is_group = bool(members) or alert.get("rule") == GROUP_RULE
            # An alert that was resolved may fire again under its id, and is counted again.
            places[alert["id"]] = len(firings)
            firings.append(Firing(alert["topic"], at_ms, members, is_group))
        elif members:
            place = places[alert["id"]]
            fired = firings[place]
            firings[place] = replace(fired, members=tuple(dict.fromkeys(fired.members + members)))
    return firings


def judge(truth: Iterable[Planted], firings: Iterable[Firing]) -> Verdict:
    """The verdict on what fired."""
    truth = tuple(truth)
    every = sorted(firings, key=lambda one: one.at_ms)
    feeds = [one for one in every if one.topic.startswith(FEED_PREFIX)]
    groups = [one for one in every if one.is_group]
    single = [one for one in every if not one.is_group and not one.topic.startswith(FEED_PREFIX)]
    shocks = [planted for planted in truth if planted.kind == SHOCK]
    outages = [planted for planted in truth if planted.kind == Decoy.OUTAGE]
    false = [
        one for one in single if not any(is_about(one, planted, AFTER_MS) for planted in truth if not planted.is_decoy)
    ]
    feeds_right = sum(
        any(one.topic == FEED_PREFIX + o.outlet and o.start_ms <= one.at_ms <= o.end_ms + AFTER_MS for o in outages)
        for one in feeds
    )
    return Verdict(
        tuple(
            (planted, next((one for one in single if is_about(one, planted, FOUND_MS)), None))
            for planted in truth
            if planted.is_incident
        ),
        frozenset(one.topic for one in single for planted in shocks if is_about(one, planted, AFTER_MS)),
        frozenset(
            member
            for one in groups
            for planted in shocks
            if planted.start_ms <= one.at_ms <= planted.end_ms + AFTER_MS
            for member in one.members
            if member in planted.firms
        ),
        tuple(
            planted
            for planted in truth
            if planted.is_decoy
            and any(is_about(one, planted, 0 if planted.kind == Decoy.OUTAGE else FOUND_MS) for one in false)
        ),
        tuple(false),
        sum(any(o.start_ms <= one.at_ms <= o.end_ms for o in outages) for one in false),
        sum(not any(s.start_ms <= one.at_ms <= s.end_ms + AFTER_MS for s in shocks) for one in groups),
        feeds_right,
        len(feeds) - feeds_right,
        len(every),
    )


def is_about(firing: Firing, planted: Planted, after_ms: int) -> bool:
    """Whether a firing on a company falls into an event of that company, or into the time after it."""
    return firing.topic in planted.firms and planted.start_ms <= firing.at_ms <= planted.end_ms + after_ms
