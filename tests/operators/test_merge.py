"""Merge by time: DESIGN section 4 sentence by sentence, and the one order that no interleaving and no cut can change.

log of the reader   a0  b0  a1  [a:2 b:1]  b1  a2  [a:3 b:2] ...     letters: items by source; brackets: progress
watermark                          W              W'                  the least of what the sources announced
decided                         all < W        all < W'               by time, id, Kafka topic, partition, offset
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.document import InputPartition
from monitor.domain.progress import NO_TIME_MS, Progress, SourceProgress, SourceState
from monitor.operators.merge import MergeByTime, MergeState
from monitor.operators.watermark import PartitionState, PartitionWatermark

NEWS, SPORT, POSTS = InputPartition("feeds.news", 0), InputPartition("feeds.news", 1), InputPartition("feeds.social", 0)
SOURCES = (NEWS, SPORT, POSTS)
MAX_HOLD_MS = 60_000
ACTIVE, IDLE, ENDED = SourceState.ACTIVE, SourceState.IDLE, SourceState.ENDED


def told(
    source: InputPartition,
    to_position: int,
    watermark_ms: int,
    state: SourceState = ACTIVE,
    greatest_ms: int | None = None,
) -> SourceProgress:
    greatest_ms = watermark_ms + 2 if greatest_ms is None else greatest_ms
    return SourceProgress(source, 0, to_position, watermark_ms, greatest_ms, state, ())


def progress(*parts: SourceProgress, known: Iterable[InputPartition] = (), written_ms: int = 0) -> Progress:
    return Progress(tuple(known) or tuple(part.source for part in parts), parts, written_ms)


def merge() -> MergeByTime[str]:
    return MergeByTime(MAX_HOLD_MS, MergeState())


def add(reader: MergeByTime[str], effective_ms: int, name: str, source: InputPartition = NEWS, offset: int = 0) -> bool:
    return reader.add(effective_ms, name, source, offset, name)


def released(reader: MergeByTime[str]) -> list[str]:
    return [item for _, item in reader.release()]


# ---- the watermark


def test_watermark_is_the_least_over_active_sources() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 300)))
    assert reader.watermark_ms == 300


def test_source_that_is_known_by_name_only_holds_the_watermark_back() -> None:
    reader = merge()
    add(reader, 100, "strike")
    reader.progress(progress(told(NEWS, 1, 500), known=[NEWS, POSTS]))
    assert reader.watermark_ms == NO_TIME_MS
    assert released(reader) == []
    reader.progress(progress(told(POSTS, 0, 200)))
    assert released(reader) == ["strike"]


def test_item_at_the_watermark_waits_and_the_item_below_it_is_decided() -> None:
    reader = merge()
    add(reader, 300, "at", offset=1)
    add(reader, 299, "below", offset=2)
    reader.progress(progress(told(NEWS, 3, 300)))
    assert released(reader) == ["below"]
    reader.progress(progress(told(NEWS, 3, 301)))
    assert released(reader) == ["at"]


def test_items_of_one_time_are_decided_by_id_then_kafka_topic_then_partition_then_offset() -> None:
    reader = merge()
    places = [(POSTS, 0), (SPORT, 0), (NEWS, 2), (NEWS, 1)]
    for source, offset in places:
        reader.add(100, "same-id", source, offset, f"{source} {offset}")
    reader.add(100, "an-earlier-id", POSTS, 9, "first")
    reader.progress(progress(*(told(source, 10, 200) for source in SOURCES)))
    assert released(reader) == ["first", "feeds.news/0 1", "feeds.news/0 2", "feeds.news/1 0", "feeds.social/0 0"]


def test_idle_partition_does_not_hold_back_the_watermark() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 100, IDLE)))
    assert reader.watermark_ms == 500


def test_ended_partition_does_not_hold_back_the_watermark() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 100, ENDED)))
    assert reader.watermark_ms == 500


@pytest.mark.parametrize("state", [IDLE, ENDED])
def test_with_nobody_active_the_greatest_effective_time_is_decided_too(state: SourceState) -> None:
    reader = merge()
    add(reader, 700, "last word", POSTS)
    reader.progress(progress(told(NEWS, 1, 500, state), told(POSTS, 1, 698, state, greatest_ms=700)))
    assert reader.watermark_ms == 701
    assert released(reader) == ["last word"]


def test_sources_that_ended_without_a_word_decide_nothing() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 0, NO_TIME_MS, ENDED, greatest_ms=NO_TIME_MS)))
    assert reader.watermark_ms == NO_TIME_MS


def test_woken_partition_is_waited_for_again_but_the_watermark_does_not_go_back() -> None:
    # news    W=500 ........ 900 ............. 900
    # posts   idle           wakes at W=450    W=800
    # reader      500            500               800
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 100, IDLE)))
    reader.progress(progress(told(NEWS, 2, 900), told(POSTS, 2, 450)))
    assert reader.watermark_ms == 500
    reader.progress(progress(told(POSTS, 3, 800)))
    assert reader.watermark_ms == 800


def test_what_a_woken_partition_says_too_late_takes_effect_at_the_readers_watermark() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 100, IDLE)))
    add(reader, 450, "late", POSTS, offset=1)
    reader.progress(progress(told(NEWS, 2, 900), told(POSTS, 2, 900)))
    assert list(reader.release()) == [(500, "late")]


@pytest.mark.slow
@given(
    st.lists(
        st.lists(
            st.builds(
                told,
                st.sampled_from(SOURCES),
                st.integers(0, 50),
                st.integers(0, 1_000),
                st.sampled_from(SourceState),
                st.integers(0, 1_000),
            ),
            max_size=3,
        ).flatmap(lambda parts: st.builds(lambda ms: progress(*parts, written_ms=ms), st.integers(0, 200_000))),
        max_size=20,
    )
)
def test_watermark_never_goes_back_whatever_is_told(records: list[Progress]) -> None:
    reader = merge()
    for number, record in enumerate(records):
        before_ms = reader.watermark_ms
        add(reader, number * 37 % 1_000, f"item-{number}", NEWS, 1_000 + number)
        reader.progress(record)
        assert reader.watermark_ms >= before_ms
        assert all(before_ms <= acts_ms < reader.watermark_ms for acts_ms, _ in reader.release())


# ---- held out


def test_silent_source_is_held_out_only_when_longer_unheard_than_max_hold() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 300), written_ms=10_000))
    reader.progress(progress(told(NEWS, 2, 900), written_ms=10_000 + MAX_HOLD_MS))
    assert (reader.watermark_ms, reader.held_out) == (300, [])
    reader.progress(progress(told(NEWS, 2, 900), written_ms=10_001 + MAX_HOLD_MS))
    assert (reader.watermark_ms, reader.held_out) == (900, [POSTS])


def test_source_that_was_never_heard_is_held_out_counting_from_when_it_was_first_named() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), written_ms=10_000))
    reader.progress(progress(told(NEWS, 1, 600), known=[NEWS, POSTS], written_ms=50_000))
    reader.progress(progress(told(NEWS, 1, 700), known=[NEWS, POSTS], written_ms=50_000 + MAX_HOLD_MS))
    assert (reader.watermark_ms, reader.held_out) == (500, [])
    reader.progress(progress(told(NEWS, 1, 700), known=[NEWS, POSTS], written_ms=50_001 + MAX_HOLD_MS))
    assert (reader.watermark_ms, reader.held_out) == (700, [POSTS])


def held_out_reader() -> MergeByTime[str]:
    """Posts stopped at W = 300; news went on to 900 without them, long ago."""
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 300)))
    reader.progress(progress(told(NEWS, 2, 900), written_ms=MAX_HOLD_MS + 1))
    assert reader.held_out == [POSTS]
    return reader


def test_what_a_held_out_source_says_takes_effect_at_the_readers_watermark() -> None:
    reader = held_out_reader()
    assert add(reader, 310, "behind", POSTS, offset=1)
    reader.progress(progress(told(NEWS, 3, 1_000), told(POSTS, 2, 310), written_ms=MAX_HOLD_MS + 2))
    assert list(reader.release()) == [(900, "behind")]


def test_held_out_source_is_not_waited_for_until_its_own_watermark_has_caught_up() -> None:
    reader = held_out_reader()
    reader.progress(progress(told(POSTS, 2, 899), told(NEWS, 3, 950), written_ms=MAX_HOLD_MS + 2))
    assert (reader.watermark_ms, reader.held_out) == (950, [POSTS])
    reader.progress(progress(told(POSTS, 3, 950), told(NEWS, 4, 2_000), written_ms=MAX_HOLD_MS + 3))
    assert (reader.watermark_ms, reader.held_out) == (950, [])


@pytest.mark.parametrize("state", [IDLE, ENDED])
def test_held_out_source_that_comes_to_rest_loses_nothing_and_is_no_longer_missed(state: SourceState) -> None:
    reader = held_out_reader()
    add(reader, 905, "last of posts", POSTS, offset=1)
    reader.progress(progress(told(POSTS, 2, 899, state, greatest_ms=905), written_ms=MAX_HOLD_MS + 2))
    assert (reader.watermark_ms, reader.held_out) == (900, [])
    reader.progress(progress(told(NEWS, 2, 900, ENDED, greatest_ms=902), written_ms=MAX_HOLD_MS + 3))
    assert released(reader) == ["last of posts"]


def test_idle_source_is_not_held_out_for_its_silence() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 1, 300, IDLE)))
    reader.progress(progress(told(NEWS, 2, 900), written_ms=10 * MAX_HOLD_MS))
    assert reader.held_out == []


def test_source_that_is_read_again_after_a_crash_is_heard_of() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 1, 500), told(POSTS, 9, 300)))
    reader.progress(progress(told(POSTS, 4, 200), written_ms=MAX_HOLD_MS))
    reader.progress(progress(told(NEWS, 2, 900), written_ms=MAX_HOLD_MS + 1))
    assert (reader.watermark_ms, reader.held_out) == (300, [])


# ---- repeats


def test_record_below_an_announced_position_is_a_repeat_and_is_dropped() -> None:
    reader = merge()
    reader.progress(progress(told(NEWS, 5, 100)))
    assert not add(reader, 200, "repeat", NEWS, offset=4)
    assert add(reader, 200, "new", NEWS, offset=5)
    assert add(reader, 200, "of another source", POSTS, offset=4)
    reader.progress(progress(told(NEWS, 6, 300), told(POSTS, 5, 300)))
    assert released(reader) == ["new", "of another source"]


def test_record_scored_again_before_it_was_announced_counts_as_it_was_scored_first() -> None:
    # Items that cannot be compared, as scored documents cannot: a tie must never come down to them.
    reader: MergeByTime[dict[str, str]] = MergeByTime(MAX_HOLD_MS, MergeState())
    assert reader.add(100, "doc|orrin", NEWS, 3, {"scorer": "lexicon-1"})
    assert not reader.add(100, "doc|orrin", NEWS, 3, {"scorer": "lexicon-2"})
    assert reader.add(100, "doc|pike", NEWS, 3, {"scorer": "lexicon-2"}), "another topic of the record is no repeat"
    reader.progress(progress(told(NEWS, 4, 200)))
    assert [item["scorer"] for _, item in reader.release()] == ["lexicon-1", "lexicon-2"]


def test_progress_that_tells_an_earlier_position_changes_nothing_and_is_no_news() -> None:
    reader = merge()
    assert [part.to_position for part in reader.progress(progress(told(NEWS, 5, 500)))] == [5]
    assert reader.progress(progress(told(NEWS, 4, 900, ENDED))) == []
    assert reader.watermark_ms == 500
    assert not add(reader, 600, "repeat", NEWS, offset=4)


# ---- one order


@dataclass
class Script:
    """What a source says, in its order: ids and effective times, and W and the greatest after each."""

    source: InputPartition
    items: list[tuple[int, str]] = field(default_factory=list)
    after: list[tuple[int, int]] = field(default_factory=lambda: [(NO_TIME_MS, NO_TIME_MS)])

    def told(self, position: int, state: SourceState) -> SourceProgress:
        watermark_ms, greatest_ms = self.after[position]
        return told(self.source, position, watermark_ms, state, greatest_ms)


def script(source: InputPartition, times: Sequence[tuple[int, str]]) -> Script:
    watermark = PartitionWatermark(source, 20, PartitionState())
    made = Script(source)
    for event_ms, item_id in times:
        effective_ms, _ = watermark.read(event_ms, None, "harbour-wire")
        made.items.append((effective_ms, item_id))
        made.after.append((watermark.watermark_ms, watermark.state.greatest_effective_ms))
    return made


TIMES = st.lists(st.tuples(st.integers(0, 150), st.sampled_from("abcd")), max_size=12)
SCRIPTS = st.tuples(*[st.builds(script, st.just(source), TIMES) for source in SOURCES])
READ, CUT, CRASH, RESTART = range(4)
STEPS = st.lists(st.tuples(st.sampled_from([READ, READ, READ, CUT, CRASH, RESTART]), st.integers(0, 6)), max_size=60)

Place = tuple[int, str, str, int, int]


def in_order(scripts: Sequence[Script]) -> list[Place]:
    """Every item once, in the order that the design fixes."""
    return sorted(
        (effective_ms, item_id, one.source.kafka_topic, one.source.partition, offset)
        for one in scripts
        for offset, (effective_ms, item_id) in enumerate(one.items)
    )


def play(scripts: Sequence[Script], steps: Sequence[tuple[int, int]]) -> None:
    """Let the steps interleave, cut, crash and restart; check after each that what is decided is the fixed order."""
    reader: MergeByTime[Place] = MergeByTime(MAX_HOLD_MS, MergeState())
    expected, decided = in_order(scripts), 0
    at, committed = [0] * len(scripts), [0] * len(scripts)

    def read(which: int) -> None:
        one = scripts[which]
        if at[which] < len(one.items):
            effective_ms, item_id = one.items[at[which]]
            place = (effective_ms, item_id, one.source.kafka_topic, one.source.partition, at[which])
            reader.add(effective_ms, item_id, one.source, at[which], place)
            at[which] += 1

    def cut(tellers: Iterable[int], state: SourceState = ACTIVE) -> None:
        parts = [scripts[k].told(at[k], state) for k in tellers]
        reader.progress(progress(*parts, known=SOURCES))
        nonlocal decided
        for _, place in reader.release():
            assert place == expected[decided]
            decided += 1
        below = sum(place[0] < reader.watermark_ms for place in expected)
        assert decided == below, "everything strictly below the watermark is decided, and nothing else"

    for kind, number in steps:
        if kind == READ:
            read(number % len(scripts))
        elif kind == CUT:
            tellers = [k for k in range(len(scripts)) if number >> k & 1 or number == 0]
            cut(tellers)
            if number % 2:
                for k in tellers:
                    committed[k] = max(committed[k], at[k])
        elif kind == CRASH:
            at[number % len(scripts)] = committed[number % len(scripts)]
        else:
            reader = MergeByTime(MAX_HOLD_MS, copy.deepcopy(reader.state))
            reader.state.undecided.sort()
    for which, one in enumerate(scripts):
        while at[which] < len(one.items):
            read(which)
    cut(range(len(scripts)), ENDED)
    assert decided == len(expected)


@pytest.mark.slow
@settings(max_examples=200)
@given(SCRIPTS, STEPS)
def test_any_interleaving_and_any_cutting_of_progress_decides_the_same_order(
    scripts: tuple[Script, ...], steps: list[tuple[int, int]]
) -> None:
    play(scripts, steps)
