"""Event-time windows of sentiment, one set per topic; never reads a clock.

A document counts in the windows of its event time. A window is published when the decided time passes its end, and
again with a higher revision at the next whole minute after a late document joined it. Nothing is kept or published
for a topic that nobody talks about.

                start                end
    event time  |----o---o-----o-----|            o  on time: published at `end`, revision 1
    effective                             ----L   L  late, of this window: published again, revision 2
"""

import heapq
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field

from monitor.clock import MINUTE_MS
from monitor.domain.archive import WindowRow
from monitor.domain.summary import Summary
from monitor.domain.topics import TopicId
from monitor.domain.windows import Window, WindowSpec

WindowKey = tuple[TopicId, int, int]
"""(topic, size_ms, start_ms)."""


@dataclass(slots=True)
class OpenWindow:
    """A window that may still change: its summary, the revision last published, when it is due (None: it is not)."""

    summary: Summary = field(default_factory=Summary)
    revision: int = 0
    due_ms: int | None = None
    is_lent: bool = field(default=False, compare=False)
    """Whether a published row of this process holds the summary: a late document then counts in a copy of it."""


TopicWindows = dict[tuple[int, int], OpenWindow]
"""A topic's windows inside the lateness horizon, by (size_ms, start_ms)."""


class WindowAggregator:
    """Counts documents into windows and says when each is to be published; `state` is plain data, by topic."""

    def __init__(
        self, specs: Sequence[WindowSpec], lateness_horizon_ms: int, state: dict[TopicId, TopicWindows]
    ) -> None:
        self._specs = tuple(specs)
        self._lateness_horizon_ms = lateness_horizon_ms
        self.state = state
        self._due: list[tuple[int, WindowKey]] = []
        self._closing: list[tuple[int, WindowKey]] = []
        for topic_id, windows in state.items():
            for (size_ms, start_ms), window in windows.items():
                key = (topic_id, size_ms, start_ms)
                self._closing.append((start_ms + size_ms + lateness_horizon_ms, key))
                if window.due_ms is not None:
                    self._due.append((window.due_ms, key))
        heapq.heapify(self._due)
        heapq.heapify(self._closing)
        self.touched: set[TopicId] = set()

    def add(
        self,
        topic_id: TopicId,
        event_time_ms: int,
        at_ms: int,
        *,
        net: int,
        is_negative: bool,
        is_positive: bool,
        is_story: bool,
        is_listed: bool,
    ) -> None:
        """Count one document that takes effect at `at_ms`; in order of effective time."""
        windows = self.state.get(topic_id)
        if windows is None:
            windows = self.state[topic_id] = {}
        self.touched.add(topic_id)
        for spec in self._specs:
            size_ms, hop_ms = spec.size_ms, spec.hop_ms
            last_start_ms = event_time_ms - event_time_ms % hop_ms
            for start_ms in range(last_start_ms - size_ms + hop_ms, last_start_ms + 1, hop_ms):
                end_ms = start_ms + size_ms
                window = windows.get((size_ms, start_ms))
                if window is None:
                    window = windows[size_ms, start_ms] = OpenWindow()
                    heapq.heappush(self._closing, (end_ms + self._lateness_horizon_ms, (topic_id, size_ms, start_ms)))
                if window.is_lent:
                    window.summary, window.is_lent = copy(window.summary), False
                window.summary.add(
                    net=net, is_negative=is_negative, is_positive=is_positive, is_story=is_story, is_listed=is_listed
                )
                if window.due_ms is None:
                    window.due_ms = end_ms if at_ms < end_ms else at_ms - at_ms % MINUTE_MS + MINUTE_MS
                    heapq.heappush(self._due, (window.due_ms, (topic_id, size_ms, start_ms)))

    def advance(self, time_ms: int) -> Iterator[WindowRow]:
        """Publish what is due by `time_ms`, by (due time, topic, size, start); forget what no late one can reach."""
        while self._due and self._due[0][0] <= time_ms:
            _, (topic_id, size_ms, start_ms) = heapq.heappop(self._due)
            window = self.state[topic_id][size_ms, start_ms]
            window.due_ms = None
            window.revision += 1
            self.touched.add(topic_id)
            window.is_lent = True
            yield WindowRow(topic_id, Window(start_ms, start_ms + size_ms), window.revision, window.summary)
        while self._closing and self._closing[0][0] < time_ms:
            closing_ms, (topic_id, size_ms, start_ms) = heapq.heappop(self._closing)
            windows = self.state[topic_id]
            if windows[size_ms, start_ms].due_ms is not None:
                # A last late document waits for its minute to end; the window goes after that.
                heapq.heappush(self._closing, (closing_ms + MINUTE_MS, (topic_id, size_ms, start_ms)))
                continue
            del windows[size_ms, start_ms]
            if not windows:
                del self.state[topic_id]
            self.touched.add(topic_id)

    @property
    def next_due_ms(self) -> int | None:
        """When `advance` has something to publish next, or None."""
        return self._due[0][0] if self._due else None
