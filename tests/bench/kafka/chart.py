"""The picture: what roles cost, how late alerts come over time, and where the seconds of a restore go."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # Before pyplot: no window is opened, and none is needed.

from matplotlib import pyplot as plt

from tests.bench.kafka.bars import ALLOWANCE, P99_MS, RESTORE_SECONDS
from tests.bench.kafka.cost import Cost
from tests.bench.kafka.latency import Latency
from tests.bench.kafka.restore import STAGES, Restored

_GREYS = ("#333333", "#777777", "#0072B2", "#aaaaaa", "#dddddd")
_DOTS_PER_INCH = 120


def save_chart(
    costs: Mapping[str, Cost], latency: Latency | None, restored: Sequence[Restored], about: str, path: Path
) -> None:
    """One panel for each that was measured. about: the processor, for the title."""
    panels: list[Any] = []
    if costs:
        panels.append(lambda axis: _draw_costs(axis, costs))
    if latency is not None:
        panels.append(lambda axis: _draw_latency(axis, latency))
    if restored:
        panels.append(lambda axis: _draw_restores(axis, restored))
    if not panels:
        return
    figure, axes = plt.subplots(1, len(panels), figsize=(5.6 * len(panels), 4.6), squeeze=False, layout="constrained")
    for axis, draw in zip(axes.flat, panels, strict=True):
        draw(axis)
        axis.set_axisbelow(True)
        axis.grid(axis="y", color="#dddddd", linewidth=0.8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.suptitle(f"The roles on Kafka\n{about}", fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    # No version and no date in the file: the same figures give the same bytes.
    figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def _draw_costs(axis: Any, costs: Mapping[str, Cost]) -> None:
    for number, (_, one) in enumerate(costs.items()):
        loop, embedded = one.loop.median, one.embedded.median
        named = {} if number else {"bare loop": _GREYS[1], "embedded stage": _GREYS[3], "role on Kafka": _GREYS[2]}
        label = dict(zip(named.values(), named, strict=True))
        axis.bar(number - 0.2, loop, 0.38, color=_GREYS[1], label=label.get(_GREYS[1]))
        axis.bar(number - 0.2, embedded, 0.38, bottom=loop, color=_GREYS[3], label=label.get(_GREYS[3]))
        axis.bar(number + 0.2, one.kafka.median, 0.38, color=_GREYS[2], label=label.get(_GREYS[2]))
        allowed = ALLOWANCE * (loop + embedded)
        axis.plot([number - 0.42, number + 0.42], [allowed, allowed], color="black", linestyle="--", linewidth=1.2)
    axis.set_xticks(range(len(costs)), list(costs))
    axis.set_ylabel("microseconds of a processor, each record")
    axis.set_title("Cost (dashed: what is allowed)", fontsize=11)
    axis.legend(fontsize=9, frameon=False)


def _draw_latency(axis: Any, one: Latency) -> None:
    axis.plot(
        [second for second, _ in one.moments], [ms for _, ms in one.moments], linestyle="", marker=".", color=_GREYS[2]
    )
    axis.axhline(P99_MS, color="black", linestyle="--", linewidth=1.2)
    axis.axvspan(0, one.first_seconds, color="#eeeeee", linewidth=0)
    axis.set_yscale("log")
    axis.set_xlabel("second of the load (grey: not counted)")
    axis.set_ylabel("milliseconds from progress to alert")
    axis.set_title(f"Latency at {one.per_second:,} documents a second (dashed: bar of p99)", fontsize=11)


def _draw_restores(axis: Any, restored: Sequence[Restored]) -> None:
    for number, one in enumerate(restored):
        bottom = 0.0
        for colour, name in zip(_GREYS, STAGES, strict=True):
            seconds = one.stages[name]
            axis.bar(number, seconds, 0.5, bottom=bottom, color=colour, label=None if number else name)
            bottom += seconds
        if (bar := RESTORE_SECONDS.get(one.topics)) is not None:
            axis.plot([number - 0.35, number + 0.35], [bar, bar], color="black", linestyle="--", linewidth=1.2)
    axis.set_xticks(range(len(restored)), [f"{one.topics:,} topics" for one in restored])
    axis.set_ylabel("seconds until what is new is read")
    axis.set_title("Restore after kill -9 (dashed: bar)", fontsize=11)
    axis.legend(fontsize=9, frameon=False)
