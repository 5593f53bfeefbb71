"""Cost: microseconds of a processor for each record of a role, beside the bare loop and the same stage embedded.

Three processes a round, one after the other, and another one first in each round. A role's allowance is a fifth more
than loop and embedded stage of the same round together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monitor.app.building import make_alert, make_trend
from monitor.app.distributed.cluster import RoleName
from monitor.clock import Laps
from monitor.config import load_config
from monitor.domain.alerts import AlertEvent, AlertId
from monitor.domain.document import ScoredDocument
from monitor.domain.streams import Output, Stream
from monitor.roles.alert import AlertRoleState
from monitor.roles.trend import TrendState
from tests.bench.kafka.embeddedwork import CUT_RECORDS, pieces
from tests.bench.kafka.ground import Ground, Row, feed_rows, row, rows_of, save
from tests.bench.kafka.job import COMMIT_RECORDS, Child, Job, cpu_between, marks_of, target_of
from tests.bench.kafka.load import FEED, Steady, feed, messages, scored, steady, watchlist
from tests.bench.scoring.rounds import Spread, spread

WARM_SHARE = 0.15
"""Of the records, before a process counts: it joins, and its memory and the interpreter's caches fill."""

OPTIONS: Mapping[str, object] = {
    "scorer.kind": "neutral", "detection.min_history": "1d", "alerts.budget_per_topic_month": 2,
    "notify.console": False,
}  # fmt: skip
"""A scorer that costs nothing; and what is usual is known from the second day on, so that detection is at work."""

END_SECONDS = 180.0
WAYS = ("loop", "embedded", "kafka")
_PER_SECOND = 12_000 / 86_400
_POLL = 500


@dataclass(frozen=True, slots=True)
class Scene:
    """What one role reads, and what it says of it, as records of logs of one partition."""

    role: RoleName
    inputs: list[Row]
    outputs: list[Row]
    watchlist: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Rounds of one role.

    Attributes:
        records: of a round. fan_out: records that are said for each. loop, embedded, kafka: microseconds a record.
        ratio: kafka to loop and embedded together, by round.
    """

    records: int
    fan_out: float
    loop: Spread
    embedded: Spread
    kafka: Spread
    ratio: Spread

    def as_json(self) -> dict[str, Any]:
        ways = {name: getattr(self, name).rounded(2) for name in WAYS}
        return {"records": self.records, "fan_out": round(self.fan_out, 3), **ways, "ratio": self.ratio.rounded(3)}


def scenes(made: Sequence[ScoredDocument], documents: int, folder: Path) -> list[Scene]:
    """One for each role, from records that the role before it really said. documents: that score and trend read."""
    lines = feed(documents)
    said = rows_of(scored(lines, folder, "neutral", CUT_RECORDS))
    listed = watchlist(folder, 500)
    shape = Steady(topics=500, documents=documents, per_second=_PER_SECOND, tick=600)
    read = [value for _, value in steady(made, shape)]
    trends = _trend(read)
    # The alert role reads mostly progress: a record of each trend partition ten times a second.
    fine = Steady(topics=500, documents=documents // 2, per_second=_PER_SECOND / 2, tick=2)
    detected = [one for one in _trend([v for _, v in steady(made, fine)]) if one.stream is Stream.DETECTIONS]
    alerted = _alert(detected)
    told = [
        replace(event, alert_id=AlertId(f"{event.alert_id}-{number}"))
        for number in range(documents // 50)
        if (event := _nth(alerted, number)) is not None
    ]
    rows = [row(Stream.TRENDS, 0, one.value) for one in trends if one.stream is Stream.TRENDS][:documents]
    return [
        Scene(RoleName.SCORE, feed_rows(lines), said, listed),
        Scene(RoleName.TREND, [row(Stream.SCORED, 0, value) for value in read], rows_of(trends), listed),
        Scene(RoleName.ALERT, rows_of(detected), rows_of(alerted), listed),
        Scene(RoleName.NOTIFY, [row(Stream.ALERTS, 0, event) for event in told], [], listed),
        Scene(RoleName.ARCHIVE, rows, [], listed),
    ]


def _nth(outputs: Sequence[Output], number: int) -> AlertEvent | None:
    events = [one.value for one in outputs if isinstance(one.value, AlertEvent)]
    return events[number % len(events)] if events else None


def _trend(values: Sequence[object]) -> list[Output]:
    config = load_config(None, {}, dict(OPTIONS))
    role = make_trend(config, TrendState(), lambda: 500, Laps())
    read = messages(values, Stream.SCORED)
    return [one for first, end in pieces(len(read), _POLL) for one in role.handle(read[first:end])]


def _alert(outputs: Sequence[Output]) -> list[Output]:
    role = make_alert(load_config(None, {}, dict(OPTIONS)), AlertRoleState())
    read = messages([one.value for one in outputs], Stream.DETECTIONS)
    return [one for first, end in pieces(len(read), _POLL) for one in role.handle(read[first:end])]


def measure(ground: Ground, scene: Scene, rounds: int, folder: Path, on_step: Callable[[], None]) -> Cost:
    """Rounds of the three. Raises: Failed: a process did."""
    inputs, outputs = save(scene.inputs, folder / "inputs"), save(scene.outputs, folder / "outputs")
    count = len(scene.inputs)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    reads = FEED.kafka_topic if scene.role is RoleName.SCORE else scene.inputs[0].kafka_topic
    for number in range(rounds):
        prefix = ground.prepare()
        ground.write(prefix, scene.inputs)
        # As the product does, but for scenes that are so short that it would commit once.
        every = min(COMMIT_RECORDS, max(100, count // 8))
        options = dict(OPTIONS) | {"storage.path": str(folder / f"{prefix}db"), "storage.commit_documents": every}
        job = Job(
            "", ground.bootstrap, prefix, scene.role.value, reads, count, target_of(count, every), options,
            str(scene.watchlist), str(inputs), str(outputs) if scene.outputs else "",
        )  # fmt: skip
        first = number % len(WAYS)
        for way in (*WAYS[first:], *WAYS[:first]):
            module = {"loop": "loopwork", "embedded": "embeddedwork", "kafka": "rolework"}[way]
            with Child(replace(job, module=module), folder / f"{scene.role.value}-{way}-{number}") as child:
                marks = marks_of(child.result(END_SECONDS))
            found[way].append(1e6 * cpu_between(marks, round(WARM_SHARE * count)))
            on_step()
    loops, stages, roles = (found[way] for way in WAYS)
    ratios = [role / (loop + stage) for loop, stage, role in zip(loops, stages, roles, strict=True)]
    return Cost(count, len(scene.outputs) / count, spread(loops), spread(stages), spread(roles), spread(ratios))
