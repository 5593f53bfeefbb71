"""The watermark of one input partition: what is late, when it takes effect, and what is told of it."""

from collections import Counter
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import InputPartition
from monitor.domain.progress import NO_TIME_MS
from monitor.operators.watermark import PartitionState, PartitionWatermark

WIRE = InputPartition("feeds.news", 2)
OUT_OF_ORDER_MS = 2_000
MINUTE_MS = 60_000
DAWN_MS = 1_700_000_040_000
"""A whole minute."""


class Seen(NamedTuple):
    """One valid document as the partition delivers it; times from dawn."""

    event_ms: int
    arrival_ms: int | None
    vendor: str


SEEN = st.builds(
    Seen,
    st.integers(0, 600_000),
    st.none() | st.integers(0, 600_000),
    st.sampled_from(["harbour-wire", "bluepost"]),
)


@given(st.lists(st.tuples(SEEN, st.booleans()), max_size=30))
def test_document_that_is_taken_back_counts_in_no_volume_and_still_moved_the_watermark(
    seen: list[tuple[Seen, bool]],
) -> None:
    whole, effects = follow([one for one, _ in seen])
    kept: Counter[tuple[str, int]] = Counter()
    for (one, is_valid), (effective_ms, _) in zip(seen, effects, strict=True):
        if is_valid:
            kept[one.vendor, effective_ms // MINUTE_MS] += 1
    before_ms = whole.watermark_ms
    for (one, is_valid), (effective_ms, _) in zip(seen, effects, strict=True):
        if not is_valid:
            whole.take_back(effective_ms, one.vendor)
    told = whole.progress()
    assert {(vendor, minute): count for vendor, minute, count in told.volumes} == kept
    assert told.watermark_ms == before_ms


def follow(seen: list[Seen], state: PartitionState | None = None) -> tuple[PartitionWatermark, list[tuple[int, bool]]]:
    watermark = PartitionWatermark(WIRE, OUT_OF_ORDER_MS, state or PartitionState())
    return watermark, [watermark.read(*one) for one in seen]


def test_watermark_follows_the_greatest_time_at_a_distance() -> None:
    # W stays 2 s behind the greatest time that was read:
    #   read   10 s    14 s    13 s    20 s
    #   W       8 s    12 s    12 s    18 s      13 s is not behind 12 s: out of order, and still on time
    watermark, read = follow([Seen(10_000, None, "a"), Seen(14_000, None, "a"), Seen(13_000, None, "a")])
    assert watermark.watermark_ms == 12_000
    assert read == [(10_000, False), (14_000, False), (13_000, False)]
    watermark.read(20_000, None, "a")
    assert watermark.watermark_ms == 18_000


def test_partition_that_said_nothing_has_no_watermark() -> None:
    watermark, _ = follow([])
    assert watermark.watermark_ms == NO_TIME_MS
    assert watermark.progress().greatest_effective_ms == NO_TIME_MS


def test_document_behind_the_watermark_is_late_and_takes_effect_at_it() -> None:
    _, read = follow([Seen(60_000, None, "a"), Seen(57_999, None, "a"), Seen(1_000, None, "a")])
    assert read[1:] == [(58_000, True), (58_000, True)]


def test_document_at_the_watermark_is_not_late() -> None:
    _, read = follow([Seen(60_000, None, "a"), Seen(58_000, None, "a")])
    assert read[1] == (58_000, False)


def test_document_dated_after_its_arrival_moves_the_watermark_only_to_its_arrival() -> None:
    watermark, read = follow([Seen(100_000, 40_000, "a")])
    assert watermark.watermark_ms == 38_000
    assert read == [(100_000, False)]


def test_crawler_that_delivers_ten_minutes_late_moves_the_watermark_by_what_was_said() -> None:
    watermark, read = follow([Seen(DAWN_MS, DAWN_MS + 600_000, "a")])
    assert watermark.watermark_ms == DAWN_MS - OUT_OF_ORDER_MS
    assert read == [(DAWN_MS, False)]


def test_late_document_counts_in_the_volume_of_the_minute_in_which_it_takes_effect() -> None:
    watermark, _ = follow([Seen(DAWN_MS + MINUTE_MS + 2_000, None, "harbour-wire"), Seen(DAWN_MS, None, "bluepost")])
    second_minute = DAWN_MS // MINUTE_MS + 1
    assert set(watermark.progress().volumes) == {("harbour-wire", second_minute, 1), ("bluepost", second_minute, 1)}


@given(st.lists(SEEN, max_size=40))
def test_every_document_takes_effect_at_the_later_of_its_time_and_the_watermark_when_it_was_read(
    seen: list[Seen],
) -> None:
    watermark, read = follow([])
    for one in seen:
        before_ms = watermark.watermark_ms
        effective_ms, is_late = watermark.read(*one)
        assert watermark.watermark_ms >= before_ms
        assert effective_ms == max(one.event_ms, watermark.watermark_ms)
        assert is_late == (one.event_ms < watermark.watermark_ms)
        read.append((effective_ms, is_late))
    if seen:
        bounds = [one.event_ms if one.arrival_ms is None else min(one.event_ms, one.arrival_ms) for one in seen]
        assert watermark.watermark_ms == max(bounds) - OUT_OF_ORDER_MS
        assert watermark.progress().greatest_effective_ms == max(effective_ms for effective_ms, _ in read)


@given(st.lists(SEEN, max_size=40), st.sets(st.integers(0, 40)))
def test_volumes_are_cumulative_from_the_last_commit_and_name_the_positions_they_cover(
    seen: list[Seen], commits: set[int]
) -> None:
    watermark, _ = follow([])
    covered: Counter[tuple[str, int]] = Counter()
    every: Counter[tuple[str, int]] = Counter()
    from_position = 0
    for position, one in enumerate(seen):
        effective_ms, _ = watermark.read(*one)
        watermark.state.position = position + 1
        covered[one.vendor, effective_ms // MINUTE_MS] += 1
        told = watermark.progress()
        assert (told.source, told.from_position, told.to_position) == (WIRE, from_position, position + 1)
        assert {(vendor, minute): count for vendor, minute, count in told.volumes} == covered
        if position in commits:
            watermark.committed()
            every += covered
            covered.clear()
            from_position = position + 1
            assert watermark.progress().volumes == ()
            assert watermark.progress().from_position == from_position
    assert (every + covered).total() == len(seen)


@given(st.lists(SEEN, max_size=30), st.integers(0, 30))
def test_partition_that_goes_on_from_its_state_reads_as_if_never_stopped(seen: list[Seen], stop_after: int) -> None:
    whole, read = follow(seen)
    first, before = follow(seen[:stop_after])
    second, after = follow(seen[stop_after:], first.state)
    assert before + after == read
    assert second.progress() == whole.progress()
