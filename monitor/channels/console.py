"""Alerts on a terminal, as a person wants to read them: what, how unusual, since when, and what carries it.

The words are those of every channel (`words.py`); lines, indents and colours are the terminal's. Everything that comes
from a feed is made harmless first (`terminal.py`). Left out on purpose: links, which a narrow terminal breaks and the
history keeps.
"""

from collections.abc import Iterator
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
from monitor.channels.words import (
    NAME_CHARS,
    POSSIBLE_REPEAT,
    STATE_WORDS,
    breadth_facts,
    duration_words,
    evidence_facts,
    headline_words,
    moment_words,
    news_words,
    provenance_facts,
    return_period_words,
)
from monitor.domain.alerts import AlertEvent, AlertState, Evidence, Rule
from monitor.domain.sentiment import RiskKind
from monitor.errors import DependencyError

# The two words are told by others too, who look for them here.
__all__ = ["ConsoleChannel", "duration_words", "render", "return_period_words"]

_INDENT = "  "
_DOCUMENT_INDENT = "     "
_DOT = f"{BOUND_SPACE}· "

_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_STYLES = {
    AlertState.FIRING: "\x1b[1;31m",
    AlertState.AMENDED: "\x1b[1;33m",
    AlertState.RESOLVED: "\x1b[1;32m",
    AlertState.RETRACTED: "\x1b[1;36m",
}


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

    def send(self, event: AlertEvent, topic_name: str, *, may_repeat: bool = False) -> None:
        """Show one turn of an alert, with an empty line after it. Raises: DependencyError: the stream is gone."""
        width = terminal_width(self._stream) if self._width is None else self._width
        note = f"({POSSIBLE_REPEAT})\n" if may_repeat else ""
        text = note + render(event, topic_name, width=width, color=self._color) + "\n"
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
    yield "", _title(event, topic_name), _STYLES[event.state]
    match event.state:
        case AlertState.FIRING:
            yield from _body(event, event.detection.evidence)
        case AlertState.AMENDED:
            # The whole list was told when it fired; what carries most of it now may be new.
            yield from _body(event, event.detection.evidence[:1])
        case AlertState.RESOLVED | AlertState.RETRACTED:
            yield _INDENT, news_words(event), ""
        case _:
            assert_never(event.state)
    yield _INDENT, _DOT.join(provenance_facts(event)), _DIM


def _title(event: AlertEvent, topic_name: str) -> str:
    detection = event.detection
    name = harmless(topic_name, NAME_CHARS)
    topic = harmless(detection.topic_id, NAME_CHARS)
    # The id of a group or a feed says no more than its name.
    has_id = name != topic and (detection.rule is Rule.NEGATIVE_BURST or not name)
    title = [STATE_WORDS[event.state], f"{name} [{topic}]" if name and has_id else name or topic]
    if detection.risk is not RiskKind.NONE and event.state in (AlertState.FIRING, AlertState.AMENDED):
        title.append(detection.risk)
    return _DOT.join(title)


def _body(event: AlertEvent, evidence: tuple[Evidence, ...]) -> Iterator[tuple[str, str, str]]:
    yield _INDENT, news_words(event), _BOLD
    yield _INDENT, _DOT.join((f"since {moment_words(event.started_ms)}", *breadth_facts(event.detection))), ""
    for number, document in enumerate(evidence, start=1):
        yield f"{_INDENT}{number}. ", headline_words(document), ""
        yield _DOCUMENT_INDENT, _DOT.join(evidence_facts(document, event.detection.at_ms)), _DIM
