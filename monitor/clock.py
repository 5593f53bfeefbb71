"""Where the time of day comes from. Only the edges hold a clock; nothing that decides reads one."""

import time
from collections.abc import Callable
from typing import Protocol

MS = 1
SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Clock(Protocol):
    """Processing time, for edges only: arrival stamps, idleness, deadlines."""

    def now_ms(self) -> int: ...
    def monotonic_seconds(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_seconds(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to; sleeping moves it."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_seconds(self) -> float:
        return self._now_ms / SECOND_MS

    def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)

    def advance(self, *, seconds: float) -> None:
        self._now_ms += round(seconds * SECOND_MS)


BETWEEN = "between"
"""The stage of what no stage booked, so that stages sum to the whole: the loop itself, and its sleep."""


class Laps:
    """Time by stage, for the metrics and the benchmark: each `lap` books what passed since the one before it.

    `timer` gives nanoseconds: of the wall for metrics, of the thread's processor time for a benchmark.
    """

    def __init__(self, timer: Callable[[], int] = time.perf_counter_ns, *, is_fine: bool = False) -> None:
        self._timer = timer
        self.is_fine = is_fine
        """Whether stages are told apart within a document: for a benchmark, because the telling itself costs."""
        self._booked: dict[str, list[int]] = {}
        self._last: int | None = None

    def start(self) -> None:
        """Begin a stage; what passed since the last lap was between stages, and is booked as that."""
        if self._last is None:
            self._last = self._timer()
        else:
            self.lap(BETWEEN)

    def lap(self, stage: str, items: int = 0) -> None:
        """Book the time since the last call to a stage, and how many items it took."""
        now = self._timer()
        booked = self._booked.get(stage)
        if booked is None:
            booked = self._booked[stage] = [0, 0]
        if self._last is not None:
            booked[0] += now - self._last
        booked[1] += items
        self._last = now

    def take(self) -> dict[str, tuple[int, int]]:
        """(nanoseconds, items) by stage since the last call."""
        booked, self._booked = self._booked, {}
        return {stage: (nanoseconds, items) for stage, (nanoseconds, items) in booked.items()}
