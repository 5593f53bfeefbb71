"""Snapshots: packed and sent in a thread of their own, so that no alert waits for it.

    worker         encode at position p | decide, commit, decide ...           | commit that names the snapshot of p
    this thread                           pack, send, flush, bounds: a pointer

What the worker holds of it until then is the bytes of each key, which nobody changes. One at a time: the sender and
the log behind it are this thread's alone. Left out: when a snapshot is due, and which commit names it.
"""

import threading
from collections.abc import Mapping
from typing import Protocol

from monitor.clock import Clock
from monitor.delivery.metadata import Pointer
from monitor.delivery.shape import Owner
from monitor.domain.document import InputPartition


class Writes(Protocol):
    """Makes one snapshot durable; where it lies, and its size in bytes."""

    def write(
        self, owner: Owner, applied: int, state: Mapping[str, bytes], place: InputPartition
    ) -> tuple[Pointer, int]: ...


class Writing:
    """One snapshot on its way. `seconds`: that the write took, once it is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = 0.0
        self._over = threading.Event()
        self._found: tuple[Pointer, int] | None = None
        self._failure: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether `result` can be had."""
        return self._over.is_set()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is over, for ever with None; the sender behind it has its own deadline. Whether it is."""
        return self._over.wait(seconds)

    def result(self) -> tuple[Pointer, int]:
        """Where it lies, and its size in bytes. Raises: what the write raised; ValueError: it is not over."""
        if self._failure is not None:
            raise self._failure
        if self._found is None:
            raise ValueError("the snapshot is still being written")
        return self._found

    def run(
        self, states: Writes, owner: Owner, applied: int, state: Mapping[str, bytes], place: InputPartition
    ) -> None:
        """In the thread."""
        started = self._clock.monotonic_seconds()
        try:
            self._found = states.write(owner, applied, state, place)
        except BaseException as exc:  # whatever it is, the worker raises it
            self._failure = exc
        self.seconds = self._clock.monotonic_seconds() - started
        self._over.set()


class Snapshots:
    """Writes snapshots by `states`, one after the other."""

    def __init__(self, states: Writes, clock: Clock) -> None:
        self._states = states
        self._clock = clock
        self._last: Writing | None = None

    def wait(self, seconds: float | None) -> bool:
        """Wait until nothing is on its way; whether that is so."""
        return self._last is None or self._last.wait(seconds)

    def begin(self, owner: Owner, applied: int, state: Mapping[str, bytes], place: InputPartition) -> Writing:
        """Write a copy of the state as it is now. Raises: ValueError: another snapshot is on its way."""
        if not self.wait(0.0):
            raise ValueError("one snapshot at a time")
        self._last = writing = Writing(self._clock)
        arguments = (self._states, owner, applied, dict(state), place)
        threading.Thread(target=writing.run, args=arguments, name="snapshot", daemon=True).start()
        return writing
