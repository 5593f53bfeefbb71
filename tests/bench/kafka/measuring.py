"""Everything that `bench_kafka` measures, in its order, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tests.bench.kafka import cost, latency, rates, restore
from tests.bench.kafka.bars import Bar, bars
from tests.bench.kafka.cost import WAYS, Cost
from tests.bench.kafka.ground import Ground
from tests.bench.kafka.latency import TICK_MS, Latency
from tests.bench.kafka.load import Steady, pool
from tests.bench.kafka.rates import OneCore, Scaled
from tests.bench.kafka.restore import Restored

PARTS = ("cost", "rates", "latency", "restore")
ROLES = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        pool: records of the feed of which loads are made. documents: that each role reads in a round of costs, or
            fewer. trend_topics, trend_documents: of trend on one core. spread_documents: of each count in `processes`.
        latency_topics, latency_per_second, latency_seconds, plants: of the load; first_seconds: not counted.
        restores: topics; hour: seconds of event time before the kill; kills: restores of each.
    """

    pool: int
    rounds: int
    documents: int
    trend_topics: int
    trend_documents: int
    spread_documents: int
    processes: tuple[int, ...]
    latency_topics: int
    latency_per_second: int
    latency_seconds: int
    plants: int
    first_seconds: float
    restores: tuple[int, ...]
    hour: int
    kills: int


FULL = Plan(
    34_000, 3, 120_000, 10_000, 200_000, 60_000, (1, 2, 4), 5_000, 5_000, 60, 400, 5.0, (10_000, 50_000), 3_600, 3
)
QUICK = Plan(2_000, 1, 5_000, 50, 11_000, 9_000, (2,), 60, 500, 4, 8, 0.0, (100,), 60, 1)


@dataclass(slots=True)
class Measured:
    """What came of it; what was not measured is empty or None."""

    costs: dict[str, Cost] = field(default_factory=dict)
    one_core: OneCore | None = None
    scaled: list[Scaled] = field(default_factory=list)
    latency: Latency | None = None
    restored: list[Restored] = field(default_factory=list)

    def bars(self) -> list[Bar]:
        """Those that can be judged."""
        return list(bars(self.costs, self.one_core, self.latency, self.restored))

    def as_json(self) -> dict[str, Any]:
        """What the last line says."""
        return {
            "costs": {role: one.as_json() for role, one in self.costs.items()},
            "one_core": None if self.one_core is None else self.one_core.as_json(),
            "scaled": [one.as_json() for one in self.scaled],
            "latency": None if self.latency is None else self.latency.as_json(),
            "restored": [one.as_json() for one in self.restored],
            "bars": {one.name: one.as_json() for one in self.bars()},
        }


def measure(ground: Ground, plan: Plan, parts: Sequence[str], folder: Path) -> Measured:
    """Measure parts of PARTS by a plan; files go into `folder`. Raises: Failed."""
    found = Measured()
    made = pool(plan.pool, folder)
    with tqdm(total=_steps(plan, parts), disable=None, unit=" steps") as bar:

        def on_step() -> None:
            bar.update()

        if "cost" in parts:
            for scene in cost.scenes(made, plan.documents, folder):
                found.costs[scene.role.value] = cost.measure(ground, scene, plan.rounds, folder, on_step)
        if "rates" in parts:
            shape = Steady(plan.trend_topics, plan.trend_documents, rates.PER_SECOND, rates.TICK, one_voice=True)
            found.one_core = rates.one_core(ground, made, shape, plan.rounds, folder, on_step)
            for processes in plan.processes:
                found.scaled.append(rates.scaled(ground, made, plan.spread_documents, processes, folder))
                on_step()
        if "latency" in parts:
            per_second = plan.latency_per_second
            shape = Steady(
                plan.latency_topics, per_second * plan.latency_seconds, per_second, per_second * TICK_MS // 1_000,
                one_voice=True, plants=plan.plants,
            )  # fmt: skip
            found.latency = latency.measure(ground, made, shape, plan.first_seconds, folder)
            on_step()
        if "restore" in parts:
            for topics in plan.restores:
                found.restored.append(restore.measure(ground, made, topics, plan.hour, plan.kills, folder, on_step))
    return found


def _steps(plan: Plan, parts: Sequence[str]) -> int:
    counts = {
        "cost": ROLES * len(WAYS) * plan.rounds,
        "rates": plan.rounds + len(plan.processes),
        "latency": 1,
        "restore": len(plan.restores) * (plan.kills + 2),
    }
    return sum(counts[part] for part in parts)
