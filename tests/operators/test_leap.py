"""The leap guard: one bad date is condemned, a gap in the feed is believed, and nothing is lost or reordered.

records in turn   d d d  B  d d d d d d d d  d          B: a date far ahead; d: around one day
judged            d d d  .  . . . . . . . .  B d d ...  B waits; eight that fall back behind it condemn it
"""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.progress import NO_TIME_MS
from monitor.operators.leap import FOLLOWERS, Judged, LeapGuard

LEAP_MS = 1_000
BAD_MS = 5_000_000


def judge(times: Sequence[int], believed_ms: int = NO_TIME_MS, *, is_over: bool = True) -> list[Judged[int]]:
    """What the guard says of records that are named by their place."""
    guard: LeapGuard[int] = LeapGuard(LEAP_MS, believed_ms)
    verdicts = [verdict for place, time_ms in enumerate(times) for verdict in guard.add(time_ms, place)]
    if is_over:
        verdicts += guard.finish()
        assert guard.first_held is None
    return verdicts


def condemned(verdicts: Sequence[Judged[int]]) -> list[int]:
    return [verdict.item for verdict in verdicts if verdict.is_far_future]


ORDINARY = st.lists(st.integers(0, LEAP_MS), min_size=1, max_size=30)


@given(ORDINARY, st.data())
def test_lone_bad_date_is_condemned_wherever_it_stands_before_others(ordinary: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ordinary) - 1), label="place")
    verdicts = judge([*ordinary[:place], BAD_MS, *ordinary[place:]])
    assert condemned(verdicts) == [place]


@given(ORDINARY, ORDINARY, st.integers(LEAP_MS + 1, 10**12))
def test_gap_in_the_feed_is_believed_however_long(before: list[int], after: list[int], gap_ms: int) -> None:
    verdicts = judge([*before, *(LEAP_MS + gap_ms + time_ms for time_ms in after)])
    assert condemned(verdicts) == []


@given(st.lists(st.integers(0, 20 * LEAP_MS), max_size=40), st.sets(st.integers(0, 40)))
def test_guard_loses_repeats_and_reorders_nothing(times: list[int], bounded: set[int]) -> None:
    guard: LeapGuard[int] = LeapGuard(LEAP_MS, NO_TIME_MS)
    given_back: list[int] = []
    for place, time_ms in enumerate(times):
        given_back += [verdict.item for verdict in guard.add(time_ms, place, is_bounded=place in bounded)]
        held = place + 1 - len(given_back)
        assert held <= FOLLOWERS, "what waits is bounded"
        assert guard.first_held == (len(given_back) if held else None)
    given_back += [verdict.item for verdict in guard.finish()]
    assert given_back == list(range(len(times)))


@given(st.lists(st.integers(0, 20 * LEAP_MS), max_size=30), st.integers(0, 30))
def test_guard_that_reads_again_from_what_it_held_says_the_same(times: list[int], stop_after: int) -> None:
    first: LeapGuard[int] = LeapGuard(LEAP_MS, NO_TIME_MS)
    verdicts = [v for place, time_ms in enumerate(times[:stop_after]) for v in first.add(time_ms, place)]
    start = min(stop_after, len(times)) if first.first_held is None else first.first_held
    second: LeapGuard[int] = LeapGuard(LEAP_MS, first.believed_ms)
    for place in range(start, len(times)):
        verdicts += second.add(times[place], place)
    verdicts += second.finish()
    assert verdicts == judge(times)


def test_leap_waits_for_its_followers_and_so_does_what_is_behind_it() -> None:
    times = [BAD_MS, *range(100, 100 + FOLLOWERS - 1)]
    assert judge(times, believed_ms=99, is_over=False) == []
    verdicts = judge([*times, 200], believed_ms=99, is_over=False)
    assert condemned(verdicts) == [0]
    assert [verdict.item for verdict in verdicts] == list(range(FOLLOWERS + 1))


def test_one_follower_about_as_late_vouches_for_a_leap() -> None:
    verdicts = judge([BAD_MS, BAD_MS - LEAP_MS], believed_ms=99, is_over=False)
    assert verdicts == [Judged(0, False), Judged(1, False)]
    assert judge([BAD_MS, BAD_MS - LEAP_MS - 1], believed_ms=99, is_over=False) == []


def test_burst_of_late_records_after_a_pause_does_not_condemn_the_honest_one() -> None:
    late = list(range(100, 100 + FOLLOWERS - 1))
    assert condemned(judge([BAD_MS, *late, BAD_MS + 5], believed_ms=99)) == []


def test_step_of_exactly_the_allowed_leap_needs_nobody_to_vouch() -> None:
    assert judge([99 + LEAP_MS], believed_ms=99, is_over=False) == [Judged(0, False)]
    assert judge([100 + LEAP_MS], believed_ms=99, is_over=False) == []


@pytest.mark.parametrize(("times", "expected"), [([BAD_MS], []), ([BAD_MS, 100], [0]), ([100, BAD_MS, 101], [1])])
def test_at_the_end_of_the_feed_the_followers_that_there_are_decide(times: list[int], expected: list[int]) -> None:
    assert condemned(judge(times, believed_ms=99)) == expected


def test_condemned_date_does_not_move_what_is_believed() -> None:
    guard: LeapGuard[int] = LeapGuard(LEAP_MS, 99)
    for place, time_ms in enumerate([BAD_MS, *range(100, 100 + FOLLOWERS)]):
        list(guard.add(time_ms, place))
    assert guard.believed_ms == 99 + FOLLOWERS


def test_record_with_a_known_arrival_is_believed_at_once_and_vouches_for_the_time() -> None:
    guard: LeapGuard[str] = LeapGuard(LEAP_MS, 99)
    assert list(guard.add(BAD_MS, "observed", is_bounded=True)) == [Judged("observed", False)]
    assert list(guard.add(BAD_MS + 1, "unobserved")) == [Judged("unobserved", False)]


def test_record_with_a_known_arrival_waits_its_turn_behind_one_that_is_held() -> None:
    guard: LeapGuard[str] = LeapGuard(LEAP_MS, 99)
    assert list(guard.add(BAD_MS, "unobserved")) == []
    assert list(guard.add(100, "observed", is_bounded=True)) == []
    assert list(guard.finish()) == [Judged("unobserved", True), Judged("observed", False)]
