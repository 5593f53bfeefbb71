"""Words: what every channel says of an alert in the same way: what was seen, how unusual that is, since when, by whom.

All that comes from a feed is one harmless line (`terminal.py`); a channel whose markup has a meaning escapes the rest.
Left out on purpose: layout, colour and links, which are each channel's own. Words that belong together are joined by a
BOUND_SPACE, so that no line breaks between a number and its unit.
"""

from datetime import UTC, datetime
from typing import assert_never

from monitor.channels.terminal import BOUND_SPACE, harmless
from monitor.clock import DAY_MS, MINUTE_MS
from monitor.domain.alerts import AlertEvent, AlertState, Detection, Evidence, Rule
from monitor.domain.sentiment import SCALE

NAME_CHARS = 120
HEADLINE_CHARS = 200
_SOURCE_CHARS = 60
_CUE_CHARS = 40
_CUES_SHOWN = 3
_WHOLE_COVERAGE = 0.995
"""From here on it reads as 100 %, and nobody is told."""

POSSIBLE_REPEAT = "possible repeat: nobody knows whether this arrived before"
"""Said with what a crash left undecided."""

STATE_WORDS = {
    AlertState.FIRING: "▲ FIRING",
    AlertState.AMENDED: "△ AMENDED",
    AlertState.RESOLVED: "▽ RESOLVED",
    AlertState.RETRACTED: "× RETRACTED",
}
"""The sign says up or down to those who see no colour."""

_YEAR_MS = 365 * DAY_MS
# Nominal tails are too thin by orders of magnitude far out: nobody is told of once in a thousand years, or in two.
_LONGEST_PERIOD_MS = _YEAR_MS


def news_words(event: AlertEvent) -> str:
    """The one sentence that a person must read, without its full stop."""
    found = event.detection
    duration = bound(duration_words(event.at_ms - event.started_ms))
    since = f"since {moment_words(event.started_ms)}"
    match event.state:
        case AlertState.FIRING:
            return _what_and_how_rare(found)
        case AlertState.AMENDED:
            return f"worse: {_what_and_how_rare(found)}"
        case AlertState.RESOLVED:
            return f"over after {duration} ({since}): {what_words(found)}"
        case AlertState.RETRACTED:
            return f"withdrawn after {duration} ({since}): what is left is not unusual, {what_words(found)}"
        case _:
            assert_never(event.state)


def _what_and_how_rare(detection: Detection) -> str:
    return ", ".join(filter(None, (what_words(detection), return_period_words(detection))))


def what_words(detection: Detection) -> str:
    """What was observed, in which look-back, and what is usual."""
    look_back = bound(duration_words(detection.look_back_ms))
    match detection.rule:
        case Rule.NEGATIVE_BURST:
            if detection.look_back_ms == 0:
                return "too few negative stories are left to judge"
            stories = "story" if detection.observed == 1 else "stories"
            observed = detection.observed or "no"
            return f"{observed} negative {stories} in {look_back} where {_usual_words(detection.expected)} usual"
        case Rule.GROUP_BURST:
            if detection.severity <= 0.0:
                still = "is" if detection.observed == 1 else "are"
                return f"{detection.observed or 'none'} of {len(detection.members)} topics {still} still unusual"
            topics = f"{len(detection.members)} topics turned unusual at once"
            return f"{topics} where {_usual_words(detection.expected)} usual in {look_back}"
        case Rule.FEED_SILENT:
            if detection.severity <= 0.0:
                return "its documents come again"
            return f"no document in {look_back} where {_usual_words(detection.expected)} usual"
        case _:
            assert_never(detection.rule)


def _usual_words(expected: float) -> str:
    if expected < 0.1:
        return "fewer than 0.1 are"
    return f"{expected:.1f} are" if expected < 9.95 else f"{expected:.0f} are"


def breadth_facts(detection: Detection) -> list[str]:
    """On how much it rests, and how much of the feed was there to rest on; nothing of a feed that is silent."""
    if detection.rule is Rule.FEED_SILENT:
        return []
    origins = "origin" if detection.origins == 1 else "origins"
    documents = "document" if detection.documents == 1 else "documents"
    facts = [f"{detection.origins} independent {origins}", f"{detection.documents} {documents} in all"]
    if detection.coverage < _WHOLE_COVERAGE:
        facts.append(f"only {detection.coverage:.0%} of the usual feed was there")
    return facts


