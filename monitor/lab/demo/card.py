"""An alert in two or three lines, for the live view; the console channel's card is the long form.

Foreign text is made harmless before it comes near the screen.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size

from monitor.channels.terminal import BOUND_SPACE, harmless
from monitor.channels.words import NAME_CHARS, duration_words, headline_words, news_words
from monitor.domain.alerts import AlertState
from monitor.domain.sentiment import RiskKind
from monitor.lab.demo.course import Told

_SOURCE_CHARS = 40

MARKS = {
    AlertState.FIRING: ("▲", "bold red"),
    AlertState.AMENDED: ("▲", "bold red"),
    AlertState.RESOLVED: ("▽", "green"),
    AlertState.RETRACTED: ("×", "cyan"),
}


def fitted(text: str, columns: int) -> str:
    """The text in exactly so many columns, wide characters counted as two; what is cut ends in an ellipsis."""
    if cell_len(text) > columns > 0:
        text = set_cell_size(text, columns - 1).rstrip() + "…"
    return set_cell_size(text, max(columns, 0))


def card_lines(told: Told, width: int) -> Iterator[tuple[str, str]]:
    """(text, style) of each line: who and what kind, how unusual, what carries it (where there is a headline)."""
    mark, style = MARKS[told.latest.state]
    detection = told.told.detection
    risk = f" · {detection.risk.value}" if detection.risk is not RiskKind.NONE else ""
    ended = ""
    if not told.is_open:
        word = "over" if told.latest.state is AlertState.RESOLVED else "withdrawn"
        ended = f" · {word} after {duration_words(told.latest.at_ms - told.latest.started_ms)}"
    since = f"{mark} {moment(told.first.at_ms)}  "
    # The kind and the end are short and say much: a long list of names gives way to them.
    name = harmless(told.subject, NAME_CHARS)
    left = width - len(since) - len(risk) - len(ended)
    yield since + (name if cell_len(name) <= left else fitted(name, left)) + risk + ended, style
    yield f"  {news_words(told.told).replace(BOUND_SPACE, ' ')}", "" if told.is_open else "dim"
    if detection.evidence:
        first = detection.evidence[0]
        yield f"  “{headline_words(first)}” {harmless(first.source, _SOURCE_CHARS)}", "dim"


def moment(time_ms: int) -> str:
    """`Tue 10 Mar 11:02`, UTC."""
    at = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{_DAYS[at.weekday()]} {at.day:2} {_MONTHS[at.month - 1]} {at:%H:%M}"


# Not by strftime, whose names follow the machine's locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
