"""Readings: the history read once for a whole report: every topic and every feed by the hour, every alert's life."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from monitor.clock import HOUR_MS
from monitor.config import Config
from monitor.domain.alerts import AlertEvent, AlertId, Detection, Rule
from monitor.domain.topics import TopicId
from monitor.lab.report.hours import FeedHours, FeedSilence, Floats, Span, TopicHours, chart_window_ms
from monitor.storage.history import History


class Readings:
    """What several parts of the page need of the history."""

    def __init__(self, history: History, topics: Sequence[TopicId], config: Config) -> None:
        """`topics` are those that are watched; `config` says which windows the history was told to keep."""
        self.history = history
        self.window_ms = chart_window_ms(config.trend.windows)
        self.feed = FeedHours(history.volumes())
        self.detections = history.detections()
        lives: dict[AlertId, list[AlertEvent]] = defaultdict(list)
        for event in history.alerts():
            lives[event.alert_id].append(event)
        self.lives = [sorted(life, key=lambda event: event.revision) for life in lives.values()]
        """Each alert's events by revision, in order of the first one's time."""
        # A topic may have left the watchlist; what was told of it stays.
        told = [topic for life in self.lives for event in life for topic in _companies(event.detection)]
        self.topics = {topic: self._topic(topic) for topic in dict.fromkeys([*topics, *told])}
        self.span = self._whole()
        threshold = config.alerts.feed_threshold
        self.silences = () if self.span is None else self.feed.silences(self.span, threshold)

    def negative_stories(self, topics: Sequence[TopicId], span: Span) -> Floats:
        """First tellings of bad news about any of these topics, by hour."""
        total = np.zeros(len(span))
        for topic in topics:
            if topic in self.topics:
                total += self.topics[topic].values("negative_stories", span)
        return total

    def silences_in(self, span: Span) -> tuple[FeedSilence, ...]:
        """The feeds' silences that touch these hours."""
        return tuple(one for one in self.silences if one.start_ms < span.end_ms and one.end_ms > span.start_ms)

    def latest(self, topic: TopicId, at_ms: int) -> Detection | None:
        """The last detection of a topic by then that found something unusual."""
        found = [one for one in self.detections if one.topic_id == topic and one.at_ms <= at_ms and one.severity > 0.0]
        return found[-1] if found else None

    def _topic(self, topic: TopicId) -> TopicHours:
        return TopicHours(() if self.window_ms is None else self.history.windows(topic, self.window_ms))

    def _whole(self) -> Span | None:
        """From the first hour of which anything is known to the last."""
        spans = [span for span in (self.feed.span, *(hours.span for hours in self.topics.values())) if span is not None]
        moments = [event.at_ms // HOUR_MS for life in self.lives for event in life]
        firsts = [span.first for span in spans] + moments
        lasts = [span.last for span in spans] + [moment + 1 for moment in moments]
        return Span(min(firsts), max(lasts)) if firsts else None


def _companies(detection: Detection) -> tuple[TopicId, ...]:
    match detection.rule:
        case Rule.NEGATIVE_BURST:
            return (detection.topic_id,)
        case Rule.GROUP_BURST:
            return detection.members
        case Rule.FEED_SILENT:
            return ()
