"""The watcher: stands beside the engine's loop, counts as any run is counted, and shows it where somebody looks."""

from collections.abc import Sequence

from monitor.app.embedded import Embedded
from monitor.clock import Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.progress import NO_TIME_MS
from monitor.lab.demo.course import Course
from monitor.lab.demo.pace import Pace
from monitor.lab.demo.screen import Screen
from monitor.lab.demo.view import Frame, Plot
from monitor.observe import EngineObserver


class Watcher:
    """Tells the run's own observer everything, and the screen at each commit.

    Args:
        screen: None where nobody looks; then nothing is drawn and nothing waits.
    """

    def __init__(
        self, embedded: Embedded, observer: EngineObserver, clock: Clock, plot: Plot, screen: Screen | None
    ) -> None:
        self.course = Course(embedded.bus, embedded.tags.name_of)
        self._trend = embedded.trend
        self._observer = observer
        self._clock = clock
        self._plot = plot
        self._screen = screen
        self._started_seconds = clock.monotonic_seconds()
        self._pace = Pace(clock, plot.start_ms)
        self.first_alert_seconds: float | None = None
        """When the first alert was there, by the clock's monotonic seconds; None before."""

    @property
    def working_seconds(self) -> float:
        """How long the monitor has been at work: what drawing and waiting took is left out."""
        return self._clock.monotonic_seconds() - self._started_seconds - self._pace.shown_seconds

    @property
    def documents_per_second(self) -> float:
        """Records for each second of work."""
        return self.course.records / max(self.working_seconds, 1e-3)

    def beat(self) -> None:
        """The loop turned."""
        self._observer.beat()

    def read(self, records: Sequence[FeedRecord]) -> None:
        """So many more."""
        self.course.records += len(records)
        self._observer.read(records)

    def advanced(self) -> None:
        """After each cut."""
        self._observer.advanced()

    def committed(self, seconds: float, state_bytes: int) -> None:
        """Take what was published, show it, and wait until it is time to go on."""
        self._observer.committed(seconds, state_bytes)
        course = self.course
        course.take()
        watermark_ms = self._trend.state.merge.watermark_ms
        if watermark_ms != NO_TIME_MS:
            course.now_ms = watermark_ms
        if course.alerts and self.first_alert_seconds is None:
            self.first_alert_seconds = self._clock.monotonic_seconds()
        if self._screen is not None:
            self._pace.wait_for(course.now_ms or self._plot.start_ms, self._draw)

    def paused(self, source: InputPartition) -> None:
        """An input was stopped."""
        self._observer.paused(source)

    def _draw(self) -> None:
        if self._screen is not None:
            self._screen.draw(lambda: Frame(self.course, self._plot, self.documents_per_second))
