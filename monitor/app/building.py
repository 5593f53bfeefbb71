"""The roles with their operators, as the configuration wants them; the same for one process and for many."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from monitor.app.scorer_thread import ScorerThread
from monitor.clock import Laps
from monitor.config import Config
from monitor.domain.document import InputPartition
from monitor.domain.sentiment import SCALE
from monitor.domain.topics import TopicId
from monitor.operators.aggregate import WindowAggregator
from monitor.operators.baseline import Baseline
from monitor.operators.batching import Batcher
from monitor.operators.budget import AlertBudget
from monitor.operators.copies import SeenDocuments, Stories
from monitor.operators.coverage import Coverage
from monitor.operators.detect import Detector
from monitor.operators.grouping import Grouping
from monitor.operators.intake import IntakeGuard
from monitor.operators.lifecycle import LifeCycleRules
from monitor.operators.lookback import LookBack
from monitor.operators.merge import MergeByTime
from monitor.operators.parse import ParseLimits
from monitor.operators.volume import FeedVolume
from monitor.operators.watermark import PartitionState
from monitor.ports import Scorer
from monitor.roles.alert import AlertOperators, AlertRole, AlertRoleState
from monitor.roles.score import Read, ScoreRole, ScoreSettings, only_partition
from monitor.roles.trend import TrendOperators, TrendRole, TrendState
from monitor.tags import LiveTags


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What of a feed a replay may know, UTC milliseconds; all None when live.

    Attributes:
        as_of_ms: the moment of knowledge. from_ms, to_ms: what was said outside [from, to) is left out.
    """

    as_of_ms: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None


LIVE = Knowledge()


def make_score(
    config: Config,
    tags: LiveTags,
    scorer: Scorer,
    known: Iterable[InputPartition],
    states: dict[InputPartition, PartitionState],
    laps: Laps,
    *,
    knowledge: Knowledge = LIVE,
    partitions: int = 1,
    partition_of: Callable[[TopicId], int] = only_partition,
    forgets_at_commits: bool = False,
) -> ScoreRole:
    """The score role over what is known of its inputs; `partitions` are those of `sentiment.scored`."""
    feeds = config.feeds
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
        partitions=partitions,
        partition_of=partition_of,
        forgets_at_commits=forgets_at_commits,
    )
    # One batch ahead keeps a thread busy; a second would only hold more texts in memory.
    max_ahead = 1 if isinstance(scorer, ScorerThread) else 0
    batcher: Batcher[Read] = Batcher(scorer, config.scorer.batch_size, config.scorer.batch_delay_ms, max_ahead)
    intake = IntakeGuard(feeds.dead_letter_ratio, feeds.dead_letter_window)
    return ScoreRole(batcher, tags, scorer.name, settings, intake, known, states, laps)


def make_trend(
    config: Config,
    state: TrendState,
    topics_watched: Callable[[], int],
    laps: Laps,
    *,
    partition: int = 0,
    partitions: int = 1,
) -> TrendRole:
    """The trend role of one scored partition, over its state."""
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
        partition,
        operators,
        state,
        lateness_horizon_ms=trend.lateness_horizon_ms,
        least_probability=round(detection.least_probability * SCALE),
        max_topics_per_document=detection.max_topics_per_document,
        episode_gap_ms=detection.episode_gap_ms,
        topics_watched=topics_watched,
        laps=laps,
        partitions=partitions,
    )


def make_alert(config: Config, state: AlertRoleState) -> AlertRole:
    """The alert role over its state."""
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
        grouping=Grouping(alerts.group_min_topics, alerts.group_window_ms, alerts.group_floor, alerts.group_threshold),
        rules=rules,
        # A feed that fails twice a day is told twice a day.
        feed_rules=replace(rules, cooldown_ms=0),
        feed_threshold=alerts.feed_threshold,
        group_wait_ms=alerts.group_wait_ms,
    )
    return AlertRole(operators, state, config=config.fingerprint)
