"""Baseline: what is usual follows the feed's volume, leaves the day of the decision out, and clips past bursts.

day          0     1     2     3     4   | 5 = the day of the decision
negatives    o     o    oooo   o     o   |  ooooooooo   no part of what is usual today
counted      o     o     oo    o     o   |
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.document import InputPartition
from monitor.domain.progress import SourceProgress, SourceState
from monitor.operators.baseline import MAX_DISPERSION, Baseline, HistoryState, look_back_minutes
from monitor.operators.volume import FeedVolume, VolumeState

WIRE, FORUM = "harbour-wire", "forum"
FEED = InputPartition("feeds.news")
DAY_0 = 20_514
"""2026-03-02."""

HALF_LIFE_DAYS = 60
PER_HOUR = 100


def day_ms(day: float) -> int:
    """The begin of a day, counted from the first one."""
    return round((DAY_0 + day) * DAY_MS)


def said(volume: FeedVolume, day: int, days: int, *, vendor: str = WIRE, per_hour: int = PER_HOUR) -> FeedVolume:
    """The vendor says so much in each hour of these days."""
    first = (DAY_0 + day) * 24
    table = tuple((vendor, hour * 60, per_hour) for hour in range(first, first + days * 24))
    position = volume.state.stretches[FEED].to_position if FEED in volume.state.stretches else 0
    volume.told(SourceProgress(FEED, position, position + 1, 0, 0, SourceState.ACTIVE, table))
    return volume


def feed(days: int, per_hour: int = PER_HOUR) -> FeedVolume:
    """A feed of one vendor, the same in every hour, known to the end of its last day."""
    volume = said(FeedVolume(DAY_MS, HALF_LIFE_DAYS * DAY_MS, VolumeState()), 0, days, per_hour=per_hour)
    volume.advance(day_ms(days))
    return volume


def baseline(*, prior: float = 0.001, pooled: float = 0.5, clip: float = 3.0, allowance: int = 2) -> Baseline:
    return Baseline(HALF_LIFE_DAYS * DAY_MS, prior, pooled, clip, allowance)


def add(learner: Baseline, state: HistoryState, day: float, count: int, vendor: str = WIRE) -> None:
    for number in range(count):
        learner.add(state, vendor, day_ms(day) + number * 1_000)


def expected_in_an_hour(learner: Baseline, state: HistoryState, volume: FeedVolume, day: float) -> float:
    """Usual for the hour that ends at this moment."""
    at_ms = day_ms(day)
    return learner.usual(state, volume, at_ms).expected(volume, *look_back_minutes(at_ms, HOUR_MS))


def steady(learner: Baseline, days: int, per_day: int = 24) -> HistoryState:
    """A topic with so many negative stories on each day."""
    state = HistoryState(DAY_0)
    for day in range(days):
        add(learner, state, day, per_day)
    return state


# ---- the rate


def test_steady_topic_is_expected_at_its_own_rate() -> None:
    learner = baseline()
    state = steady(learner, 40)
    assert expected_in_an_hour(learner, state, feed(40), 40) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(("per_hour", "times"), [(2 * PER_HOUR, 2.0), (PER_HOUR // 2, 0.5), (0, 0.0)])
def test_expected_follows_the_volume_of_the_feed(per_hour: int, times: float) -> None:
    """A doubled crawl doubles what is expected, an outage lowers it: at once, not after days."""
    learner = baseline()
    usual = expected_in_an_hour(learner, steady(learner, 40), feed(40), 40)
    volume = said(feed(40), 40, 1, per_hour=per_hour)
    volume.advance(day_ms(41))
    changed = expected_in_an_hour(learner, steady(learner, 40), volume, 40 + 5 / 24)
    assert changed == pytest.approx(times * usual, rel=0.01)


def test_past_outage_does_not_lower_the_rate() -> None:
    """Ten days without feed and without negatives: per document of the feed the topic is as bad as before."""
    learner = baseline()
    state = HistoryState(DAY_0)
    for day in (*range(20), *range(30, 50)):
        add(learner, state, day, 24)
    volume = said(feed(20), 30, 20)
    volume.advance(day_ms(50))
    assert expected_in_an_hour(learner, state, volume, 50) == pytest.approx(1.0, rel=0.05)


def test_vendors_are_expected_each_at_its_own_volume() -> None:
    learner = baseline(allowance=1_000)
    state = HistoryState(DAY_0)
    for day in range(30):
        add(learner, state, day, 24, WIRE)
        add(learner, state, day + 0.5, 48, FORUM)
    volume = FeedVolume(DAY_MS, HALF_LIFE_DAYS * DAY_MS, VolumeState())
    said(volume, 0, 30)
    said(volume, 0, 30, vendor=FORUM, per_hour=10)
    said(volume, 30, 1, vendor=FORUM, per_hour=30)
    volume.advance(day_ms(31))
    # The wire is down, the forum is thrice as loud: no wire story is expected, and six of the forum instead of two.
    assert expected_in_an_hour(learner, state, volume, 30.5) == pytest.approx(6.0, rel=0.06)


def test_past_weighs_half_after_the_half_life() -> None:
    learner = baseline()
    state = steady(learner, 1)
    volume = feed(HALF_LIFE_DAYS * 20 + 1)
    # With a flat feed the decayed volume stays what it is; what is left of the one day's negatives is halved each time.
    later = [expected_in_an_hour(learner, state, volume, HALF_LIFE_DAYS * lives) for lives in (19, 20)]
    prior = expected_in_an_hour(learner, HistoryState(DAY_0), volume, HALF_LIFE_DAYS * 20)
    assert (later[1] - prior) / (later[0] - prior) == pytest.approx(0.5, rel=0.01)


def test_topic_without_negatives_is_expected_at_the_prior_over_the_feed_it_was_watched_in() -> None:
    learner = baseline(prior=2.0)
    volume = feed(10)
    factor = 0.5 ** (1 / HALF_LIFE_DAYS)
    watched = sum(24 * PER_HOUR * factor ** (10 - day) for day in range(4, 10))
    state = HistoryState(DAY_0 + 4)
    assert expected_in_an_hour(learner, state, volume, 10) == pytest.approx(2.0 * PER_HOUR / watched)


def test_feed_said_at_least_what_the_topic_itself_was_told_in() -> None:
    """After a silence the minute in hand holds all there is, and its volume is not known yet."""
    learner = baseline(prior=2.0)
    volume = feed(10)
    volume.advance(day_ms(12))
    usual = learner.usual(steady(learner, 10), volume, day_ms(11.5))
    silent = look_back_minutes(day_ms(11.5), HOUR_MS)
    assert usual.expected(volume, *silent) == 0.0
    assert usual.expected(volume, *silent, 3) == pytest.approx(3 * sum(rate for _, rate in usual.rates))
    loud = look_back_minutes(day_ms(9.5), HOUR_MS)
    assert usual.expected(volume, *loud, 3) == usual.expected(volume, *loud)


# ---- which days count


def test_day_of_the_decision_is_no_part_of_what_is_usual() -> None:
    learner = baseline()
    state, burst = steady(learner, 40), steady(learner, 40)
    add(learner, burst, 40, 500)
    volume = feed(41)
    assert learner.usual(burst, volume, day_ms(40.9)) == learner.usual(state, volume, day_ms(40.9))
    assert expected_in_an_hour(learner, burst, volume, 41) > expected_in_an_hour(learner, state, volume, 41)


@settings(max_examples=30)
@given(days=st.lists(st.integers(0, 30), min_size=1, max_size=20), looks=st.lists(st.floats(0, 21), max_size=12))
def test_looking_changes_nothing_of_what_is_seen_later(days: list[int], looks: list[float]) -> None:
    """However often it was asked, and whether or not a snapshot has thrown away what was worked out."""
    learner, volume = baseline(), feed(22)
    asked, unasked = HistoryState(DAY_0), HistoryState(DAY_0)
    for day, count in enumerate(days):
        add(learner, unasked, day, count)
        for look in sorted(look for look in looks if day <= look < day + 1):
            learner.usual(asked, volume, day_ms(look))
            asked.known = None
        add(learner, asked, day + 0.99, count)
    assert learner.usual(asked, volume, day_ms(22)) == learner.usual(unasked, volume, day_ms(22))


def test_past_burst_is_clipped() -> None:
    learner = baseline(clip=3.0, allowance=2)
    quiet, burst, clipped = (steady(learner, 30, per_day=4) for _ in range(3))
    add(learner, burst, 30, 400)
    add(learner, clipped, 30, 14)
    volume = feed(32)
    rates = [expected_in_an_hour(learner, state, volume, 32) for state in (quiet, burst, clipped)]
    assert rates[1] == pytest.approx(rates[2], rel=0.02), "400 on one day count as three usual days and an allowance"
    assert rates[0] < rates[1] < 1.5 * rates[0]


def test_first_days_of_a_lively_topic_are_learned_though_nothing_was_usual_before() -> None:
    learner = baseline()
    state = steady(learner, 14, per_day=48)
    assert expected_in_an_hour(learner, state, feed(14), 14) == pytest.approx(2.0, rel=0.35)


# ---- dispersion


def dispersion(daily: list[int], pooled: float = 0.5, clip: float = 1_000.0) -> float:
    learner = baseline(pooled=pooled, clip=clip, allowance=1_000)
    state = HistoryState(DAY_0)
    for day, count in enumerate(daily):
        add(learner, state, day, count)
    return learner.usual(state, feed(len(daily)), day_ms(len(daily))).dispersion


def test_dispersion_is_pooled_until_the_topic_is_known() -> None:
    assert dispersion([0] * 30, pooled=0.7) == 0.7
    assert dispersion([40, 0], pooled=0.7) == pytest.approx(0.7, abs=0.1)


def test_dispersion_is_half_the_topics_own_once_it_is_known() -> None:
    """Counts of 10 and 30 in turn: mean 20, variance 100, so the moments give (100 - 20) / 400 = 0.2."""
    assert dispersion([10, 30] * 400, pooled=0.5) == pytest.approx(0.5 * 0.2 + 0.5 * 0.5, rel=0.05)


def test_steady_topic_lowers_the_dispersion_to_half_the_pooled_and_not_below() -> None:
    assert dispersion([20] * 800, pooled=0.5) == pytest.approx(0.25, rel=0.02)


def test_one_burst_in_a_silent_year_does_not_excuse_every_later_one() -> None:
    daily = [0] * 365
    daily[300] = 500
    assert dispersion(daily, pooled=0.5) <= 0.5 * MAX_DISPERSION + 0.25


# ---- minutes


def test_look_back_takes_as_many_minutes_as_it_is_long_and_only_those_that_have_ended() -> None:
    noon_ms = day_ms(0.5)
    noon = noon_ms // MINUTE_MS
    assert look_back_minutes(noon_ms, HOUR_MS) == (noon - 60, noon)
    assert look_back_minutes(noon_ms + 59_999, HOUR_MS) == (noon - 60, noon)
    assert look_back_minutes(noon_ms - 1, HOUR_MS) == (noon - 61, noon - 1)
