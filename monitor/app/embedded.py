"""The embedded monitor: every role in one process, joined by the bus and given its stored state.

Positions, state and history move in one transaction of one SQLite file. Both a replay and a run are made of this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.app.building import Knowledge, make_alert, make_score, make_trend
from monitor.clock import Clock, Laps
from monitor.config import Config
from monitor.domain.streams import Stream
from monitor.engine import Engine, Pace, Seam, Stage
from monitor.observe import EngineObserver
from monitor.operators.intake import Run
from monitor.ports import Channel, Feed, Scorer, ScoringWork
from monitor.roles import alert_snapshot, score_snapshot, trend_snapshot
from monitor.roles.alert import AlertRole
from monitor.roles.archive import ArchiveRole
from monitor.roles.notify import NotifyRole
from monitor.roles.score import ScoreRole
from monitor.roles.trend import TrendRole
from monitor.storage.store import EmbeddedStore, StoredState
from monitor.tags import LiveTags
from monitor.transports.bus import Bus, BusReader

BUS_CAPACITY = 100_000
"""Messages that may wait for one reader. The loop drains after each publish, so only a bug gets near it."""


def no_seam(seam: Seam) -> None:
    """Nothing happens between a commit's steps outside the fault suite."""


@dataclass(slots=True)
class Embedded:
    """Every role in one process, joined and restored; what both a replay and a run are made of.

    `take_work` gives what the scorer computed since it was last called; `backend` is what runs it.
    """

    score: ScoreRole
    trend: TrendRole
    alert: AlertRole
    notify: NotifyRole
    archive: ArchiveRole
    bus: Bus
    feed: Feed
    store: EmbeddedStore | None
    laps: Laps
    tags: LiveTags
    config: Config
    take_work: Callable[[], ScoringWork] = ScoringWork
    backend: str = "none"

    def engine(
        self,
        clock: Clock,
        pace: Pace,
        observer: EngineObserver,
        *,
        maintenance: Callable[[], None],
        meta: dict[str, str],
        on_seam: Callable[[Seam], None] = no_seam,
    ) -> Engine:
        """The loop that drives them."""
        return Engine(
            feed=self.feed,
            score=self.score,
            transport=self.bus,
            stages=(
                Stage("trend", "decide", self.bus.reader(Stream.SCORED), self.trend, self._trend_snapshot),
                Stage("alert", "alert", self.bus.reader(Stream.DETECTIONS), self.alert, self._alert_snapshot),
            ),
            notify=(self.bus.reader(Stream.ALERTS), self.notify),
            archive=(self._archive_readers(), self.archive),
            store=self.store,
            score_snapshot=lambda: score_snapshot.snapshot(self.score.states),
            clock=clock,
            pace=pace,
            observer=observer,
            laps=self.laps,
            on_seam=on_seam,
            maintenance=maintenance,
            meta=lambda: meta,
        )

    def _archive_readers(self) -> list[BusReader]:
        """Nothing is collected where there is no file to write it to."""
        if self.store is None:
            return []
        streams = (Stream.TRENDS, Stream.DETECTIONS, Stream.ALERTS, Stream.DEAD_LETTER)
        return [self.bus.reader(stream) for stream in streams]

    def _trend_snapshot(self) -> dict[str, bytes | None]:
        return trend_snapshot.snapshot(self.trend.state, self.trend.take_dirty())

    def _alert_snapshot(self) -> dict[str, bytes | None]:
        return alert_snapshot.snapshot(self.alert.state)


def join(
    config: Config,
    feed: Feed,
    tags: LiveTags,
    scorer: Scorer,
    channels: Sequence[Channel],
    store: EmbeddedStore | None,
    stored: StoredState,
    *,
    knowledge: Knowledge,
    is_live: bool,
    max_age_ms: int | None,
    laps: Laps,
    forgets_at_commits: bool = False,
) -> Embedded:
    """Join the roles and give each its stored state."""
    states = score_snapshot.restore(stored.state.get("score", {}))
    if is_live:
        # Whoever starts the monitor again after an input was stopped has mended it, or wants to see it stop again.
        for state in states.values():
            state.run = Run()
    score = make_score(
        config, tags, scorer, feed.partitions, states, laps, knowledge=knowledge, forgets_at_commits=forgets_at_commits
    )
    for source in feed.partitions:
        position = stored.positions.get(str(source))
        if position is not None:
            feed.seek(source, position)
    trend_state = trend_snapshot.restore(stored.state.get("trend", {}))
    alert_state = alert_snapshot.restore(stored.state.get("alert", {}))
    tags.prepare()
    bus = Bus(BUS_CAPACITY)
    bus.restore({Stream.SCORED: trend_state.position, Stream.DETECTIONS: alert_state.position})
    return Embedded(
        score=score,
        trend=make_trend(config, trend_state, lambda: tags.topics, laps),
        alert=make_alert(config, alert_state),
        notify=NotifyRole(channels, tags.name_of, max_age_ms),
        archive=ArchiveRole(),
        bus=bus,
        feed=feed,
        store=store,
        laps=laps,
        tags=tags,
        config=config,
    )
