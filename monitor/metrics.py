"""Every metric of the monitor, declared once on an injected registry; `docs/metrics.md` is generated from here.

Prefix `sentiment_`, base units, labels from closed sets (an input, a channel and a queue are opened by name when the
configuration brings them). Every series is there from the start: a count at zero, a time that nobody knows yet at NaN,
because a comparison with NaN is never true and a time of zero would read as a delay of fifty years.

Left out on purpose: topics, documents and texts as labels; the history answers questions about those.
This module imports nothing of ours, so the closed sets are written out; a test holds them against the domain's enums.
"""

import contextlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

PREFIX = "sentiment_"

STAGES = (
    "read",
    "parse",
    "tag",
    "sign",
    "score",
    "repartition",
    "merge",
    "decide",
    "alert",
    "archive",
    "snapshot",
    "commit",
)
WATERMARK_STAGES = ("score", "trend", "alert")
WORKERS = ("score", "trend", "alert", "notify", "archive")
REBALANCES = ("assigned", "revoked", "lost")
DOCUMENT_OUTCOMES = ("scored", "unwatched", "outside", "dead_letter")
BATCH_REASONS = ("full", "deadline", "intake", "cut")
CACHE_OUTCOMES = ("hit", "miss")
FALLBACKS = ("backend_unavailable", "backend_disagrees")
INPUT_STATES = ("active", "idle", "ended", "paused")
LOOK_OUTCOMES = (
    "fired",
    "warming_up",
    "too_few_documents",
    "too_few_origins",
    "no_direction",
    "below_floor",
)
SUPPRESSIONS = ("below_threshold", "over_budget", "cooldown", "no_rise", "grouped")
ALERT_STATES = ("firing", "amended", "resolved", "retracted")
SCORE_MARKS = ("unsupported_target", "untrained_language", "cut")
MATCH_ROLES = ("title", "lead", "body", "symbol")
NOTIFICATION_OUTCOMES = ("sent", "sent_again", "retried", "failed", "gave_up", "undelivered", "ledger_only")
RELOAD_OUTCOMES = ("loaded", "rejected")
POLL_OUTCOMES = (
    "read",
    "broken",
    "unchanged",
    "not_a_feed",
    "refused",
    "throttled",
    "failed",
    "timeout",
    "unreachable",
    "redirect",
    "too_large",
    "held",
)
ENTRY_OUTCOMES = ("new", "new_undated", "new_ahead", "known", "left_out")
DEAD_LETTER_REASONS = (
    "empty",
    "not_utf8",
    "not_json",
    "not_an_object",
    "too_deep",
    "oversize",
    "truncated",
    "bad_field",
    "no_text",
    "no_time",
    "bad_time",
    "time_out_of_range",
    "far_future",
    "poison",
    "crashed",
)

# A batch holds at most 4096 pairs (scorer.batch_size); doubling shows both the trickle and the backlog.
_BATCH_PAIR_BUCKETS = tuple(float(2**power) for power in range(13))
# A commit is an fsync: 1 ms on a good disk, seconds on a dying one; above 10 s the loop counts as stalled anyway.
_COMMIT_SECOND_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

OPEN = None
"""A label whose values the configuration brings: bounded, but not known to this module."""

