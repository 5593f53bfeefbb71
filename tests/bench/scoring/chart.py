"""The picture: texts a second against the time that a batch takes, one line for each contender."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # Before pyplot: no window is opened, and none is needed.

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from models.text import MAX_TOKENS
from tests.bench.scoring.contenders import ENGINE
from tests.bench.scoring.rounds import Point

# Greys apart from the first, dashes and marks: a printer without colours loses nothing.
_STYLES: Sequence[tuple[str, str, Any]] = (
    ("#444444", "o", "-"),
    ("#777777", "s", "--"),
    ("#0072B2", "^", "-"),
    ("#555555", "D", ":"),
    ("#333333", "v", "-."),
    ("#888888", "P", (0, (6, 2))),
    ("#222222", "X", (0, (1, 1))),
    ("#999999", "*", (0, (4, 1, 1, 1, 1, 1))),
    ("#555555", "<", (0, (8, 1))),
    ("#777777", ">", (0, (1, 3))),
)
_DOTS_PER_INCH = 120


def save_chart(curves: Mapping[str, Mapping[str, Sequence[Point]]], about: str, path: Path) -> None:
    """One panel for each set of texts. about: the processor and threads, for the title."""
    across = min(2, len(curves))
    down = -(-len(curves) // across)
    figure, axes = plt.subplots(
        down, across, figsize=(6.4 * across, 4.6 * down + 0.9), squeeze=False, layout="constrained"
    )
    names = list(dict.fromkeys(name for lines in curves.values() for name in lines))
    for axis, (title, lines) in zip(axes.flat, curves.items(), strict=False):
        for name, points in lines.items():
            _draw(axis, name, names.index(name), points)
        axis.set_title(title, fontsize=11)
        axis.set_xscale("log")
        axis.set_yscale("log")
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_locator(LogLocator(subs=(1, 2, 5)))
            one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            one.set_minor_formatter(NullFormatter())
        axis.set_xlabel("milliseconds until a batch is answered, median")
        axis.set_ylabel("texts a second")
        axis.grid(which="major", color="#dddddd", linewidth=0.8)
        axis.set_axisbelow(True)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    for axis in axes.flat[len(curves) :]:
        axis.set_axis_off()
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9, frameon=False, handlelength=4)
    figure.suptitle(
        "Scoring: throughput against latency, batches of growing size along each line\n"
        f"{about}; of a long text the engine reads all, the others the first {MAX_TOKENS} tokens",
        fontsize=12,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # No version and no date in the file: the same figures give the same bytes.
    figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def _draw(axis: Any, name: str, number: int, points: Sequence[Point]) -> None:
    colour, mark, dashes = _STYLES[number % len(_STYLES)]
    is_ours = name == ENGINE
    x, y = [1e3 * point.seconds for point in points], [point.texts_per_second for point in points]
    axis.plot(
        x, y, color=colour, marker=mark, linestyle=dashes, linewidth=2.4 if is_ours else 1.3,
        markersize=7 if is_ours else 5.5, label=name, zorder=3 if is_ours else 2,
    )  # fmt: skip
    if is_ours:
        for point, left, high in zip(points, x, y, strict=True):
            axis.annotate(
                str(point.batch), (left, high), textcoords="offset points", xytext=(5, -13), ha="left", fontsize=9,
                zorder=4, bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.6},
            )  # fmt: skip
