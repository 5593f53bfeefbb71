"""The live view: one frame of the course, drawn into exactly as many lines and columns as the terminal has.

From the top: the story's hour and how far it is, the topics that are talked of worst, the feeds, the alerts, newest
first. Every line is cut or padded by columns, wide characters counted as two, so that nothing wraps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from monitor.channels.terminal import harmless
from monitor.clock import DAY_MS
from monitor.domain.alerts import feed_topic
from monitor.lab.demo.card import card_lines, fitted, moment
from monitor.lab.demo.course import Course, Told, Trend

LEVELS = " ▁▂▃▄▅▆▇█"
_FULL_AT = 4
"""Documents in a bin that fill a sparkline at least: one negative post must not look like a crash."""
_NAME_CHARS = 60
_LEARNING_DAYS = 7
_BAR_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Plot:
    """What the view knows of the story: where it begins, how long it is, and of whom it tells."""

    start_ms: int
    days: int
    records: int
    topics: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines for each part; with few lines the feeds stand in two columns, with very few the cards lose a line."""

    topics: int
    feeds: int
    feed_columns: int
    card_lines: int


def layout(width: int, height: int, feeds: int) -> Layout:
    """How the lines of a terminal are shared out; at least two cards fit from 18 lines on."""
    columns = 1 if height >= 34 or width < 56 else 2
    feed_lines = -(-feeds // columns)
    left = height - 3 - 3 - feed_lines
    topics = max(3, min(12, left - 6, 4 + (left - 10) // 2))
    return Layout(topics, feed_lines, columns, 3 if height >= 26 else 2)


class Frame:
    """One frame; rich asks it for its lines whenever it draws, so a resized terminal is met at the next one."""

    def __init__(self, course: Course, plot: Plot, documents_per_second: float) -> None:
        self._course = course
        self._plot = plot
        self._documents_per_second = documents_per_second

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.size.height
        yield from self.lines(options.max_width, height)

    def lines(self, width: int, height: int) -> list[Text]:
        """Exactly `height` lines of exactly `width` columns."""
        plan = layout(width, height, len(self._course.feeds))
        drawn = [*self._head(width), *self._topics(width, plan), *self._feeds(width, plan)]
        drawn += self._alerts(width, height - len(drawn), plan)
        drawn += [_line("", width)] * (height - len(drawn))
        return drawn[:height]

    def _head(self, width: int) -> Iterator[Text]:
        course, plot = self._course, self._plot
        now_ms = plot.start_ms if course.now_ms is None else course.now_ms
        day = min((now_ms - plot.start_ms) // DAY_MS + 1, plot.days)
        yield _line(
            f"Financial sentiment monitor · two invented weeks about {plot.topics} invented companies", width, "bold"
        )
        clock = f"{moment(now_ms)} UTC  "
        of = f" of {plot.records:,}" if width >= 72 else ""
        told = f"  {course.records:,}{of} documents, {self._documents_per_second:,.0f}/s"
        columns = min(max(width - len(clock) - len(told), 4), _BAR_COLUMNS)
        full = min(columns * (now_ms - plot.start_ms) // (plot.days * DAY_MS), columns)
        bar = Text.assemble((clock, "bold"), ("━" * full, "green"), ("─" * (columns - full), "dim"), told, no_wrap=True)
        yield _fit(bar, width)
        if day <= _LEARNING_DAYS:
            hint = f"day {day} of {plot.days} · learning what is usual; a week of it is needed before anything alerts"
        else:
            hint = f"day {day} of {plot.days} · a week is known: what is unusual for a company alerts"
        yield _line(hint, width, "dim")

    def _topics(self, width: int, plan: Layout) -> Iterator[Text]:
        course = self._course
        name_columns = 22 if width < 100 else 30
        chart_columns = width - 2 - name_columns - 1 - 26
        heading = "─ most bad news" if width < 100 else "─ companies with most bad news"
        chart = "negative documents, a mark is 3 h"
        if chart_columns < len(chart):
            chart = "negative, by 3 h"
        heading = fitted(f"{heading} ", 2 + name_columns) + " " + fitted(chart, chart_columns)
        yield _line(f"{heading}   24 h  bad stories   net", width, "cyan")
        days = [(course.day(trend), topic_id, trend) for topic_id, trend in course.topics.items()]
        days.sort(key=lambda one: (-one[0].negative, -one[0].documents, one[1]))
        alerts = course.open_alerts()
        for day, topic_id, trend in days[: plan.topics]:
            is_told = topic_id in alerts
            name = fitted(harmless(course.name_of(topic_id), _NAME_CHARS), name_columns)
            net = "" if day.net is None else f"{day.net:+.2f}"
            style = "bold red" if is_told else ""
            row = Text.assemble(
                ("▲ " if is_told else "  ", style),
                (name, style),
                " ",
                (sparkline(trend, trend.negative, course.last_bin, chart_columns), "red"),
                f"  {day.documents:>5}{day.negative:>5}{day.negative_stories:>8}{net:>6}",
                no_wrap=True,
            )
            yield _fit(row, width)
        for _ in range(plan.topics - len(days)):
            yield _line("", width)

    def _feeds(self, width: int, plan: Layout) -> Iterator[Text]:
        course = self._course
        yield _line("─ feeds: all documents by 3 h, and in the last 24 h", width, "cyan")
        alerts = course.open_alerts()
        columns = width // plan.feed_columns
        name_columns = 16 if columns < 60 else 32
        chart_columns = columns - 2 - name_columns - 1 - 8
        vendors = sorted(course.feeds)
        for row in range(plan.feeds):
            line = Text(no_wrap=True)
            for vendor in vendors[row :: plan.feeds]:
                trend = course.feeds[vendor]
                is_silent = feed_topic(vendor) in alerts
                said = "silent" if is_silent else str(course.day(trend).documents)
                style = "bold red" if is_silent else ""
                line.append("▲ " if is_silent else "  ", style)
                line.append(fitted(harmless(vendor, _NAME_CHARS), name_columns) + " ", style)
                line.append(sparkline(trend, trend.documents, course.last_bin, chart_columns), "blue")
                line.append(f"{said:>7} ", style)
            yield _fit(line, width)

    def _alerts(self, width: int, height: int, plan: Layout) -> Iterator[Text]:
        alerts = sorted(self._course.alerts.values(), key=lambda told: -told.first.at_ms)
        count = f": {len(alerts)} so far, newest first" if alerts else ": none yet"
        yield _line(f"─ alerts{count}", width, "cyan")
        for text, style in _cards(alerts, width, height - 1, plan.card_lines):
            yield _line(text, width, style)


def _cards(alerts: list[Told], width: int, height: int, open_lines: int) -> list[tuple[str, str]]:
    """The lines of the cards that fit. What is over keeps its first line, and more of it only where there is room."""
    cards = [list(card_lines(told, width))[:open_lines] for told in alerts]
    shown = [len(card) if told.is_open else 1 for told, card in zip(alerts, cards, strict=True)]
    room = height - sum(shown)
    for index, card in enumerate(cards):
        more = min(len(card) - shown[index], max(room, 0))
        shown[index] += more
        room -= more
    return [line for card, count in zip(cards, shown, strict=True) for line in card[:count]][:height]


def sparkline(trend: Trend, values: dict[int, int], last_bin: int, columns: int) -> str:
    """The latest bins of a trend as marks of eight heights, a column each; empty before its first document."""
    shown = [values.get(each, 0) for each in range(last_bin - columns + 1, last_bin + 1)]
    full = max(_FULL_AT, *values.values()) if values else _FULL_AT
    # Rounded up, so that a single document can be seen.
    return "".join(LEVELS[-(-value * (len(LEVELS) - 1) // full)] if value > 0 else LEVELS[0] for value in shown)


def _line(text: str, width: int, style: str = "") -> Text:
    return Text(fitted(text, width), style, no_wrap=True, overflow="crop")


def _fit(text: Text, width: int) -> Text:
    text.overflow = "crop"
    text.truncate(width, pad=True, overflow="crop")
    return text
