"""The bars of issue 7 that this bench can judge, and whether each holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.kafka.cost import Cost
from tests.bench.kafka.latency import Latency
from tests.bench.kafka.rates import OneCore
from tests.bench.kafka.restore import Restored

ALLOWANCE = 1.2
PER_SECOND = 10_000
P99_MS = 1_000.0
RESTORE_SECONDS: Mapping[int, float] = {10_000: 5.0, 50_000: 20.0}


@dataclass(frozen=True, slots=True)
class Bar:
    """One of them; `note` says what the figure is of."""

    name: str
    bar: float
    found: float
    holds: bool
    note: str

    def as_json(self) -> dict[str, Any]:
        return {"bar": self.bar, "found": round(self.found, 3), "holds": self.holds, "note": self.note}


def bars(
    costs: Mapping[str, Cost], one_core: OneCore | None, latency: Latency | None, restored: Sequence[Restored]
) -> Iterable[Bar]:
    """Those that something was measured for, at the median of the rounds."""
    for role, cost in costs.items():
        ratio = cost.ratio.median
        yield Bar(f"cost of {role}", ALLOWANCE, ratio, ratio <= ALLOWANCE, "times bare loop and embedded together")
    if one_core is not None:
        rate = one_core.rate.median
        where = "no core of its own: this system has none to give" if one_core.core is None else "on one core"
        yield Bar("trend, scored documents a second", PER_SECOND, rate, rate >= PER_SECOND, where)
    if latency is not None:
        p99 = latency.at(0.99)
        yield Bar("alert after the watermark, p99 ms", P99_MS, p99, p99 < P99_MS, f"{latency.per_second:,} a second")
    for one in restored:
        if (bar := RESTORE_SECONDS.get(one.topics)) is not None:
            took = one.seconds.median
            yield Bar(f"restore of {one.topics:,} topics, s", bar, took, took <= bar, "start of the process included")
