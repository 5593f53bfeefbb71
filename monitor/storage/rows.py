"""Domain objects to rows, as tuples in the order of the columns in `schema`; the hottest few lines of storage."""

from collections.abc import Iterable
from typing import Any

import orjson

from monitor.domain.alerts import AlertEvent, Detection
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import DeadLetter, Document
from monitor.wire import encode_alert, encode_detection

Row = tuple[Any, ...]

HEADLINE_CHARS = 200
"""As in `ScoredDocument.headline`."""

# `_value_` and not `value`: the latter is a Python property, 0.3 microseconds against 0.06, thrice for every row; and a
# StrEnum handed to SQLite as it is goes through its adapters, which costs more again.


def scored_rows(rows: Iterable[ScoredRow]) -> list[Row]:
    """For `scored`."""
    out: list[Row] = []
    for row in rows:
        scored = row.scored
        sentiment = scored.sentiment
        out.append(
            (
                scored.document_id,
                scored.topic_id,
                scored.event_time_ms,
                scored.effective_ms,
                scored.role._value_,
                scored.of_topics,
                sentiment.negative,
                sentiment.neutral,
                sentiment.positive,
                scored.risk._value_,
                orjson.dumps(scored.cues).decode() if scored.cues else "[]",
                row.story,
                row.counted._value_,
                scored.scorer,
                scored.watchlist,
            )
        )
    return out


def document_rows(rows: Iterable[ScoredRow], documents: Iterable[Document]) -> list[Row]:
    """For `documents`: one for each document that occurs, the first telling first."""
    out: dict[str, Row] = {}
    for row in rows:
        scored = row.scored
        if scored.document_id not in out:
            out[scored.document_id] = (
                scored.document_id,
                scored.source,
                scored.event_time_ms,
                scored.headline,
                scored.url,
                scored.lang,
                scored.author,
            )
    for document in documents:
        if document.id not in out:
            out[document.id] = (
                document.id,
                document.source,
                document.event_time_ms,
                document.reading[:HEADLINE_CHARS],
                document.url,
                document.lang,
                document.author,
            )
    return list(out.values())


def window_rows(rows: Iterable[WindowRow]) -> list[Row]:
    """For `windows`: of each window its highest revision, in the order of the key, so that neighbours meet."""
    out: dict[tuple[str, int, int], Row] = {}
    for row in rows:
        window = row.window
        start_ms = window.start_ms
        key = (row.topic_id, window.end_ms - start_ms, start_ms)
        held = out.get(key)
        if held is None or held[3] <= row.revision:
            out[key] = (*key, row.revision, *row.summary.as_tuple())
    return sorted(out.values())


def volume_row(row: VolumeRow) -> Row:
    """For `volumes`."""
    start_ms, end_ms = row.window.start_ms, row.window.end_ms
    return row.vendor, end_ms - start_ms, start_ms, row.documents, row.expected


def detection_row(detection: Detection) -> Row:
    """For `detections`."""
    return (
        detection.topic_id,
        detection.rule.value,
        detection.at_ms,
        detection.episode_start_ms,
        detection.severity,
        detection.look_back_ms,
        detection.observed,
        detection.expected,
        detection.volume,
        detection.documents,
        detection.origins,
        detection.risk.value,
        encode_detection(detection).decode(),
    )


def alert_row(event: AlertEvent) -> Row:
    """For `alert_events`."""
    return (
        event.alert_id,
        event.revision,
        event.detection.topic_id,
        event.state.value,
        event.at_ms,
        event.started_ms,
        event.peak_severity,
        event.threshold,
        event.config,
        encode_alert(event).decode(),
    )


def suppressed_row(row: SuppressedRow) -> Row:
    """For `suppressed`."""
    return row.topic_id, row.at_ms, row.reason.value, row.severity


def dead_letter_row(letter: DeadLetter) -> Row:
    """For `dead_letters`."""
    return str(letter.source_partition), letter.offset, letter.reason.value, letter.detail, letter.value
