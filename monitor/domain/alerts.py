"""Detections and alerts. A detection is what is unusual; an alert is what somebody is told about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId

AlertId = NewType("AlertId", str)
"""Topic, rule and episode start: fixed when the alert first fires, the same in every run."""


class Rule(StrEnum):
    """What was found unusual."""

    NEGATIVE_BURST = "negative_burst"
    GROUP_BURST = "group_burst"
    FEED_SILENT = "feed_silent"


GROUP_TOPIC = TopicId("group:topics")
"""The topic id of an alert about many topics at once; a watchlist's ids hold no colon."""


def feed_topic(vendor: str) -> TopicId:
    """The topic id of an alert about a feed itself."""
    return TopicId(f"feed:{vendor}")


class AlertState(StrEnum):
    """Where an alert is in its life; also the name of the event that brought it there."""

    FIRING = "firing"
    AMENDED = "amended"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


class Suppression(StrEnum):
    """Why a detection tells nobody: a closed set, each a counter label."""

    BELOW_THRESHOLD = "below_threshold"
    OVER_BUDGET = "over_budget"
    COOLDOWN = "cooldown"
    NO_RISE = "no_rise"
    GROUPED = "grouped"


class Silence(StrEnum):
    """Why a look at a topic found nothing to detect: a closed set, each a counter label."""

    WARMING_UP = "warming_up"
    TOO_FEW_DOCUMENTS = "too_few_documents"
    TOO_FEW_ORIGINS = "too_few_origins"
    NO_DIRECTION = "no_direction"
    BELOW_FLOOR = "below_floor"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One document that carries a detection; `share` is its part of the excess, in 1/10,000."""

    document_id: DocumentId
    effective_ms: int
    source: str
    headline: str
    url: str | None
    net: int
    risk: RiskKind
    cues: tuple[str, ...]
    copies: int
    share: int


@dataclass(frozen=True, slots=True)
class Detection:
    """What the trend role found unusual about a topic at one effective time, above a low floor.

    Attributes:
        partition: the partition of `sentiment.scored` that the topic lives in.
        episode_start_ms: when this stretch of unusual time began; with the topic and the rule, the alert's identity.
        severity: greatest -log10 of the tail probability over look-backs, rounded to 0.001; 0 ends the episode.
        look_back_ms: the look-back that gave it; observed, expected and volume are of that look-back.
        observed: negative stories. expected: negative stories that are usual at this feed volume.
        documents: all of the topic in the look-back. origins: independent ones among the negative.
        evidence: the documents that carry it, the heaviest first, at most eight.
        rates, dispersion: what was usual: negative stories for each document of a vendor's feed (the vendor "" is
            the whole feed), and the over-dispersion of counts; with the feed's volume they give `expected` again.
        coverage: part of the topic's usual evidence that no outage of a feed kept away, in [0, 1].
        members: of a group, the topics that are unusual at once, the most unusual first.

    Of a feed that fell silent `topic_id` is `feed:` and the vendor, `observed` are its documents since, `expected`
    those usual in that time; of a group `topic_id` is GROUP_TOPIC, `observed` are topics, and so is `expected`.
    """

    partition: int
    topic_id: TopicId
    rule: Rule
    at_ms: int
    episode_start_ms: int
    severity: float
    look_back_ms: int
    observed: int
    expected: float
    volume: int
    documents: int
    origins: int
    risk: RiskKind
    evidence: tuple[Evidence, ...]
    topics_watched: int
    scorer: str
    watchlist: str
    rates: tuple[tuple[str, float], ...] = ()
    dispersion: float = 0.0
    coverage: float = 1.0
    members: tuple[TopicId, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One turn in an alert's life, as `sentiment.alerts` holds it; `detection` is what decided it.

    `at_ms` is the deciding document's effective time + max_out_of_orderness: the earliest moment it could be sent.
    """

    alert_id: AlertId
    revision: int
    state: AlertState
    at_ms: int
    started_ms: int
    peak_severity: float
    threshold: float
    detection: Detection
    config: str
