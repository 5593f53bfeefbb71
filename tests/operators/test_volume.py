"""The feed's own volume: counted once however often it is told, final when its minute has ended, decayed by days."""

import copy
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.document import InputPartition
from monitor.domain.progress import SourceProgress, SourceState
from monitor.operators.volume import ALL_VENDORS, MINUTES_PER_DAY, TRIM_AT, FeedVolume, VolumeState

NEWS, POSTS = InputPartition("feeds.news"), InputPartition("feeds.social")
WIRE, BLUE = "harbour-wire", "bluepost"
MINUTE_MS = 60_000
DAY_MS = 86_400_000

Said = tuple[str, int]
"""Vendor and effective minute of one document."""


def told(
    counts: Iterable[tuple[str, int, int]], from_position: int = 0, to_position: int = 1, source: InputPartition = NEWS
) -> SourceProgress:
    return SourceProgress(source, from_position, to_position, 0, 0, SourceState.ACTIVE, tuple(counts))


def volume(horizon_ms: int = DAY_MS, half_life_ms: int = 2 * DAY_MS) -> FeedVolume:
    return FeedVolume(horizon_ms, half_life_ms, VolumeState())


def counts(feed: FeedVolume, vendor: str, minutes: Sequence[int]) -> list[int]:
    return [feed.count(vendor, minute, minute + 1) for minute in minutes]


# ---- what is told


def test_later_progress_of_the_same_stretch_replaces_and_never_adds() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 3)], to_position=3))
    feed.told(told([(WIRE, 5, 4), (WIRE, 6, 1)], to_position=5))
    feed.told(told([(WIRE, 5, 4), (WIRE, 6, 1)], to_position=5))
    feed.advance(7 * MINUTE_MS)
    assert counts(feed, WIRE, [4, 5, 6, 7]) == [0, 4, 1, 0]


def test_stretch_after_a_commit_adds_to_what_was_committed() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 3)], 0, 3))
    feed.told(told([(WIRE, 5, 2)], 3, 5))
    feed.advance(6 * MINUTE_MS)
    assert feed.count(WIRE, 5, 6) == 5


def test_sources_and_vendors_are_told_apart_and_the_whole_feed_is_their_sum() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 3), (BLUE, 5, 1)], source=NEWS))
    feed.told(told([(WIRE, 5, 2)], source=POSTS))
    feed.advance(6 * MINUTE_MS)
    assert (feed.count(WIRE, 5, 6), feed.count(BLUE, 5, 6), feed.count(ALL_VENDORS, 5, 6)) == (5, 1, 6)


def test_minute_is_final_once_the_watermark_has_passed_its_end_and_not_a_millisecond_before() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 3)]))
    feed.advance(6 * MINUTE_MS - 1)
    assert feed.count(WIRE, 0, 10) == 0
    feed.advance(6 * MINUTE_MS)
    assert feed.count(WIRE, 0, 10) == 3


def test_source_that_was_held_out_counts_from_now_on_and_changes_no_final_minute() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 3)], source=NEWS))
    feed.advance(8 * MINUTE_MS)
    feed.told(told([(BLUE, 5, 2)], source=POSTS))
    feed.advance(9 * MINUTE_MS)
    assert counts(feed, ALL_VENDORS, [5, 6, 7, 8]) == [3, 0, 0, 2]


def test_vendor_that_never_spoke_has_no_volume() -> None:
    assert volume().count("nobody", 0, 10**9) == 0
    assert volume().decayed("nobody", 0, 10) == 0.0


# ---- told again after a crash


def test_commit_in_the_middle_of_what_was_told_before_the_crash_counts_nothing_twice() -> None:
    # told        0-----------6
    # told again  0------4                 committed at 4
    # then               4--------8        of [4, 8) only [6, 8) is new
    feed = volume()
    feed.told(told([(WIRE, 5, 6)], 0, 6))
    feed.told(told([(WIRE, 5, 4)], 0, 4))
    feed.told(told([(WIRE, 5, 4)], 4, 8))
    feed.advance(6 * MINUTE_MS)
    assert feed.count(WIRE, 5, 6) == 8


