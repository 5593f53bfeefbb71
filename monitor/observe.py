"""Observers: what the engine's loop tells, as metrics and health, or as a progress bar on a terminal."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from tqdm import tqdm

from monitor.clock import BETWEEN, SECOND_MS, Clock, Laps
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.progress import NO_TIME_MS
from monitor.logs import event
from monitor.metrics import Metrics
from monitor.ports import ScoringWork
from monitor.roles.alert import AlertRole
from monitor.roles.notify import NotifyRole
from monitor.roles.score import ScoreRole
from monitor.roles.trend import TrendRole
from monitor.web.health import Health

logger = logging.getLogger(__name__)


class EngineObserver(Protocol):
    """What the engine asks of an observer."""

    def beat(self) -> None: ...
    def read(self, records: Sequence[FeedRecord]) -> None: ...
    def advanced(self) -> None: ...
    def committed(self, seconds: float, state_bytes: int) -> None: ...
    def paused(self, source: InputPartition) -> None: ...


class ProgressBar:
    """A replay's progress on standard error, in records; silent when that is no terminal."""

    def __init__(self) -> None:
        # disable=None: tqdm itself looks whether the stream is a terminal.
        self._bar = tqdm(unit=" documents", unit_scale=True, disable=None, leave=False)

    def beat(self) -> None:
        """Nothing to tell."""

    def read(self, records: Sequence[FeedRecord]) -> None:
        """So many more."""
        self._bar.update(len(records))

    def advanced(self) -> None:
        """Nothing to tell."""

    def committed(self, seconds: float, state_bytes: int) -> None:
        """Nothing to tell."""

    def paused(self, source: InputPartition) -> None:
        """Say so on the log: the result lacks this input."""
        event(logger, "input_stopped", level=logging.ERROR, input=str(source), reason="too many unusable records")

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def count_score(metrics: Metrics, score: ScoreRole) -> None:
    """Carry what score counted over to the metrics."""
    counts = score.counts
    for outcome in ("scored", "unwatched", "outside"):
        metrics.documents_total.labels(outcome).inc(counts[outcome])
    metrics.documents_total.labels("dead_letter").inc(score.dead.total())
    for reason, count in score.dead.items():
        metrics.dead_letters_total.labels(reason).inc(count)
    for role, count in score.roles_matched.items():
        metrics.matches_total.labels(role).inc(count)
    metrics.scored_pairs_total.inc(counts["pairs"])
    for mark, count in score.marks.items():
        metrics.score_marks_total.labels(mark).inc(count)
    metrics.late_documents_total.inc(counts["late"])
    for flush in score.flushes:
        metrics.batches_total.labels(flush[0]).inc()
        metrics.batch_pairs.observe(flush[1])
    score.flushes.clear()
    score.dead.clear()
    score.roles_matched.clear()
    score.marks.clear()
    counts.clear()


def count_trend(metrics: Metrics, trend: TrendRole) -> None:
    """Carry what trend counted over to the metrics."""
    metrics.repeats_total.inc(trend.counts["repeat"])
    metrics.too_late_documents_total.inc(trend.counts["too_late"])
    metrics.copies_total.inc(trend.counts["copy"])
    metrics.windows_published_total.inc(trend.counts["window"])
    metrics.detections_total.inc(trend.counts["detection"])
    for silence, count in trend.looks.items():
        metrics.looks_total.labels(silence).inc(count)
    trend.counts.clear()
    trend.looks.clear()


def count_alert(metrics: Metrics, alert: AlertRole) -> None:
    """Carry what the alert role counted over to the metrics."""
    for state, count in alert.alerts_told.items():
        metrics.alerts_total.labels(state).inc(count)
    for suppression, count in alert.suppressed.items():
        metrics.suppressed_total.labels(suppression).inc(count)
    alert.alerts_told.clear()
    alert.suppressed.clear()


def count_notifications(metrics: Metrics, notify: NotifyRole) -> None:
    """Carry what became of notifications over to the metrics."""
    for (channel, outcome), count in notify.take_counts().items():
        metrics.notifications_total.labels(channel, outcome).inc(count)


def note_of_stopped(stopped: Collection[InputPartition]) -> str:
    """What `/readyz` says of inputs that are not read any more, while the others go on; "" of none."""
    if not stopped:
        return ""
    return f"stopped for too many unusable records: {', '.join(sorted(map(str, stopped)))}"


