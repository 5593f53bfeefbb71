"""Composition root: a configuration and a command's arguments become a running monitor. Start, drain, stop.

The only module that knows both `monitor` and `models`. Embedded, every role lives in this process, joined by the bus;
positions, state and history move in one transaction of one SQLite file.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from prometheus_client import CollectorRegistry

from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.scorer import Pair, PairScorer
from monitor import __version__
from monitor.channels.alerts_file import LENGTH_KEY, AlertsFile
from monitor.channels.console import ConsoleChannel
from monitor.clock import Clock, Laps
from monitor.config import Config, ScorerKind
from monitor.domain.document import InputPartition
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.streams import Stream
from monitor.engine import Engine, Pace, Seam, Stage
from monitor.errors import ExitCode, StateError
from monitor.logs import event
from monitor.metrics import Metrics
from monitor.observe import EngineObserver, ProgressBar, RunObserver
from monitor.operators.aggregate import WindowAggregator
from monitor.operators.baseline import Baseline
from monitor.operators.batching import Batcher
from monitor.operators.budget import AlertBudget
from monitor.operators.copies import SeenDocuments, Stories
from monitor.operators.detect import Detector
from monitor.operators.intake import IntakeGuard
from monitor.operators.lifecycle import LifeCycleRules
from monitor.operators.lookback import LookBack
from monitor.operators.merge import MergeByTime
from monitor.operators.parse import ParseLimits
from monitor.operators.volume import FeedVolume
from monitor.ports import Channel, Feed, Score, ScoreRequest
from monitor.roles import alert_snapshot, score_snapshot, trend_snapshot
from monitor.roles.alert import AlertRole, AlertRoleState
from monitor.roles.archive import ArchiveRole
from monitor.roles.notify import NotifyRole
from monitor.roles.score import Read, ScoreRole, ScoreSettings, only_partition
from monitor.roles.trend import TrendOperators, TrendRole, TrendState
from monitor.storage.store import EmbeddedStore, StoredState
from monitor.tags import LiveTags
from monitor.transports.bus import Bus, BusReader
from monitor.transports.files import FileFeed
from monitor.watchlist import Watchlist, WatchlistFile
from monitor.web.health import Health
from monitor.web.server import HealthServer

logger = logging.getLogger(__name__)

BUS_CAPACITY = 100_000
"""Messages that may wait for one reader. The loop drains after each publish, so only a bug gets near it."""

REPLAY_POLL_RECORDS = 512
"""Large enough that a cut's cost is shared, small enough that what is in hand stays in the processor's cache."""

COMMAND_KEY = "command"


class ModelScorer:
    """The Scorer port over what models/ offers."""

    def __init__(self, inner: PairScorer) -> None:
        self._inner = inner
        self._risks = {kind.value: kind for kind in RiskKind}

    @property
    def name(self) -> str:
        return self._inner.name

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        judged = self._inner.score([Pair(r.text, r.target, r.lang) for r in requests])
        return [
            Score(Sentiment.from_probabilities(j.negative, j.neutral, j.positive), self._risks[j.risk], j.cues)
            for j in judged
        ]


def make_scorer(config: Config) -> ModelScorer:
    """The scorer that the configuration names."""
    return ModelScorer(LexiconScorer() if config.scorer.kind is ScorerKind.LEXICON else NeutralScorer())


@dataclass(frozen=True, slots=True)
class ReplayArguments:
    """What a replay is asked for; times in UTC milliseconds."""

    feeds: tuple[str, ...]
    watchlist: Path
    alerts: Path
    state: Path | None
    from_ms: int | None
    to_ms: int | None
    as_of_ms: int | None


def _no_seam(seam: Seam) -> None:
    """Nothing happens between a commit's steps outside the fault suite."""


