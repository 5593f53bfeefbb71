"""Rates: how many scored documents one core takes through trend, and what more partitions and processes give.

A process joins its group and then waits at a gate until all have joined, so that nobody reads before the others.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.run import POLL_RECORDS
from monitor.domain.document import ScoredDocument
from monitor.domain.streams import Stream
from tests.bench.kafka.cost import END_SECONDS, WARM_SHARE
from tests.bench.kafka.ground import Ground, Row, feed_rows, row
from tests.bench.kafka.job import COMMIT_RECORDS, Child, Job, Mark, cpu_between, marks_of, rate_between, target_of
from tests.bench.kafka.load import FEED, Steady, feed, steady, watchlist
from tests.bench.scoring.rounds import Spread, spread

PER_SECOND = 10_000
"""Scored documents a second of event time: progress then comes every thousand."""

TICK = PER_SECOND // 10
OPTIONS = {"scorer.kind": "neutral", "detection.look_backs": ["15m", "1h", "4h"], "detection.min_history": "12h"}
_JOIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class OneCore:
    """Trend on one core.

    Attributes:
        rate: scored documents a second of the wall. cpu: microseconds each. topics: that they are about.
        core: on which it was; None where the system cannot say so.
    """

    documents: int
    topics: int
    core: int | None
    rate: Spread
    cpu: Spread

    def as_json(self) -> dict[str, Any]:
        rates = {"per_second": self.rate.rounded(0), "cpu_us": self.cpu.rounded(2)}
        return {"documents": self.documents, "topics": self.topics, "core": self.core, **rates}


@dataclass(frozen=True, slots=True)
class Scaled:
    """So many partitions with a process each: records a second of all of them, by role."""

    processes: int
    rates: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return {"processes": self.processes, **{role: round(rate) for role, rate in self.rates.items()}}


def one_core(
    ground: Ground, made: Sequence[ScoredDocument], shape: Steady, rounds: int, folder: Path,
    on_step: Callable[[], None],
) -> OneCore:  # fmt: skip
    """Trend over a prepared log, kept to the last core. Raises: Failed."""
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    rows = [row(Stream.SCORED, partition, value) for partition, value in steady(made, shape)]
    rates, costs = [], []
    for number in range(rounds):
        prefix = ground.prepare()
        ground.write(prefix, rows)
        job = Job(
            "rolework", ground.bootstrap, prefix, "trend", target=target_of(len(rows)), options=OPTIONS, core=core,
            watchlist=str(watchlist(folder, shape.topics)),
        )  # fmt: skip
        with Child(job, folder / f"one-core-{number}") as child:
            marks = marks_of(child.result(END_SECONDS))
        rates.append(rate_between(marks, round(WARM_SHARE * len(rows))))
        costs.append(1e6 * cpu_between(marks, round(WARM_SHARE * len(rows))))
        on_step()
    return OneCore(shape.documents, shape.topics, core, spread(rates), spread(costs))


def scaled(ground: Ground, made: Sequence[ScoredDocument], documents: int, processes: int, folder: Path) -> Scaled:
    """Score and trend, one after the other, with so many partitions and processes. Raises: Failed."""
    shape = Steady(500, documents, PER_SECOND, TICK, processes, one_voice=True)
    loads: dict[RoleName, list[Row]] = {
        RoleName.SCORE: feed_rows(feed(documents), processes),
        RoleName.TREND: [row(Stream.SCORED, partition, value) for partition, value in steady(made, shape)],
    }
    rates = {}
    every = min(COMMIT_RECORDS, max(100, documents // (16 * processes)))
    options = OPTIONS | {"storage.commit_documents": every}
    for role, rows in loads.items():
        prefix = ground.prepare(processes)
        ground.write(prefix, rows)
        gate = folder / f"gate-{role.value}-{processes}"
        job = Job(
            "rolework", ground.bootstrap, prefix, role.value, options=options, watchlist=str(watchlist(folder, 500)),
            gate=str(gate),
        )  # fmt: skip
        with ExitStack() as running:
            children = [
                running.enter_context(Child(job, folder / f"{role.value}-{processes}-{number}"))
                for number in range(processes)
            ]
            for child in children:
                child.until(lambda state: state.get("owned") == 1, _JOIN_SECONDS)
            gate.touch()
            topic = FEED.kafka_topic if role is RoleName.SCORE else Stream.SCORED.value
            wanted = [sum(one.kafka_topic == topic and one.partition == n for one in rows) for n in range(processes)]
            # Which process has which partition nobody knows: they are done when together they have read everything, or
            # would wait for their commits to be due.
            _until_all(children, sum(wanted) - processes * (every + POLL_RECORDS))
            # The last commit of each is that of its end, with a snapshot that it waited for.
            marks = [marks_of(child.stop())[:-1] for child in children]
        rates[role.value] = together(marks, sum(wanted))
    return Scaled(processes, rates)


def _until_all(children: Sequence[Child], records: int) -> None:
    children[0].until(
        lambda _: sum(int(child.state().get("committed", 0)) for child in children) >= records, END_SECONDS
    )


def together(marks: Sequence[Sequence[Mark]], records: int) -> float:
    """Records a second of several processes, between a warm beginning and the time when the first runs out."""
    until = min(one[-1].wall for one in marks)
    done: dict[int, int] = {}
    reached: list[tuple[float, int]] = []
    for wall, number, count in sorted((mark.wall, who, mark.records) for who, one in enumerate(marks) for mark in one):
        done[number] = count
        if wall <= until and sum(done.values()) >= WARM_SHARE * records:
            reached.append((wall, sum(done.values())))
    if len(reached) < 2 or reached[0][0] == reached[-1][0]:
        raise ValueError("too few commits to tell a rate")
    return (reached[-1][1] - reached[0][1]) / (reached[-1][0] - reached[0][0])
