"""Progress: how far each source has been read, as a record. Ticks, idleness and the end of a feed exist only so."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.document import InputPartition

NO_TIME_MS = -(2**62)
"""A watermark before everything: the value of a source that has not spoken yet."""


class SourceState(StrEnum):
    """Whether a source holds the readers' watermark back."""

    ACTIVE = "active"
    IDLE = "idle"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far one input partition has been read.

    Attributes:
        from_position: the last committed offset. to_position: exclusive end of what was read; commits fall only on one.
        watermark_ms: W, nothing older is expected. greatest_effective_ms: the latest effective time so far.
        volumes: valid documents by (vendor, effective minute), cumulative over [from_position, to_position);
            minute = effective_ms // 60,000. Readers replace what they had for the same `from_position`, never add.
    """

    source: InputPartition
    from_position: int
    to_position: int
    watermark_ms: int
    greatest_effective_ms: int
    state: SourceState
    volumes: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """A writer's word on its sources: every one that exists (`known`), and how far its own have been read.

    `written_ms` is processing time at the writer: readers compare such times with each other (max_hold), with no clock.
    """

    known: tuple[InputPartition, ...]
    sources: tuple[SourceProgress, ...]
    written_ms: int
