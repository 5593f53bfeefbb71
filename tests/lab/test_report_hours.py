"""The report's arithmetic against figures worked out by hand, and the charts that are drawn from it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.archive import VolumeRow, WindowRow
from monitor.domain.summary import Summary
from monitor.domain.windows import Window, WindowSpec
from monitor.lab.report.charts import Drawing, Flag, Mark, ceiling, hours_chart, sparkline, timeline
from monitor.lab.report.hours import FeedHours, FeedSilence, Span, TopicHours, chart_window_ms, least_due, pooled
from monitor.operators.coverage import DISPERSION
from monitor.operators.detect import tail_severity
from tests.storage.samples import BANK, detection

HOUR = 472_000
SPAN = Span(HOUR, HOUR + 4)


def volume(vendor: str, hour: int, documents: int, expected: float | None = None) -> VolumeRow:
    start_ms = (HOUR + hour) * HOUR_MS
    return VolumeRow(vendor, Window(start_ms, start_ms + HOUR_MS), documents, expected)


def window(minute: int, negative_stories: int, documents: int = 4, listed: int = 1, net_sum: int = -6_000) -> WindowRow:
    start_ms = HOUR * HOUR_MS + minute * MINUTE_MS
    summary = Summary(documents=documents, listed=listed, negative_stories=negative_stories, net_sum=net_sum)
    return WindowRow(BANK, Window(start_ms, start_ms + MINUTE_MS), 1, summary)


FEED = FeedHours(
    [volume("wire-a", 0, 100), volume("wire-b", 0, 50), volume("wire-a", 2, 10, 20.0), volume("wire-b", 3, 0, 8.0)]
)


def test_expected_is_the_sum_over_vendors_of_rate_times_volume_of_the_hour() -> None:
    found = replace(detection(5), rates=(("", 0.001), ("wire-a", 0.02), ("wire-b", 0.01)))
    # 0.001 x 150 + 0.02 x 100 + 0.01 x 50 = 2.65; nothing; 0.001 x 10 + 0.02 x 10 = 0.21; nothing.
    assert FEED.expected(found, SPAN).tolist() == pytest.approx([2.65, 0.0, 0.21, 0.0])


def test_rate_of_a_vendor_that_said_nothing_adds_nothing() -> None:
    found = replace(detection(5), rates=(("wire-z", 0.5),))
    assert FEED.expected(found, SPAN).tolist() == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(("rates", "feed"), [((), FEED), ((("", 0.1),), FeedHours([]))])
def test_without_rates_or_volumes_the_expected_is_spread_over_the_look_back(
    rates: tuple[tuple[str, float], ...], feed: FeedHours
) -> None:
    found = replace(detection(5), rates=rates, expected=6.0, look_back_ms=4 * HOUR_MS)
    assert feed.expected(found, SPAN).tolist() == pytest.approx([1.5, 1.5, 1.5, 1.5])


def test_windows_count_in_the_hour_in_which_they_start() -> None:
    hours = TopicHours([window(0, 2), window(59, 1), window(60, 5), window(185, 1)])
    assert hours.values("negative_stories", SPAN).tolist() == [3.0, 5.0, 0.0, 1.0]
    assert hours.span == SPAN
    assert hours.total("documents") == 16


def test_net_score_leaves_out_mere_mentions_in_lists() -> None:
    assert TopicHours([window(0, 1)]).net == pytest.approx(-0.6 / 3)
    assert TopicHours([window(0, 0, documents=2, listed=2, net_sum=0)]).net is None
    assert TopicHours([]).net is None
    assert TopicHours([]).span is None


def test_hours_that_nobody_knows_are_empty_and_their_usual_is_unknown() -> None:
    assert FEED.vendors == ("wire-a", "wire-b")
    assert FEED.span == SPAN
    assert FEED.documents("wire-a", SPAN).tolist() == [100.0, 0.0, 10.0, 0.0]
    assert FEED.documents("", SPAN).tolist() == [150.0, 0.0, 10.0, 0.0]
    assert [math.isnan(value) for value in FEED.usual("wire-a", SPAN)] == [True, True, False, True]
    assert FeedHours([]).span is None


def test_feed_is_silent_once_chance_does_not_explain_it() -> None:
    due = least_due(3.0)
    assert -math.log10((1.0 + DISPERSION * due) ** (-1.0 / DISPERSION)) == pytest.approx(3.0)
    for share, silences in ((0.51, 1), (0.49, 0)):
        hours = [(0, 40, due), (1, 0, share * due), (2, 0, share * due), (3, 1, due)]
        feed = FeedHours([volume("wire-a", hour, documents, usual) for hour, documents, usual in hours])
        found = feed.silences(SPAN, 3.0)
        assert found == (FeedSilence("wire-a", (HOUR + 1) * HOUR_MS, (HOUR + 3) * HOUR_MS),) * silences


def test_silence_is_judged_as_the_tail_of_counts_is() -> None:
    """The same negative binomial as everywhere: none at all is the complement of at least one."""
    at_least_one = 10.0 ** -tail_severity(1, 0.5, DISPERSION)
    none = (1.0 + DISPERSION * 0.5) ** (-1.0 / DISPERSION)
    assert at_least_one + none == pytest.approx(1.0)


def test_silence_that_the_usual_is_unknown_for_is_none() -> None:
    assert FeedHours([volume("wire-a", hour, 0) for hour in range(4)]).silences(SPAN, 3.0) == ()


def test_pooling_keeps_the_sum_and_the_order() -> None:
    assert pooled(np.arange(7.0), 3).tolist() == [3.0, 12.0, 6.0]
    assert pooled(np.arange(3.0), 10).tolist() == [0.0, 1.0, 2.0]
    assert pooled(np.zeros(0), 3).tolist() == []


def test_charts_take_the_finest_windows_that_neither_overlap_nor_cross_an_hour() -> None:
    minute, five = WindowSpec(MINUTE_MS, MINUTE_MS), WindowSpec(5 * MINUTE_MS, MINUTE_MS)
    day, quarter = WindowSpec(DAY_MS, DAY_MS), WindowSpec(15 * MINUTE_MS, 15 * MINUTE_MS)
    assert chart_window_ms([day, quarter, five]) == 15 * MINUTE_MS
    assert chart_window_ms([quarter, minute]) == MINUTE_MS
    assert chart_window_ms([five, day]) is None


@pytest.mark.parametrize(("value", "top"), [(0.0, 1), (1.0, 1), (7.0, 8), (8.5, 10), (18.0, 20), (151.0, 200)])
def test_top_of_an_axis_is_the_next_round_number(value: float, top: int) -> None:
    assert ceiling(value) == top


def test_bar_is_as_high_as_its_count_and_an_unknown_hour_breaks_the_line() -> None:
    drawing = Drawing(SPAN, np.array([2.0, 0.0, 4.0, 0.0]), np.array([1.0, np.nan, 2.0, 2.0]))
    chart = hours_chart(drawing, "two bars")
    # 84 units for 4 stories: 2 are 42, down from 100.
    assert 'class="bars" d="M0.1 100V58h0.8V100zM2.1 100V16h0.8V100z"' in chart
    assert 'class="expected" d="M0 79H1M2 58H3V58H4"' in chart


def test_mark_stands_at_its_moment_and_a_silence_over_its_hours() -> None:
    silence = FeedSilence("<b>", (HOUR + 1) * HOUR_MS, (HOUR + 2) * HOUR_MS)
    mark = Mark((HOUR + 3) * HOUR_MS, "firing", "▲ 09:00")
    chart = hours_chart(Drawing(SPAN, np.zeros(4), None, (silence,), (mark,)), "a mark")
    assert '<rect class="shade" x="1" y="0" width="1" height="100"/>' in chart
    assert '<path class="mark firing" d="M3 0L3 100"/>' in chart
    assert 'style="left:75.00%;" aria-hidden="true">▲ 09:00<' in chart
    assert "&lt;b&gt; silent" in chart and "<b>" not in chart


def test_words_of_marks_close_together_stand_in_two_rows() -> None:
    marks = (Mark(SPAN.start_ms, "firing", "▲ 00:00"), Mark(SPAN.start_ms + 30 * MINUTE_MS, "resolved", "▽ 00:30"))
    assert hours_chart(Drawing(SPAN, np.zeros(4), None, (), marks), "marks").count(" low") == 1


def test_one_story_in_a_quiet_week_looks_like_no_storm() -> None:
    assert "V80h" in sparkline(np.array([1.0]), "one of five")
    assert "V0h" in sparkline(np.array([9.0]), "nine of nine")


def test_flags_of_one_moment_stand_above_each_other() -> None:
    flags = [Flag(SPAN.start_ms, number, f"alert-{number}", "A & B") for number in (1, 2)]
    strip = timeline(SPAN, np.ones(2), (), flags, "all")
    assert 'href="#alert-1" title="A &amp; B" style="left:0.00%;top:1.40rem"' in strip
    assert 'href="#alert-2" title="A &amp; B" style="left:0.00%;top:0.00rem"' in strip


def test_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="no span"):
        Span(5, 5)
