"""The metrics: named by convention, bounded, there from the start, and described by the page in docs/."""

import itertools
import math
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from monitor import metrics as module
from monitor.domain.alerts import AlertState, Silence, Suppression
from monitor.domain.document import DeadLetterReason
from monitor.domain.progress import SourceState
from monitor.domain.sentiment import ScoreMark
from monitor.domain.topics import MatchRole
from monitor.metrics import Metrics, reference_markdown
from monitor.operators.batching import FlushReason

ALLOWED_LABELS = {
    *("input", "outcome", "reason", "role", "stage", "silence", "state", "channel", "queue", "mark"),
    *("worker", "change"),
    *("version", "scorer", "watchlist", "config", "backend", "checkpoint"),
}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def exposed(registry: CollectorRegistry) -> dict[str, float]:
    """Every sample line of a scrape, name and labels to value."""
    lines = generate_latest(registry).decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}


def test_closed_label_sets_are_those_of_the_domain() -> None:
    assert tuple(DeadLetterReason) == module.DEAD_LETTER_REASONS
    assert tuple(FlushReason) == module.BATCH_REASONS
    assert tuple(MatchRole) == module.MATCH_ROLES
    assert tuple(ScoreMark) == module.SCORE_MARKS
    assert ("fired", *Silence) == module.LOOK_OUTCOMES
    assert tuple(Suppression) == module.SUPPRESSIONS
    assert tuple(AlertState) == module.ALERT_STATES
    assert (*SourceState, "paused") == module.INPUT_STATES


def test_every_name_follows_the_conventions(metrics: Metrics) -> None:
    for declaration in metrics.declarations:
        assert re.fullmatch(r"sentiment_[a-z]+(_[a-z]+)*", declaration.name)
        assert declaration.name.endswith("_total") == (declaration.kind == "counter"), declaration.name
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|percent)(_|$)", declaration.name), declaration.name
        assert declaration.meaning.endswith("."), declaration.name


def test_no_label_is_unbounded(metrics: Metrics) -> None:
    labels = {label for declaration in metrics.declarations for label, _ in declaration.labels}
    assert labels == ALLOWED_LABELS


def test_every_attribute_is_named_as_it_is_exposed_and_every_exposed_metric_is_declared(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    attributes = {f"sentiment_{name}" for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}
    assert attributes == {declaration.name for declaration in metrics.declarations}
    metrics.open_input("feeds.news/0")
    metrics.open_channel("console")
    metrics.open_queue("scored")
    metrics.open_lag("trend", "sentiment.scored/0")
    metrics.open_poll("news.example.com/rss/0")
    names = {re.split(r"[{ ]", line)[0] for line in exposed(registry)}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in names} == attributes


def test_counts_show_as_zero_before_anything_happened(metrics: Metrics, registry: CollectorRegistry) -> None:
    samples = exposed(registry)
    for declaration in metrics.declarations:
        if declaration.kind != "counter" or any(values is None for _, values in declaration.labels):
            continue
        for chosen in itertools.product(*(values or () for _, values in declaration.labels)):
            names = (label for label, _ in declaration.labels)
            shown = ",".join(sorted(f'{label}="{value}"' for label, value in zip(names, chosen, strict=True)))
            assert samples[f"{declaration.name}{{{shown}}}" if shown else declaration.name] == 0.0


def test_a_time_that_nobody_knows_yet_is_not_fifty_years_ago(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.open_input("feeds.news/0")
    samples = exposed(registry)
    assert math.isnan(samples['sentiment_watermark_seconds{stage="trend"}'])
    assert math.isnan(samples['sentiment_watermark_delay_seconds{stage="score"}'])
    assert math.isnan(samples["sentiment_loop_heartbeat_timestamp_seconds"])
    assert math.isnan(samples['sentiment_last_record_timestamp_seconds{input="feeds.news/0"}'])


def test_a_stage_counts_its_seconds_and_its_items_per_batch(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.count_stage("parse", seconds=0.25, items=100)
    metrics.count_stage("parse", seconds=0.5, items=28)
    samples = exposed(registry)
    assert samples['sentiment_stage_seconds_total{stage="parse"}'] == 0.75
    assert samples['sentiment_stage_items_total{stage="parse"}'] == 128.0
    assert samples['sentiment_stage_items_total{stage="tag"}'] == 0.0


def test_a_stage_that_does_not_exist_opens_no_series(metrics: Metrics, registry: CollectorRegistry) -> None:
    with pytest.raises(KeyError):
        metrics.count_stage("guess", seconds=1.0, items=1)
    assert "guess" not in generate_latest(registry).decode()


def test_an_enum_member_counts_under_its_value(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.dead_letters_total.labels(DeadLetterReason.NOT_JSON).inc(3)
    assert exposed(registry)['sentiment_dead_letters_total{reason="not_json"}'] == 3.0


def test_an_input_is_in_one_state_at_a_time(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.open_input("feeds.news/0")
    metrics.set_input_state("feeds.news/0", "idle")
    samples = exposed(registry)
    states = {state: samples[f'sentiment_input_state{{input="feeds.news/0",state="{state}"}}'] for state in SourceState}
    assert states == {"active": 0.0, "idle": 1.0, "ended": 0.0}
    with pytest.raises(ValueError, match="none of active, idle, ended, paused"):
        metrics.set_input_state("feeds.news/0", "asleep")


def test_an_input_shows_zero_when_opened_and_nothing_when_closed(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.open_input("feeds.news/0")
    assert exposed(registry)['sentiment_records_read_total{input="feeds.news/0"}'] == 0.0
    metrics.close_input("feeds.news/0")
    assert "feeds.news/0" not in generate_latest(registry).decode()


def test_a_channel_and_a_queue_show_zero_when_opened(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.open_channel("console")
    metrics.open_queue("scored")
    samples = exposed(registry)
    assert samples['sentiment_notifications_total{channel="console",outcome="failed"}'] == 0.0
    assert samples['sentiment_queue_records{queue="scored"}'] == 0.0


def test_a_reloaded_watchlist_replaces_the_build_series(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.set_build(version="1.2.0", scorer="lexicon", watchlist="aa11", config="c0ffee")
    metrics.set_build(version="1.2.0", scorer="lexicon", watchlist="bb22", config="c0ffee")
    series = [line for line in exposed(registry) if line.startswith("sentiment_build_info")]
    assert len(series) == 1
    assert 'watchlist="bb22"' in series[0]


def test_who_scores_is_one_series(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.set_scorer(backend="onnxruntime-int8", checkpoint="en-2026.11.2@ab12cd34")
    metrics.set_scorer(backend="torch-bf16", checkpoint="en-2026.11.2@ab12cd34")
    series = [line for line in exposed(registry) if line.startswith("sentiment_scorer_info")]
    assert series == ['sentiment_scorer_info{backend="torch-bf16",checkpoint="en-2026.11.2@ab12cd34"}']


def test_two_monitors_in_one_process_do_not_share_counts() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Metrics(first).copies_total.inc()
    Metrics(second)
    assert exposed(first)["sentiment_copies_total"] == 1.0
    assert exposed(second)["sentiment_copies_total"] == 0.0


def test_creation_times_do_not_double_the_series(metrics: Metrics, registry: CollectorRegistry) -> None:
    assert "_created" not in generate_latest(registry).decode()


def test_the_page_in_docs_is_what_the_declarations_say() -> None:
    page = Path(__file__).parents[1] / "docs" / "metrics.md"
    assert page.read_text(encoding="utf-8") == reference_markdown(), "run: python -m monitor.metrics > docs/metrics.md"
