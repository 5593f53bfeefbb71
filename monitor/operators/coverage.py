"""Coverage: blind is not quiet. What each vendor's feed usually says in an hour, and when its silence is an outage.

A vendor's rhythm is the mean of its documents by hour of day, working days and week-ends apart. From the last document
on, what should have come since adds up; the longer the silence, the less likely is it chance:

    documents   | | |||  |  |                                  | |||
    should have           .  1.2  4.0  9.5  17  26  38 ...     0
    severity              0   .5  1.3  2.1 2.9 3.5 4.1 ...     over

Hours of an outage teach little, so that tomorrow's silence is as strange as today's; but a vendor that stops working at
night is learned within weeks. Looks happen at whole quarters of an hour of event time, at final minutes alone.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.operators.volume import ALL_VENDORS, FeedVolume

STEP_MS = 15 * MINUTE_MS
"""Between two looks. An outage takes longer to be sure of than this; finer only costs."""

FADE = 0.9
"""Of what was learned, each time that the same hour of such a day comes again: some two weeks of working days."""

OUTAGE_WEIGHT = 0.2
"""How much an hour of an outage teaches, against an ordinary one."""

DISPERSION = 0.25
"""Over-dispersion of a vendor's documents in a stretch: crawls come in bursts."""

LEAST_HISTORY_MS = 3 * DAY_MS
"""Watched for less, a vendor has no rhythm."""

LONGEST_GAP_MS = 14 * DAY_MS
"""After so long without a word of any feed nothing is looked at until one speaks again: nobody was watching."""

_SLOTS = 48
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday.


@dataclass(slots=True)
class Rhythm:
    """One vendor: decayed documents and hours by slot (hour of a working day, then of a week-end), and its silence.

    Attributes:
        since_ms: the end of the last minute in which it spoke. due: documents that should have come since.
        told: severity last told of this silence, 0 for none. doubtful: hours since then, not learned yet.
        out_from_ms, out_to_ms: the last silence that was an outage; out_to_ms -1 while it lasts.
    """

    first_ms: int
    since_ms: int
    documents: list[float] = field(default_factory=lambda: [0.0] * _SLOTS)
    hours: list[float] = field(default_factory=lambda: [0.0] * _SLOTS)
    due: float = 0.0
    told: float = 0.0
    doubtful: list[int] = field(default_factory=list)
    out_from_ms: int = -1
    out_to_ms: int = -1


@dataclass(slots=True)
class CoverageState:
    """Plain data. `next_ms`: the next look; None before the first final minute."""

    next_ms: int | None = None
    vendors: dict[str, Rhythm] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedTurn:
    """A feed fell silent, is silent for longer (`severity` rose), or speaks again (`severity` 0)."""

    vendor: str
    at_ms: int
    silent_from_ms: int
    severity: float
    due: float


@dataclass(frozen=True, slots=True)
class FeedHour:
    """An hour of a vendor's feed that has ended; `expected` is None while its rhythm is unknown."""

    vendor: str
    start_ms: int
    documents: int
    expected: float | None


