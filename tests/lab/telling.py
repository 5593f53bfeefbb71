"""Alerts made by hand, for tests of what is said about them."""

from monitor.clock import HOUR_MS, MINUTE_MS
from monitor.domain.alerts import GROUP_TOPIC, AlertEvent, AlertId, AlertState, Detection, Evidence, Rule
from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId

START_MS = 1_773_100_800_000
"""2026-03-10 00:00:00 UTC, a Tuesday."""


def evidence(headline: str, at_ms: int) -> Evidence:
    return Evidence(DocumentId("d1"), at_ms, "harbour-wire", headline, None, -8_000, RiskKind.RECALL, (), 0, 10_000)


def event(
    topic: TopicId,
    minutes: float,
    state: AlertState = AlertState.FIRING,
    members: tuple[TopicId, ...] = (),
    revision: int = 1,
    alert_id: str | None = None,
    headlines: tuple[str, ...] = (),
) -> AlertEvent:
    """A turn of an alert, so many minutes after START_MS; about a group where it has members."""
    rule = Rule.GROUP_BURST if members else Rule.NEGATIVE_BURST
    if topic.startswith("feed:"):
        rule = Rule.FEED_SILENT
    at_ms = START_MS + round(minutes * MINUTE_MS)
    detection = Detection(
        partition=0,
        topic_id=topic,
        rule=rule,
        at_ms=at_ms,
        episode_start_ms=START_MS,
        severity=5.0,
        look_back_ms=HOUR_MS,
        observed=5,
        expected=0.2,
        volume=100,
        documents=6,
        origins=4,
        risk=RiskKind.RECALL,
        evidence=tuple(evidence(headline, at_ms) for headline in headlines),
        topics_watched=43,
        scorer="lexicon",
        watchlist="w",
        members=members,
    )
    return AlertEvent(AlertId(alert_id or f"{topic}@{at_ms}"), revision, state, at_ms, at_ms, 5.0, 4.0, detection, "c")


def group(minutes: float, *members: TopicId) -> AlertEvent:
    return event(GROUP_TOPIC, minutes, members=members)
