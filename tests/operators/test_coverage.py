"""Coverage: a feed's silence is an outage only where it usually speaks, and an outage makes nobody believe in quiet.

documents an hour   8 |    ####      ####      ####      ####         ####
                      |   ######    ######    ######    ######          ##
                    0 +--######----######----######----######----......##---
                         Monday    Tuesday   Wednesday Thursday  Friday's outage
"""

import copy
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.document import InputPartition
from monitor.domain.progress import SourceProgress, SourceState
from monitor.operators.coverage import (
    LONGEST_GAP_MS,
    STEP_MS,
    Coverage,
    CoverageState,
    FeedHour,
    FeedTurn,
    silence_severity,
)
from monitor.operators.volume import FeedVolume, VolumeState

MONDAY_MS = 1_772_409_600_000
"""2026-03-02T00:00:00Z."""
NEWS = InputPartition("feeds.news")
WIRE, FORUM = "harbour-wire", "chaosheng-forum"
FLOOR = 3.0


def at(day: float, hour: float = 0) -> int:
    return MONDAY_MS + round(day * DAY_MS + hour * HOUR_MS)


def working_hours(minute_ms: int) -> int:
    """Eight documents an hour from 8 to 18 UTC, a fifth of that at the week-end."""
    day, in_day_ms = divmod(minute_ms - MONDAY_MS, DAY_MS)
    is_open = 8 * HOUR_MS <= in_day_ms < 18 * HOUR_MS
    every = 5 if day % 7 >= 5 else 1
    return int(is_open and minute_ms // MINUTE_MS % (7.5 * every) < 1)


class Feeds:
    """Tells volumes minute by minute and collects what coverage says of them."""

    def __init__(self, said: dict[str, Callable[[int], int]]) -> None:
        self.volume = FeedVolume(DAY_MS, 60 * DAY_MS, VolumeState())
        self.coverage = Coverage(FLOOR, self.volume, CoverageState())
        self.said = said
        self.out: list[tuple[str, int, int]] = []
        self.told: list[FeedTurn | FeedHour] = []
        self._now_ms = MONDAY_MS
        self._position = 0

    def silence(self, vendor: str, from_ms: int, to_ms: int) -> None:
        self.out.append((vendor, from_ms, to_ms))

    def run(self, until_ms: int, step_ms: int = HOUR_MS) -> "Feeds":
        while self._now_ms < until_ms:
            end_ms = min(until_ms, self._now_ms + step_ms)
            volumes = tuple(self._volumes(self._now_ms, end_ms))
            told = SourceProgress(NEWS, self._position, self._position + 1, end_ms, end_ms, SourceState.ACTIVE, volumes)
            self._position += 1
            self.volume.told(told)
            self.volume.advance(end_ms)
            self.told += self.coverage.advance(end_ms)
            self._now_ms = end_ms
        return self

    def _volumes(self, from_ms: int, to_ms: int) -> Iterable[tuple[str, int, int]]:
        for minute_ms in range(from_ms, to_ms, MINUTE_MS):
            for vendor, said in self.said.items():
                is_out = any(vendor == who and since <= minute_ms < until for who, since, until in self.out)
                if not is_out and (count := said(minute_ms)):
                    yield vendor, minute_ms // MINUTE_MS, count

    def turns(self) -> list[FeedTurn]:
        return [told for told in self.told if isinstance(told, FeedTurn)]

    def hours(self, vendor: str) -> list[FeedHour]:
        return [told for told in self.told if isinstance(told, FeedHour) and told.vendor == vendor]


# ---- what is an outage


def test_two_weeks_with_nights_and_week_ends_are_no_outage() -> None:
    assert Feeds({WIRE: working_hours}).run(at(21)).turns() == []


def test_silence_in_working_hours_is_told_once_sure_and_again_when_it_is_over() -> None:
    feeds = Feeds({WIRE: working_hours})
    feeds.silence(WIRE, at(9, 9), at(9, 15))
    turns = feeds.run(at(10)).turns()
    first, *later = turns
    assert first.vendor == WIRE
    assert at(9, 11) <= first.at_ms <= at(9, 12)
    assert at(9, 8.8) <= first.silent_from_ms <= at(9, 9)
    assert first.severity >= FLOOR
    assert first.due == pytest.approx(8 * (first.at_ms - first.silent_from_ms) / HOUR_MS, rel=0.1)
    assert [turn.severity > 0.0 for turn in later] == [True] * (len(later) - 1) + [False]
    assert at(9, 15) <= later[-1].at_ms <= at(9, 15.5)


def test_outage_that_begins_at_night_is_told_the_next_morning() -> None:
    feeds = Feeds({WIRE: working_hours})
    feeds.silence(WIRE, at(8, 20), at(9, 20))
    assert at(9, 10) <= feeds.run(at(9, 18)).turns()[0].at_ms <= at(9, 12)


def test_first_week_end_is_not_taken_for_an_outage() -> None:
    feeds = Feeds({WIRE: lambda ms: 0 if (ms - MONDAY_MS) // DAY_MS % 7 >= 5 else working_hours(ms)})
    assert feeds.run(at(7, 12)).turns() == []


def test_vendor_that_is_watched_for_less_than_three_days_has_no_rhythm() -> None:
    feeds = Feeds({WIRE: working_hours})
    feeds.silence(WIRE, at(2, 10), at(2, 17))
    assert feeds.run(at(2, 17)).turns() == []


def test_vendor_that_speaks_rarely_is_never_missed() -> None:
    """Three documents a day: a silent day is nothing unusual."""
    feeds = Feeds({WIRE: lambda ms: int(ms % DAY_MS in (9 * HOUR_MS, 12 * HOUR_MS, 15 * HOUR_MS))})
    feeds.silence(WIRE, at(9), at(12))
    assert feeds.run(at(12)).turns() == []


def test_outage_of_one_feed_is_not_told_of_another() -> None:
    feeds = Feeds({WIRE: working_hours, FORUM: working_hours})
    feeds.silence(FORUM, at(9, 9), at(9, 17))
    assert {turn.vendor for turn in feeds.run(at(10)).turns()} == {FORUM}


def test_tomorrows_silence_is_as_strange_as_todays() -> None:
    feeds = Feeds({WIRE: working_hours})
    for day in (8, 9, 10):
        feeds.silence(WIRE, at(day, 9), at(day, 15))
    begins = [turn.silent_from_ms for turn in feeds.run(at(11)).turns() if turn.severity]
    assert [round((ms - MONDAY_MS) / DAY_MS, 1) for ms in dict.fromkeys(begins)] == [8.4, 9.4, 10.4]


def test_vendor_that_stops_working_in_the_afternoon_is_learned_within_weeks() -> None:
    feeds = Feeds({WIRE: lambda ms: working_hours(ms) if ms < at(14) or ms % DAY_MS < 12 * HOUR_MS else 0})
    turns = [turn for turn in feeds.run(at(84)).turns() if turn.severity]
    assert any(turn.at_ms < at(16) for turn in turns)
    assert not any(turn.at_ms > at(70) for turn in turns)


def test_severity_grows_with_what_should_have_come() -> None:
    assert silence_severity(0.0) == 0.0
    severities = [silence_severity(due) for due in (1, 5, 20, 100, 1_000)]
    assert severities == sorted(severities)
    assert 2.9 < silence_severity(20) < 3.2


# ---- what each hour held


def test_hours_tell_what_was_said_and_what_is_usual() -> None:
    feeds = Feeds({WIRE: working_hours})
    feeds.silence(WIRE, at(9, 9), at(9, 15))
    hours = {hour.start_ms: hour for hour in feeds.run(at(10)).hours(WIRE)}
    assert hours[at(0, 9)].expected is None
    assert (hours[at(8, 9)].documents, hours[at(8, 3)].documents) == (8, 0)
    assert hours[at(8, 9)].expected == pytest.approx(8.0, abs=0.5)
    assert hours[at(9, 10)].documents == 0
    assert hours[at(9, 10)].expected == pytest.approx(8.0, abs=0.5)
    starts = sorted(hours)
    assert all(later - earlier == HOUR_MS for earlier, later in pairwise(starts))


def test_long_gap_of_event_time_is_jumped_over() -> None:
    """Nothing but this one feed, and it is away for forty years: it is told once, and nobody counts the hours since."""
    feeds = Feeds({WIRE: working_hours}).run(at(8))
    feeds.told.clear()
    later_ms = at(8) + 40 * 364 * DAY_MS
    feeds._now_ms = later_ms
    feeds.run(later_ms + DAY_MS)
    hours = feeds.hours(WIRE)
    assert {hour.documents for hour in hours if hour.start_ms < later_ms} == {0}
    assert len([hour for hour in hours if hour.start_ms < later_ms]) <= LONGEST_GAP_MS // HOUR_MS
    assert sum(hour.documents for hour in hours if hour.start_ms >= later_ms) > 0
    assert {turn.silent_from_ms < at(8) for turn in feeds.turns()} == {True}


# ---- what a topic's evidence lacks


def test_topic_of_a_silent_feed_is_seen_in_part() -> None:
    feeds = Feeds({WIRE: working_hours, FORUM: working_hours})
    feeds.silence(FORUM, at(9, 9), at(9, 17))
    coverage = feeds.run(at(9, 14)).coverage
    assert coverage.silent() == [FORUM]
    now_ms = at(9, 14)
    assert coverage.seen([(FORUM, 0.1)], now_ms - HOUR_MS, now_ms) == 0.0
    assert coverage.seen([(WIRE, 0.1)], now_ms - HOUR_MS, now_ms) == 1.0
    assert coverage.seen([(WIRE, 0.3), (FORUM, 0.1)], now_ms - HOUR_MS, now_ms) == pytest.approx(0.75, abs=0.02)
    assert coverage.seen([("", 0.1)], now_ms - HOUR_MS, now_ms) == pytest.approx(0.5, abs=0.02)
    # The outage began five hours ago: of ten hours of talk a half is missing.
    assert coverage.seen([(FORUM, 0.1)], at(8, 13), now_ms) == pytest.approx(0.5, abs=0.05)


def test_everything_is_seen_again_once_the_outage_lies_behind_the_look_back() -> None:
    feeds = Feeds({WIRE: working_hours})
    feeds.silence(WIRE, at(9, 9), at(9, 15))
    coverage = feeds.run(at(9, 18)).coverage
    assert coverage.silent() == []
    assert coverage.seen([(WIRE, 0.1)], at(9, 16), at(9, 17)) == 1.0
    assert coverage.seen([(WIRE, 0.1)], at(9, 8), at(9, 18)) < 0.5


# ---- the same however it is cut


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(steps=st.lists(st.integers(1, 3_000), min_size=1, max_size=30))
def test_steps_of_the_watermark_change_nothing(steps: list[int]) -> None:
    def feeds() -> Feeds:
        made = Feeds({WIRE: working_hours, FORUM: lambda ms: working_hours(ms + 5 * HOUR_MS)})
        made.silence(WIRE, at(8, 9), at(8, 16))
        return made

    smooth = feeds().run(at(9), step_ms=STEP_MS)
    cut = feeds()
    now_ms = MONDAY_MS
    for minutes in steps:
        now_ms = min(at(9), now_ms + minutes * MINUTE_MS)
        cut.run(now_ms, step_ms=DAY_MS)
    cut.run(at(9), step_ms=DAY_MS)
    assert any(isinstance(told, FeedTurn) for told in smooth.told)
    assert cut.told == smooth.told


def test_state_is_plain_data_that_goes_on_where_it_was_copied() -> None:
    feeds = Feeds({WIRE: working_hours})
    feeds.silence(WIRE, at(9, 9), at(9, 17))
    feeds.run(at(9, 13))
    resumed = Coverage(FLOOR, feeds.volume, copy.deepcopy(feeds.coverage.state))
    feeds.volume.advance(at(9, 16))
    assert list(resumed.advance(at(9, 16))) == list(feeds.coverage.advance(at(9, 16)))
