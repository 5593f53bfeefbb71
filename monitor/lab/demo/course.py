"""The course of the demo: what the monitor has published so far, gathered from its own streams as anybody could.

Minutes are put into bins of three hours; a window that is published again replaces what it said before.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.alerts import AlertEvent, AlertId, AlertState
from monitor.domain.archive import ScoredRow, VolumeRow, WindowRow
from monitor.domain.document import Counted, DeadLetter
from monitor.domain.naming import subject
from monitor.domain.streams import Stream
from monitor.domain.topics import TopicId
from monitor.transports.bus import Bus

BIN_MS = 3 * HOUR_MS
"""What one mark of a sparkline spans: eight to the day show the daily rhythm, and a burst of hours as two or three."""
_DAY_BINS = DAY_MS // BIN_MS
_TAKE = 4_096


@dataclass(slots=True)
class Trend:
    """A topic's or a feed's documents by bin; `net_sum` in units of 1/10,000."""

    documents: Counter[int] = field(default_factory=Counter)
    negative: Counter[int] = field(default_factory=Counter)
    negative_stories: Counter[int] = field(default_factory=Counter)
    net_sum: Counter[int] = field(default_factory=Counter)

    def add(
        self, start_ms: int, documents: int, negative: int = 0, negative_stories: int = 0, net_sum: int = 0
    ) -> None:
        """Count what a window holds; a negative amount takes back."""
        bin_ = start_ms // BIN_MS
        self.documents[bin_] += documents
        self.negative[bin_] += negative
        self.negative_stories[bin_] += negative_stories
        self.net_sum[bin_] += net_sum


@dataclass(slots=True)
class Day:
    """The latest eight bins, about a day. `negative_stories` are the negative documents that copy no other; `net` is
    the mean net score in [-1, 1], None where nothing was said."""

    documents: int
    negative: int
    negative_stories: int
    net: float | None


@dataclass(slots=True)
class Told:
    """An alert as it stands: `told` is what people were told of it last, `latest` also how it ended."""

    first: AlertEvent
    told: AlertEvent
    latest: AlertEvent
    subject: str

    @property
    def is_open(self) -> bool:
        """Whether it has neither resolved nor been withdrawn."""
        return self.latest.state in (AlertState.FIRING, AlertState.AMENDED)


class Course:
    """What has been seen so far; `take` gathers what is new on the bus."""

    def __init__(self, bus: Bus, name_of: Callable[[TopicId], str]) -> None:
        self._readers = [bus.reader(stream) for stream in (Stream.TRENDS, Stream.ALERTS, Stream.DEAD_LETTER)]
        self.name_of = name_of
        self.now_ms: int | None = None
        """The hour of the story: up to where everything has been decided."""
        self.records = 0
        self.topics: dict[TopicId, Trend] = {}
        self.feeds: dict[str, Trend] = {}
        self.events: list[AlertEvent] = []
        self.alerts: dict[AlertId, Told] = {}
        self.listed = 0
        self.dead: Counter[str] = Counter()
        self._windows: dict[tuple[str, int], tuple[int, int, int, int]] = {}

    def take(self) -> None:
        """Gather everything that was published since the last call."""
        for reader in self._readers:
            while messages := reader.poll(_TAKE):
                for message in messages:
                    self._gather(message.value)

    def day(self, trend: Trend) -> Day:
        """What was said in about the last day."""
        last = self.last_bin
        bins = range(last - _DAY_BINS + 1, last + 1)
        documents = sum(trend.documents[each] for each in bins)
        net = sum(trend.net_sum[each] for each in bins) / documents / 10_000 if documents else None
        return Day(
            documents,
            sum(trend.negative[each] for each in bins),
            sum(trend.negative_stories[each] for each in bins),
            net,
        )

    @property
    def last_bin(self) -> int:
        """The bin of the story's hour."""
        return (self.now_ms or 0) // BIN_MS

    def open_alerts(self) -> dict[TopicId, Told]:
        """The alerts that are open, by each topic, group or feed that they are about."""
        opened = [told for told in self.alerts.values() if told.is_open]
        by_topic = {member: told for told in opened for member in told.latest.detection.members}
        return by_topic | {told.latest.detection.topic_id: told for told in opened}

    def _gather(self, value: object) -> None:
        if isinstance(value, WindowRow):
            # The charts' windows are of a minute; longer ones would count the same documents again.
            if value.window.end_ms - value.window.start_ms == MINUTE_MS:
                self._window(value)
        elif isinstance(value, VolumeRow):
            self.feeds.setdefault(value.vendor, Trend()).add(value.window.start_ms, value.documents)
        elif isinstance(value, AlertEvent):
            self._alert(value)
        elif isinstance(value, ScoredRow):
            self.listed += value.counted is Counted.LISTED
        elif isinstance(value, DeadLetter):
            self.dead[value.reason.value] += 1

    def _window(self, row: WindowRow) -> None:
        trend = self.topics.setdefault(row.topic_id, Trend())
        key = (row.topic_id, row.window.start_ms)
        before = self._windows.get(key, (0, 0, 0, 0))
        summary = row.summary
        # Numbers, not the summary itself: it is lent, and goes on counting.
        now = (summary.documents, summary.negative, summary.negative_stories, summary.net_sum)
        self._windows[key] = now
        trend.add(row.window.start_ms, *(new - old for new, old in zip(now, before, strict=True)))

    def _alert(self, event: AlertEvent) -> None:
        self.events.append(event)
        told = self.alerts.get(event.alert_id)
        if told is None:
            self.alerts[event.alert_id] = Told(event, event, event, subject(event.detection, self.name_of))
            return
        told.latest = event
        if told.is_open:
            told.told = event
            told.subject = subject(event.detection, self.name_of)
