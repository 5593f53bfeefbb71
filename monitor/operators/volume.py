"""The feed's own volume by vendor and effective minute: the offset that every expectation needs.

Volumes come with progress records, cumulative over an uncommitted stretch of each source; a later record for the same
stretch replaces the earlier. After a crash a source is told again from its last commit, cut elsewhere, and commits may
fall in the middle of what was told before; what is told twice counts once:

    told        C-----------------B            [C, B) is counted
    told again  C-------A                      held: it is known of [C, B)
    committed   at A, so then   A--------------F          counted: [A, F) less what was counted of [A, B)

One that was frozen and lost its source may tell on from the commit that it knew. What its heir has told from a later
commit is beyond it: its word is outdated, and dropped.

A minute is final once the reader's watermark has passed its end, and only final minutes
are asked for. Days are kept with exponential decay, so that a topic's long-run rate is two sums and a division.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass, field

from monitor.clock import DAY_MS, MINUTE_MS
from monitor.domain.document import InputPartition
from monitor.domain.progress import SourceProgress

MINUTES_PER_DAY = DAY_MS // MINUTE_MS

TRIM_AT = 4_096
"""Final minutes kept beyond the horizon before they are dropped in one go: dropping one by one costs more."""


ALL_VENDORS = ""
"""The key of the whole feed's volume beside those of its vendors (no vendor's name is empty)."""


@dataclass(slots=True)
class VendorVolume:
    """One vendor: final minutes with running totals, and at the end of each day that spoke the decayed sum so far."""

    minutes: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    total: int = 0
    day: int = -1
    day_count: int = 0
    days: list[int] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)


VolumeTable = dict[tuple[str, int], int]
"""Documents by (vendor, effective minute)."""


MOST_ENDS = 64
"""Ends of one stretch that are remembered: a commit comes after a second or so, progress ten times a second."""


@dataclass(slots=True)
class Stretch:
    """What one source has told since a commit: `counted` of [from, to) is in the minutes.

    `ends` has what was told of [from, end) for earlier ends: the next commit may fall on any of them, for another may
    have told of the same stretch meanwhile (after a crash, or because two believe that the source is theirs).
    """

    from_position: int
    to_position: int
    counted: VolumeTable
    ends: dict[int, VolumeTable] = field(default_factory=dict)

    def begin_at(self, position: int) -> None:
        """A commit fell on this position; what lies before it is done with. One that was never told is passed over."""
        gone = self.ends.get(position)
        if gone is not None:
            self.counted = _less(self.counted, gone)
            self.ends = {end: _less(told, gone) for end, told in self.ends.items() if end > position}
            self.from_position = position

    def remember(self, end: int, told: VolumeTable) -> None:
        """Keep what was told of [from, end), the latest words of them."""
        self.ends.pop(end, None)
        self.ends[end] = told
        if len(self.ends) > MOST_ENDS:
            del self.ends[next(iter(self.ends))]

    def counted_since(self, position: int) -> VolumeTable:
        """What is counted of [position, to)."""
        # From a position that was never told as an end the overlap is not known: replace rather than count twice.
        return {} if position >= self.to_position else self.counted


def _less(told: VolumeTable, gone: VolumeTable) -> VolumeTable:
    return {key: left for key, count in told.items() if (left := count - gone.get(key, 0))}


@dataclass(slots=True)
class VolumeState:
    """Plain data: final minutes by vendor, open minutes, and what each source has told of its uncommitted stretch."""

    final_minute: int = -(2**60)
    vendors: dict[str, VendorVolume] = field(default_factory=dict)
    open_minutes: dict[int, dict[str, int]] = field(default_factory=dict)
    stretches: dict[InputPartition, Stretch] = field(default_factory=dict)


class FeedVolume:
    """Counts what the feed says at all, whatever it is about.

    Args:
        horizon_ms: the longest look-back that will be asked for.
        half_life_ms: of the decayed daily sums, at least a day.
    """

    def __init__(self, horizon_ms: int, half_life_ms: int, state: VolumeState) -> None:
        self._horizon_minutes = horizon_ms // MINUTE_MS + MINUTES_PER_DAY
        self._daily_factor: float = 0.5 ** (DAY_MS / half_life_ms)
        self.state = state

    def is_outdated(self, progress: SourceProgress) -> bool:
        """Whether it rests on an older commit than its source is known to have: who says so has lost the source."""
        held = self.state.stretches.get(progress.source)
        return held is not None and progress.from_position < held.from_position

    def told(self, progress: SourceProgress) -> None:
        """Take one source's volumes, repeats too: they replace what it told before of the same positions."""
        if self.is_outdated(progress):
            return
        state = self.state
        held = state.stretches.get(progress.source)
        before: VolumeTable = {}
        after: VolumeTable = {(vendor, minute): count for vendor, minute, count in progress.volumes}
        stretch = Stretch(progress.from_position, progress.to_position, after)
        if held is not None:
            held.begin_at(progress.from_position)
            is_same = held.from_position == progress.from_position
            if progress.to_position < held.to_position:
                if is_same:
                    held.remember(progress.to_position, after)
                return
            before = held.counted_since(progress.from_position)
            if is_same:
                stretch.ends = held.ends
                if progress.to_position > held.to_position:
                    stretch.remember(held.to_position, held.counted)
        for key, count in after.items():
            self._gain(key, count - before.get(key, 0))
        for key, count in before.items():
            if key not in after:
                self._gain(key, -count)
        state.stretches[progress.source] = stretch

    def _gain(self, key: tuple[str, int], gain: int) -> None:
        state, (vendor, minute) = self.state, key
        if not gain or (gain < 0 and minute < state.final_minute):
            return
        # A source that was held out speaks of minutes that are final: it counts from now on, as its documents do.
        bucket = state.open_minutes.setdefault(max(minute, state.final_minute), {})
        bucket[vendor] = bucket.get(vendor, 0) + gain

    def advance(self, watermark_ms: int) -> None:
        """Minutes that ended by the watermark are final."""
        state = self.state
        minute_now = watermark_ms // MINUTE_MS
        if minute_now <= state.final_minute:
            return
        # What lies between the last watermark and this one is decided only now: one step may be days of a slow feed.
        oldest_minute = state.final_minute - self._horizon_minutes
        for minute in sorted(minute for minute in state.open_minutes if minute < minute_now):
            counts = state.open_minutes.pop(minute)
            counts[ALL_VENDORS] = sum(counts.values())
            for vendor, count in sorted(counts.items()):
                self._finalise(state.vendors.setdefault(vendor, VendorVolume()), minute, count, oldest_minute)
        state.final_minute = minute_now

    def count(self, vendor: str, from_minute: int, to_minute: int) -> int:
        """Documents of a vendor in final minutes [from_minute, to_minute)."""
        held = self.state.vendors.get(vendor)
        if held is None:
            return 0
        first, last = bisect_left(held.minutes, from_minute), bisect_left(held.minutes, to_minute)
        return (held.totals[last - 1] if last else 0) - (held.totals[first - 1] if first else 0) if last > first else 0

    def last_before(self, vendor: str, minute: int) -> int | None:
        """The last final minute before `minute` in which a vendor spoke."""
        held = self.state.vendors.get(vendor)
        if held is None:
            return None
        index = bisect_left(held.minutes, minute)
        return held.minutes[index - 1] if index else None

    def first_from(self, vendor: str, minute: int) -> int | None:
        """The first final minute from `minute` on in which a vendor spoke."""
        held = self.state.vendors.get(vendor)
        if held is None:
            return None
        index = bisect_left(held.minutes, minute)
        return held.minutes[index] if index < len(held.minutes) else None

    def decayed(self, vendor: str, start_day: int, day: int) -> float:
        """Documents of days [start_day, day), each halved with every half-life between its day and `day`."""
        held = self.state.vendors.get(vendor)
        if held is None or start_day >= day:
            return 0.0
        self._fold(held, day)
        before = self._sum_before(held, start_day) * self._daily_factor ** (day - start_day)
        return max(0.0, self._sum_before(held, day) - before)

    def _sum_before(self, held: VendorVolume, day: int) -> float:
        index = bisect_left(held.days, day) - 1
        return held.sums[index] * math.pow(self._daily_factor, day - held.days[index]) if index >= 0 else 0.0

    def _finalise(self, held: VendorVolume, minute: int, count: int, oldest_minute: int) -> None:
        day = minute // MINUTES_PER_DAY
        self._fold(held, day)
        held.day = day
        held.day_count += count
        held.total += count
        held.minutes.append(minute)
        held.totals.append(held.total)
        excess = bisect_left(held.minutes, oldest_minute)
        if excess > TRIM_AT:
            # Differences of running totals do not change when the oldest entries but one go.
            del held.minutes[: excess - 1], held.totals[: excess - 1]

    def _fold(self, held: VendorVolume, day: int) -> None:
        """Move the day in hand into the decayed sum once a later day is asked for."""
        if held.day_count and held.day < day:
            so_far = held.sums[-1] * self._daily_factor ** (held.day - held.days[-1]) if held.days else 0.0
            held.days.append(held.day)
            held.sums.append(so_far + held.day_count)
            held.day_count = 0
