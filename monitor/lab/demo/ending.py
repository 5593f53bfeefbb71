"""The ending: what was planted against what was found, what was left out and why, and where to go from here."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from monitor.channels.terminal import MIN_WIDTH, encodable, harmless, terminal_width, wants_color, wrap
from monitor.channels.words import NAME_CHARS, duration_words
from monitor.domain.naming import listed, subject
from monitor.domain.topics import Topic, TopicId
from monitor.lab.demo.card import moment
from monitor.lab.story.planting import PlantedKind
from monitor.lab.verdict import Outcome, Verdict, VerdictRow

OWN_FEED = ".venv/bin/monitor run https://news.example/feed.xml --watchlist deploy/watchlist.companies.csv"
"""The one command for a feed of one's own: only the address is to be replaced."""

_RESET, _BOLD, _DIM, _RED, _GREEN = "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[32m"
_OUTCOMES = {
    Outcome.FOUND: ("found", _GREEN),
    Outcome.MISSED: ("MISSED", _RED),
    Outcome.SILENT: ("silent", _GREEN),
    Outcome.FALSE_ALARM: ("FALSE ALARM", _RED),
}
_OUTCOME_COLUMNS = 13

Line = tuple[str, str, str]
"""Prefix, text and style; what is wrapped hangs under the text."""

Names = Callable[[TopicId], str]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was read but did not count, each for a reason. `dead` are (reason, records)."""

    copies: int
    repeats: int
    listed: int
    late: int
    unwatched: int
    dead: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """The run in numbers. Seconds are of the wall; `documents_per_second` leaves out the waiting for who watched."""

    seed: int
    documents: int
    seconds: float
    documents_per_second: float
    first_alert_seconds: float | None

    def to_json(self) -> dict[str, object]:
        """The run's part of `--summary`."""
        first = self.first_alert_seconds
        return {
            "seed": self.seed,
            "documents": self.documents,
            "seconds": round(self.seconds, 3),
            "documents_per_second": round(self.documents_per_second, 1),
            "first_alert_seconds": None if first is None else round(first, 3),
        }


def verdict_lines(verdict: Verdict, name_of: Names) -> Iterator[Line]:
    """Planted against found: what had to be told first, then what had to stay silent, then what nobody planted."""
    yield "", "What was planted in the story, and what the monitor made of it", _BOLD
    due = [row for row in verdict.rows if _had_to_be_told(row)]
    quiet = [row for row in verdict.rows if not _had_to_be_told(row)]
    yield "", "", ""
    yield "  ", "bad news, to be told:", _DIM
    for row in due:
        yield _row(row, name_of)
    yield "  ", "no bad news, to be left alone:", _DIM
    for row in quiet:
        yield _row(row, name_of)
    for event in verdict.false_alerts:
        about = harmless(subject(event.detection, name_of), NAME_CHARS)
        yield _prefix("FALSE"), f"{about}, {moment(event.at_ms)}: nothing was planted there", _RED
    yield "", "", ""
    delay_ms = verdict.median_delay_ms
    usual = "" if delay_ms is None else f" (half of them within {duration_words(round(delay_ms))})"
    found, silent = verdict.count(Outcome.FOUND), verdict.count(Outcome.SILENT)
    yield (
        "",
        f"{found} of {len(due)} found{usual}, {silent} of {len(quiet)} left alone, "
        f"{_alerts(len(verdict.false_alerts), 'false ')}, {_alerts(verdict.alerts)} in all.",
        _BOLD,
    )


def figures_lines(figures: Figures, left_out: LeftOut) -> Iterator[Line]:
    """How much was read, how fast, and what of it did not count."""
    dead = sum(count for _, count in left_out.dead)
    reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in left_out.dead)
    yield "", f"{figures.documents:,} records, {figures.documents_per_second:,.0f} a second. Of these:", ""
    yield "  ", f"{left_out.unwatched:,} name nobody on the watchlist", ""
    yield "  ", f"{left_out.copies:,} copies of a story that was known, told once", ""
    yield "  ", f"{left_out.repeats:,} delivered twice, {left_out.late:,} late, counted in their own minute", ""
    yield "  ", f"{left_out.listed:,} times a name stood in a list of many, which is no news about it", ""
    yield "  ", f"{dead:,} broken, kept with the reason: {reasons or 'none'}", ""


def summary_json(figures: Figures, verdict: Verdict) -> bytes:
    """What `--summary` writes; docs/demo.md tells what each key means."""
    return (json.dumps({**figures.to_json(), **verdict.to_json()}, indent=2, ensure_ascii=False) + "\n").encode()


def names_of(topics: Iterable[Topic]) -> Names:
    """How people call a topic of the story."""
    names = {topic.id: topic.name for topic in topics}
    return lambda topic_id: names.get(topic_id, topic_id)


def write_lines(lines: Iterable[Line], out: TextIO) -> None:
    """Write lines as wide as the terminal, coloured where it wants colour."""
    width = max(terminal_width(out), MIN_WIDTH)
    color = wants_color(out)
    written = []
    for prefix, text, style in lines:
        hanging = " " * len(prefix)
        for number, piece in enumerate(wrap(text, width - len(prefix))):
            line = ((hanging if number else prefix) + piece).rstrip()
            written.append(f"{style}{line}{_RESET}\n" if color and style else f"{line}\n")
    out.write(encodable("".join(written), getattr(out, "encoding", None)))
    out.flush()


def _had_to_be_told(row: VerdictRow) -> bool:
    return row.outcome in (Outcome.FOUND, Outcome.MISSED) or row.kind is PlantedKind.OUTAGE


def _row(row: VerdictRow, name_of: Names) -> Line:
    word, style = _OUTCOMES[row.outcome]
    who = harmless(listed([name_of(topic) for topic in row.topic_ids]), NAME_CHARS)
    facts = [f"{row.note}: {who}" if who else row.note]
    if row.delay_ms is not None:
        facts.append(f"after {duration_words(row.delay_ms)}")
    if row.kind is PlantedKind.SECTOR_SHOCK:
        alone = f"{row.alerts_beside} alone"
        facts.append(f"one alert for all, {alone} beside it" if row.outcome is Outcome.FOUND else alone)
    return _prefix(word), " · ".join(facts), style


def _alerts(count: int, kind: str = "") -> str:
    return f"{count or 'no'} {kind}{'alert' if count == 1 else 'alerts'}"


def _prefix(word: str) -> str:
    return f"  {word:<{_OUTCOME_COLUMNS}}"
