"""Pictures: the chart of one alert: the hours around it, what was usual in them, its turns and the feeds' silences."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from monitor.channels.words import duration_words
from monitor.clock import DAY_MS, HOUR_MS
from monitor.domain.alerts import AlertEvent, AlertState, Detection, Rule
from monitor.lab.report.charts import Drawing, Mark, hours_chart
from monitor.lab.report.hours import Floats, Span
from monitor.lab.report.readings import Readings
from monitor.lab.report.words import SOURCE_CHARS, TURNS, clean, clock_words, moment_words, usual_words

BEFORE_MS, AFTER_MS = 3 * DAY_MS, DAY_MS
"""Of an alert's chart: long enough to show what is usual, short enough that an hour is seen on a phone."""

LONGEST_AFTER_MS = 4 * DAY_MS
"""An alert that stays open for longer is drawn until here."""


def span_around(readings: Readings, life: Sequence[AlertEvent]) -> Span | None:
    """The hours around an alert, within those that are known."""
    known = readings.span
    if known is None:
        return None
    fired_ms = life[0].at_ms
    until_ms = min(max(fired_ms + AFTER_MS, life[-1].at_ms + 2 * HOUR_MS), fired_ms + LONGEST_AFTER_MS)
    first = max(known.first, (fired_ms - BEFORE_MS) // HOUR_MS)
    return Span(first, max(first + 1, min(known.last, -(-until_ms // HOUR_MS))))


def picture(readings: Readings, life: Sequence[AlertEvent], worst: AlertEvent, span: Span) -> tuple[Markup | None, str]:
    """The chart and its caption; without a chart the caption says why there is none."""
    detection = worst.detection
    if detection.rule is Rule.FEED_SILENT:
        vendor = detection.topic_id.removeprefix("feed:")
        if vendor not in readings.feed.vendors:
            return None, "The history keeps no volumes of this feed."
        counts, expected = readings.feed.documents(vendor, span), readings.feed.usual(vendor, span)
        things = "documents"
    elif readings.window_ms is None:
        return None, "The configuration keeps no windows that a chart by the hour could be made of."
    else:
        topics = detection.members or (detection.topic_id,)
        counts = readings.negative_stories(topics, span)
        expected = _expected(readings, detection, worst.at_ms, span)
        things = "negative stories"
    marks = tuple(Mark(event.at_ms, event.state.value, _flag(event)) for event in life if event.at_ms < span.end_ms)
    silences = readings.silences_in(span)
    drawing = Drawing(span, counts, expected, silences, marks)
    caption = f"{things.capitalize()} by the hour: {counts.sum():,.0f} in {duration_words(len(span) * HOUR_MS)}"
    is_known = ~np.isnan(expected)
    if is_known.any():
        caption += f", usual at the feed’s volume: {usual_words(float(expected[is_known].sum()))}"
    caption += f". The highest bar is {counts.max(initial=0.0):,.0f}."
    for silence in silences:
        caption += f" The feed {clean(silence.vendor, SOURCE_CHARS)} was silent from "
        caption += f"{moment_words(silence.start_ms)} to {moment_words(silence.end_ms)}."
    return hours_chart(drawing, caption), caption


def _expected(readings: Readings, detection: Detection, at_ms: int, span: Span) -> Floats:
    """Of a group, the sum over its members, each by what was known of it then."""
    feed = readings.feed
    if detection.rule is not Rule.GROUP_BURST:
        return feed.expected(detection, span)
    total = np.zeros(len(span))
    for member in detection.members:
        latest = readings.latest(member, at_ms)
        total += np.full(len(span), np.nan) if latest is None else feed.expected(latest, span)
    return total


def _flag(event: AlertEvent) -> str:
    sign = TURNS[event.state].partition(" ")[0]
    return sign if event.state is AlertState.AMENDED else f"{sign} {clock_words(event.at_ms)}"
