"""Windows: published once on time, again after a late document, and the same whatever the cuts.

minute        |--- 0 ---|--- 1 ---|--- 2 ---|
event time      a     b
effective       a     b          L                L is of minute 0 and late
published               0 r1               0 r2   at the end of 0, and at the whole minute after L
"""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.archive import WindowRow
from monitor.domain.summary import Summary
from monitor.domain.topics import TopicId
from monitor.domain.windows import Window, WindowSpec
from monitor.operators.aggregate import WindowAggregator

ORRIN, PIKE = TopicId("orrin-mills"), TopicId("tallow-pike")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MINUTE = WindowSpec(MINUTE_MS, MINUTE_MS)
HOPPING = WindowSpec(5 * MINUTE_MS, MINUTE_MS)


class Told(NamedTuple):
    """A document as the aggregator takes it: said at `event_ms`, in effect at `at_ms`."""

    at_ms: int
    event_ms: int
    topic_id: TopicId
    net: int


def aggregator(*specs: WindowSpec, horizon_ms: int = HOUR_MS) -> WindowAggregator:
    return WindowAggregator(specs or (MINUTE,), horizon_ms, {})


def add(windows: WindowAggregator, one: Told) -> None:
    """Count it as a story of its own, with the label of its net score."""
    windows.add(
        one.topic_id,
        one.event_ms,
        one.at_ms,
        net=one.net,
        is_negative=one.net < 0,
        is_positive=one.net > 0,
        is_story=True,
        is_listed=False,
    )


def publish(windows: WindowAggregator, told: Sequence[Told], cuts: Sequence[int]) -> list[WindowRow]:
    """Drive it as trend does: before each document what is due by its effective time, then what each cut allows."""
    rows: list[WindowRow] = []
    todo = list(told)
    for watermark_ms in cuts:
        while todo and todo[0].at_ms < watermark_ms:
            one = todo.pop(0)
            rows += windows.advance(one.at_ms)
            add(windows, one)
        rows += windows.advance(watermark_ms)
    assert not todo, "the last cut must lie behind every document"
    return rows


