"""Hours: the history by the hour, as the charts need it: what was said of a topic, of a feed, and what was usual.

The one module of the report that knows pandas. An hour is its number since the epoch, `hour * HOUR_MS` its beginning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from monitor.clock import HOUR_MS
from monitor.domain.alerts import Detection
from monitor.domain.archive import VolumeRow, WindowRow
from monitor.domain.sentiment import SCALE
from monitor.domain.windows import WindowSpec
from monitor.operators.coverage import DISPERSION

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

ALL_VENDORS = ""
"""In `Detection.rates`, the whole feed."""

COLUMNS = ("documents", "listed", "negative_stories", "net_sum")


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive hours [first, last)."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last <= self.first:
            raise ValueError(f"hours {self.first} to {self.last} are no span")

    @property
    def start_ms(self) -> int:
        return self.first * HOUR_MS

    @property
    def end_ms(self) -> int:
        return self.last * HOUR_MS

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True, slots=True)
class FeedSilence:
    """Hours in which a vendor's feed said nothing, though it usually does."""

    vendor: str
    start_ms: int
    end_ms: int


def chart_window_ms(specs: Iterable[WindowSpec]) -> int | None:
    """The size of the finest windows that neither overlap nor cross an hour; None where none are kept."""
    fitting = [spec.size_ms for spec in specs if spec.size_ms == spec.hop_ms and HOUR_MS % spec.size_ms == 0]
    return min(fitting, default=None)


def least_due(threshold: float) -> float:
    """How many documents must have been due for none at all to have this severity, -log10 of its probability."""
    # The negative binomial's probability of none is (1 + dispersion * due) ** (-1 / dispersion).
    due: float = (10.0 ** (threshold * DISPERSION) - 1.0) / DISPERSION
    return due


def pooled(values: Floats, pieces: int) -> Floats:
    """The same values summed into at most `pieces` stretches of one length; the last may be shorter."""
    size = max(1, -(-len(values) // pieces))
    return np.add.reduceat(values, np.arange(0, len(values), size)) if len(values) else values


class TopicHours:
    """What was said of one topic, by the hour; hours in which nothing was take no room."""

    def __init__(self, rows: Sequence[WindowRow]) -> None:
        """`rows` are windows that do not overlap; each counts in the hour in which it starts."""
        hours = [row.window.start_ms // HOUR_MS for row in rows]
        sums = [[getattr(row.summary, name) for name in COLUMNS] for row in rows]
        index = pd.Index(hours, dtype="int64")
        table = pd.DataFrame(sums, index=index, columns=list(COLUMNS), dtype="int64")
        self._table = table.groupby(level=0).sum()

    @property
    def span(self) -> Span | None:
        """From the first hour in which something was said to the last."""
        hours = self._table.index
        return Span(int(hours[0]), int(hours[-1]) + 1) if len(hours) else None

    def values(self, column: str, span: Span) -> Floats:
        """One of COLUMNS by hour, zero where nothing was said."""
        column_values = self._table[column].reindex(range(span.first, span.last), fill_value=0)
        return column_values.to_numpy(dtype=np.float64)

    def total(self, column: str) -> int:
        """The sum of one of COLUMNS."""
        return int(self._table[column].sum())

    @property
    def net(self) -> float | None:
        """Mean net score of the documents that are about the topic, from -1 to 1; None where there are none."""
        about = self.total("documents") - self.total("listed")
        return self.total("net_sum") / SCALE / about if about else None


class FeedHours:
    """What each vendor's feed said in each hour, and what was usual of it. Empty where the history keeps no volumes."""

    def __init__(self, rows: Sequence[VolumeRow]) -> None:
        table = pd.DataFrame(
            {
                "hour": [row.window.start_ms // HOUR_MS for row in rows],
                "vendor": [row.vendor for row in rows],
                "documents": [float(row.documents) for row in rows],
                "usual": [np.nan if row.expected is None else row.expected for row in rows],
            }
        )
        # Of windows finer than an hour the usual is a sum too, and unknown as soon as one of them is.
        cells = table.groupby(["hour", "vendor"])
        self._documents = cells["documents"].sum().unstack("vendor") if rows else pd.DataFrame()
        self._usual = cells["usual"].sum(min_count=1).unstack("vendor") if rows else pd.DataFrame()

    @property
    def vendors(self) -> tuple[str, ...]:
        return tuple(str(vendor) for vendor in self._documents.columns)

    @property
    def span(self) -> Span | None:
        """From the first hour that is known to the last."""
        hours = [int(hour) for hour in self._documents.index]
        return Span(min(hours), max(hours) + 1) if hours else None

    def documents(self, vendor: str, span: Span) -> Floats:
        """Documents of a vendor (ALL_VENDORS: of the whole feed) by hour."""
        return _filled(self._documents, vendor, span, 0.0)

    def usual(self, vendor: str, span: Span) -> Floats:
        """Documents that are usual of a vendor by hour; NaN while nobody knows."""
        return _filled(self._usual, vendor, span, np.nan)

    def expected(self, detection: Detection, span: Span) -> Floats:
        """Negative stories that were usual in each hour, at the volume that the feed had in it.

        Where rates or volumes are not kept it is the detection's own expectation, spread evenly over its look-back.
        """
        known = self.span
        if not detection.rates or known is None:
            hours = detection.look_back_ms / HOUR_MS
            return np.full(len(span), detection.expected / hours if hours else 0.0)
        total = np.zeros(len(span))
        for vendor, rate in detection.rates:
            total += rate * self.documents(vendor, span)
        return total

    def silences(self, span: Span, threshold: float) -> tuple[FeedSilence, ...]:
        """Runs of hours without a document that chance does not explain, by vendor, then time.

        `threshold`: the severity from which a silent feed is told; what was due is judged as the monitor judges it.
        """
        found = []
        least = least_due(threshold)
        for vendor in self.vendors:
            is_silent = (self.documents(vendor, span) == 0.0) & ~np.isnan(usual := self.usual(vendor, span))
            edges = np.flatnonzero(np.diff(np.concatenate(([0], is_silent.astype(np.int8), [0]))))
            for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                if usual[begin:end].sum() >= least:
                    found.append(FeedSilence(vendor, (span.first + begin) * HOUR_MS, (span.first + end) * HOUR_MS))
        return tuple(found)


def _filled(table: pd.DataFrame, vendor: str, span: Span, fill: float) -> Floats:
    if vendor == ALL_VENDORS and not table.empty:
        column = table.sum(axis=1)
    elif vendor in table.columns:
        column = table[vendor]
    else:
        return np.full(len(span), fill)
    values = column.reindex(range(span.first, span.last)).to_numpy(dtype=np.float64)
    return np.where(np.isnan(values), fill, values)
