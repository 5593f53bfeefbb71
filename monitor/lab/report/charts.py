"""Charts: inline SVG of our own making, stretched to the width of the page, with its words beside it in HTML.

The drawing is stretched without keeping its proportions, so that it serves a phone and a desk alike; text would be
stretched with it, and therefore lies over the drawing as HTML. Lines keep their width. Whoever cannot see a chart hears
its `label`. All numbers are ours; every word is escaped here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from monitor.clock import DAY_MS
from monitor.lab.report.hours import FeedSilence, Floats, Span
from monitor.lab.report.words import date_words

HEIGHT = 100.0
"""Units of the drawing's height; its width is one unit for each value."""

BAR_WIDTH = 0.8
"""Of an hour: what is left between bars shows that they are counts, and no curve."""

NICE = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15)

DAY_LABEL_PERCENT = 9.0
"""A day's name needs this much of the width of a phone."""

FLAG_PERCENT = 5.6
"""Width that a number on the timeline needs on a phone."""

MARK_PERCENT, EDGE_PERCENT = 20.0, 20.0
"""Width that a mark's words need on a phone, and half of that of a silent feed's name."""

SPARK_TOP = 5.0
"""A small chart is at least this high: one story in a quiet week must not look like a storm."""

HEAD_ROOM = 0.84
"""Of the height, for bars: flags and feeds' names stand above them."""


class Mark(NamedTuple):
    """A moment to be marked: `kind` is a class of the style sheet."""

    at_ms: int
    kind: str
    label: str


class Flag(NamedTuple):
    """A numbered moment of the timeline that leads somewhere."""

    at_ms: int
    number: int
    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The values of one chart, by hour. `expected` may be NaN where nobody knows."""

    span: Span
    counts: Floats
    expected: Floats | None
    silences: tuple[FeedSilence, ...] = ()
    marks: tuple[Mark, ...] = ()


def ceiling(value: float) -> int:
    """The least round number that is not below a value, and at least 1: the top of an axis."""
    scale = 1
    while True:
        for step in NICE:
            if step * scale >= value:
                return step * scale
        scale *= 10


def hours_chart(drawing: Drawing, label: str) -> Markup:
    """Bars by hour against the expected as a stepped line, with days, silences of feeds and marks."""
    span, width = drawing.span, len(drawing.span)
    highest = float(drawing.counts.max(initial=0.0))
    if drawing.expected is not None:
        highest = max([highest, *(float(value) for value in drawing.expected if value == value)])
    top = ceiling(highest)
    scale = HEIGHT * HEAD_ROOM / top
    pieces = [_shade(span, silence) for silence in drawing.silences]
    pieces += [_line("grid", 0, HEIGHT - level * scale, width, HEIGHT - level * scale) for level in _levels(top)]
    pieces += [_line("day", x, 0, x, HEIGHT) for x, _ in _days(span)]
    pieces.append(_path("bars", _bars(drawing.counts, scale)))
    if drawing.expected is not None:
        pieces.append(_path("expected", _steps(drawing.expected, scale)))
    marks = _thinned(drawing.marks, span)
    pieces += [_line(f"mark {mark.kind}", x, 0, x, HEIGHT) for mark in marks for x in [_place(span, mark.at_ms)]]
    words = [_over("level", None, 100 - level * scale, str(level)) for level in _levels(top)]
    words += [_mark_words(span, mark, marks) for mark in marks]
    words += [_silence_words(span, silence) for silence in _apart(drawing.silences, span)]
    return Markup('<div class="chart"><div class="plot">{}{}</div>{}</div>').format(
        _svg(width, HEIGHT, label, pieces), Markup("").join(words), _axis(span)
    )


def sparkline(values: Floats, label: str) -> Markup:
    """Small bars without an axis; the words beside it carry the figures."""
    scale = HEIGHT / max(SPARK_TOP, float(values.max(initial=0.0)))
    return Markup('<div class="spark">{}</div>').format(
        _svg(max(len(values), 1), HEIGHT, label, [_path("bars", _bars(values, scale))])
    )


def timeline(span: Span, counts: Floats, silences: Sequence[FeedSilence], flags: Sequence[Flag], label: str) -> Markup:
    """The whole period: all negative stories as bars, the feeds' silences, and over them a numbered flag each alert."""
    pieces_count = len(counts)
    ratio = pieces_count / len(span)
    scale = HEIGHT / ceiling(float(counts.max(initial=0.0)))
    pieces = [_shade(span, silence, ratio) for silence in silences]
    pieces += [_line("day", x * ratio, 0, x * ratio, HEIGHT) for x, _ in _days(span)]
    pieces.append(_path("bars", _bars(counts, scale)))
    lanes, rows = _lanes(span, flags)
    links = [
        Markup('<a class="flag" href="#{}" title="{}" style="left:{:.2f}%;top:{:.2f}rem">{}</a>').format(
            flag.anchor, flag.title, _percent(span, flag.at_ms), lane * 1.4, flag.number
        )
        for flag, lane in lanes
    ]
    return Markup(
        '<div class="chart timeline"><div class="flags" style="height:{:.2f}rem">{}</div>'
        '<div class="plot">{}</div>{}</div>'
    ).format(rows * 1.4, Markup("").join(links), _svg(pieces_count, HEIGHT, label, pieces), _axis(span))


def _svg(width: float, height: float, label: str, pieces: Iterable[Markup]) -> Markup:
    return Markup('<svg role="img" aria-label="{}" viewBox="0 0 {:g} {:g}" preserveAspectRatio="none">{}</svg>').format(
        label, width, height, Markup("").join(pieces)
    )