Labels = Mapping[str, Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one metric is: its exposed name, its type, its labels with their closed sets, and a sentence on it."""

    name: str
    kind: str
    labels: tuple[tuple[str, tuple[str, ...] | None], ...]
    meaning: str


class Metrics:
    """The metrics, each an attribute named as it is exposed, less the prefix.

    Count per batch, `metrics.scored_pairs_total.inc(n)`; a `labels` call costs microseconds.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        # The time at which each counter was made doubles the series and nobody has ever asked for it.
        disable_created_metrics()
        self._registry = registry
        self._declarations: list[Declaration] = []

        self.records_read_total = self._counter("records_read_total", "Records read from an input.", {"input": OPEN})
        self.last_record_timestamp_seconds = self._time(
            "last_record_timestamp_seconds",
            "When an input's last record arrived, Unix time; NaN before the first.",
            {"input": OPEN},
        )
        self.input_state = self._gauge(
            "input_state", "1 for the state an input is in, 0 for the others.", {"input": OPEN, "state": INPUT_STATES}
        )
        self.poll_fetches_total = self._counter(
            "poll_fetches_total", "Looks at feeds' URLs, by how they ended.", {"outcome": POLL_OUTCOMES}
        )
        self.poll_entries_total = self._counter(
            "poll_entries_total",
            "Entries in the documents of URLs, by what became of them.",
            {"outcome": ENTRY_OUTCOMES},
        )
        self.poll_success_timestamp_seconds = self._time(
            "poll_success_timestamp_seconds",
            "When a URL last gave a feed, or said that nothing had changed, Unix time; NaN before the first.",
            {"input": OPEN},
        )
        self.documents_total = self._counter(
            "documents_total", "Records that left the score role, by how they left.", {"outcome": DOCUMENT_OUTCOMES}
        )
        self.dead_letters_total = self._counter(
            "dead_letters_total", "Records that could not be used, by reason.", {"reason": DEAD_LETTER_REASONS}
        )
        self.matches_total = self._counter(
            "matches_total", "Topics named by documents, by where they are named.", {"role": MATCH_ROLES}
        )
        self.scored_pairs_total = self._counter("scored_pairs_total", "Pairs of document and topic that were scored.")
        self.score_marks_total = self._counter(
            "score_marks_total",
            "Scored pairs of which the scorer said why its answer is worth less.",
            {"mark": SCORE_MARKS},
        )
        self.batches_total = self._counter(
            "batches_total", "Batches sent to the scorer, by why they were closed.", {"reason": BATCH_REASONS}
        )
        self.batch_pairs = self._histogram("batch_pairs", "Pairs in a batch sent to the scorer.", _BATCH_PAIR_BUCKETS)
        self.scoring_runs_total = self._counter("scoring_runs_total", "Batches that a network was run over.")
        self.scoring_windows_total = self._counter(
            "scoring_windows_total", "Texts, or parts of long ones, that a network read."
        )
        self.scoring_tokens_total = self._counter("scoring_tokens_total", "Tokens that a network read.")
        self.scoring_padding_tokens_total = self._counter(
            "scoring_padding_tokens_total",
            "Tokens computed for nothing; over the sum of both it is the padding ratio.",
        )
        self.scoring_seconds_total = self._counter(
            "scoring_seconds_total", "Wall time of scoring, seconds; the score stage has what the loop waited for it."
        )
        self.scoring_cache_total = self._counter(
            "scoring_cache_total", "Questions by whether their answers were remembered.", {"outcome": CACHE_OUTCOMES}
        )
        self.scoring_halvings_total = self._counter(
            "scoring_halvings_total", "Batches cut in two, for want of memory or to find what spoils them."
        )
        self.scoring_rechecked_total = self._counter(
            "scoring_rechecked_total", "Windows computed a second time because the first answer was in doubt."
        )
        self.scoring_fallbacks_total = self._counter(
            "scoring_fallbacks_total", "Backends taken in place of the wanted one, by why.", {"reason": FALLBACKS}
        )
        self.stage_seconds_total = self._counter(
            "stage_seconds_total", "Wall time spent in a stage, seconds.", {"stage": STAGES}
        )
        self.stage_items_total = self._counter("stage_items_total", "Items that entered a stage.", {"stage": STAGES})
        self.late_documents_total = self._counter(
            "late_documents_total", "Documents behind their input's watermark, counted in the minute they were said."
        )
        self.too_late_documents_total = self._counter(
            "too_late_documents_total", "Documents beyond the lateness horizon: archived, never counted."
        )
        self.repeats_total = self._counter("repeats_total", "Documents that had been counted before under the same id.")
        self.copies_total = self._counter("copies_total", "Documents that retell a known story.")
        self.windows_published_total = self._counter("windows_published_total", "Windows published, revisions too.")
        self.looks_total = self._counter(
            "looks_total", "Looks at a topic, by what they found (fired) or why nothing.", {"silence": LOOK_OUTCOMES}
        )
        self.detections_total = self._counter("detections_total", "Detections above the floor.")
        self.suppressed_total = self._counter(
            "suppressed_total", "Detections that told nobody, by reason.", {"reason": SUPPRESSIONS}
        )
        self.alerts_total = self._counter(
            "alerts_total", "Turns in the lives of alerts, by state entered.", {"state": ALERT_STATES}
        )
        self.notifications_total = self._counter(
            "notifications_total",
            "Notifications by channel and outcome; sent_again is marked as a possible repeat, retried is an attempt.",
            {"channel": OPEN, "outcome": NOTIFICATION_OUTCOMES},
        )
        self.commits_total = self._counter("commits_total", "Commits of positions with all that they caused.")
        self.commit_seconds = self._histogram("commit_seconds", "How long a commit took.", _COMMIT_SECOND_BUCKETS)
        self.state_bytes = self._gauge("state_bytes", "Size of the last snapshot of state.")
        self.watermark_seconds = self._time(
            "watermark_seconds", "Event time up to which a stage is complete, Unix time.", {"stage": WATERMARK_STAGES}
        )
        self.watermark_delay_seconds = self._time(
            "watermark_delay_seconds", "How far a stage's watermark lies behind the clock.", {"stage": WATERMARK_STAGES}
        )
        self.held_out_sources = self._gauge("held_out_sources", "Inputs that no longer hold the watermark back.")
        self.queue_records = self._gauge("queue_records", "Records waiting in a queue between roles.", {"queue": OPEN})
        self.topics = self._gauge("topics", "Topics in the watchlist in force.")
        self.watchlist_reloads_total = self._counter(
            "watchlist_reloads_total", "Changed watchlists, by what became of them.", {"outcome": RELOAD_OUTCOMES}
        )
        self.loop_heartbeat_timestamp_seconds = self._time(
            "loop_heartbeat_timestamp_seconds", "When the engine's loop last turned, Unix time."
        )
        self.scorer_info = self._info("scorer_info", "Who scores, and what runs it.", ("backend", "checkpoint"))
        self.worker_heartbeat_timestamp_seconds = self._time(
            "worker_heartbeat_timestamp_seconds",
            "On Kafka: when a role's worker last asked for records, Unix time.",
            {"worker": WORKERS},
        )
        self.worker_failures_total = self._counter(
            "worker_failures_total",
            "On Kafka: failures after which a worker gave up what it held and began anew from its commits.",
            {"worker": WORKERS},
        )
        self.owned_partitions = self._gauge(
            "owned_partitions", "On Kafka: partitions that a worker has been given.", {"worker": WORKERS}
        )
        self.rebalanced_partitions_total = self._counter(
            "rebalanced_partitions_total",
            "On Kafka: partitions that a worker was given, gave away, or lost.",
            {"worker": WORKERS, "change": REBALANCES},
        )
        self.broker_silence_seconds = self._gauge(
            "broker_silence_seconds",
            "On Kafka: for how long the brokers have not answered a worker's group; it asks every 3 s, or four "
            "times in a short session timeout.",
            {"worker": WORKERS},
        )
        self.lag_records = self._gauge(
            "lag_records",
            "On Kafka: records that wait behind a worker's position in a partition.",
            {"worker": WORKERS, "input": OPEN},
        )
        self.lag_seconds = self._gauge(
            "lag_seconds",
            "On Kafka: age of what a worker read last, by the time it was written; 0 with nothing waiting.",
            {"worker": WORKERS, "input": OPEN},
        )
        self.snapshots_total = self._counter(
            "snapshots_total", "On Kafka: snapshots of state that were written.", {"worker": WORKERS}
        )
        self.snapshot_seconds = self._histogram(
            "snapshot_seconds", "On Kafka: how long a snapshot took.", _COMMIT_SECOND_BUCKETS
        )
        self.restore_records = self._gauge(
            "restore_records",
            "On Kafka: records that are still read again before a restored partition says anything.",
            {"worker": WORKERS},
        )
        self.build_info = self._info("build_info", "What is running.", ("version", "scorer", "watchlist", "config"))

        # Counted for every batch and stage: resolved once, so that a count is two additions.
        self._stages = {
            stage: (self.stage_seconds_total.labels(stage), self.stage_items_total.labels(stage)) for stage in STAGES
        }

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """Every metric, in the order in which a document meets them."""
        return tuple(self._declarations)

    def count_stage(self, stage: str, *, seconds: float, items: int) -> None:
        """Count one batch through a stage. Raises: KeyError: no such stage."""
        seconds_total, items_total = self._stages[stage]
        seconds_total.inc(seconds)
        items_total.inc(items)

    def open_input(self, name: str) -> None:
        """Show an input's series before its first record."""
        self.records_read_total.labels(name)
        self.last_record_timestamp_seconds.labels(name).set(math.nan)
        self.set_input_state(name, "active")

    def close_input(self, name: str) -> None:
        """Drop the series of an input that exists no more, so that rotated files do not pile up."""
        self.records_read_total.remove(name)
        self.hand_over_input(name)

    def hand_over_input(self, name: str) -> None:
        """Drop what only the process that reads an input can know; what was read of it here stays counted."""
        with contextlib.suppress(KeyError):
            self.last_record_timestamp_seconds.remove(name)
            for state in INPUT_STATES:
                self.input_state.remove(name, state)

    def open_poll(self, name: str) -> None:
        """Show a URL's series before its first look."""
        self.poll_success_timestamp_seconds.labels(name).set(math.nan)

    def set_input_state(self, name: str, state: str) -> None:
        """Say which one state an input is in. Raises: ValueError: no such state."""
        if state not in INPUT_STATES:
            raise ValueError(f"input state {state!r} is none of {', '.join(INPUT_STATES)}")
        for known in INPUT_STATES:
            self.input_state.labels(name, known).set(known == state)

    def open_lag(self, worker: str, name: str) -> None:
        """Show the lag of a partition that a worker was given."""
        self.lag_records.labels(worker, name)
        self.lag_seconds.labels(worker, name)

    def close_lag(self, worker: str, name: str) -> None:
        """Drop the lag of a partition that is somebody else's now; its owner tells it."""
        with contextlib.suppress(KeyError):
            self.lag_records.remove(worker, name)
            self.lag_seconds.remove(worker, name)

    def forget_watermark(self, stage: str) -> None:
        """A stage has nothing to do in this process any more."""
        self.watermark_seconds.labels(stage).set(math.nan)
        self.watermark_delay_seconds.labels(stage).set(math.nan)

    def open_channel(self, name: str) -> None:
        """Show a channel's outcomes before its first notification."""
        for outcome in NOTIFICATION_OUTCOMES:
            self.notifications_total.labels(name, outcome)

    def open_queue(self, name: str) -> None:
        """Show a queue before its first record."""
        self.queue_records.labels(name)

    def set_build(self, *, version: str, scorer: str, watchlist: str, config: str) -> None:
        """Say what is running; replaces what was said before, so a reloaded watchlist leaves no second series."""
        self.build_info.info({"version": version, "scorer": scorer, "watchlist": watchlist, "config": config})

    def set_scorer(self, *, backend: str, checkpoint: str) -> None:
        """Say who scores: the checkpoint's name and version, and what runs it."""
        self.scorer_info.info({"backend": backend, "checkpoint": checkpoint})

    def _counter(self, name: str, meaning: str, labels: Labels | None = None) -> Counter:
        labels = self._declare(name, "counter", meaning, labels)
        counter = Counter(PREFIX + name, meaning, tuple(labels), registry=self._registry)
        for values in _closed_combinations(labels):
            counter.labels(*values)
        return counter

    def _gauge(self, name: str, meaning: str, labels: Labels | None = None, start: float = 0.0) -> Gauge:
        labels = self._declare(name, "gauge", meaning, labels)
        gauge = Gauge(PREFIX + name, meaning, tuple(labels), registry=self._registry)
        for values in _closed_combinations(labels):
            gauge.labels(*values).set(start)
        if not labels:
            gauge.set(start)
        return gauge

    def _time(self, name: str, meaning: str, labels: Labels | None = None) -> Gauge:
        return self._gauge(name, meaning, labels, start=math.nan)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        self._declare(name, "histogram", meaning, None)
        return Histogram(PREFIX + name, meaning, registry=self._registry, buckets=buckets)

    def _info(self, name: str, meaning: str, keys: Sequence[str]) -> Info:
        self._declare(name, "gauge", meaning, dict.fromkeys(keys))
        # The library appends `_info` itself.
        info = Info(PREFIX + name.removesuffix("_info"), meaning, registry=self._registry)
        info.info(dict.fromkeys(keys, ""))
        return info

    def _declare(self, name: str, kind: str, meaning: str, labels: Labels | None) -> Labels:
        labels = labels or {}
        frozen = tuple((label, None if values is None else tuple(values)) for label, values in labels.items())
        self._declarations.append(Declaration(PREFIX + name, kind, frozen, meaning))
        return labels


def _closed_combinations(labels: Labels) -> list[tuple[str, ...]]:
    """Every combination of label values; none where a label is open, or where there are no labels."""
    sets = [values for values in labels.values() if values is not None]
    if not labels or len(sets) < len(labels):
        return []
    return list(itertools.product(*sets))


def reference_markdown() -> str:
    """The page `docs/metrics.md`, from the declarations."""
    lines = [
        "# Metrics",
        "",
        "Served at `/metrics` (Prometheus text or OpenMetrics). This page is generated by `python -m monitor.metrics`.",
        "Labels come from closed sets; an input, a channel or a queue is named by the configuration. Counters start at",
        "zero; a time or a delay that is not known yet is NaN. One stage's cost is",
        "`rate(sentiment_stage_seconds_total[5m]) / rate(sentiment_stage_items_total[5m])`.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    declarations = Metrics(CollectorRegistry()).declarations
    lines += [f"| `{d.name}` | {d.kind} | {_label_names(d)} | {d.meaning} |" for d in declarations]
    lines += ["", "## Label values", "", "| metric | label | values |", "|---|---|---|"]
    for declaration in declarations:
        for label, values in declaration.labels:
            if values is not None:
                listed = ", ".join(f"`{value}`" for value in values)
                lines.append(f"| `{declaration.name}` | `{label}` | {listed} |")
    return "\n".join(lines) + "\n"


def _label_names(declaration: Declaration) -> str:
    return ", ".join(f"`{label}`" for label, _ in declaration.labels)


if __name__ == "__main__":
    print(reference_markdown(), end="")
