"""The thread that scores: what waits for it is not idle, and progress follows what it announces."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.scoring import Scoring, Settle
from monitor.app.distributed.worker import Pace, no_seam
from monitor.clock import ManualClock, SystemClock
from monitor.domain.document import InputPartition, ScoredDocument
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.streams import Output
from monitor.operators.watermark import PartitionState
from tests.roles.test_score import IDLE_MS, NEWS, POSTS, record, role, steady

PACE = Pace(100, 3_600_000, 1_000_000, 10, 1_000, 1_000, 1_000, 1_000)
PATIENCE_SECONDS = 20.0


class Lines:
    """A publisher that remembers what was sent, and where in between it was flushed; `gate` holds up what is sent."""

    is_full = False

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.gate = threading.Event()
        self.gate.set()

    def publish(self, outputs: Sequence[Output]) -> None:
        assert self.gate.wait(PATIENCE_SECONDS)
        self.sent += [output.value for output in outputs if output.partition == 0]

    def flush(self) -> None:
        self.sent.append("flushed")

    def progress(self) -> list[Progress]:
        return [one for one in self.sent if isinstance(one, Progress)]


class Room:
    """A thread that scores, with a clock of its own."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.clock = Standing()
        self.scoring = Scoring(role(known=()), self.lines, PACE, self.clock, no_seam, 1_000, lambda: None)
        self.scoring.existing = (NEWS, POSTS)
        self.scoring.put({NEWS: PartitionState(), POSTS: PartitionState()})
        self.scoring.start()

    def wait_for(self, seen: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen():
            assert self.scoring.failure is None, self.scoring.failure
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.005)  # between two looks


class Standing(ManualClock):
    """Its time of day moves only when told to; what paces the thread is the machine's."""

    def monotonic_seconds(self) -> float:
        return SystemClock().monotonic_seconds()


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.lines.gate.set()
    made.scoring.close(PATIENCE_SECONDS)


def test_progress_is_sent_when_everything_before_it_was_acknowledged(room: Room) -> None:
    room.scoring.put(steady(7))
    room.wait_for(lambda: room.lines.progress() and room.lines.progress()[-1].sources[0].to_position == 7)
    at = next(n for n, one in enumerate(room.lines.sent) if isinstance(one, Progress) and one.sources[0].to_position)
    before = room.lines.sent[:at]
    assert sum(isinstance(one, ScoredDocument) for one in before) == 7
    assert before[-1] == "flushed"


@pytest.mark.slow
def test_partition_whose_records_wait_for_the_model_is_not_idle(room: Room) -> None:
    room.scoring.put([*steady(1), record(0, source=POSTS)])
    room.wait_for(lambda: len(room.lines.progress()) > 1)
    room.lines.gate.clear()
    room.scoring.put([record(1)])
    for number in range(1, 40):
        room.scoring.put([record(number, source=POSTS)])
    room.clock.advance(seconds=2 * IDLE_MS / 1_000)
    time.sleep(0.05)  # so that progress is due at once
    count = len(room.lines.progress())
    room.lines.gate.set()

    def of_posts() -> list[SourceProgress]:
        told = room.lines.progress()[count:]
        return [one for progress in told for one in progress.sources if one.source == POSTS]

    room.wait_for(lambda: of_posts() and of_posts()[-1].to_position == 40)
    assert {one.state for one in of_posts()} == {SourceState.ACTIVE}


@pytest.mark.slow
def test_settle_commits_what_was_put_before_it_and_lets_partitions_go(room: Room) -> None:
    room.scoring.put(steady(5))
    settle = Settle(frozenset({NEWS}), commits=True)
    room.scoring.put(settle)
    request = None
    while request is None:
        request = room.scoring.take_request(0.1)
        assert room.scoring.failure is None
    assert request.states[NEWS][0] == 5
    assert not settle.done.is_set()
    request.committed = frozenset(request.states)
    request.answered.set()
    assert settle.done.wait(PATIENCE_SECONDS)
    room.wait_for(lambda: [one.source for one in room.lines.progress()[-1].sources] == [POSTS])


def test_failure_of_the_thread_is_told_to_the_poller(room: Room) -> None:
    room.scoring.put([record(0, source=InputPartition("feeds.unknown"))])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while room.scoring.failure is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)  # between two looks
    assert isinstance(room.scoring.failure, KeyError)