def evidence_facts(document: Evidence, decided_ms: int) -> list[str]:
    """What is to know of a document beside its headline, its source first."""
    facts = [harmless(document.source, _SOURCE_CHARS), moment_words(document.effective_ms, beside_ms=decided_ms)]
    if document.copies:
        facts.append(bound("1 copy" if document.copies == 1 else f"{document.copies} copies"))
    facts.append(f"net{BOUND_SPACE}{document.net / SCALE:+.2f}")
    cues = [harmless(cue, _CUE_CHARS) for cue in document.cues[:_CUES_SHOWN]]
    return facts + [f"“{cue}”" for cue in cues if cue]


def headline_words(document: Evidence) -> str:
    """A document's headline as one line."""
    return harmless(document.headline, HEADLINE_CHARS) or "(no headline)"


def provenance_facts(event: AlertEvent) -> list[str]:
    """What decided: enough to find the alert in the history and to justify it there."""
    detection = event.detection
    facts = [
        f"severity {detection.severity:.1f} (peak {event.peak_severity:.1f}, threshold {event.threshold:.1f})",
        harmless(detection.scorer, NAME_CHARS),
        f"watchlist {harmless(detection.watchlist, NAME_CHARS)}",
        f"config {harmless(event.config, NAME_CHARS)}",
        f"alert {harmless(event.alert_id, NAME_CHARS)}",
        f"revision{BOUND_SPACE}{event.revision}",
        f"decided {moment_words(event.at_ms)}",
    ]
    return [fact for fact in facts if fact]


def return_period_words(detection: Detection) -> str:
    """How often this would be seen by the baseline alone: coarse, nominal, and never beyond a year.

    One look-back is one try, so the period is look-back / tail probability; tries at other look-backs are not counted,
    and at this coarseness do not matter. Empty for a silent feed: its look-back is how long it has been silent, no try.
    """
    if detection.rule is Rule.FEED_SILENT:
        return ""
    of_whom = " for such a topic" if detection.rule is Rule.NEGATIVE_BURST else ""
    # Above 15 the period is past a year at every look-back; the bound keeps the power finite.
    period_ms = detection.look_back_ms * 10.0 ** min(detection.severity, 15.0)
    if period_ms >= _LONGEST_PERIOD_MS:
        return f"nominally rarer than once a year{of_whom}"
    for unit_ms, unit in ((30 * DAY_MS, "months"), (7 * DAY_MS, "weeks"), (DAY_MS, "days")):
        # A unit serves from one and a half of itself: "6 weeks" says more than "1 month".
        if period_ms >= 1.5 * unit_ms:
            return f"nominally once in {round(period_ms / unit_ms)} {unit}{of_whom}"
    often = "once a day" if period_ms >= DAY_MS / 2 else "several times a day"
    return f"nominally {often}{of_whom}"


def duration_words(duration_ms: int) -> str:
    """A length of time in its two largest units: `15 min`, `4 h`, `5 h 12 min`, `3 d 4 h`."""
    minutes = max(duration_ms, 0) // MINUTE_MS
    hours, minutes = divmod(minutes, 60)
    # A look-back of 24 h is called that, and not a day.
    if hours <= 24:
        pieces = (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else "")
    else:
        days, hours = divmod(hours, 24)
        pieces = (f"{days} d", f"{hours} h" if hours else "")
    return " ".join(piece for piece in pieces if piece)


def moment_words(time_ms: int, beside_ms: int | None = None) -> str:
    """Date and time in UTC, to the minute; the time alone on the day of `beside_ms`."""
    is_same_day = beside_ms is not None and time_ms // DAY_MS == beside_ms // DAY_MS
    form = f"%H:%M{BOUND_SPACE}UTC" if is_same_day else f"%Y-%m-%d %H:%M{BOUND_SPACE}UTC"
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(form)


def bound(text: str) -> str:
    """The words of a text kept on one line."""
    return text.replace(" ", BOUND_SPACE)