@dataclass(slots=True)
class Embedded:
    """Every role in one process, joined and restored; what both a replay and a run are made of."""

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

    def engine(
        self,
        clock: Clock,
        pace: Pace,
        observer: EngineObserver,
        *,
        maintenance: Callable[[], None],
        meta: dict[str, str],
        on_seam: Callable[[Seam], None] = _no_seam,
    ) -> Engine:
        """The loop that drives them."""
        return Engine(
            feed=self.feed,
            score=self.score,
            transport=self.bus,
            stages=(
                Stage("trend", "detect", self.bus.reader(Stream.SCORED), self.trend, self._trend_snapshot),
                Stage("alert", "alert", self.bus.reader(Stream.DETECTIONS), self.alert, self._alert_snapshot),
            ),
            notify=(self.bus.reader(Stream.ALERTS), self.notify),
            archive=(self._archive_readers(), self.archive),
            store=self.store,
            score_snapshot=lambda: score_snapshot.snapshot(self.score.states),
            judge=IntakeGuard(self.config.feeds.dead_letter_ratio, self.config.feeds.dead_letter_window),
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


def _embedded(
    config: Config,
    feed: Feed,
    tags: LiveTags,
    scorer: ModelScorer,
    channels: Sequence[Channel],
    store: EmbeddedStore | None,
    stored: StoredState,
    *,
    arguments: ReplayArguments | None,
) -> Embedded:
    """Join the roles and give each its stored state."""
    feeds = config.feeds
    laps = Laps()
    states = score_snapshot.restore(stored.state.get("score", {}))
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
        as_of_ms=arguments.as_of_ms if arguments else None,
        from_ms=arguments.from_ms if arguments else None,
        to_ms=arguments.to_ms if arguments else None,
        partitions=1,
        partition_of=only_partition,
    )
    batcher: Batcher[Read] = Batcher(scorer, config.scorer.batch_size, config.scorer.batch_delay_ms)
    score = ScoreRole(batcher, tags, scorer.name, settings, feed.partitions, states, laps)
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
        notify=NotifyRole(channels, tags.name_of, None if arguments else config.notify.max_age_ms),
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
    operators = TrendOperators(
        merge=MergeByTime(config.feeds.max_hold_ms, state.merge),
        volume=FeedVolume(longest_ms, detection.baseline_half_life_ms, state.volume),
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
        max_topics_per_document=detection.max_topics_per_document,
        episode_gap_ms=detection.episode_gap_ms,
        topics_watched=topics_watched,
        laps=laps,
    )


def _alert(config: Config, state: AlertRoleState) -> AlertRole:
    alerts = config.alerts
    return AlertRole(
        MergeByTime(config.feeds.max_hold_ms, state.merge),
        AlertBudget(
            alerts.budget_per_working_day,
            alerts.budget_per_topic_month,
            alerts.initial_threshold,
            alerts.budget_memory_ms,
        ),
        LifeCycleRules(
            alerts.exit_ratio, alerts.cooldown_ms, alerts.amend_step, config.feeds.max_out_of_orderness_ms
        ),
        state,
        config=config.fingerprint,
    )


def replay(
    config: Config, arguments: ReplayArguments, clock: Clock, on_seam: Callable[[Seam], None] = _no_seam
) -> ExitCode:
    """Run a feed in event time as fast as it goes, into an alerts file and, with a state, a history.

    Raises: ConfigError, StateError, DependencyError: each names what is wrong and the remedy.
    """
    watchlist = WatchlistFile(arguments.watchlist).current
    scorer = make_scorer(config)
    feed = FileFeed(arguments.feeds, follow=False, clock=None, max_record_bytes=config.feeds.max_record_bytes)
    store = EmbeddedStore.open(arguments.state) if arguments.state else None
    progress = ProgressBar()
    alerts_file: AlertsFile | None = None
    try:
        stored = store.load() if store else StoredState({}, {}, {})
        arguments = _settle_command(config, arguments, watchlist, scorer.name, feed.partitions, stored, clock)
        length = stored.meta.get(LENGTH_KEY)
        alerts_file = AlertsFile(arguments.alerts, int(length) if length else None)
        embedded = _embedded(
            config, feed, LiveTags(watchlist, None), scorer, [alerts_file], store, stored, arguments=arguments
        )
        pace = Pace(
            is_live=False,
            poll_records=REPLAY_POLL_RECORDS,
            progress_every_ms=0,
            commit_every_ms=0,
            commit_records=config.storage.commit_documents,
            retention_ms=0,
        )
        command = _command(config, arguments, watchlist.version, scorer.name, feed.partitions)
        engine = embedded.engine(
            clock, pace, progress, maintenance=lambda: None, meta={COMMAND_KEY: command}, on_seam=on_seam
        )
        is_done = engine.run()
        return ExitCode.DONE if is_done else ExitCode.TOO_MANY_UNUSABLE
    finally:
        progress.close()
        feed.close()
        if alerts_file is not None:
            alerts_file.close()
        if store is not None:
            store.close()


def _command(
    config: Config,
    arguments: ReplayArguments,
    watchlist: str,
    scorer: str,
    partitions: Sequence[InputPartition],
) -> str:
    """What must be the same for a replay to go on where it was cut off."""
    return json.dumps(
        {
            "feeds": [str(partition) for partition in partitions],
            "watchlist": watchlist,
            "scorer": scorer,
            "config": config.fingerprint,
            "from": arguments.from_ms,
            "to": arguments.to_ms,
            "as_of": arguments.as_of_ms,
        },
        sort_keys=True,
    )