def _path(kind: str, data: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(kind, data) if data else Markup("")


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<path class="{}" d="M{:.4g} {:.4g}L{:.4g} {:.4g}"/>').format(kind, x1, y1, x2, y2)


def _shade(span: Span, silence: FeedSilence, ratio: float = 1.0) -> Markup:
    start, end = _place(span, silence.start_ms), _place(span, silence.end_ms)
    return Markup('<rect class="shade" x="{:.4g}" y="0" width="{:.4g}" height="100"/>').format(
        start * ratio, (end - start) * ratio
    )


def _bars(values: Floats, scale: float) -> str:
    """One path for all bars: an element each would double the size of the page."""
    gap = (1.0 - BAR_WIDTH) / 2.0
    return "".join(
        f"M{x + gap:.5g} {HEIGHT:g}V{HEIGHT - value * scale:.4g}h{BAR_WIDTH:g}V{HEIGHT:g}z"
        for x, value in enumerate(values.tolist())
        if value > 0.0
    )


def _steps(values: Floats, scale: float) -> str:
    """A line that is level within each hour, and broken where nobody knows."""
    pieces, is_drawing = [], False
    for x, value in enumerate(values.tolist()):
        if value != value:
            is_drawing = False
            continue
        y = HEIGHT - value * scale
        pieces.append(f"{'V' if is_drawing else f'M{x} '}{y:.4g}H{x + 1}")
        is_drawing = True
    return "".join(pieces)


def _levels(top: int) -> tuple[int, ...]:
    return (top // 2, top) if top % 2 == 0 else (top,)


def _days(span: Span) -> list[tuple[int, int]]:
    """(x, midnight) of each day that begins inside."""
    first = -(-span.start_ms // DAY_MS)
    return [(day * 24 - span.first, day * DAY_MS) for day in range(first, -(-span.end_ms // DAY_MS))]


def _axis(span: Span) -> Markup:
    """The days under a chart, as many as there is room for."""
    starts = [(_percent(span, midnight), midnight) for _, midnight in _days(span)]
    day_percent = 2_400.0 / len(span)
    every = max(1, -(-int(DAY_LABEL_PERCENT * 100) // max(1, int(day_percent * 100))))
    shown = [
        _over("when", percent, None, date_words(midnight))
        for number, (percent, midnight) in enumerate(starts)
        if number % every == 0 and percent <= 100.0 - DAY_LABEL_PERCENT
    ]
    return Markup('<div class="axis" aria-hidden="true">{}</div>').format(Markup("").join(shown))


def _over(kind: str, left: float | None, top: float | None, text: str) -> Markup:
    place = "".join(f"{side}:{value:.2f}%;" for side, value in (("left", left), ("top", top)) if value is not None)
    return Markup('<span class="{}" style="{}" aria-hidden="true">{}</span>').format(kind, place, text)


def _mark_words(span: Span, mark: Mark, marks: Sequence[Mark]) -> Markup:
    """Beside its line on the side that has room, and a row lower where an earlier mark's words would be hidden."""
    percent = _percent(span, mark.at_ms)
    side = "before" if percent > 50.0 else "after"
    spoken = [_percent(span, other.at_ms) for other in marks if len(other.label) > 1 and other.at_ms < mark.at_ms]
    is_low = any(percent - other < MARK_PERCENT for other in spoken)
    return _over(f"flagged {mark.kind} {side}{' low' if is_low else ''}", percent, None, mark.label)


def _silence_words(span: Span, silence: FeedSilence) -> Markup:
    """Over the middle of a silence, and inside the chart where that is at its edge."""
    percent = _percent(span, (silence.start_ms + silence.end_ms) // 2)
    side = "before" if percent > 100.0 - EDGE_PERCENT else "after" if percent < EDGE_PERCENT else "middle"
    place = {"before": 100.0, "after": 0.0, "middle": percent}[side]
    return _over(f"silent {side}", place, None, f"{silence.vendor} silent")


def _place(span: Span, at_ms: int) -> float:
    return min(max((at_ms - span.start_ms) / (span.end_ms - span.start_ms), 0.0), 1.0) * len(span)


def _percent(span: Span, at_ms: int) -> float:
    return 100.0 * _place(span, at_ms) / len(span)


def _thinned(marks: Sequence[Mark], span: Span) -> list[Mark]:
    """Without what would hide behind a neighbour of the same kind."""
    kept: list[Mark] = []
    for mark in sorted(marks):
        percent = _percent(span, mark.at_ms)
        if all(mark.kind != other.kind or percent - _percent(span, other.at_ms) > 1.0 for other in kept):
            kept.append(mark)
    return kept


def _apart(silences: Sequence[FeedSilence], span: Span) -> list[FeedSilence]:
    """Those whose names have room, the first of each crowd."""
    kept: list[FeedSilence] = []
    for silence in sorted(silences, key=lambda one: one.start_ms):
        if not kept or _percent(span, silence.start_ms) - _percent(span, kept[-1].start_ms) > 25.0:
            kept.append(silence)
    return kept


def _lanes(span: Span, flags: Sequence[Flag]) -> tuple[list[tuple[Flag, int]], int]:
    """Each flag's row, so that none covers another, and the number of rows; the lowest row fills first."""
    ends: list[float] = []
    placed = []
    for flag in sorted(flags):
        percent = _percent(span, flag.at_ms)
        row = next((row for row, end in enumerate(ends) if percent >= end), len(ends))
        ends[row : row + 1] = [percent + FLAG_PERCENT]
        placed.append((flag, row))
    return [(flag, len(ends) - 1 - row) for flag, row in placed], len(ends)
