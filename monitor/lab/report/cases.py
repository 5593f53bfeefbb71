"""Cases: each alert as the page shows it, with its chart, its documents, its reasons and its life."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from markupsafe import Markup

from monitor.channels.words import duration_words, return_period_words, what_words
from monitor.config import Config
from monitor.domain.alerts import AlertEvent, AlertId, AlertState, Detection, Evidence, Rule
from monitor.domain.naming import subject
from monitor.domain.sentiment import SCALE
from monitor.domain.topics import TopicId
from monitor.lab.report.charts import sparkline
from monitor.lab.report.hours import Span
from monitor.lab.report.pictures import picture, span_around
from monitor.lab.report.readings import Readings
from monitor.lab.report.words import (
    CUE_CHARS,
    HEADLINE_CHARS,
    NAME_CHARS,
    SOURCE_CHARS,
    STATES,
    TURNS,
    budget_words,
    clean,
    gate_words,
    link,
    plural,
    risk_words,
    usual_words,
)

TOLD = (AlertState.FIRING, AlertState.AMENDED)

HALF_BLIND = 0.9
"""Coverage below which it is said that part of the feed was missing."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A document that carries an alert, ready to be shown; `share` in percent of the excess."""

    headline: str
    link: str | None
    source: str
    at_ms: int
    net: str
    risk: str | None
    cues: tuple[str, ...]
    copies: str
    share: int


@dataclass(frozen=True, slots=True)
class Member:
    """One topic of a group alert: its negative stories, those that are usual, and the hours around them."""

    name: str
    observed: str
    expected: str
    chart: Markup


@dataclass(frozen=True, slots=True)
class Turn:
    """One event of an alert's life."""

    at_ms: int
    word: str
    what: str
    severity: float


@dataclass(frozen=True, slots=True)
class Case:
    """One alert. `number` is its place on the page, the most severe being 1; `joined` members came after its height."""

    number: int
    anchor: str
    title: str
    kind: str
    risk: str | None
    state: str
    is_open: bool
    fired_ms: int
    ended_ms: int | None
    lasted: str
    what: str
    rarity: str
    breadth: str
    chart: Markup | None
    caption: str
    has_silence: bool
    members: tuple[Member, ...]
    joined: int
    documents: tuple[Carrier, ...]
    reasons: tuple[str, ...]
    life: tuple[Turn, ...]
    provenance: tuple[str, ...]
    alert_id: AlertId


class CaseMaker:
    """Makes cases of the alerts of one history."""

    def __init__(self, readings: Readings, name_of: Callable[[TopicId], str], config: Config) -> None:
        self._readings = readings
        self._name_of = name_of
        self._config = config
        self._fingerprint = config.fingerprint

    def cases(self) -> list[Case]:
        """Every alert: companies and groups by their highest severity, then feeds, which are about us."""
        ordered = sorted(
            self._readings.lives,
            key=lambda life: (life[0].detection.rule is Rule.FEED_SILENT, -_worst(life).peak_severity, life[0].at_ms),
        )
        return [self._case(number, life) for number, life in enumerate(ordered, start=1)]

    def _case(self, number: int, life: Sequence[AlertEvent]) -> Case:
        first, last, worst = life[0], life[-1], _worst(life)
        detection = worst.detection
        # A group may grow after its height: its last word names them all.
        widest = max((event.detection.members for event in life), key=len)
        is_group = detection.rule is Rule.GROUP_BURST
        members = tuple(dict.fromkeys([*detection.members, *widest])) if is_group else ()
        is_open = last.state in TOLD
        span = span_around(self._readings, life)
        chart, caption = (None, "") if span is None else picture(self._readings, life, worst, span)
        end_ms = last.at_ms if not is_open or self._readings.span is None else self._readings.span.end_ms
        return Case(
            number=number,
            anchor=f"alert-{number}",
            title=clean(subject(detection, self._shown_name), 4 * NAME_CHARS),
            kind=_KINDS[detection.rule],
            risk=risk_words(detection.risk),
            state=STATES[last.state],
            is_open=is_open,
            fired_ms=first.at_ms,
            ended_ms=None if is_open else last.at_ms,
            lasted=duration_words(end_ms - first.at_ms),
            what=what_words(detection),
            rarity=return_period_words(detection),
            breadth=_breadth(detection),
            chart=chart,
            caption=caption,
            has_silence=span is not None and bool(self._readings.silences_in(span)),
            members=self._members(members, worst.at_ms, span),
            joined=len(members) - len(detection.members) if is_group else 0,
            documents=tuple(_carrier(evidence) for evidence in detection.evidence),
            reasons=self._reasons(first),
            life=tuple(
                Turn(event.at_ms, TURNS[event.state], _turn_words(event.detection), event.detection.severity)
                for event in life
            ),
            provenance=_provenance(worst),
            alert_id=first.alert_id,
        )

    def _shown_name(self, topic: TopicId) -> str:
        return clean(self._name_of(topic), NAME_CHARS) or topic

    def _members(self, topics: Sequence[TopicId], at_ms: int, span: Span | None) -> tuple[Member, ...]:
        if span is None:
            return ()
        members = []
        for topic in topics:
            values = self._readings.negative_stories((topic,), span)
            latest = self._readings.latest(topic, at_ms) or self._readings.latest(topic, span.end_ms)
            name = self._shown_name(topic)
            members.append(
                Member(
                    name=name,
                    observed=f"{latest.observed} in {duration_words(latest.look_back_ms)}" if latest else "",
                    expected=usual_words(latest.expected).replace("fewer than ", "< ") if latest else "",
                    chart=sparkline(values, f"{name}: {values.sum():.0f} negative stories in the same hours"),
                )
            )
        return tuple(members)

    def _reasons(self, fired: AlertEvent) -> tuple[str, ...]:
        """Why it fired: of the first event, which is what had to be decided."""
        detection = fired.detection
        needed = f"severity {detection.severity:.1f}, at least {fired.threshold:.1f} needed"
        if fired.config != self._fingerprint:
            return (needed, "decided by an earlier configuration, whose gates are not known here")
        if detection.rule is Rule.NEGATIVE_BURST:
            needed += f" on that day, to stay within the budget of {budget_words(self._config)}"
        return (needed, *gate_words(detection, self._config), *_coverage(detection))


