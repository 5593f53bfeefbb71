"""Restore: a trend process is killed after an hour of steady load, and started again: when does it read what is new?

    an hour less a minute, snapshot | a minute more, committed | kill -9 | start, snapshot, a minute read again, news

The load is of an hour of event time, made as fast as it goes; a snapshot a minute is what the configuration says. The
process has a static place in its group, as docs/kafka.md advises, so that nobody waits for the session timeout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from monitor.domain.document import ScoredDocument
from monitor.domain.streams import Stream
from tests.bench.kafka.ground import Ground, row
from tests.bench.kafka.job import Child, Job
from tests.bench.kafka.load import Steady, steady, watchlist
from tests.bench.kafka.rates import OPTIONS
from tests.bench.scoring.rounds import Spread, spread

PER_SECOND = 100
"""Scored documents a second, 8.6 million a day."""

TICK = 10
NEWS_RECORDS = 20
_LOAD_SECONDS, _RESTORE_SECONDS = 400.0, 120.0
STAGES = ("start", "join", "restore", "replay", "news")
_ENDS = ("built_at", "joined_at", "owned_at", "restored_at", "news_at")


@dataclass(frozen=True, slots=True)
class Restored:
    """Rounds of one size.

    Attributes:
        documents: of the load. replayed: records that were read again. seconds: from the start of the process to the
            first record that is new; stages: its parts at the median, see STAGES.
        steps: seconds of what `restore` does, measured apart. packed, whole: bytes of the snapshot.
    """

    topics: int
    documents: int
    replayed: int
    seconds: Spread
    stages: dict[str, float]
    steps: dict[str, float]
    packed: int
    whole: int

    def as_json(self) -> dict[str, Any]:
        parts = {"stages": _rounded(self.stages), "steps": _rounded(self.steps)}
        sizes = {"packed_bytes": self.packed, "whole_bytes": self.whole}
        counts = {"topics": self.topics, "documents": self.documents, "replayed": self.replayed}
        return {**counts, "seconds": self.seconds.rounded(2), **parts, **sizes}


def measure(
    ground: Ground, made: Sequence[ScoredDocument], topics: int, seconds: int, rounds: int, folder: Path,
    on_step: Callable[[], None],
) -> Restored:  # fmt: skip
    """`rounds` restores after a load of so many seconds, of which the last sixtieth is read again. Raises: Failed."""
    shape = Steady(topics, seconds * PER_SECOND, PER_SECOND, TICK, one_voice=True)
    rows = [row(Stream.SCORED, 0, value) for _, value in steady(made, shape)]
    head = len(rows) - (len(rows) - 2) // 60 - NEWS_RECORDS
    tail = len(rows) - NEWS_RECORDS
    prefix = ground.prepare()
    job = Job(
        "rolework", ground.bootstrap, prefix, "trend", target=head, options=OPTIONS, static_id="bench",
        watchlist=str(watchlist(folder, topics)), snapshot_records=0,
    )  # fmt: skip
    ground.write(prefix, rows[:head])
    with Child(job, folder / f"restore-{topics}-head") as child:
        child.result(_LOAD_SECONDS)  # it ends well, with a snapshot
    on_step()
    ground.write(prefix, rows[head:tail])
    endless = replace(job, target=0)
    with Child(endless, folder / f"restore-{topics}-tail") as child:
        child.until(lambda state: state.get("committed") == tail, _LOAD_SECONDS)
        child.kill()
    ground.write(prefix, rows[tail:])
    whole: list[float] = []
    parts: list[list[float]] = []
    for number in range(rounds):
        with Child(endless, folder / f"restore-{topics}-{number}") as child:
            state = child.until(lambda state: "news_at" in state, _RESTORE_SECONDS)
            child.kill()
        times = [child.began, *(float(state[name]) for name in _ENDS)]
        whole.append(times[-1] - times[0])
        parts.append([later - earlier for earlier, later in pairwise(times)])
        on_step()
    with Child(replace(job, module="stepswork"), folder / f"restore-{topics}-steps") as child:
        steps = child.result(_RESTORE_SECONDS)
    on_step()
    stages = {name: spread(found).median for name, found in zip(STAGES, zip(*parts, strict=True), strict=True)}
    return Restored(
        topics, shape.documents, tail - head, spread(whole), stages, steps["seconds"],
        steps["bytes"]["packed"], steps["bytes"]["whole"],
    )  # fmt: skip


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(one, 3) for name, one in seconds.items()}