class Coverage:
    """Follows the feeds themselves. Stateless but for its settings.

    Args:
        floor: severity from which a silence is an outage.
        volume: the feed's volume by vendor and minute, advanced before each look.
    """

    def __init__(self, floor: float, volume: FeedVolume, state: CoverageState) -> None:
        self._floor = floor
        self._volume = volume
        self.state = state

    def advance(self, until_ms: int) -> Iterable[FeedTurn | FeedHour]:
        """Every look that is due by `until_ms`, in order of time, then vendor. All minutes before it are final."""
        state = self.state
        while state.next_ms is None or state.next_ms <= until_ms:
            at_ms = state.next_ms
            if at_ms is None or not self._has_spoken(at_ms - LONGEST_GAP_MS, at_ms):
                spoken = self._volume.first_from(ALL_VENDORS, 0 if at_ms is None else at_ms // MINUTE_MS)
                if spoken is None:
                    return
                # From the minute after the first word on, whatever the watermark's steps.
                state.next_ms = -(-(spoken + 1) * MINUTE_MS // STEP_MS) * STEP_MS
                continue
            yield from self._look(at_ms)
            state.next_ms = at_ms + STEP_MS

    def _has_spoken(self, from_ms: int, to_ms: int) -> bool:
        last = self._volume.last_before(ALL_VENDORS, to_ms // MINUTE_MS)
        return last is not None and (last + 1) * MINUTE_MS > from_ms

    def _look(self, at_ms: int) -> Iterable[FeedTurn | FeedHour]:
        minute = at_ms // MINUTE_MS
        for vendor in sorted(self._volume.state.vendors):
            if vendor == ALL_VENDORS:
                continue
            last = self._volume.last_before(vendor, minute)
            if last is None:
                continue
            spoke_ms = (last + 1) * MINUTE_MS
            held = self.state.vendors.get(vendor)
            if held is None:
                held = self.state.vendors[vendor] = Rhythm(at_ms - STEP_MS, spoke_ms)
            if spoke_ms > held.since_ms:
                if held.told:
                    held.out_to_ms = spoke_ms
                    yield FeedTurn(vendor, at_ms, held.since_ms, 0.0, 0.0)
                self._speaks(held, spoke_ms, at_ms)
            else:
                held.due += expected(held, at_ms - STEP_MS, at_ms)
            if at_ms - held.first_ms >= LEAST_HISTORY_MS and (turn := self._silence(vendor, held, at_ms)):
                yield turn
            if at_ms % HOUR_MS == 0:
                yield self._hour(vendor, held, at_ms - HOUR_MS)

    def _speaks(self, held: Rhythm, spoke_ms: int, at_ms: int) -> None:
        for hour in held.doubtful:
            _learn(held, hour, 0, OUTAGE_WEIGHT if held.told else 1.0)
        held.doubtful.clear()
        held.since_ms, held.told = spoke_ms, 0.0
        held.due = expected(held, spoke_ms, at_ms)

    def _silence(self, vendor: str, held: Rhythm, at_ms: int) -> FeedTurn | None:
        severity = round(silence_severity(held.due), 3)
        # Told again at each whole step: an alert rises calmly, and a long outage is no stream of detections.
        if severity < self._floor or severity < held.told + 1.0:
            return None
        if not held.told:
            held.out_from_ms, held.out_to_ms = held.since_ms, -1
        held.told = severity
        return FeedTurn(vendor, at_ms, held.since_ms, severity, round(held.due, 2))

    def _hour(self, vendor: str, held: Rhythm, start_ms: int) -> FeedHour:
        minute = start_ms // MINUTE_MS
        documents = self._volume.count(vendor, minute, minute + 60)
        usual = None
        if start_ms - held.first_ms >= LEAST_HISTORY_MS:
            usual = round(expected(held, start_ms, start_ms + HOUR_MS), 2)
        if documents:
            _learn(held, start_ms, documents, 1.0)
        else:
            held.doubtful.append(start_ms)
        return FeedHour(vendor, start_ms, documents, usual)

    def silent(self) -> list[str]:
        """Vendors whose feed is out now."""
        return [vendor for vendor, held in self.state.vendors.items() if held.told]

    def seen(self, rates: Sequence[tuple[str, float]], from_ms: int, to_ms: int) -> float:
        """The part of a topic's usual evidence in [from, to) that no outage kept from us, in [0, 1].

        Args:
            rates: negative stories for each document of a vendor's feed; the vendor "" is the whole feed.
        """
        out = [held for held in self.state.vendors.values() if held.out_from_ms >= 0 and held.out_from_ms < to_ms]
        if all(0 <= held.out_to_ms <= from_ms for held in out):
            return 1.0
        by_vendor = dict(rates)
        anywhere = by_vendor.get(ALL_VENDORS, 0.0)
        usual = missed = 0.0
        for vendor, held in self.state.vendors.items():
            rate = by_vendor.get(vendor, 0.0) + anywhere
            usual += rate * expected(held, from_ms, to_ms)
            if held.out_from_ms >= 0:
                end_ms = to_ms if held.out_to_ms < 0 else min(to_ms, held.out_to_ms)
                missed += rate * expected(held, max(from_ms, held.out_from_ms), end_ms)
        return round(1.0 - missed / usual, 4) if usual > 0.0 else 1.0


def expected(rhythm: Rhythm, from_ms: int, to_ms: int) -> float:
    """Documents that a vendor usually says in [from, to)."""
    total = 0.0
    while from_ms < to_ms:
        end_ms = min(to_ms, from_ms - from_ms % HOUR_MS + HOUR_MS)
        total += _hourly(rhythm, _slot(from_ms)) * (end_ms - from_ms) / HOUR_MS
        from_ms = end_ms
    return total


def silence_severity(due: float) -> float:
    """-log10 of the probability that nothing comes where `due` documents are expected (negative binomial)."""
    return math.log10(1.0 + DISPERSION * due) / DISPERSION


def _hourly(rhythm: Rhythm, slot: int) -> float:
    if rhythm.hours[slot] > 0.0:
        return rhythm.documents[slot] / rhythm.hours[slot]
    # An hour of the week that nobody has seen yet is not missed: the first week-end is no outage.
    return 0.0


def _learn(rhythm: Rhythm, hour_ms: int, documents: int, weight: float) -> None:
    slot = _slot(hour_ms)
    fade = FADE**weight
    rhythm.documents[slot] = rhythm.documents[slot] * fade + documents * weight
    rhythm.hours[slot] = rhythm.hours[slot] * fade + weight


def _slot(at_ms: int) -> int:
    """Hour of the day in UTC; 24 more on Saturdays and Sundays."""
    day, in_day_ms = divmod(at_ms, DAY_MS)
    return in_day_ms // HOUR_MS + (24 if (day + _EPOCH_WEEKDAY) % 7 >= 5 else 0)
