"""Snapshots are written beside the work: what is written is the state as it was, and a failure reaches the worker."""

import threading
from collections.abc import Mapping

import pytest

from monitor.app.distributed.snapshots import Snapshots
from monitor.clock import ManualClock
from monitor.delivery.metadata import Pointer
from monitor.delivery.shape import Owner
from monitor.domain.document import InputPartition
from monitor.errors import TransientError

OWNER = Owner("trend", InputPartition("sentiment.scored", 1))
PLACE = InputPartition("sentiment.state", 1)
DEADLINE_SECONDS = 30.0


class Slow:
    """Writes once it is let; keeps what it wrote."""

    def __init__(self, clock: ManualClock, failure: Exception | None = None) -> None:
        self._clock = clock
        self._failure = failure
        self.let = threading.Event()
        self.written: dict[str, bytes] = {}

    def write(
        self, owner: Owner, applied: int, state: Mapping[str, bytes], place: InputPartition
    ) -> tuple[Pointer, int]:
        assert self.let.wait(DEADLINE_SECONDS)
        self._clock.advance(seconds=2)
        if self._failure is not None:
            raise self._failure
        self.written = dict(state)
        return Pointer("s", 3, 4, applied), 70


def test_snapshot_holds_the_state_as_it_was_when_it_began() -> None:
    clock = ManualClock()
    states, state = Slow(clock), {"a": b"1"}
    writing = Snapshots(states, clock).begin(OWNER, 12, state, PLACE)
    state["a"], state["b"] = b"2", b"3"
    assert not writing.is_over
    states.let.set()
    assert writing.wait(DEADLINE_SECONDS)
    assert writing.result() == (Pointer("s", 3, 4, 12), 70)
    assert writing.seconds == 2.0
    assert states.written == {"a": b"1"}


def test_one_snapshot_at_a_time() -> None:
    clock = ManualClock()
    states = Slow(clock)
    snapshots = Snapshots(states, clock)
    assert snapshots.wait(0.0)
    writing = snapshots.begin(OWNER, 12, {}, PLACE)
    assert not snapshots.wait(0.0)
    with pytest.raises(ValueError, match="one snapshot at a time"):
        snapshots.begin(OWNER, 13, {}, PLACE)
    with pytest.raises(ValueError, match="still being written"):
        writing.result()
    states.let.set()
    assert snapshots.wait(DEADLINE_SECONDS)
    assert snapshots.begin(OWNER, 13, {}, PLACE).wait(DEADLINE_SECONDS)


def test_snapshot_that_fails_fails_whoever_asks_for_it() -> None:
    clock = ManualClock()
    states = Slow(clock, TransientError("no broker"))
    states.let.set()
    writing = Snapshots(states, clock).begin(OWNER, 12, {}, PLACE)
    assert writing.wait(DEADLINE_SECONDS)
    with pytest.raises(TransientError, match="no broker"):
        writing.result()
