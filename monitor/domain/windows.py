"""Windows: half-open intervals [start, end) of event time, aligned to the epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Window(NamedTuple):
    """A half-open interval [start_ms, end_ms) of event time."""

    start_ms: int
    end_ms: int

    def contains(self, time_ms: int) -> bool:
        """A time on the boundary belongs to the later window."""
        return self.start_ms <= time_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Hopping windows of `size_ms` that start every `hop_ms`; tumbling when the two are equal.

    Raises: ValueError: the hop is not positive, is above the size, or does not divide it.
    """

    size_ms: int
    hop_ms: int

    def __post_init__(self) -> None:
        if not 0 < self.hop_ms <= self.size_ms or self.size_ms % self.hop_ms:
            raise ValueError(f"window hop {self.hop_ms} ms must be positive and divide the size {self.size_ms} ms")

    def windows_for(self, time_ms: int) -> Iterator[Window]:
        """The windows that hold this time, earliest first; `size / hop` of them."""
        last_start = time_ms - time_ms % self.hop_ms
        for start in range(last_start - self.size_ms + self.hop_ms, last_start + 1, self.hop_ms):
            yield Window(start, start + self.size_ms)
