"""Reasons: why an incident was missed or an alert was false, from the history that a replay left (docs/history.md)."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from monitor.clock import DAY_MS, HOUR_MS
from tests.bench.stories.judging import AFTER_MS, FOUND_MS, Firing, Verdict
from tests.bench.stories.story import Story
from tests.bench.stories.truth import SHOCK, Planted

NEGATIVE = 3_000
"""Probability, in 1/10,000, from which a document counts as negative: detection.least_probability of the defaults."""
ENOUGH = 0.6
"""A scorer that calls this part of an incident negative has done its work; the miss is the detector's."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the monitor made of a document for one company; `negative` is None where it was not tagged."""

    document_id: str
    effective_ms: int
    negative: int | None
    positive: int
    counted: str
    headline: str
    cues: str

    @property
    def is_negative(self) -> bool:
        """Whether it spoke against the company."""
        return self.negative is not None and self.negative >= NEGATIVE and self.negative >= self.positive


class Reasons:
    """Asks the history of one story's replay; a context manager."""

    def __init__(self, history: Path, story: Story) -> None:
        self._database = sqlite3.connect(f"file:{history}?mode=ro", uri=True)
        self._story = story

    def __enter__(self) -> "Reasons":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def readings(self, planted: Planted) -> list[Reading]:
        """What was made of an incident's documents, those that were not tagged among them."""
        documents = self._story.documents[self._story.truth.index(planted)]
        return [self._reading(document_id, planted.firms[0]) for document_id in documents]

    def _reading(self, document_id: str, topic: str) -> Reading:
        found = self._database.execute(
            "SELECT document_id, effective_ms, negative, positive, counted, headline, cues FROM scored "
            "JOIN documents USING (document_id) WHERE document_id = ? AND topic_id = ?",
            (document_id, topic),
        ).fetchone()
        return Reading(*found) if found else Reading(document_id, 0, None, 0, "not tagged", document_id, "")

    def cause(self, planted: Planted) -> str:
        """Who is to blame for a missed incident: the step that lost most of its documents, else the detector.

        Two are none of these: "amended", where an alert from before the incident was open and rose with it, and
        "budget", where it was unusual enough but the desk's alerts had been spent.
        """
        rose = self._database.execute(
            "SELECT count(*) FROM alert_events WHERE topic_id = ? AND state = 'amended' AND at_ms BETWEEN ? AND ?",
            (planted.firms[0], planted.start_ms, planted.end_ms + FOUND_MS),
        ).fetchone()
        if rose[0]:
            return "amended"
        refused = self._database.execute(
            "SELECT count(*) FROM suppressed WHERE topic_id = ? AND reason = 'over_budget' AND at_ms BETWEEN ? AND ?",
            (planted.firms[0], planted.start_ms, planted.end_ms + FOUND_MS),
        ).fetchone()
        if refused[0]:
            return "budget"
        readings = self.readings(planted)
        lost = {
            "tagger": sum(one.negative is None for one in readings),
            "scorer": sum(one.negative is not None and not one.is_negative for one in readings),
            "copies": sum(one.is_negative and one.counted != "counted" for one in readings),
        }
        if sum(lost.values()) <= (1 - ENOUGH) * len(readings):
            return "detector"
        return max(lost, key=lambda step: lost[step])

    def page(self, seed: int, verdict: Verdict) -> str:
        """Everything that went wrong in one story, to be read."""
        lines = [f"\n== seed {seed}"]
        for planted, firing in verdict.incidents:
            if firing is None:
                readings = self.readings(planted)
                called = sum(one.is_negative for one in readings)
                lines.append(
                    f"\nmissed ({self.cause(planted)}): {planted.kind} of {planted.firms[0]}, {called} of "
                    f"{planted.documents} documents called negative; {self._nearest(planted, planted.firms[0])}"
                )
                lines += _table(readings)
        for planted in self._story.truth:
            if planted.kind == SHOCK:
                lines += self._shock(planted, verdict.shock_alerted | verdict.shock_grouped)
        for one in verdict.false:
            lines.append(f"\nfalse: {one.topic}{self._decoy(one)}")
            lines += _table(self._carriers(one))
        return "\n".join(lines)

    def _shock(self, planted: Planted, told: frozenset[str]) -> list[str]:
        """A line for each company of the shock that no alert named."""
        documents = self._story.documents[self._story.truth.index(planted)]
        lines = []
        for firm in sorted(set(planted.firms) - told):
            called = sum(self._reading(document_id, firm).is_negative for document_id in documents)
            lines.append(
                f"shock not told: {firm}, {called} of {planted.documents} documents called negative; "
                f"{self._nearest(planted, firm)}"
            )
        return lines

    def _nearest(self, planted: Planted, firm: str) -> str:
        """How near a company of it came to an alert."""
        severity, observed, expected = self._database.execute(
            "SELECT max(severity), json_extract(body, '$.observed'), json_extract(body, '$.expected') FROM detections "
            "WHERE topic_id = ? AND at_ms BETWEEN ? AND ?",
            (firm, planted.start_ms, planted.end_ms + AFTER_MS),
        ).fetchone()
        reasons = self._database.execute(
            "SELECT reason, count(*) FROM suppressed WHERE topic_id = ? AND at_ms BETWEEN ? AND ? GROUP BY reason",
            (firm, planted.start_ms, planted.end_ms + AFTER_MS),
        ).fetchall()
        if severity is None:
            return "nothing detected"
        told = ", ".join(f"{count} {reason}" for reason, count in reasons)
        return f"severity {severity} (observed {observed}, expected {expected:.2f}); {told}"

    def _carriers(self, firing: Firing) -> Sequence[Reading]:
        """The negative documents of a company in the day before an alert."""
        rows = self._database.execute(
            "SELECT document_id, effective_ms, negative, positive, counted, headline, cues FROM scored "
            "JOIN documents USING (document_id) WHERE topic_id = ? AND effective_ms BETWEEN ? AND ? "
            "AND negative >= ? AND negative >= positive AND counted = 'counted' ORDER BY effective_ms",
            (firing.topic, firing.at_ms - DAY_MS, firing.at_ms, NEGATIVE),
        )
        return [Reading(*found) for found in rows]

    def _decoy(self, firing: Firing) -> str:
        kinds = [
            planted.kind
            for planted in self._story.truth
            if planted.is_decoy
            and firing.topic in planted.firms
            and planted.start_ms <= firing.at_ms <= planted.end_ms + AFTER_MS
        ]
        return f" ({', '.join(kinds)})" if kinds else ""


def _table(readings: Sequence[Reading]) -> list[str]:
    """A line for each document: hours since the first, probability of negative, how it counted, its words and cues."""
    first_ms = min((one.effective_ms for one in readings if one.effective_ms), default=0)
    return [
        f"  {(one.effective_ms - first_ms) / HOUR_MS if one.effective_ms else 0:5.1f} h  "
        f"{'   -' if one.negative is None else f'{one.negative / 10_000:4.2f}'} {one.counted:<10} "
        f"{one.headline[:110]}  {one.cues}"
        for one in readings
    ]
