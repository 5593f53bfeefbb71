"""Units: one partition of a stateful role: its state, what was read of it, and what is committed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.app.distributed.snapshots import Writing
from monitor.app.distributed.worker import Due
from monitor.delivery.metadata import Pointer, StateCommit
from monitor.delivery.replay import MutedReplay
from monitor.delivery.shape import Owner
from monitor.domain.document import InputPartition
from monitor.domain.streams import Message, Output


class Decider(Protocol):
    """The role of one partition."""

    def handle(self, messages: Sequence[Message]) -> list[Output]: ...


@dataclass(frozen=True, slots=True)
class Made:
    """A role with its state; `changes` gives what of the state has changed since it was last asked, by key."""

    decider: Decider
    changes: Callable[[], Mapping[str, bytes | None]]


Make = Callable[[int, int, Mapping[str, bytes]], Made]
"""Builds the role of a partition: its number, how many there are, and the state that was stored."""


@dataclass(slots=True)
class Unit:
    """One partition of ours.

    Attributes:
        encoded: the state as it was last written, so that only changes are encoded again.
        pointer: a snapshot that is durable, and that no commit names yet. writing: one on its way, behind that.
    """

    owner: Owner
    place: InputPartition
    assignment: int
    made: Made
    encoded: dict[str, bytes]
    replay: MutedReplay
    commit: StateCommit
    position: int
    snapshot_due: Due
    pointer: Pointer | None = None
    writing: Writing | None = None
    encoding_seconds: float = 0.0
    written_ms: int | None = None

    @property
    def source(self) -> InputPartition:
        return self.owner.source

    @property
    def moved(self) -> StateCommit | None:
        """The commit that is due, None where nothing is: nothing new was read, or what was committed is read again."""
        if not self.replay.is_over or (self.position == self.commit.position and self.pointer is None):
            return None
        return self.commit.moved(self.position, self.pointer)

    def collect(self) -> tuple[float, int] | None:
        """Take the pointer of a snapshot that is durable by now; the seconds that it took, and its size in bytes.

        Raises: as KafkaSender.flush: it is not durable.
        """
        if self.writing is None or not self.writing.is_over:
            return None
        self.pointer, size = self.writing.result()
        seconds = self.encoding_seconds + self.writing.seconds
        self.writing = None
        return seconds, size
