"""Baseline: how many negative stories are usual for a topic at a given volume of the feed.

The long-run rate is negative stories per document of the vendor's feed, both with the same exponential decay, so that
hour of week, outages and changes of the crawl cancel. Only whole days before the day of the decision count: a burst
cannot raise what it is measured against. Past bursts are clipped.
"""

import math
from dataclasses import dataclass, field

from monitor.clock import DAY_MS, MINUTE_MS
from monitor.operators.volume import ALL_VENDORS, FeedVolume

OWN_DISPERSION_DAYS = 60
"""Days after which half of the dispersion is the topic's own: an estimate from fewer is mostly noise."""

MAX_DISPERSION = 10.0
"""Above this one burst in a silent year would excuse every later one."""


@dataclass(slots=True)
class HistoryState:
    """A topic's negative stories: decayed sums of whole days by vendor, the day in hand, moments of daily counts."""

    start_day: int
    day: int = -1
    today: dict[str, int] = field(default_factory=dict)
    folded_day: int = -1
    by_vendor: dict[str, float] = field(default_factory=dict)
    days_square_sum: float = 0.0
    known: "tuple[int, Usual] | None" = None
    """What was last worked out, and for which day: it cannot change within a day. No part of a snapshot."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a topic now: decayed negatives and feed documents by vendor, and the dispersion of counts."""

    rates: tuple[tuple[str, float], ...]
    dispersion: float

    def expected(self, volume: FeedVolume, from_minute: int, to_minute: int, documents: int = 0) -> float:
        """Negative stories usual in final minutes [from_minute, to_minute), given what the feed said in them.

        `documents`: the topic's own until now. After a silence most of them can be of the minute in hand, whose volume
        nobody knows yet; but the feed said at least these, and from a volume of nothing everything is unheard of.
        """
        expected = sum(rate * volume.count(vendor, from_minute, to_minute) for vendor, rate in self.rates)
        missing = documents - volume.count(ALL_VENDORS, from_minute, to_minute)
        return expected + missing * sum(rate for _, rate in self.rates) if missing > 0 else expected


class Baseline:
    """Learns and tells what is usual. Stateless but for its settings: the state is an argument.

    Args:
        half_life_ms: of the long-run rate.
        prior_documents: negative stories that every topic is taken to have had, spread over the feed it was watched in.
        dispersion_pooled: of the negative binomial, for all topics (variance = mean + dispersion * mean^2).
        burst_clip: a day counts at most this multiple of the mean day, plus `clip_allowance`.
    """

    def __init__(
        self,
        half_life_ms: int,
        prior_documents: float,
        dispersion_pooled: float,
        burst_clip: float,
        clip_allowance: int,
    ) -> None:
        self._daily_factor: float = 0.5 ** (DAY_MS / half_life_ms)
        self._prior_documents = prior_documents
        self._dispersion_pooled = dispersion_pooled
        self._burst_clip = burst_clip
        self._clip_allowance = clip_allowance

    def add(self, state: HistoryState, vendor: str, at_ms: int) -> None:
        """Count one negative story; in order of effective time."""
        day = at_ms // DAY_MS
        self._fold(state, day)
        state.day = day
        state.today[vendor] = state.today.get(vendor, 0) + 1

    def usual(self, state: HistoryState, volume: FeedVolume, at_ms: int) -> Usual:
        """What is usual at `at_ms`, from whole days before its day."""
        day = at_ms // DAY_MS
        if state.known is not None and state.known[0] == day:
            return state.known[1]
        self._fold(state, day)
        fade = self._daily_factor ** (day - state.folded_day) if state.folded_day >= 0 else 0.0
        rates = [(ALL_VENDORS, self._prior_documents / max(1.0, volume.decayed(ALL_VENDORS, state.start_day, day)))]
        for vendor, negatives in state.by_vendor.items():
            said = volume.decayed(vendor, state.start_day, day)
            if said > 0.0:
                rates.append((vendor, negatives * fade / said))
        usual = Usual(tuple(rates), self._dispersion(state, day, fade))
        state.known = (day, usual)
        return usual

    def _days_watched(self, state: HistoryState, day: int) -> float:
        """Decayed number of days watched before `day`."""
        return (1.0 - math.pow(self._daily_factor, max(0, day - state.start_day))) / (1.0 - self._daily_factor)

    def _dispersion(self, state: HistoryState, day: int, fade: float) -> float:
        """Half pooled, half the topic's own by moments, as far as it has been watched long enough."""
        days = self._days_watched(state, day)
        mean = sum(state.by_vendor.values()) * fade / days if days else 0.0
        if mean <= 0.0:
            return self._dispersion_pooled
        excess = state.days_square_sum * fade / days - mean * mean - mean
        own = min(MAX_DISPERSION, max(0.0, excess / (mean * mean)))
        weight = 0.5 * min(1.0, days / OWN_DISPERSION_DAYS)
        return weight * own + (1.0 - weight) * self._dispersion_pooled

    def _fold(self, state: HistoryState, day: int) -> None:
        """Move the day in hand into the sums, clipped, once a later day is asked for."""
        if not state.today or state.day >= day:
            return
        fade = self._daily_factor ** (state.day - state.folded_day) if state.folded_day >= 0 else 0.0
        days = self._days_watched(state, state.day)
        mean = sum(state.by_vendor.values()) * fade / days if days else 0.0
        counted = sum(state.today.values())
        kept = min(float(counted), self._burst_clip * mean + self._clip_allowance)
        for vendor in state.by_vendor:
            state.by_vendor[vendor] *= fade
        for vendor, count in state.today.items():
            state.by_vendor[vendor] = state.by_vendor.get(vendor, 0.0) + count * kept / counted
        state.days_square_sum = state.days_square_sum * fade + kept * kept
        state.folded_day = state.day
        state.today.clear()


def look_back_minutes(at_ms: int, look_back_ms: int) -> tuple[int, int]:
    """The final minutes of a look-back that ends at `at_ms`: those that ended by then, as many as it is long."""
    to_minute = at_ms // MINUTE_MS
    return to_minute - look_back_ms // MINUTE_MS, to_minute
