"""The poller of score: nothing is committed that was computed before the partition went, also if it came back since."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.inputs import Life
from monitor.app.distributed.intake import ScoreWorker
from monitor.app.distributed.process import Beats
from monitor.app.distributed.scoring import CommitRequest, Scoring
from monitor.app.distributed.worker import Due, Pace, no_seam
from monitor.clock import SystemClock
from monitor.delivery.shape import Shape
from monitor.domain.document import InputPartition
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_member import Committed, MemberLimits
from monitor.transports.kafka_membership import Change, Event
from monitor.transports.kafka_sender import SenderLimits
from tests.app.test_distributed_scoring import Lines
from tests.faults.watching import BeatingWatch
from tests.roles.test_score import NEWS, role, steady

PACE = Pace(100, 10, 1_000, 10, 1_000, 1_000, 1_000, 1_000)
PATIENCE_SECONDS = 20.0


class Group:
    """A member whose group does as the test says; it remembers what was committed, and under which assignment."""

    def __init__(self) -> None:
        self.owned: dict[InputPartition, int] = {}
        self.commits: list[tuple[int, int]] = []

    def committed(self, partitions: Sequence[InputPartition]) -> dict[InputPartition, Committed | None]:
        """Nothing yet: reading begins at the first record."""
        return dict.fromkeys(partitions)

    def begin(self, partition: InputPartition, offset: int | None = None) -> int:
        return offset or 0

    def shape(self, kafka_topic: str) -> Shape:
        return Shape(kafka_topic, "id", 1)

    def commit(
        self, positions: Mapping[InputPartition, Committed], assignments: Mapping[InputPartition, int], seconds: float
    ) -> None:
        """As the group would: what names the present assignment is taken."""
        assert assignments[NEWS] == self.owned[NEWS]
        self.commits.append((positions[NEWS].offset, assignments[NEWS]))


class Intake:
    """A poller with its thread that scores, in the middle of a life."""

    def __init__(self) -> None:
        clock = SystemClock()
        cluster = Cluster(Access(("nowhere:1",)), (NEWS.kafka_topic,), MemberLimits(1, 1), SenderLimits(1, 1))
        watch = BeatingWatch(Beats(clock, [RoleName.SCORE]))
        self.worker = ScoreWorker(
            cluster, lambda partitions: role(known=()), PACE, clock, watch, no_seam, max_record_bytes=1, max_pending=1
        )
        self.group = Group()
        self.scoring = Scoring(role(known=()), Lines(), PACE, clock, no_seam, 1_000, lambda: None)
        self.scoring.existing = (NEWS,)
        seldom = Due(clock, 60_000, 1)
        self.life = Life(cast(Any, self.group), cast(Any, None), self.scoring, Shape("scored", "id", 1), seldom)
        self.scoring.start()

    def moves(self, *changes: Change, assignment: int) -> None:
        """The group moves; the partition is ours afterwards."""
        self.group.owned = {NEWS: assignment}
        self.worker._follow(self.life, [Event(change, (NEWS,)) for change in changes])

    def wants(self) -> CommitRequest:
        """The next commit that is asked for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (request := self.scoring.take_request(0.05)) is None:
            assert self.scoring.failure is None, self.scoring.failure
            assert time.monotonic() < deadline, "no commit is asked for"
        return request


@pytest.fixture
def intake() -> Iterator[Intake]:
    made = Intake()
    yield made
    made.scoring.close(PATIENCE_SECONDS)


def test_what_is_asked_for_is_committed(intake: Intake) -> None:
    intake.moves(Change.ASSIGNED, assignment=1)
    intake.scoring.put(steady(5))
    intake.worker._serve(intake.life, intake.wants())
    assert intake.group.commits == [(5, 1)]


def test_what_was_computed_before_a_partition_was_lost_is_not_committed_when_it_is_back(intake: Intake) -> None:
    """Seen on a line that swallowed heartbeats: 5 was committed, reading went on from 0, and volumes counted twice."""
    intake.moves(Change.ASSIGNED, assignment=1)
    intake.scoring.put(steady(5))
    asked = intake.wants()
    intake.moves(Change.LOST, Change.ASSIGNED, assignment=2)
    intake.worker._serve(intake.life, asked)
    assert intake.group.commits == []
    assert asked.committed == frozenset()
    intake.scoring.put(steady(3))
    while not intake.group.commits:
        intake.worker._serve(intake.life, intake.wants())
    assert intake.group.commits == [(3, 2)]


def test_what_a_handover_gave_up_is_not_committed_when_the_partition_is_back(intake: Intake) -> None:
    intake.moves(Change.ASSIGNED, assignment=1)
    intake.scoring.put(steady(5))
    asked = intake.wants()  # until it is answered the thread that scores stands, so that the handover is given up
    intake.moves(Change.REVOKED, Change.ASSIGNED, assignment=2)
    intake.worker._serve(intake.life, asked)
    assert intake.group.commits == []
