"""A role at work on Kafka, as `monitor run --roles` runs it, with a mark at each commit.

    python -m tests.bench.kafka.rolework PATH

The workers are the product's own; a member of this room only writes down what was committed when.
"""

import gc
import io
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.observing import Observing
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.app.distributed.roster import Builder
from monitor.app.distributed.run import pace_of
from monitor.app.distributed.worker import Seam
from monitor.clock import SECOND_MS, Clock, SystemClock
from monitor.config import load_config
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.engine import collect_garbage_seldom
from monitor.metrics import Metrics
from monitor.tags import LiveTags
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_member import Committed, KafkaMember, MemberLimits
from monitor.transports.kafka_sender import SenderLimits
from monitor.watchlist import WatchlistFile
from monitor.web.health import Health
from tests.bench.kafka.job import Job, Mark, given, tell
from tests.bench.kafka.load import FEED
from tests.bench.kafka.profile import profiled

_DRAIN_SECONDS, _HANG_SECONDS = 20.0, 90.0
_NEVER = 2**40


class Marks:
    """What was committed when, and what the process has reached. Other threads only look."""

    def __init__(self, job: Job, path: Path) -> None:
        self._job = job
        self._path = path
        self._positions: dict[InputPartition, int] = {}
        self.marks: list[Mark] = []
        self.told: dict[str, object] = {}

    @property
    def is_done(self) -> bool:
        """Whether the job's target was reached."""
        return bool(self._job.target and self.marks and self.marks[-1].records >= self._job.target)

    @property
    def is_open(self) -> bool:
        """Whether reading may begin."""
        return not self._job.gate or Path(self._job.gate).exists()

    def committed(self, positions: Mapping[InputPartition, Committed]) -> None:
        """A commit was acknowledged."""
        if self.is_done:
            return
        self._positions |= {source: one.offset for source, one in positions.items()}
        self.marks.append(Mark(sum(self._positions.values()), time.process_time(), time.time()))
        self.tell(committed=self.marks[-1].records)

    def joined(self) -> None:
        """The process has partitions."""
        if "joined_at" not in self.told:
            self.told["joined_at"] = time.time()
            self.marks.append(Mark(0, time.process_time(), time.time()))

    def tell(self, **what: object) -> None:
        """Say what was reached."""
        self.told |= what
        tell(self._path, ".state", self.told)


class MarkingMember(KafkaMember):
    """A member that marks its commits, and keeps silent until the gate opens. `marks` is given behind the opening."""

    marks: Marks
    _is_gated = True

    def poll(self, max_records: int, timeout_seconds: float = 0.0) -> list[InRecord]:
        if self._is_gated:
            is_open = self.marks.is_open
            for partition in self.owned:
                (self.resume if is_open else self.pause)(partition)
            self._is_gated = not is_open
        return super().poll(max_records, timeout_seconds)

    def committed(self, partitions: Iterable[InputPartition]) -> dict[InputPartition, Committed | None]:
        # A new partition of a state begins with this question: what is restored comes behind it.
        self.marks.joined()
        return super().committed(partitions)

    def begin(self, partition: InputPartition, offset: int | None = None) -> int:
        self.marks.joined()
        return super().begin(partition, offset)

    def commit(
        self, positions: Mapping[InputPartition, Committed], assignments: Mapping[InputPartition, int], seconds: float
    ) -> None:
        super().commit(positions, assignments, seconds)
        self.marks.committed(positions)


@dataclass(frozen=True, slots=True)
class MarkingCluster(Cluster):
    """The product's cluster, whose members mark their commits."""

    marks: Marks | None = None

    def member(self, role: RoleName, streams: Iterable[Stream], clock: Clock) -> KafkaMember:
        """As the product's, but for the marks."""
        names = [self.topic(stream) for stream in streams]
        return self._marking(role, names, clock)

    def input_member(self, clock: Clock) -> KafkaMember:
        """As the product's, but for the marks."""
        return self._marking(RoleName.SCORE, self.inputs, clock)

    def _marking(self, role: RoleName, names: Sequence[str], clock: Clock) -> KafkaMember:
        member = MarkingMember(
            self.access, self.group(role), names, self.members, clock, instance_id=self.static_id
        )  # fmt: skip
        assert self.marks is not None
        member.marks = self.marks
        return member


class _Watch(Observing):
    """The product's watch, which tells the bench what was reached."""

    marks: Marks

    def owns(self, role: RoleName, partitions: Sequence[InputPartition]) -> None:
        super().owns(role, partitions)
        self.marks.tell(owned=len(partitions), owned_at=time.time())

    def restoring(self, role: RoleName, left: int) -> None:
        super().restoring(role, left)
        if not left:
            self.marks.tell(restored_at=time.time())


def main() -> None:
    """One role until it has done its job."""
    imported = time.time()
    job, path = given()
    marks = Marks(job, path)
    config = load_config(None, {}, dict(job.options))
    role, clock = RoleName(job.role), SystemClock()
    limits = (
        MemberLimits(config.kafka.session_timeout_ms, config.kafka.poll_interval_ms),
        SenderLimits(config.kafka.delivery_timeout_ms, config.kafka.max_record_bytes),
    )
    access = Access(tuple(job.bootstrap.split(",")))
    inputs = (job.prefix + FEED.kafka_topic,)
    cluster = MarkingCluster(access, inputs, *limits, prefix=job.prefix, static_id=job.static_id, marks=marks)
    pace = pace_of(config)
    if job.snapshot_records is not None:
        pace = replace(pace, snapshot_every_ms=_NEVER, snapshot_records=job.snapshot_records or _NEVER)
    beats = Beats(clock, [role])
    health, session_seconds = Health(clock, conditions=[role.value]), config.kafka.session_timeout_ms / SECOND_MS
    watch = _Watch(Metrics(CollectorRegistry()), health, clock, beats, [role], session_seconds)
    watch.marks = marks
    tags = LiveTags(WatchlistFile(Path(job.watchlist)).current, None)

    def on_seam(_: RoleName, seam: Seam) -> None:
        if seam is Seam.OUTPUTS_SENT and "news_at" not in marks.told:
            marks.tell(news_at=time.time())

    roster = Builder(config, cluster, pace, tags, clock, watch, on_seam).build([role], io.StringIO())

    def on_look() -> None:
        watch.look()
        if marks.is_done:
            process.stop()

    process = Process(roster.workers, beats, clock, Patience(_DRAIN_SECONDS, _HANG_SECONDS), on_look)
    signal.signal(signal.SIGTERM, lambda number, frame: process.stop())
    marks.tell(imported_at=imported, built_at=time.time())
    gc.collect()
    collect_garbage_seldom()
    try:
        with profiled(job.profile):
            process.run()
    finally:
        roster.close()
    tell(path, ".result", {"marks": marks.marks, **marks.told})


if __name__ == "__main__":
    main()
