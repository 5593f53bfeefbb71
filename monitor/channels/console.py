"""Alerts on a terminal, as a person wants to read them: what, how unusual, since when, and what carries it.

Everything that comes from a feed is made harmless first (`terminal.py`). Left out on purpose: links, which a narrow
terminal breaks and the history keeps.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TextIO, assert_never

from monitor.channels.terminal import (
    BOUND_SPACE,
    MIN_WIDTH,
    encodable,
    harmless,
    terminal_width,
    wants_color,
    wrap,
)
from monitor.clock import DAY_MS, MINUTE_MS
from monitor.domain.alerts import AlertEvent, AlertState, Detection, Evidence, Rule
from monitor.domain.sentiment import SCALE, RiskKind
from monitor.errors import DependencyError

_INDENT = "  "
_DOCUMENT_INDENT = "     "
_DOT = f"{BOUND_SPACE}· "

_NAME_CHARS = 120
_HEADLINE_CHARS = 200
_SOURCE_CHARS = 60
_CUE_CHARS = 40
_CUES_SHOWN = 3

_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_STATES = {
    AlertState.FIRING: ("▲ FIRING", "\x1b[1;31m"),
    AlertState.AMENDED: ("△ AMENDED", "\x1b[1;33m"),
    AlertState.RESOLVED: ("▽ RESOLVED", "\x1b[1;32m"),
    AlertState.RETRACTED: ("× RETRACTED", "\x1b[1;36m"),
}
_YEAR_MS = 365 * DAY_MS
# Nominal tails are too thin by orders of magnitude far out: nobody is told of once in a thousand years, or in two.
_LONGEST_PERIOD_MS = _YEAR_MS


class ConsoleChannel:
    """Writes alerts to a text stream, one write each.

    Args:
        color: None asks the stream (a terminal that is not dumb) and the NO_COLOR variable.
        width: columns; None asks the terminal before each alert, because people resize it.
    """

    name = "console"
    tells_people = True

    def __init__(self, stream: TextIO, *, color: bool | None, width: int | None) -> None:
        self._stream = stream
        self._color = wants_color(stream) if color is None else color
        self._width = width

    def send(self, event: AlertEvent, topic_name: str) -> None:
        """Show one turn of an alert, with an empty line after it. Raises: DependencyError: the stream is gone."""
        width = terminal_width(self._stream) if self._width is None else self._width
        text = render(event, topic_name, width=width, color=self._color) + "\n"
        try:
            self._stream.write(encodable(text, getattr(self._stream, "encoding", None)))
            self._stream.flush()
        except (OSError, ValueError) as exc:
            raise DependencyError(f"the console cannot be written any more: {exc}") from exc

    def flush(self) -> dict[str, str]:
        """Each alert was flushed as it was written; a commit keeps nothing of it."""
        return {}


def render(event: AlertEvent, topic_name: str, *, width: int, color: bool) -> str:
    """One turn of an alert as lines of at most `width` columns (at least 24), each with its line end."""
    width = max(width, MIN_WIDTH)
    lines = []
    for prefix, text, style in _lines(event, topic_name):
        hanging = " " * max(len(prefix), len(_INDENT))
        for number, piece in enumerate(wrap(text, width - len(hanging))):
            line = (hanging if number else prefix) + piece
            lines.append(f"{style}{line}{_RESET}\n" if color and style else f"{line}\n")
    return "".join(lines)


def _lines(event: AlertEvent, topic_name: str) -> Iterator[tuple[str, str, str]]:
    """Prefix, text and style of each line before it is wrapped."""
    detection = event.detection
    word, style = _STATES[event.state]
    name = harmless(topic_name, _NAME_CHARS)
    topic = harmless(detection.topic_id, _NAME_CHARS)
    title = _DOT.join((word, f"{name} [{topic}]" if name and name != topic else topic))
    if detection.risk is not RiskKind.NONE and event.state in (AlertState.FIRING, AlertState.AMENDED):
        title += f"{_DOT}{detection.risk}"
    yield "", title, style

    since = f"since {_moment(event.started_ms)}"
    duration = _bound(duration_words(event.at_ms - event.started_ms))
    match event.state:
        case AlertState.FIRING:
            yield _INDENT, f"{_what(detection)}, {return_period_words(detection)}", _BOLD
            yield _INDENT, f"{since}{_DOT}{_breadth(detection)}", ""
            yield from _documents(detection.evidence, detection.at_ms)
        case AlertState.AMENDED:
            yield _INDENT, f"worse: {_what(detection)}, {return_period_words(detection)}", _BOLD
            yield _INDENT, f"{since}{_DOT}{_breadth(detection)}", ""
            # The whole list was told when it fired; what carries most of it now may be new.
            yield from _documents(detection.evidence[:1], detection.at_ms)
        case AlertState.RESOLVED:
            yield _INDENT, f"over after {duration} ({since}): {_what(detection)}", ""
        case AlertState.RETRACTED:
            yield _INDENT, f"withdrawn after {duration} ({since}): what is left is not unusual, {_what(detection)}", ""
        case _:
            assert_never(event.state)
    yield _INDENT, _provenance(event), _DIM


def _what(detection: Detection) -> str:
    match detection.rule:
        case Rule.NEGATIVE_BURST:
            if detection.look_back_ms == 0:
                return "too few negative stories are left to judge"
            stories = "story" if detection.observed == 1 else "stories"
            observed = detection.observed or "no"
            look_back = _bound(duration_words(detection.look_back_ms))
            return f"{observed} negative {stories} in {look_back} where {_usual(detection.expected)} usual"
        case _:
            assert_never(detection.rule)


def _usual(expected: float) -> str:
    if expected < 0.1:
        return "fewer than 0.1 are"
    return f"{expected:.1f} are" if expected < 9.95 else f"{expected:.0f} are"


def _breadth(detection: Detection) -> str:
    origins = "origin" if detection.origins == 1 else "origins"
    documents = "document" if detection.documents == 1 else "documents"
    return f"{detection.origins} independent {origins}{_DOT}{detection.documents} {documents} in all"


def _documents(evidence: tuple[Evidence, ...], decided_ms: int) -> Iterator[tuple[str, str, str]]:
    for number, document in enumerate(evidence, start=1):
        headline = harmless(document.headline, _HEADLINE_CHARS) or "(no headline)"
        yield f"{_INDENT}{number}. ", headline, ""
        facts = [
            harmless(document.source, _SOURCE_CHARS),
            _moment(document.effective_ms, beside_ms=decided_ms),
        ]
        if document.copies:
            facts.append(_bound("1 copy" if document.copies == 1 else f"{document.copies} copies"))
        facts.append(f"net{BOUND_SPACE}{document.net / SCALE:+.2f}")
        cues = [harmless(cue, _CUE_CHARS) for cue in document.cues[:_CUES_SHOWN]]
        facts += [f"“{cue}”" for cue in cues if cue]
        yield _DOCUMENT_INDENT, _DOT.join(facts), _DIM


def _provenance(event: AlertEvent) -> str:
    detection = event.detection
    facts = [
        f"severity {detection.severity:.1f} (peak {event.peak_severity:.1f}, threshold {event.threshold:.1f})",
        harmless(detection.scorer, _NAME_CHARS),
        f"watchlist {harmless(detection.watchlist, _NAME_CHARS)}",
        f"config {harmless(event.config, _NAME_CHARS)}",
        f"alert {harmless(event.alert_id, _NAME_CHARS)}",
        f"revision{BOUND_SPACE}{event.revision}",
        f"decided {_moment(event.at_ms)}",
    ]
    return _DOT.join(facts)


def return_period_words(detection: Detection) -> str:
    """How often the topic would show this by the baseline alone: coarse, nominal, and never beyond a year.

    One look-back is one try, so the period is look-back / tail probability; tries at other look-backs are not counted,
    and at this coarseness do not matter.
    """
    # Above 15 the period is past a year at every look-back; the bound keeps the power finite.
    period_ms = detection.look_back_ms * 10.0 ** min(detection.severity, 15.0)
    if period_ms >= _LONGEST_PERIOD_MS:
        return "nominally rarer than once a year for such a topic"
    for unit_ms, unit in ((30 * DAY_MS, "months"), (7 * DAY_MS, "weeks"), (DAY_MS, "days")):
        # A unit serves from one and a half of itself: "6 weeks" says more than "1 month".
        if period_ms >= 1.5 * unit_ms:
            return f"nominally once in {round(period_ms / unit_ms)} {unit} for such a topic"
    often = "once a day" if period_ms >= DAY_MS / 2 else "several times a day"
    return f"nominally {often} for such a topic"


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


def _moment(time_ms: int, beside_ms: int | None = None) -> str:
    """Date and time in UTC, to the minute; the time alone on the day of `beside_ms`."""
    is_same_day = beside_ms is not None and time_ms // DAY_MS == beside_ms // DAY_MS
    form = f"%H:%M{BOUND_SPACE}UTC" if is_same_day else f"%Y-%m-%d %H:%M{BOUND_SPACE}UTC"
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(form)


def _bound(text: str) -> str:
    return text.replace(" ", BOUND_SPACE)
