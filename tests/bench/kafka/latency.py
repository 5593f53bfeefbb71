"""Latency: from the moment when the watermark passes the deciding document to the alert record.

    score's place: 500 documents, flush | progress | 500 documents ...      every 100 ms; `sent`: before the progress
    trend, alert: processes of their own            alerts: read here; `told`: when it is read

A progress record says how far the watermark is, and the alert which moment decided; so the progress that let it go is
known. What is planted must fire; whatever else would be told is no part of it.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from monitor.domain.alerts import AlertEvent
from monitor.domain.document import ScoredDocument
from monitor.domain.progress import Progress
from monitor.domain.streams import Stream
from monitor.transports.kafka_codec import decode
from tests.bench.kafka.ground import Ground, row, save
from tests.bench.kafka.job import Child, Failed, Job
from tests.bench.kafka.load import Steady, planted, steady, watchlist

TICK_MS = 100
OPTIONS = {
    "detection.look_backs": ["15m", "1h", "4h"], "detection.min_history": "12h", "alerts.initial_threshold": 1.5,
    "alerts.budget_per_topic_month": 100, "alerts.group_min_topics": 100_000, "alerts.group_wait": "0s",
}  # fmt: skip
"""Every plant is told at once and alone: nothing waits for a group, and the budget is no matter."""

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of each plant, least first. behind_ms: the most by which the load was late.

    Attributes:
        first_seconds: from the start, in which plants are not counted. moments: (second of the load, milliseconds).
    """

    per_second: int
    topics: int
    plants: int
    first_seconds: float
    milliseconds: list[float]
    moments: list[tuple[float, float]]
    behind_ms: float

    def at(self, share: float) -> float:
        """The least that so many in one are not above."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]

    def as_json(self) -> dict[str, Any]:
        found = {"p50": self.at(0.5), "p90": self.at(0.9), "p99": self.at(0.99), "most": self.milliseconds[-1]}
        told = {"per_second": self.per_second, "topics": self.topics, "plants": self.plants}
        counted = {"counted": len(self.milliseconds), "behind_ms": round(self.behind_ms, 1)}
        return {**told, **counted, "milliseconds": {name: round(one, 1) for name, one in found.items()}}


def measure(
    ground: Ground, made: Sequence[ScoredDocument], shape: Steady, first_seconds: float, folder: Path
) -> Latency:
    """One load at its pace. Raises: Failed: a process did, or a plant did not fire."""
    values = [value for _, value in steady(made, shape)]
    watermarks = [value.sources[0].watermark_ms for value in values if isinstance(value, Progress)]
    load = save([row(Stream.SCORED, 0, value) for value in values], folder / "load")
    prefix = ground.prepare()
    job = Job(
        "rolework", ground.bootstrap, prefix, options=OPTIONS, watchlist=str(watchlist(folder, shape.topics)),
        inputs=str(load),
    )  # fmt: skip
    with ExitStack() as running:
        roles = [
            running.enter_context(Child(replace(job, role=role), folder / f"latency-{role}"))
            for role in ("trend", "alert")
        ]
        for child in roles:
            child.until(lambda state: state.get("owned") == 1, _PATIENCE_SECONDS)
        consumer = KafkaConsumer(
            **ground.access.options("reader"), metrics_enabled=False, group_id=None, enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=500,
        )  # fmt: skip
        running.callback(consumer.close, autocommit=False)
        consumer.assign([TopicPartition(prefix + Stream.ALERTS.value, 0)])
        paced = replace(job, module="pacework", options={"tick_ms": TICK_MS})
        pace = running.enter_context(Child(paced, folder / "latency-pace"))
        told = _listen(consumer, planted(shape), pace)
        sent = pace.result(_PATIENCE_SECONDS)
        for child in roles:
            child.stop()
    found = []
    for event, heard in told:
        # Strictly below the watermark is decided.
        passed = next(number for number, watermark in enumerate(watermarks) if watermark > event.detection.at_ms)
        since = sent["sent"][passed] - sent["sent"][0]
        found.append((since, 1e3 * (heard - sent["sent"][passed])))
    counted = sorted(ms for since, ms in found if since >= first_seconds)
    return Latency(
        round(shape.per_second), shape.topics, shape.plants, first_seconds, counted, sorted(found), 1e3 * sent["behind"]
    )


def _listen(consumer: Any, wanted: frozenset[str], pace: Child) -> list[tuple[AlertEvent, float]]:
    """The first turn of the alert of each plant, with the time when it was read."""
    told: dict[str, tuple[AlertEvent, float]] = {}
    deadline: float | None = None
    while len(told) < len(wanted):
        for records in consumer.poll(timeout_ms=500).values():
            now = time.time()
            for record in records:
                value = decode(record.key, record.value, record.headers)
                if isinstance(value, AlertEvent) and value.detection.topic_id in wanted:
                    told.setdefault(value.detection.topic_id, (value, now))
        if deadline is None and pace.process.poll() is not None:
            deadline = time.monotonic() + _PATIENCE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            raise Failed(f"{len(wanted) - len(told)} of {len(wanted)} plants did not fire")
    return list(told.values())
