"""The watermark of one input partition, at the place where it is read: the score role.

W is the greatest min(event time, arrival time) read so far less `max_out_of_orderness`. A document behind W is late;
it takes effect at W. Everything here is a fact of the partition's order and therefore the same in every run.
"""

from collections import Counter
from dataclasses import dataclass, field

from monitor.clock import MINUTE_MS
from monitor.domain.document import InputPartition
from monitor.domain.progress import NO_TIME_MS, SourceProgress, SourceState
from monitor.operators.intake import Run


@dataclass(slots=True)
class PartitionState:
    """What a commit carries for one input partition: plain data.

    `position` is exclusive: everything below has its effect in what was announced. It lies behind `read_position` while
    records wait for their dates to be judged.
    """

    committed_position: int = 0
    position: int = 0
    read_position: int = 0
    greatest_ms: int = NO_TIME_MS
    greatest_effective_ms: int = NO_TIME_MS
    believed_ms: int = NO_TIME_MS
    state: SourceState = SourceState.ACTIVE
    volumes: Counter[tuple[str, int]] = field(default_factory=Counter)
    run: Run = field(default_factory=Run)


class PartitionWatermark:
    """Follows one input partition: effective times, watermark, and the feed's volume since the last commit."""

    def __init__(self, source: InputPartition, max_out_of_orderness_ms: int, state: PartitionState) -> None:
        self.source = source
        self._max_out_of_orderness_ms = max_out_of_orderness_ms
        self.state = state

    @property
    def watermark_ms(self) -> int:
        """W; NO_TIME_MS before the first document."""
        greatest = self.state.greatest_ms
        return NO_TIME_MS if greatest == NO_TIME_MS else greatest - self._max_out_of_orderness_ms

    def read(self, event_time_ms: int, arrival_ms: int | None, vendor: str) -> tuple[int, bool]:
        """Count one valid document in its turn; its effective time, and whether it was late."""
        state = self.state
        seen_ms = event_time_ms if arrival_ms is None else min(event_time_ms, arrival_ms)
        state.greatest_ms = max(state.greatest_ms, seen_ms)
        watermark_ms = state.greatest_ms - self._max_out_of_orderness_ms
        is_late = event_time_ms < watermark_ms
        effective_ms = watermark_ms if is_late else event_time_ms
        state.greatest_effective_ms = max(state.greatest_effective_ms, effective_ms)
        state.volumes[vendor, effective_ms // MINUTE_MS] += 1
        return effective_ms, is_late

    def take_back(self, effective_ms: int, vendor: str) -> None:
        """A document that was read since the last progress was not valid after all: it counts in no volume.

        What it did to the watermark stays, for later documents were read by it.
        """
        key = vendor, effective_ms // MINUTE_MS
        self.state.volumes[key] -= 1
        if not self.state.volumes[key]:
            del self.state.volumes[key]

    def progress(self) -> SourceProgress:
        """How far this partition has been read, with its volumes since the last commit."""
        state = self.state
        return SourceProgress(
            source=self.source,
            from_position=state.committed_position,
            to_position=state.position,
            watermark_ms=self.watermark_ms,
            greatest_effective_ms=state.greatest_effective_ms,
            state=state.state,
            volumes=tuple((vendor, minute, count) for (vendor, minute), count in state.volumes.items()),
        )

    def committed(self) -> None:
        """The position was committed: the next progress counts from here."""
        self.state.committed_position = self.state.position
        self.state.volumes.clear()