def tell_watermark(metrics: Metrics, stage: str, watermark_ms: int, now_ms: int) -> None:
    """Say how far a stage is, if it has begun."""
    if watermark_ms != NO_TIME_MS:
        metrics.watermark_seconds.labels(stage).set(watermark_ms / SECOND_MS)
        metrics.watermark_delay_seconds.labels(stage).set((now_ms - watermark_ms) / SECOND_MS)


def count_reads(metrics: Metrics, records: Sequence[FeedRecord], now_ms: int) -> None:
    """Count what was read, by input."""
    for source, count in Counter(record.source_partition for record in records).items():
        name = str(source)
        metrics.records_read_total.labels(name).inc(count)
        metrics.last_record_timestamp_seconds.labels(name).set(now_ms / SECOND_MS)


class RunObserver:
    """A long-lived run: metrics and health."""

    def __init__(
        self,
        metrics: Metrics,
        health: Health,
        clock: Clock,
        score: ScoreRole,
        trend: TrendRole,
        alert: AlertRole,
        notify: NotifyRole,
        laps: Laps,
        take_work: Callable[[], ScoringWork] = ScoringWork,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._score = score
        self._trend = trend
        self._alert = alert
        self._notify = notify
        self._laps = laps
        self._take_work = take_work
        self._paused: set[InputPartition] = set()

    def beat(self) -> None:
        """The loop turned."""
        self._health.beat()
        self._metrics.loop_heartbeat_timestamp_seconds.set(self._clock.now_ms() / SECOND_MS)

    def read(self, records: Sequence[FeedRecord]) -> None:
        """Count what was read, by input."""
        count_reads(self._metrics, records, self._clock.now_ms())

    def advanced(self) -> None:
        """After each cut: carry what the roles counted over to the metrics."""
        count_score(self._metrics, self._score)
        count_trend(self._metrics, self._trend)
        count_alert(self._metrics, self._alert)
        count_notifications(self._metrics, self._notify)
        self._tell_scoring()
        self._tell_time()
        self._tell_stages()

    def committed(self, seconds: float, state_bytes: int) -> None:
        """Count a commit."""
        self._metrics.commits_total.inc()
        self._metrics.commit_seconds.observe(seconds)
        self._metrics.state_bytes.set(state_bytes)

    def paused(self, source: InputPartition) -> None:
        """An input was stopped for too many unusable records."""
        event(logger, "input_stopped", level=logging.ERROR, input=str(source), reason="too many unusable records")
        self._paused.add(source)
        self._metrics.set_input_state(str(source), "paused")
        self._health.set_note("feeds", note_of_stopped(self._paused))

    def _tell_scoring(self) -> None:
        metrics, work = self._metrics, self._take_work()
        metrics.scoring_runs_total.inc(work.batches)
        metrics.scoring_windows_total.inc(work.windows)
        metrics.scoring_tokens_total.inc(work.tokens)
        metrics.scoring_padding_tokens_total.inc(work.padding_tokens)
        metrics.scoring_seconds_total.inc(work.seconds)
        metrics.scoring_cache_total.labels("hit").inc(work.cache_hits)
        metrics.scoring_cache_total.labels("miss").inc(work.cache_misses)
        metrics.scoring_halvings_total.inc(work.halvings)
        metrics.scoring_rechecked_total.inc(work.rechecked)
        for reason, count in work.fallbacks.items():
            metrics.scoring_fallbacks_total.labels(reason).inc(count)

    def _tell_time(self) -> None:
        now_ms = self._clock.now_ms()
        watermarks = {
            "score": min(self._score.watermarks().values(), default=NO_TIME_MS),
            "trend": self._trend.state.merge.watermark_ms,
            "alert": self._alert.state.merge.watermark_ms,
        }
        for stage, watermark_ms in watermarks.items():
            tell_watermark(self._metrics, stage, watermark_ms, now_ms)
        self._metrics.held_out_sources.set(len(self._trend.held_out()))
        for source, told in self._score.source_states().items():
            # To the roles it has ended; whoever looks at the metric must see why.
            self._metrics.set_input_state(str(source), "paused" if source in self._paused else told)

    def _tell_stages(self) -> None:
        laps = self._laps.take()
        for stage, (nanoseconds, items) in laps.items():
            if stage == BETWEEN:
                continue  # a live loop sleeps there
            self._metrics.count_stage(stage, seconds=nanoseconds / 1e9, items=items)