_KINDS = {
    Rule.NEGATIVE_BURST: "burst of bad news",
    Rule.GROUP_BURST: "many topics at once",
    Rule.FEED_SILENT: "silent feed",
}


def _worst(life: Sequence[AlertEvent]) -> AlertEvent:
    """What was told at its height; the first of equals."""
    told = [event for event in life if event.state in TOLD] or list(life)
    return max(told, key=lambda event: (event.detection.severity, -event.revision))


def _coverage(detection: Detection) -> tuple[str, ...]:
    if detection.rule is Rule.FEED_SILENT:
        return ()
    if detection.coverage < HALF_BLIND:
        return (f"half blind: only {detection.coverage:.0%} of the feed’s usual volume was there",)
    return (f"{min(detection.coverage, 1.0):.0%} of the feed’s usual volume was there",)


def _provenance(event: AlertEvent) -> tuple[str, ...]:
    """What decided, enough to find it in the history and to compute it again."""
    detection = event.detection
    facts = [f"alert {event.alert_id}", f"peak severity {event.peak_severity:.1f}"]
    if detection.rule is Rule.NEGATIVE_BURST:
        facts.append(f"over-dispersion {detection.dispersion:.2f}")
    # Nobody's score is in an alert about a feed.
    facts += [f"scorer {detection.scorer}"] if detection.scorer else []
    return (*facts, f"watchlist {detection.watchlist}", f"configuration {event.config}")


def _turn_words(detection: Detection) -> str:
    """What a turn rested on, in brief: the page has just said in full what the height of it was."""
    if detection.severity <= 0.0 or detection.look_back_ms == 0:
        return what_words(detection)
    look_back = duration_words(detection.look_back_ms)
    match detection.rule:
        case Rule.NEGATIVE_BURST:
            return f"{plural(detection.observed, 'story', 'stories')} in {look_back}"
        case Rule.GROUP_BURST:
            return plural(len(detection.members), "topic")
        case Rule.FEED_SILENT:
            return f"silent for {look_back}, {usual_words(detection.expected)} documents were due"
        case _:
            assert_never(detection.rule)


def _breadth(detection: Detection) -> str:
    if detection.rule is not Rule.NEGATIVE_BURST:
        return ""
    copies = sum(evidence.copies for evidence in detection.evidence)
    words = f"{plural(detection.origins, 'independent origin')}, {plural(detection.documents, 'document')} in all"
    return f"{words}, {plural(copies, 'copy', 'copies')} not counted" if copies else words


def _carrier(evidence: Evidence) -> Carrier:
    cues = [clean(cue, CUE_CHARS) for cue in evidence.cues]
    return Carrier(
        headline=clean(evidence.headline, HEADLINE_CHARS) or "(no headline)",
        link=link(evidence.url),
        source=clean(evidence.source, SOURCE_CHARS),
        at_ms=evidence.effective_ms,
        net=f"{evidence.net / SCALE:+.2f}".replace("-", "−"),
        risk=risk_words(evidence.risk),
        cues=tuple(cue for cue in cues if cue),
        copies=plural(evidence.copies, "copy", "copies") if evidence.copies else "",
        share=round(evidence.share * 100 / SCALE),
    )