def oracle(specs: Sequence[WindowSpec], told: Sequence[Told], until_ms: int) -> list[tuple[int, WindowRow]]:
    """What the design says is published, and when, worked out window by window from all documents at once."""
    members: dict[tuple[TopicId, Window], list[Told]] = {}
    for one in told:
        for spec in specs:
            for window in spec.windows_for(one.event_ms):
                members.setdefault((one.topic_id, window), []).append(one)
    found = []
    for (topic_id, window), documents in members.items():
        on_time = {window.end_ms for one in documents if one.at_ms < window.end_ms}
        late = {(one.at_ms // MINUTE_MS + 1) * MINUTE_MS for one in documents if one.at_ms >= window.end_ms}
        for revision, due_ms in enumerate(sorted(on_time | late), start=1):
            summary = Summary()
            for one in documents:
                if one.at_ms < due_ms:
                    summary.add(
                        net=one.net, is_negative=one.net < 0, is_positive=one.net > 0, is_story=True, is_listed=False
                    )
            if due_ms <= until_ms:
                found.append((due_ms, WindowRow(topic_id, window, revision, summary)))
    return sorted(found, key=lambda d: (d[0], d[1].topic_id, d[1].window.end_ms - d[1].window.start_ms, d[1].window))


TOLD = st.builds(
    lambda at_ms, delay_ms, topic_id, net: Told(at_ms, at_ms - delay_ms, topic_id, net),
    st.integers(0, 20 * MINUTE_MS),
    st.just(0) | st.just(0) | st.integers(0, 15 * MINUTE_MS),
    st.sampled_from([ORRIN, PIKE]),
    st.integers(-9_000, 9_000),
)
STREAMS = st.lists(TOLD, max_size=25).map(sorted)
CUTS = st.lists(st.integers(0, 25 * MINUTE_MS), max_size=12).map(sorted)
END_MS = 30 * MINUTE_MS


@pytest.mark.slow
@settings(max_examples=200)
@given(STREAMS, CUTS, st.sampled_from([(MINUTE,), (MINUTE, HOPPING)]))
def test_windows_are_what_the_design_says_whatever_the_cuts(
    told: list[Told], cuts: list[int], specs: tuple[WindowSpec, ...]
) -> None:
    rows = publish(aggregator(*specs), told, [*cuts, END_MS])
    assert rows == [row for _, row in oracle(specs, told, END_MS)]


@given(STREAMS, CUTS, st.integers(0, 12))
def test_aggregator_that_goes_on_from_its_state_publishes_the_same(
    told: list[Told], cuts: list[int], stop_after: int
) -> None:
    stop_ms = [*cuts, END_MS][min(stop_after, len(cuts))]
    first = aggregator()
    before, after = [one for one in told if one.at_ms < stop_ms], [one for one in told if one.at_ms >= stop_ms]
    rows = publish(first, before, [*(cut_ms for cut_ms in cuts if cut_ms < stop_ms), stop_ms])
    second = WindowAggregator((MINUTE,), HOUR_MS, copy.deepcopy(first.state))
    rows += publish(second, after, [*(cut_ms for cut_ms in cuts if cut_ms > stop_ms), END_MS])
    assert rows == publish(aggregator(), told, [END_MS])


@given(STREAMS)
def test_highest_revision_of_a_window_holds_every_document_that_was_said_in_it(told: list[Told]) -> None:
    rows = publish(aggregator(), told, [END_MS])
    last = {(row.topic_id, row.window): row.summary.documents for row in rows}
    said = [(one.topic_id, next(MINUTE.windows_for(one.event_ms))) for one in told]
    assert last == {key: said.count(key) for key in said}


def test_window_is_published_once_at_its_end_and_not_before() -> None:
    windows = aggregator()
    add(windows, Told(10_000, 10_000, ORRIN, -5_000))
    assert list(windows.advance(MINUTE_MS - 1)) == []
    assert windows.next_due_ms == MINUTE_MS
    (row,) = windows.advance(MINUTE_MS)
    assert (row.topic_id, row.window, row.revision) == (ORRIN, Window(0, MINUTE_MS), 1)
    assert (row.summary.documents, row.summary.negative, row.summary.net_sum) == (1, 1, -5_000)
    assert list(windows.advance(10 * MINUTE_MS)) == []
    assert windows.next_due_ms is None


def test_document_on_the_boundary_belongs_to_the_later_window() -> None:
    rows = publish(aggregator(), [Told(MINUTE_MS, MINUTE_MS, ORRIN, 0)], [END_MS])
    assert [row.window for row in rows] == [Window(MINUTE_MS, 2 * MINUTE_MS)]


@pytest.mark.parametrize(
    ("late_ms", "again_ms"), [(MINUTE_MS, 2 * MINUTE_MS), (2 * MINUTE_MS - 2, 2 * MINUTE_MS), (150_000, 180_000)]
)
def test_minute_of_a_late_document_is_published_again_at_the_next_whole_minute(late_ms: int, again_ms: int) -> None:
    windows = aggregator()
    rows = publish(windows, [Told(10_000, 10_000, ORRIN, 0), Told(late_ms, 20_000, ORRIN, 0)], [again_ms - 1])
    rows = [row for row in rows if row.window.start_ms == 0]
    assert [(row.revision, row.summary.documents) for row in rows] == [(1, 1)]
    (again,) = (row for row in windows.advance(again_ms) if row.window.start_ms == 0)
    assert (again.revision, again.summary.documents) == (2, 2)


def test_late_documents_of_one_minute_are_published_together() -> None:
    late = [Told(70_000 + second, 5_000, ORRIN, 0) for second in range(3)]
    rows = publish(aggregator(), [Told(1_000, 1_000, ORRIN, 0), *late], [END_MS])
    assert [(row.revision, row.summary.documents) for row in rows] == [(1, 1), (2, 4)]


def test_published_row_does_not_change_when_the_window_does() -> None:
    windows = aggregator()
    add(windows, Told(1_000, 1_000, ORRIN, 0))
    (row,) = windows.advance(MINUTE_MS)
    add(windows, Told(70_000, 2_000, ORRIN, 0))
    assert row.summary.documents == 1


def test_document_as_late_as_the_horizon_allows_still_raises_the_revision() -> None:
    windows = aggregator(horizon_ms=HOUR_MS)
    told = [Told(0, 0, ORRIN, 0), Told(HOUR_MS, 0, ORRIN, 0)]
    rows = [row for row in publish(windows, told, [HOUR_MS + 2 * MINUTE_MS]) if row.window.start_ms == 0]
    assert [(row.revision, row.summary.documents) for row in rows] == [(1, 1), (2, 2)]


def test_nothing_is_kept_of_a_topic_once_no_late_document_can_reach_its_windows() -> None:
    windows = aggregator(MINUTE, HOPPING, horizon_ms=HOUR_MS)
    add(windows, Told(0, 0, ORRIN, 0))
    list(windows.advance(HOUR_MS + 5 * MINUTE_MS))
    assert set(windows.state) == {ORRIN}
    list(windows.advance(HOUR_MS + 5 * MINUTE_MS + 1))
    assert windows.state == {}
    assert windows.next_due_ms is None


def test_topic_that_nobody_talks_about_costs_nothing() -> None:
    windows = aggregator()
    rows = publish(windows, [Told(0, 0, ORRIN, 0)], [MINUTE_MS, 100 * HOUR_MS])
    assert len(rows) == 1
    assert PIKE not in windows.state


def test_changed_topics_are_named_for_the_next_snapshot() -> None:
    windows = aggregator()
    add(windows, Told(0, 0, ORRIN, 0))
    assert windows.touched == {ORRIN}
    windows.touched = set()
    list(windows.advance(MINUTE_MS))
    assert windows.touched == {ORRIN}, "a published window has another revision"
    windows.touched = set()
    list(windows.advance(3 * HOUR_MS))
    assert windows.touched == {ORRIN}, "what is forgotten must be deleted from the store too"
