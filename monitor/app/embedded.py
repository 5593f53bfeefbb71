"""The embedded monitor: every role in one process, joined by the bus and given its stored state.

Positions, state and history move in one transaction of one SQLite file. Both a replay and a run are made of this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from monitor.app.scorer_thread import ScorerThread
from monitor.clock import Clock, Laps
from monitor.config import Config
from monitor.domain.sentiment import SCALE
from monitor.domain.streams import Stream
from monitor.engine import Engine, Pace, Seam, Stage
from monitor.observe import EngineObserver
from monitor.operators.aggregate import WindowAggregator
from monitor.operators.baseline import Baseline
from monitor.operators.batching import Batcher
from monitor.operators.budget import AlertBudget
from monitor.operators.copies import SeenDocuments, Stories
from monitor.operators.coverage import Coverage
from monitor.operators.detect import Detector
from monitor.operators.grouping import Grouping
from monitor.operators.intake import IntakeGuard, Run
from monitor.operators.lifecycle import LifeCycleRules
from monitor.operators.lookback import LookBack
from monitor.operators.merge import MergeByTime
from monitor.operators.parse import ParseLimits
from monitor.operators.volume import FeedVolume
from monitor.ports import Channel, Feed, Scorer, ScoringWork
from monitor.roles import alert_snapshot, score_snapshot, trend_snapshot
from monitor.roles.alert import AlertOperators, AlertRole, AlertRoleState
from monitor.roles.archive import ArchiveRole
from monitor.roles.notify import NotifyRole
from monitor.roles.score import Read, ScoreRole, ScoreSettings, only_partition
from monitor.roles.trend import TrendOperators, TrendRole, TrendState
from monitor.storage.store import EmbeddedStore, StoredState
from monitor.tags import LiveTags
from monitor.transports.bus import Bus, BusReader

BUS_CAPACITY = 100_000
"""Messages that may wait for one reader. The loop drains after each publish, so only a bug gets near it."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What of a feed a replay may know, UTC milliseconds; all None when live.

    Attributes:
        as_of_ms: the moment of knowledge. from_ms, to_ms: what was said outside [from, to) is left out.
    """

    as_of_ms: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None


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
) -> Embedded:
    """Join the roles and give each its stored state."""
    feeds = config.feeds
    states = score_snapshot.restore(stored.state.get("score", {}))
    if is_live:
        # Whoever starts the monitor again after an input was stopped has mended it, or wants to see it stop again.
        for state in states.values():
            state.run = Run()
    settings = ScoreSettings(
        limits=ParseLimits(
            max_text_chars=feeds.max_text_chars,
            max_parts=feeds.max_parts,
            oldest_ms=feeds.oldest_ms,
            max_future_ms=feeds.max_future_ms,
        ),
        max_out_of_orderness_ms=feeds.max_out_of_orderness_ms,
        max_leap_ms=feeds.max_leap_ms,
        max_lead_ms=feeds.max_lead_ms,
        idle_after_ms=feeds.idle_after_ms,
        as_of_ms=knowledge.as_of_ms,
        from_ms=knowledge.from_ms,
        to_ms=knowledge.to_ms,
        partitions=1,
        partition_of=only_partition,
        forgets_at_commits=not is_live,
    )
    # One batch ahead keeps a thread busy; a second would only hold more texts in memory.
    max_ahead = 1 if isinstance(scorer, ScorerThread) else 0
    batcher: Batcher[Read] = Batcher(scorer, config.scorer.batch_size, config.scorer.batch_delay_ms, max_ahead)
    intake = IntakeGuard(feeds.dead_letter_ratio, feeds.dead_letter_window)
    score = ScoreRole(batcher, tags, scorer.name, settings, intake, feed.partitions, states, laps)
    for source in feed.partitions:
        position = stored.positions.get(str(source))
        if position is not None:
            feed.seek(source, position)
    trend_state = trend_snapshot.restore(stored.state.get("trend", {}))
    alert_state = alert_snapshot.restore(stored.state.get("alert", {}))
    bus = Bus(BUS_CAPACITY)
    bus.restore({Stream.SCORED: trend_state.position, Stream.DETECTIONS: alert_state.position})
    return Embedded(
        score=score,
        trend=_trend(config, trend_state, lambda: tags.topics, laps),
        alert=_alert(config, alert_state),
        notify=NotifyRole(channels, tags.name_of, max_age_ms),
        archive=ArchiveRole(),
        bus=bus,
        feed=feed,
        store=store,
        laps=laps,
        tags=tags,
        config=config,
    )


def _trend(config: Config, state: TrendState, topics_watched: Callable[[], int], laps: Laps) -> TrendRole:
    trend, detection = config.trend, config.detection
    longest_ms = detection.look_backs_ms[-1]
    volume = FeedVolume(longest_ms, detection.baseline_half_life_ms, state.volume)
    operators = TrendOperators(
        merge=MergeByTime(config.feeds.max_hold_ms, state.merge),
        volume=volume,
        coverage=Coverage(config.alerts.feed_threshold, volume, state.coverage),
        seen=SeenDocuments(trend.lateness_horizon_ms),
        stories=Stories(trend.story_horizon_ms, trend.story_similarity, trend.max_stories_per_topic),
        aggregator=WindowAggregator(trend.windows, trend.lateness_horizon_ms, state.windows),
        look_back=LookBack(longest_ms, trend.max_documents_per_topic),
        baseline=Baseline(
            detection.baseline_half_life_ms,
            detection.prior_documents,
            detection.dispersion_pooled,
            detection.burst_clip,
            clip_allowance=detection.min_documents,
        ),
        detector=Detector(
            detection.look_backs_ms,
            detection.floor,
            detection.min_documents,
            detection.min_origins,
            detection.min_negative_ratio,
            detection.min_history_ms,
        ),
    )
    return TrendRole(
        0,
        operators,
        state,
        lateness_horizon_ms=trend.lateness_horizon_ms,
        least_probability=round(detection.least_probability * SCALE),
        max_topics_per_document=detection.max_topics_per_document,
        episode_gap_ms=detection.episode_gap_ms,
        topics_watched=topics_watched,
        laps=laps,
    )


def _alert(config: Config, state: AlertRoleState) -> AlertRole:
    alerts = config.alerts
    rules = LifeCycleRules(
        alerts.exit_ratio,
        alerts.cooldown_ms,
        alerts.amend_step,
        alerts.amend_ratio,
        config.feeds.max_out_of_orderness_ms,
    )
    operators = AlertOperators(
        merge=MergeByTime(config.feeds.max_hold_ms, state.merge),
        budget=AlertBudget(
            alerts.budget_per_working_day,
            alerts.budget_per_topic_month,
            alerts.initial_threshold,
            alerts.budget_memory_ms,
        ),
        grouping=Grouping(
            alerts.group_min_topics, alerts.group_window_ms, alerts.group_floor, alerts.group_threshold
        ),
        rules=rules,
        # A feed that fails twice a day is told twice a day.
        feed_rules=replace(rules, cooldown_ms=0),
        feed_threshold=alerts.feed_threshold,
        group_wait_ms=alerts.group_wait_ms,
    )
    return AlertRole(operators, state, config=config.fingerprint)
