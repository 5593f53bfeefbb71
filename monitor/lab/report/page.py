"""The page: gathers what is shown, fills the template and writes one file.

Left out on purpose: scripts, fonts, pictures. The policy in the page's head forbids a browser to fetch anything at all.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from monitor.channels.words import duration_words
from monitor.clock import DAY_MS
from monitor.config import Config
from monitor.domain.alerts import AlertId
from monitor.domain.topics import TopicId
from monitor.errors import ConfigError, DependencyError
from monitor.lab.report.cases import Case, CaseMaker
from monitor.lab.report.charts import Flag, sparkline, timeline
from monitor.lab.report.hours import ALL_VENDORS, Span, pooled
from monitor.lab.report.readings import Readings
from monitor.lab.report.untold import gather
from monitor.lab.report.words import (
    NAME_CHARS,
    SOURCE_CHARS,
    clean,
    iso_words,
    moment_words,
    period_words,
    plural,
    usual_words,
)
from monitor.lab.story.planting import PlantedKind
from monitor.lab.verdict import Outcome, Verdict, VerdictRow
from monitor.storage.history import History
from monitor.watchlist import Watchlist

FOLDER = Path(__file__).parent
PAGE_FILE, STYLE_FILE = "page.html.jinja", "style.css"

TOPICS_SHOWN = 200
"""Of the table at the end: more is a matter for Grafana and for SQL."""

CASES_SHOWN = 100
"""Cards; a period with more alerts than this is better told in parts."""

TIMELINE_BARS, SPARK_BARS = 168, 56
"""As many as a phone can show apart."""

OUTCOMES = {
    Outcome.FOUND: ("✓", "found"),
    Outcome.MISSED: ("✗", "missed"),
    Outcome.SILENT: ("✓", "silent"),
    Outcome.FALSE_ALARM: ("✗", "false alarm"),
}


@dataclass(frozen=True, slots=True)
class ReportHeading:
    """What the report is about, beyond what the history holds.

    Attributes:
        title: the page's first line. topics: those that are watched, in the watchlist's order.
        scorer, watchlist: versions in force. config: the one that decided.
    """

    title: str
    topics: tuple[TopicId, ...]
    scorer: str
    watchlist: str
    config: Config


def heading_of(
    config: Config, watchlist: Watchlist, scorer: str, *, title: str = "Financial sentiment report"
) -> ReportHeading:
    """The heading of what one configuration, watchlist and scorer have made of a feed."""
    return ReportHeading(title, tuple(topic.id for topic in watchlist.topics), scorer, watchlist.version, config)


@dataclass(frozen=True, slots=True)
class _TopicLine:
    name: str
    documents: int
    negative_stories: int
    net: str
    spark: Markup


@dataclass(frozen=True, slots=True)
class _FeedLine:
    vendor: str
    documents: int
    usual: str
    silent: str


@dataclass(frozen=True, slots=True)
class _VerdictLine:
    what: str
    note: str
    whom: str
    at_ms: int
    sign: str
    outcome: str
    is_good: bool
    delay: str
    case: Case | None
    beside: int


def check_place(out: Path) -> None:
    """Refuse a place where no report can be written, before an hour of work. Raises: ConfigError: it says why."""
    if out.is_dir():
        raise ConfigError(f"--report: {out} is a folder; name a file in it")
    if not out.parent.is_dir():
        raise ConfigError(f"--report: there is no folder {out.parent}; make it, or name another file")
    if not os.access(out.parent, os.W_OK) or (out.exists() and not os.access(out, os.W_OK)):
        raise ConfigError(f"--report: {out} cannot be written; check the permissions, or name another file")


def write_report(
    history: History,
    name_of: Callable[[TopicId], str],
    out: Path,
    *,
    heading: ReportHeading,
    verdict: Verdict | None = None,
) -> None:
    """Write the report of all that a history holds; the file is there whole or not at all.

    `verdict` is of a story whose truth is known: it comes first. Raises: DependencyError: the disk is full or fails.
    """
    content = render(history, name_of, heading=heading, verdict=verdict).encode()
    try:
        descriptor, scratch = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            # Readable like any file that its owner makes, where mkstemp thinks of secrets.
            os.chmod(scratch, 0o666 & ~_umask())
            os.replace(scratch, out)
        except BaseException:
            os.unlink(scratch)
            raise
    except OSError as exc:
        raise DependencyError(f"the report {out} cannot be written: {exc.strerror or exc}") from exc


def render(
    history: History,
    name_of: Callable[[TopicId], str],
    *,
    heading: ReportHeading,
    verdict: Verdict | None = None,
) -> str:
    """The page as text."""
    readings = Readings(history, heading.topics, heading.config)
    cases = CaseMaker(readings, name_of, heading.config).cases()
    untold = gather(readings, name_of, heading.config)
    span = readings.span
    return (
        _environment()
        .get_template(PAGE_FILE)
        .render(
            title=clean(heading.title, NAME_CHARS),
            style=Markup((FOLDER / STYLE_FILE).read_text(encoding="utf-8")),
            period=period_words(span.start_ms, span.end_ms) if span is not None else "not one whole minute yet",
            documents=int(readings.feed.documents(ALL_VENDORS, span).sum()) if span and readings.feed.vendors else None,
            watched_documents=untold.documents_watched,
            topics_count=len(heading.topics),
            heading=heading,
            fingerprint=heading.config.fingerprint,
            cases=cases[:CASES_SHOWN],
            more_cases=max(0, len(cases) - CASES_SHOWN),
            open_cases=sum(case.is_open for case in cases),
            any_silence=bool(readings.silences),
            timeline=_timeline(readings, span, cases[:CASES_SHOWN]) if span is not None else None,
            verdict=verdict,
            verdict_lines=[] if verdict is None else _verdict_lines(verdict, cases, name_of),
            good=0 if verdict is None else verdict.count(Outcome.FOUND) + verdict.count(Outcome.SILENT),
            untold=untold,
            topic_lines=_topic_lines(readings, span, name_of),
            more_topics=max(0, len(readings.topics) - TOPICS_SHOWN),
            feed_lines=_feed_lines(readings, span),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "plural": plural, "span": duration_words}
    return environment


def _moment(time_ms: int) -> Markup:
    """A time that both a person and a program can read."""
    return Markup('<time datetime="{}">{}</time>').format(iso_words(time_ms), moment_words(time_ms))


def _timeline(readings: Readings, span: Span, cases: Sequence[Case]) -> Markup:
    counts = pooled(readings.negative_stories(tuple(readings.topics), span), TIMELINE_BARS)
    flags = [Flag(case.fired_ms, case.number, case.anchor, case.title) for case in cases]
    label = f"All negative stories of the period, and when each of {plural(len(cases), 'alert')} fired"
    return timeline(span, counts, readings.silences, flags, label)


def _topic_lines(readings: Readings, span: Span | None, name_of: Callable[[TopicId], str]) -> list[_TopicLine]:
    """The topics with the most negative stories first; those of which nothing was said last."""
    if span is None:
        return []
    lines = []
    ordered = sorted(
        readings.topics.items(), key=lambda one: (-one[1].total("negative_stories"), -one[1].total("documents"), one[0])
    )
    for topic, hours in ordered[:TOPICS_SHOWN]:
        values = pooled(hours.values("negative_stories", span), SPARK_BARS)
        name, net = clean(name_of(topic), NAME_CHARS) or topic, hours.net
        lines.append(
            _TopicLine(
                name=name,
                documents=hours.total("documents"),
                negative_stories=hours.total("negative_stories"),
                net="" if net is None else f"{net:+.2f}".replace("-", "−"),
                spark=sparkline(values, f"Negative stories about {name} over the period"),
            )
        )
    return lines


def _feed_lines(readings: Readings, span: Span | None) -> list[_FeedLine]:
    if span is None:
        return []
    lines = []
    for vendor in readings.feed.vendors:
        usual = readings.feed.usual(vendor, span)
        known = usual[usual == usual]
        silent_ms = sum(one.end_ms - one.start_ms for one in readings.silences if one.vendor == vendor)
        lines.append(
            _FeedLine(
                vendor=clean(vendor, SOURCE_CHARS),
                documents=int(readings.feed.documents(vendor, span).sum()),
                usual=usual_words(float(known.sum()) / len(known) * DAY_MS / 3_600_000) if len(known) else "",
                silent=duration_words(silent_ms) if silent_ms else "",
            )
        )
    return sorted(lines, key=lambda line: -line.documents)


def _verdict_lines(verdict: Verdict, cases: Sequence[Case], name_of: Callable[[TopicId], str]) -> list[_VerdictLine]:
    """What had to be found first, then what had to stay silent, each kind in the order of the story's own list."""
    kinds = list(PlantedKind)
    by_id: dict[AlertId, Case] = {case.alert_id: case for case in cases[:CASES_SHOWN]}

    def line(row: VerdictRow) -> _VerdictLine:
        sign, outcome = OUTCOMES[row.outcome]
        names = [clean(name_of(topic), NAME_CHARS) or topic for topic in row.topic_ids]
        return _VerdictLine(
            what=row.kind.value.replace("_", " "),
            note=clean(row.note, NAME_CHARS),
            whom=f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names),
            at_ms=row.start_ms,
            sign=sign,
            outcome=outcome,
            is_good=row.outcome in (Outcome.FOUND, Outcome.SILENT),
            delay="" if row.delay_ms is None else duration_words(row.delay_ms),
            case=None if row.alert_id is None else by_id.get(row.alert_id),
            beside=row.alerts_beside,
        )

    return [line(row) for row in sorted(verdict.rows, key=lambda row: (kinds.index(row.kind), row.start_ms))]


def _umask() -> int:
    """The process's mask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
