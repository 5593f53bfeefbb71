"""The verdict: what was planted in a story against what the monitor told of it. Pure; it reads no feed and no clock.

A bad event is found when an alert names its company, a shock to many companies when one group alert names at least
half of them, an outage when the alert about the feed fires while it lasts. What must stay silent is silent when nothing
fires on its companies that no bad event explains. An alert that nothing planted explains is false.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from statistics import median

from monitor.clock import HOUR_MS, SECOND_MS
from monitor.domain.alerts import AlertEvent, AlertId, AlertState, Rule, feed_topic
from monitor.domain.topics import TopicId
from monitor.lab.story.planting import Planted, PlantedKind

AFTERMATH_MS = 12 * HOUR_MS
"""How long after its last document an event still explains an alert: late deliveries take up to eight hours and act in
look-backs of hours. Longer, and the next morning's false alert would be excused by yesterday's event."""


class Outcome(StrEnum):
    """What became of one planted event: found or missed where an alert was due, else silent or a false alarm."""

    FOUND = "found"
    MISSED = "missed"
    SILENT = "silent"
    FALSE_ALARM = "false_alarm"


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What was made of one planted event.

    Attributes:
        start_ms: event time of its first document. delay_ms: from there to the alert, None where there was none.
        alert_id: the alert that found it, or that should not have been.
        alerts_beside: how many other alerts fired on its companies: of a shock, those that told a company alone.
    """

    kind: PlantedKind
    note: str
    topic_ids: tuple[TopicId, ...]
    start_ms: int
    outcome: Outcome
    delay_ms: int | None = None
    alert_id: AlertId | None = None
    alerts_beside: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """All rows in order of time; `false_alerts` are the firing events that nothing planted explains, `alerts` is how
    many fired in all."""

    rows: tuple[VerdictRow, ...]
    false_alerts: tuple[AlertEvent, ...]
    alerts: int

    def count(self, outcome: Outcome) -> int:
        """Planted events of this outcome."""
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def median_delay_ms(self) -> float | None:
        """The median delay of what was found; None where nothing was."""
        delays = [row.delay_ms for row in self.rows if row.outcome is Outcome.FOUND and row.delay_ms is not None]
        return median(delays) if delays else None

    def to_json(self) -> dict[str, object]:
        """The verdict's part of `monitor demo --summary`; the keys are documented in docs/demo.md and stay."""
        delay_ms = self.median_delay_ms
        return {
            "planted": [_row_json(row) for row in self.rows],
            "found": self.count(Outcome.FOUND),
            "missed": self.count(Outcome.MISSED),
            "false": len(self.false_alerts),
            "silent": self.count(Outcome.SILENT),
            "false_alarms": self.count(Outcome.FALSE_ALARM),
            "median_delay_seconds": None if delay_ms is None else round(delay_ms / SECOND_MS, 1),
            "alerts": self.alerts,
            "false_alerts": [
                {"alert_id": event.alert_id, "topic": event.detection.topic_id, "at": _iso(event.at_ms)}
                for event in self.false_alerts
            ],
        }


def judge(planted: Sequence[Planted], events: Sequence[AlertEvent]) -> Verdict:
    """Hold what was told against what was planted."""
    court = _Court(planted, events)
    rows = tuple(court.row(one) for one in sorted(planted, key=lambda one: (one.start_ms, one.kind)))
    false = tuple(event for event in court.firings if not court.is_explained(event))
    return Verdict(rows, false, len(court.firings))


