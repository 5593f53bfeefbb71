"""Invented history for the tests of storage: two companies that do not exist, over a few minutes of one morning."""

from dataclasses import replace

from monitor.domain.alerts import AlertEvent, AlertId, AlertState, Detection, Evidence, Rule, Suppression
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import (
    Counted,
    DeadLetter,
    DeadLetterReason,
    Document,
    DocumentId,
    InputPartition,
    ScoredDocument,
)
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.summary import Summary
from monitor.domain.topics import MatchRole, TopicId
from monitor.domain.windows import Window
from monitor.ports import Commit

START_MS = 1_700_000_040_000
"""A whole minute."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
BANK = TopicId("norvane-bank")
CARRIER = TopicId("osterlund-air")
FEED = InputPartition("feeds/news.jsonl", 0)


def scored(number: int = 0, topic: TopicId = BANK, *, at_ms: int | None = None) -> ScoredDocument:
    """Document `number`, said `number` minutes after the start unless told otherwise."""
    effective_ms = START_MS + number * MINUTE_MS if at_ms is None else at_ms
    return ScoredDocument(
        document_id=DocumentId(f"wire-a:{number}"),
        topic_id=topic,
        event_time_ms=effective_ms - 500,
        effective_ms=effective_ms,
        source="wire-a",
        author="m. lindqvist" if number % 2 else None,
        url=f"https://news.example/{number}",
        headline=f"Norvane Bank freezes withdrawals, report {number} 诺万银行",
        lang="en",
        role=MatchRole.TITLE,
        of_topics=1,
        sentiment=Sentiment(8_000, 1_500, 500),
        risk=RiskKind.LIQUIDITY,
        cues=("freezes withdrawals",),
        signature=bytes(range(64)),
        scorer="lexicon-1",
        watchlist="w-1",
        source_partition=FEED,
        offset=number,
    )


def scored_row(number: int = 0, topic: TopicId = BANK, *, at_ms: int | None = None) -> ScoredRow:
    return ScoredRow(scored(number, topic, at_ms=at_ms), "wire-a:0", Counted.COUNTED)


def document(number: int) -> Document:
    """One that names nothing that is watched."""
    return Document(
        DocumentId(f"wire-b:{number}"),
        "wire-b",
        START_MS + number * MINUTE_MS,
        None,
        "Harvest fair opens",
        "A quiet day in Tellmark.",
        None,
        "en",
        (),
        None,
        (),
    )


def window_row(minute: int = 0, revision: int = 1, documents: int = 3, topic: TopicId = BANK) -> WindowRow:
    start_ms = START_MS + minute * MINUTE_MS
    summary = Summary(documents, 2, 0, 2, 0, 1, -12_000, 90_000_000)
    return WindowRow(topic, Window(start_ms, start_ms + MINUTE_MS), revision, summary)


def volume_row(hour: int, expected: float | None) -> VolumeRow:
    start_ms = START_MS + hour * HOUR_MS
    return VolumeRow("harbour-wire", Window(start_ms, start_ms + HOUR_MS), 2, expected)


def detection(at_minute: int = 5, severity: float = 4.125) -> Detection:
    at_ms = START_MS + at_minute * MINUTE_MS
    carried = scored(at_minute)
    return Detection(
        partition=3,
        topic_id=BANK,
        rule=Rule.NEGATIVE_BURST,
        at_ms=at_ms,
        episode_start_ms=START_MS,
        severity=severity,
        look_back_ms=15 * MINUTE_MS,
        observed=9,
        expected=0.1 + 0.2,
        volume=4_000,
        documents=11,
        origins=6,
        risk=RiskKind.LIQUIDITY,
        evidence=(
            Evidence(
                carried.document_id,
                carried.effective_ms,
                carried.source,
                carried.headline,
                carried.url,
                carried.sentiment.net,
                carried.risk,
                carried.cues,
                copies=4,
                share=3_333,
            ),
        ),
        topics_watched=2,
        scorer="lexicon-1",
        watchlist="w-1",
        rates=(("", 0.001), ("harbour-wire", 0.02)),
        dispersion=0.5,
        coverage=0.75,
    )


def alert(revision: int = 0, state: AlertState = AlertState.FIRING, at_minute: int = 5) -> AlertEvent:
    decided_by = detection(at_minute)
    return AlertEvent(
        AlertId("norvane-bank:negative_burst:1700000040000"),
        revision,
        state,
        decided_by.at_ms + 2_000,
        START_MS,
        decided_by.severity,
        3.0,
        decided_by,
        "c-1",
    )


def dead_letter(offset: int = 0, partition: InputPartition = FEED) -> DeadLetter:
    return DeadLetter(DeadLetterReason.NOT_JSON, "line is not JSON: mend the crawler", partition, offset, b"\x00{oops")


def full_commit() -> Commit:
    """Something for every table."""
    return Commit(
        positions={str(FEED): "4711"},
        state={"trend": {"norvane-bank": b"\x00state\xff"}, "alert": {"alerts": b"[]"}},
        meta={"alerts_file_bytes": "1024"},
        documents=[document(0)],
        scored=[scored_row(0), scored_row(1), scored_row(2), scored_row(2, CARRIER)],
        windows=[window_row(0), window_row(1), window_row(0, topic=CARRIER)],
        volumes=[volume_row(0, None), volume_row(1, 11.5)],
        detections=[detection(1), detection(5)],
        alert_events=[alert(0), alert(1, AlertState.RESOLVED, 8)],
        suppressed=[SuppressedRow(BANK, START_MS, Suppression.COOLDOWN, 1.75)],
        dead_letters=[replace(dead_letter(3), reason=DeadLetterReason.NO_TIME), dead_letter(4)],
    )
