"""Pictures of a report as PNG: confusion tables, reliability, and accuracy under abstention.

Colours are those of Okabe and Ito, told apart by every kind of eyes; lines differ in their marks as well.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")  # Before pyplot: no window is opened, and none is needed.

from matplotlib import pyplot as plt

from models.evaluation.calibration import Bin
from models.evaluation.report import POOLED, Calibration, Report
from models.labels import LABELS

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DOTS_PER_INCH = 120
_ACROSS = 4
_DARK = 0.55  # Blue from here on is too dark for black letters.
_SMALL = 10
"""Bins of fewer texts are drawn hollow: they say next to nothing."""
_ROOTS = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)
_Z = 1.96


def save_confusion(report: Report, title: str, path: Path) -> None:
    """One table for each set: counts, and shaded by the share of each label's texts."""
    across = min(_ACROSS, len(report.sets))
    down = -(-len(report.sets) // across)
    size = (3.1 * across + 0.8, 3.0 * down + 0.9)
    figure, axes = plt.subplots(down, across, figsize=size, squeeze=False, layout="constrained")
    image: Any = None
    for axis in axes.flat[len(report.sets) :]:
        axis.set_axis_off()
    for axis, (name, one) in zip(axes.flat, report.sets.items(), strict=False):
        counts = np.array(one.confusion)
        occurs = counts.sum(axis=1) > 0
        shares = np.where(occurs[:, None], counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), np.nan)
        axis.set_facecolor("#eeeeee")  # where the set has no such label, nothing is drawn over it
        image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(counts.shape):
            text = f"{counts[row, column]:,}\n{shares[row, column]:.0%}" if occurs[row] else "none"
            colour = "white" if occurs[row] and shares[row, column] > _DARK else "black"
            axis.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
        axis.set_xticks(range(len(LABELS)), LABELS, fontsize=8)
        axis.set_yticks(range(len(LABELS)), LABELS, fontsize=8, rotation=90, va="center")
        axis.set_title(f"{name}, {one.texts:,} texts", fontsize=10)
        axis.set_xlabel("answer", fontsize=8)
        axis.set_ylabel("label", fontsize=8)
    figure.colorbar(image, ax=axes, label="share of the label's texts", shrink=0.8, aspect=30)
    figure.suptitle(f"{title}: labels and answers", fontsize=12)
    _save(figure, path)


def save_reliability(calibration: Calibration, title: str, path: Path) -> None:
    """Left: answers in bins of equal width, before and after scaling. Right: p(negative) in bins of equal mass."""
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 6.6), height_ratios=(4, 1), sharex="col", layout="constrained")
    whole = f"{calibration.texts:,} texts"
    left = (
        (calibration.bins, f"as answered, error {calibration.error.value:.3f}"),
        (calibration.bins_scaled, f"temperature scaled, error {calibration.error_scaled.value:.3f}"),
    )
    right = ((calibration.negative_bins, "as answered"), (calibration.negative_bins_scaled, "temperature scaled"))
    _curves(axes[0][0], left)
    _curves(axes[0][1], right)
    for axis, which in ((axes[0][1], "xy"), (axes[1][1], "x")):
        # Most texts are not negative: on even axes nearly all bins would lie in one corner.
        for name in which:
            getattr(axis, f"set_{name}scale")("function", functions=(_root, np.square))
            getattr(axis, f"set_{name}ticks")(_ROOTS, [f"{one:g}" for one in _ROOTS])
    axes[0][0].set_title(f"answers, {whole}, 15 bins of equal width", fontsize=10)
    axes[0][1].set_title(f"negative, {whole}, bins of equal mass; root axes", fontsize=10)
    axes[0][0].set_ylabel("share of right answers")
    axes[0][1].set_ylabel("share of texts that are negative")
    below = ((axes[1][0], left[0][0], "probability of the answer"), (axes[1][1], right[0][0], "p(negative)"))
    for axis, bins, label in below:
        # Bins of equal mass are uneven in width: bars stand between their ends, at least wide enough to be seen.
        widths = [max(one.high - one.low, 0.004) for one in bins]
        lows, counts = [one.low for one in bins], [one.count for one in bins]
        axis.bar(lows, counts, width=widths, align="edge", color="#999999", edgecolor="white")
        axis.set_ylabel("texts in bin,\nas answered")
        axis.set_xlabel(label)
        axis.set_xlim(0, 1)
    figure.suptitle(f"{title}: reliability; bars are 95 % intervals", fontsize=12)
    _save(figure, path)


def save_abstention(reports: Mapping[str, Report], path: Path) -> None:
    """Accuracy by the share of texts that are answered, all scorers in one picture."""
    figure, axis = plt.subplots(figsize=(7.5, 5.0), layout="constrained")
    texts = 0
    for number, (key, report) in enumerate(reports.items()):
        if not report.abstention:
            continue
        texts = report.calibration[POOLED].texts
        points = [(one.coverage, one.accuracy) for one in report.abstention]
        colour, mark = _COLOURS[number % len(_COLOURS)], _MARKS[number % len(_MARKS)]
        axis.plot(
            *zip(*points, strict=True), color=colour, marker=mark, markersize=5, linewidth=1.6, label=Path(key).name
        )
    axis.set_xlim(1.02, 0)  # All texts first: what is gained is read from left to right.
    axis.xaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1.0, decimals=0))
    axis.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1.0, decimals=0))
    axis.set_xlabel("share of texts answered, the surest ones")
    axis.set_ylabel("accuracy on them")
    axis.grid(alpha=0.3)
    axis.legend(title="scorer", fontsize=9)
    names = next(iter(reports.values())).mean_of
    axis.set_title(f"Accuracy under abstention, {texts:,} texts\n{', '.join(names)}", fontsize=11)
    _save(figure, path)


def _curves(axis: Any, curves: Sequence[tuple[Sequence[Bin], str]]) -> None:
    axis.plot([0, 1], [0, 1], color="#777777", linestyle="--", linewidth=1, label="honest")
    for number, (bins, label) in enumerate(curves):
        colour, mark = _COLOURS[number], _MARKS[number]
        x, y = [one.predicted for one in bins], [one.observed for one in bins]
        ends = [_wilson(one.observed, one.count) for one in bins]
        below = [max(one - low, 0) for one, (low, _) in zip(y, ends, strict=True)]
        above = [max(high - one, 0) for one, (_, high) in zip(y, ends, strict=True)]
        axis.errorbar(x, y, yerr=[below, above], color=colour, linewidth=1.2, elinewidth=0.8, capsize=2)
        for one in bins:
            face = colour if one.count >= _SMALL else "white"
            point = {"marker": mark, "markersize": 6, "markeredgecolor": colour, "markerfacecolor": face, "zorder": 3}
            axis.plot(one.predicted, one.observed, color=colour, clip_on=False, **point)
        axis.plot([], [], color=colour, marker=mark, label=label)
    axis.plot(
        [], [], color="black", marker="o", markerfacecolor="white", linestyle="", label=f"fewer than {_SMALL} texts"
    )
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="lower right")


def _root(values: Any) -> Any:
    return np.sqrt(np.maximum(values, 0))  # Matplotlib asks a little beyond the ends of an axis.


def _wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson 1927."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    reach = _Z / (1 + _Z**2 / count) * (share * (1 - share) / count + _Z**2 / (4 * count**2)) ** 0.5
    return middle - reach, middle + reach


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # No version and no date in the file: the same figures give the same bytes.
    figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)