def _settle_command(
    config: Config,
    arguments: ReplayArguments,
    watchlist: Watchlist,
    scorer: str,
    partitions: Sequence[InputPartition],
    stored: StoredState,
    clock: Clock,
) -> ReplayArguments:
    """Fix the moment of knowledge, and refuse to go on with a state that another command began."""
    before = json.loads(stored.meta.get(COMMAND_KEY, "{}"))
    if arguments.as_of_ms is None:
        arguments = replace(arguments, as_of_ms=before.get("as_of", clock.now_ms()))
    if before:
        now = json.loads(_command(config, arguments, watchlist.version, scorer, partitions))
        changed = sorted(key for key in now if now[key] != before.get(key))
        if changed:
            raise StateError(
                f"--state {arguments.state} was begun with another {', '.join(changed)}; "
                "give the same command again, or another --state"
            )
    return arguments


@dataclass(slots=True)
class Run:
    """A long-lived monitor on this machine: `run` until `stop`, which a signal handler may call."""

    engine: Engine
    server: HealthServer | None
    feed: FileFeed
    store: EmbeddedStore | None
    is_stopping: bool = False

    def run(self) -> ExitCode:
        """Serve until every input has ended or `stop` is called; what is in hand is finished and committed."""
        try:
            is_done = self.engine.run()
            return ExitCode.DONE if is_done else ExitCode.TOO_MANY_UNUSABLE
        finally:
            if self.server is not None:
                self.server.stop()
            self.feed.close()
            if self.store is not None:
                self.store.close()

    def stop(self) -> None:
        """Take no more."""
        self.is_stopping = True
        self.engine.close()


def start_run(config: Config, feeds: Sequence[str], watchlist: Path, out: TextIO, clock: Clock) -> Run:
    """Everything for `monitor run` without a broker, ready to run.

    Raises: ConfigError, StateError, DependencyError: each names what is wrong and the remedy.
    """
    source = WatchlistFile(watchlist)
    tags = LiveTags(source.current, source)
    scorer = make_scorer(config)
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    health = Health(clock)
    server = None
    if config.server.enabled:
        server = HealthServer(config.server.host, config.server.port, registry, health)
        host, port = server.start()
        event(logger, "serving", url=f"http://{host}:{port}/", paths=["/livez", "/readyz", "/metrics"])
    feed: FileFeed | None = None
    store: EmbeddedStore | None = None
    try:
        feed = FileFeed(feeds, follow=True, clock=clock, max_record_bytes=config.feeds.max_record_bytes)
        store = EmbeddedStore.open(config.storage.path) if config.storage.path else None
        stored = store.load() if store else StoredState({}, {}, {})
        channels: list[Channel] = [ConsoleChannel(out, color=None, width=None)] if config.notify.console else []
        embedded = _embedded(config, feed, tags, scorer, channels, store, stored, arguments=None)
        _open_metrics(metrics, feed, channels, tags, scorer.name, config)
        observer = RunObserver(
            metrics, health, clock, embedded.score, embedded.trend, embedded.alert, embedded.notify, embedded.laps
        )
        pace = Pace(
            is_live=True,
            poll_records=config.scorer.max_pending,
            progress_every_ms=config.feeds.progress_every_ms,
            commit_every_ms=config.storage.commit_every_ms,
            commit_records=config.storage.commit_documents,
            retention_ms=config.storage.history_retention_ms,
        )
        reload = Reload(tags, metrics, clock, config.watchlist.reload_every_ms)
        engine = embedded.engine(clock, pace, observer, maintenance=reload, meta={})
        for condition in ("scorer", "feeds", "watchlist", "state"):
            health.set_ready(condition, True)
        return Run(engine, server, feed, store)
    except BaseException:
        if server is not None:
            server.stop()
        if feed is not None:
            feed.close()
        if store is not None:
            store.close()
        raise


def _open_metrics(
    metrics: Metrics, feed: Feed, channels: Sequence[Channel], tags: LiveTags, scorer: str, config: Config
) -> None:
    for source in feed.partitions:
        metrics.open_input(str(source))
    for channel in channels:
        metrics.open_channel(channel.name)
    metrics.topics.set(tags.topics)
    metrics.set_build(version=__version__, scorer=scorer, watchlist=tags.watchlist, config=config.fingerprint)


class Reload:
    """Looks at the watchlist's file now and then."""

    def __init__(self, tags: LiveTags, metrics: Metrics, clock: Clock, every_ms: int) -> None:
        self._tags = tags
        self._metrics = metrics
        self._clock = clock
        self._every_ms = every_ms
        self._last_ms = clock.now_ms()

    def __call__(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - self._last_ms < self._every_ms:
            return
        self._last_ms = now_ms
        taken = self._tags.reload()
        if taken is not None:
            self._metrics.watchlist_reloads_total.labels("loaded" if taken else "rejected").inc()
            self._metrics.topics.set(self._tags.topics)