def test_overlap_that_nobody_can_know_is_replaced_rather_than_counted_twice() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 6)], 0, 6))
    feed.told(told([(WIRE, 5, 5)], 3, 8))
    feed.told(told([(WIRE, 5, 7)], 3, 10))
    feed.advance(6 * MINUTE_MS)
    assert feed.count(WIRE, 5, 6) == 7


def test_one_that_lost_its_source_and_tells_on_from_an_older_commit_changes_nothing() -> None:
    # first       0-------4     frozen, and replaced at 0
    # its heir    0---2                    committed at 2
    # thawed      0-----------6            [2, 6) is counted again, and nobody knows how much of it
    # its heir        2-------6
    feed = volume()
    feed.told(told([(WIRE, 5, 4)], 0, 4))
    feed.told(told([(WIRE, 5, 2)], 0, 2))
    feed.told(told([(WIRE, 5, 1)], 2, 3))
    thawed = told([(WIRE, 5, 6)], 0, 6)
    assert feed.is_outdated(thawed)
    feed.told(thawed)
    feed.told(told([(WIRE, 5, 4)], 2, 6))
    feed.advance(6 * MINUTE_MS)
    assert feed.count(WIRE, 5, 6) == 6


READ, CUT, COMMIT, CRASH, RESTART, FREEZE, THAW = range(7)
SAID = st.lists(st.tuples(st.sampled_from([WIRE, BLUE]), st.integers(0, 2)), min_size=5, max_size=25)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([READ, READ, READ, CUT, CUT, COMMIT, CRASH, RESTART, FREEZE, THAW, THAW]), st.integers(1, 6)
    ),
    min_size=12,
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(SAID, STEPS)
def test_volumes_told_again_after_a_crash_with_other_cuts_give_the_same_final_minutes(
    steps_between: list[tuple[str, int]], steps: list[tuple[int, int]]
) -> None:
    minute, said = 100, []
    for vendor, later in steps_between:
        minute += later
        said.append((vendor, minute))
    feed, at, committed, announced = volume(), 0, 0, 0
    frozen: tuple[int, int] | None = None
    """Another that once had the source: from where it tells, and up to where it has read."""

    def cut(begin: int, end: int) -> None:
        nonlocal announced
        stretch = Counter(said[begin:end])
        word = told([(vendor, minute, count) for (vendor, minute), count in stretch.items()], begin, end)
        is_outdated = feed.is_outdated(word)
        feed.told(word)
        if is_outdated:
            return  # whoever reads it hears nothing of how far it is, either
        announced = max(announced, end)
        if announced:
            # Whatever comes next takes effect in this minute or later: the minutes before are over.
            feed.advance(said[announced - 1][1] * MINUTE_MS)

    for kind, number in [*steps, (READ, len(said)), (CUT, 0)]:
        if kind == READ:
            at = min(len(said), at + number)
        elif kind == CUT:
            cut(committed, at)
        elif kind == COMMIT:
            cut(committed, at)
            committed = at
        elif kind == CRASH:
            at = committed
        elif kind == FREEZE:
            frozen, at = (committed, at), committed
        elif kind == THAW:
            if frozen is not None:
                frozen = frozen[0], min(len(said), frozen[1] + number)
                cut(*frozen)
        else:
            feed = FeedVolume(DAY_MS, 2 * DAY_MS, copy.deepcopy(feed.state))
        over = feed.state.final_minute
        finals = Counter(one for one in said[:announced] if one[1] < over)
        assert {v: feed.count(v, 0, over) for v in (WIRE, BLUE)} == {
            v: sum(n for (vendor, _), n in finals.items() if vendor == v) for v in (WIRE, BLUE)
        }
    feed.advance((minute + 1) * MINUTE_MS)
    minutes = range(100, minute + 1)
    for vendor in (WIRE, BLUE):
        assert counts(feed, vendor, minutes) == [said.count((vendor, minute)) for minute in minutes]
    assert feed.count(ALL_VENDORS, 0, minute + 1) == len(said)


# ---- what is asked


BY_MINUTE = st.dictionaries(st.integers(0, 5 * MINUTES_PER_DAY), st.integers(1, 9), max_size=30)


