"""Low-water marks: up to where each input partition may be committed while records finish in any order.

    begun      100  101  102 | 103  104 | 105  106        | : a mark, what is true of everything before it
    finished    x    x    x     x    -     x    x
    low water                        ^ 104                everything below is finished
    reached                  ^ 103, with its mark         the last mark at or below: this may be committed

Batches mix partitions, so a record that was read later is often finished earlier. A commit falls only on a mark: the
watermark that goes with it must be the one of that very position, and not of what was read since. An assignment has a
number, its epoch, that never comes again: work that was begun under an older one can not move a newer one's commit.
What is left out: who reads, what finishing means (its outputs are acknowledged), and locks: one thread at a time.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from monitor.domain.document import InputPartition
from monitor.errors import Backpressure

Mark = TypeVar("Mark")


class Work(NamedTuple):
    """One record in hand: to be given back when all it caused is durable."""

    source: InputPartition
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Reached(Generic[Mark]):
    """What may be committed for a partition: an exclusive position, and what is true there."""

    position: int
    mark: Mark


@dataclass(slots=True)
class _Assigned(Generic[Mark]):
    """One partition under one assignment. Records are numbered from 0 in their order; `first` is the first held."""

    epoch: int
    low_water: int
    next_offset: int
    reached: Reached[Mark]
    first: int = 0
    held: deque[tuple[int, bool]] = field(default_factory=deque)
    marks: deque[tuple[int, Reached[Mark]]] = field(default_factory=deque)


class LowWater(Generic[Mark]):
    """Follows what is in hand for each assigned partition.

    Args:
        capacity: records held for one partition: those that are not finished, and those that wait behind one. Its
            own bound for each partition, so that a record that hangs holds up no other partition.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._assigned: dict[InputPartition, _Assigned[Mark]] = {}
        self._epochs = 0

    def assign(self, source: InputPartition, position: int, mark: Mark) -> int:
        """A partition is ours from a committed position on; the epoch, to be asked for before each poll."""
        self._epochs += 1
        self._assigned[source] = _Assigned(self._epochs, position, position, Reached(position, mark))
        return self._epochs

    def revoke(self, source: InputPartition) -> None:
        """A partition is no longer ours: everything about it is forgotten. Harmless for one that is not."""
        self._assigned.pop(source, None)

    def epoch(self, source: InputPartition) -> int | None:
        """The number of the assignment; None when the partition is not ours."""
        assigned = self._assigned.get(source)
        return None if assigned is None else assigned.epoch

    def begin(self, source: InputPartition, epoch: int, offset: int) -> Work | None:
        """Take a record in hand, in order of offset; offsets may skip what the log left out.

        Args:
            epoch: the assignment under which the record was polled. A consumer may go on from an earlier position after
                a rebalance, and a record polled before it would leave a hole that looks like one of the log's own.
        Returns: None: that assignment is over, and the record belongs to whoever has the partition now.
        Raises: Backpressure: too many are held; keep the record, pause the partition. ValueError: out of order.
        """
        assigned = self._current(source, epoch)
        if assigned is None:
            return None
        if offset < assigned.next_offset:
            raise ValueError(f"{source}: record {offset} begins after {assigned.next_offset - 1}")
        if len(assigned.held) >= self._capacity:
            raise Backpressure(f"{source}: {self._capacity} records are in hand; wait until the first is finished")
        assigned.next_offset = offset + 1
        assigned.held.append((offset + 1, False))
        return Work(source, epoch, assigned.first + len(assigned.held) - 1)

    def mark(self, source: InputPartition, epoch: int, mark: Mark) -> None:
        """Say what is true once everything that was begun so far is finished; a later word at one place replaces."""
        assigned = self._current(source, epoch)
        if assigned is None:
            return
        end = assigned.first + len(assigned.held)
        if assigned.marks and assigned.marks[-1][0] == end:
            assigned.marks.pop()
        assigned.marks.append((end, Reached(assigned.next_offset, mark)))
        self._advance(assigned)

    def finish(self, work: Work) -> bool:
        """All that a record caused is durable. False: it was begun under an assignment that is over; nothing changes.

        Raises: ValueError: it was finished before.
        """
        assigned = self._current(work.source, work.epoch)
        if assigned is None:
            return False
        place = work.number - assigned.first
        if place < 0 or assigned.held[place][1]:
            raise ValueError(f"{work.source}: record {work.number} of this assignment is finished twice")
        assigned.held[place] = (assigned.held[place][0], True)
        self._advance(assigned)
        return True

    def reached(self, source: InputPartition) -> Reached[Mark] | None:
        """What may be committed; at first where the assignment began. None when the partition is not ours."""
        assigned = self._assigned.get(source)
        return None if assigned is None else assigned.reached

    def low_water(self, source: InputPartition) -> int | None:
        """Everything below is finished; exclusive. None when the partition is not ours."""
        assigned = self._assigned.get(source)
        return None if assigned is None else assigned.low_water

    def held(self, source: InputPartition) -> int:
        """Records held for a partition, at most `capacity`."""
        assigned = self._assigned.get(source)
        return 0 if assigned is None else len(assigned.held)

    def _current(self, source: InputPartition, epoch: int) -> _Assigned[Mark] | None:
        assigned = self._assigned.get(source)
        return assigned if assigned is not None and assigned.epoch == epoch else None

    def _advance(self, assigned: _Assigned[Mark]) -> None:
        while assigned.held and assigned.held[0][1]:
            assigned.low_water, _ = assigned.held.popleft()
            assigned.first += 1
        while assigned.marks and assigned.marks[0][0] <= assigned.first:
            _, assigned.reached = assigned.marks.popleft()
