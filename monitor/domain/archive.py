"""Rows of the history: what the roles hand to storage, and what the evidence queries give back."""

from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.alerts import AlertEvent, AlertId, Detection, Suppression
from monitor.domain.document import Counted, DocumentId, ScoredDocument
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.summary import Summary
from monitor.domain.topics import MatchRole, TopicId
from monitor.domain.windows import Window


class ScoredRow(NamedTuple):
    """A scored document with the trend role's decision on it. A tuple, as is WindowRow: made for each document.

    `story` is the id of the first document that told the same; `counted` is how it counted, or why it did not.
    """

    scored: ScoredDocument
    story: str
    counted: Counted


class WindowRow(NamedTuple):
    """One published window of a topic; a later document raises `revision`, and the highest revision holds."""

    topic_id: TopicId
    window: Window
    revision: int
    summary: Summary


class VolumeRow(NamedTuple):
    """What one vendor's feed said in a stretch of effective time, whatever it was about, and what is usual of it.

    `expected` is None while nobody knows: the vendor is too new.
    """

    vendor: str
    window: Window
    documents: int
    expected: float | None


@dataclass(frozen=True, slots=True)
class SuppressedRow:
    """A detection that told nobody, and why."""

    topic_id: TopicId
    at_ms: int
    reason: Suppression
    severity: float


@dataclass(frozen=True, slots=True)
class ArchivedDocument:
    """A document as the history holds it for one topic: what was said, how it was scored, how it counted."""

    document_id: DocumentId
    topic_id: TopicId
    source: str
    event_time_ms: int
    effective_ms: int
    headline: str
    url: str | None
    lang: str | None
    author: str | None
    role: MatchRole
    of_topics: int
    sentiment: Sentiment
    risk: RiskKind
    cues: tuple[str, ...]
    story: str
    counted: Counted
    scorer: str
    watchlist: str


@dataclass(frozen=True, slots=True)
class AlertCase:
    """All that the history holds on one alert, enough to justify it later.

    Attributes:
        events: its life, by revision.
        detections: those of its episode, in order of time.
        documents: those of the topic from the earliest look-back's begin to the last event's detection, newest first.
        is_complete: whether `documents` holds all of them, or stopped at the limit that was asked for.
    """

    alert_id: AlertId
    events: tuple[AlertEvent, ...]
    detections: tuple[Detection, ...]
    documents: tuple[ArchivedDocument, ...]
    is_complete: bool