class _Court:
    def __init__(self, planted: Sequence[Planted], events: Sequence[AlertEvent]) -> None:
        ordered = sorted(events, key=lambda event: (event.at_ms, event.alert_id, event.revision))
        self.firings = [event for event in ordered if event.state is AlertState.FIRING]
        # Who was told before of a company hears of the event by the amendment.
        self._told = [event for event in ordered if event.state in (AlertState.FIRING, AlertState.AMENDED)]
        self._bad = [one for one in planted if one.must_alert]
        self._outages = [one for one in planted if one.kind is PlantedKind.OUTAGE]
        self._decoys = [one for one in planted if not one.must_alert and one.kind is not PlantedKind.OUTAGE]

    def row(self, one: Planted) -> VerdictRow:
        if one.kind is PlantedKind.OUTAGE:
            return self._outage(one)
        return self._bad_event(one) if one.must_alert else self._decoy(one)

    def is_explained(self, event: AlertEvent) -> bool:
        """Whether something planted is a reason for this alert: of a group, for at least half of its members."""
        if event.detection.rule is Rule.FEED_SILENT:
            return any(_is_about_feed(event, one) and _is_in_time(event, one) for one in self._outages)
        hit = {topic for one in self._bad if _is_in_time(event, one) for topic in one.topic_ids}
        named = _named(event)
        return bool(named) and 2 * len(named & hit) >= len(named)

    def _bad_event(self, one: Planted) -> VerdictRow:
        victims = frozenset(one.topic_ids)

        def tells(event: AlertEvent) -> bool:
            if not one.group:
                return not victims.isdisjoint(_named(event))
            return event.detection.rule is Rule.GROUP_BURST and 2 * len(victims & _named(event)) >= len(victims)

        found = next((event for event in self._told if _is_in_time(event, one) and tells(event)), None)
        return self._row(one, found, Outcome.MISSED if found is None else Outcome.FOUND)

    def _outage(self, one: Planted) -> VerdictRow:
        def during(event: AlertEvent) -> bool:
            return one.start_ms <= event.at_ms < one.end_ms

        def has_no_other_reason(event: AlertEvent) -> bool:
            return not self.is_explained(event) and not any(
                _is_in_time(event, decoy) and not _named(event).isdisjoint(decoy.topic_ids) for decoy in self._decoys
            )

        wrong = self._first(lambda event: during(event) and bool(_named(event)) and has_no_other_reason(event))
        if wrong is not None:
            return self._row(one, wrong, Outcome.FALSE_ALARM)
        found = self._first(lambda event: during(event) and _is_about_feed(event, one))
        return self._row(one, found, Outcome.MISSED if found is None else Outcome.FOUND)

    def _decoy(self, one: Planted) -> VerdictRow:
        companies = frozenset(one.topic_ids)
        wrong = self._first(
            lambda event: (
                _is_in_time(event, one) and not companies.isdisjoint(_named(event)) and not self.is_explained(event)
            )
        )
        return self._row(one, wrong, Outcome.SILENT if wrong is None else Outcome.FALSE_ALARM)

    def _first(self, is_it: Callable[[AlertEvent], bool]) -> AlertEvent | None:
        return next((event for event in self.firings if is_it(event)), None)

    def _row(self, one: Planted, event: AlertEvent | None, outcome: Outcome) -> VerdictRow:
        alert_id = None if event is None else event.alert_id
        companies = frozenset(one.topic_ids)
        beside = {
            other.alert_id
            for other in self.firings
            if one.must_alert and _is_in_time(other, one) and not companies.isdisjoint(_named(other))
        }
        return VerdictRow(
            kind=one.kind,
            note=one.note,
            topic_ids=one.topic_ids,
            start_ms=one.start_ms,
            outcome=outcome,
            delay_ms=None if event is None else event.at_ms - one.start_ms,
            alert_id=alert_id,
            alerts_beside=len(beside - {alert_id}),
        )


def _named(event: AlertEvent) -> frozenset[TopicId]:
    """The companies that an alert is about; none where it is about a feed."""
    detection = event.detection
    match detection.rule:
        case Rule.FEED_SILENT:
            return frozenset()
        case Rule.GROUP_BURST:
            return frozenset(detection.members)
        case Rule.NEGATIVE_BURST:
            return frozenset((detection.topic_id,))


def _is_in_time(event: AlertEvent, one: Planted) -> bool:
    return one.start_ms <= event.at_ms < one.end_ms + AFTERMATH_MS


def _is_about_feed(event: AlertEvent, outage: Planted) -> bool:
    return event.detection.rule is Rule.FEED_SILENT and event.detection.topic_id == feed_topic(outage.source)


def _row_json(row: VerdictRow) -> dict[str, object]:
    return {
        "kind": row.kind.value,
        "note": row.note,
        "topics": list(row.topic_ids),
        "start": _iso(row.start_ms),
        "outcome": row.outcome.value,
        "delay_seconds": None if row.delay_ms is None else round(row.delay_ms / SECOND_MS, 1),
        "alert_id": row.alert_id,
        "alerts_beside": row.alerts_beside,
    }


def _iso(time_ms: int) -> str:
    """The same form as in the alerts file: ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