@given(BY_MINUTE, st.integers(0, 5 * MINUTES_PER_DAY), st.integers(0, MINUTES_PER_DAY))
def test_count_is_the_sum_over_the_minutes_from_the_first_to_before_the_last(
    by_minute: dict[int, int], from_minute: int, length: int
) -> None:
    feed = volume(horizon_ms=10 * DAY_MS)
    feed.told(told((WIRE, minute, count) for minute, count in by_minute.items()))
    feed.advance((5 * MINUTES_PER_DAY + 1) * MINUTE_MS)
    expected = sum(count for minute, count in by_minute.items() if from_minute <= minute < from_minute + length)
    assert feed.count(WIRE, from_minute, from_minute + length) == expected


@given(BY_MINUTE, st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=4), st.integers(1, 5))
def test_decayed_sum_halves_each_day_with_every_half_life(
    by_minute: dict[int, int], questions: list[tuple[int, int]], half_life_days: int
) -> None:
    feed = volume(half_life_ms=half_life_days * DAY_MS)
    feed.told(told((WIRE, minute, count) for minute, count in by_minute.items()))
    feed.advance(6 * DAY_MS)
    for start_day, day in questions:
        expected = sum(
            count * 0.5 ** ((day - minute // MINUTES_PER_DAY) / half_life_days)
            for minute, count in by_minute.items()
            if start_day <= minute // MINUTES_PER_DAY < day
        )
        assert feed.decayed(WIRE, start_day, day) == pytest.approx(expected, abs=1e-9)


def test_decayed_sum_of_whole_days_does_not_see_the_day_in_hand() -> None:
    feed = volume()
    feed.told(told([(WIRE, 10, 4), (WIRE, MINUTES_PER_DAY + 10, 7)]))
    feed.advance(2 * DAY_MS - MINUTE_MS)
    assert feed.decayed(WIRE, 0, 1) == pytest.approx(4 * 0.5**0.5)


def test_old_minutes_are_forgotten_in_bounded_memory_and_the_horizon_is_still_counted() -> None:
    horizon_minutes = 60
    feed = volume(horizon_ms=horizon_minutes * MINUTE_MS)
    last = 4 * TRIM_AT
    for start in range(0, last, TRIM_AT):
        feed.told(told([(WIRE, minute, 2) for minute in range(start, start + TRIM_AT)], start, start + TRIM_AT))
        feed.advance((start + TRIM_AT) * MINUTE_MS)
    assert feed.count(WIRE, last - horizon_minutes, last) == 2 * horizon_minutes
    assert len(feed.state.vendors[WIRE].minutes) <= horizon_minutes + MINUTES_PER_DAY + TRIM_AT + 1


def test_step_of_many_days_forgets_nothing_that_the_decisions_inside_it_ask_for() -> None:
    feed = volume(horizon_ms=60 * MINUTE_MS)
    feed.told(told([(WIRE, 99, 1)], 0, 1))
    feed.advance(100 * MINUTE_MS)
    days = range(100, 100 + 2 * TRIM_AT)
    feed.told(told([(WIRE, minute, 1) for minute in days], 1, 1 + len(days)))
    feed.advance(days.stop * MINUTE_MS)
    assert counts(feed, WIRE, range(99, 200)) == [1] * 101


def test_last_and_first_word_of_a_vendor_are_found_among_final_minutes() -> None:
    feed = volume()
    feed.told(told([(WIRE, 5, 3), (WIRE, 9, 1), (BLUE, 7, 1), (WIRE, 20, 1)]))
    feed.advance(15 * MINUTE_MS)
    assert [feed.last_before(WIRE, minute) for minute in (5, 6, 9, 10, 99)] == [None, 5, 5, 9, 9]
    assert [feed.first_from(WIRE, minute) for minute in (0, 5, 6, 9, 10)] == [5, 5, 9, 9, None]
    assert (feed.last_before(ALL_VENDORS, 9), feed.first_from(ALL_VENDORS, 6)) == (7, 7)
    assert (feed.last_before("nobody", 99), feed.first_from("nobody", 0)) == (None, None)
