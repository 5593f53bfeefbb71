"""Process: the workers of one process, each in a thread of its own: start, watch over, drain, stop.

The thread that calls `run` only watches, so nothing that a broker does can hold it up. A worker that fails ends the
others well; one that hangs, or does not finish within the drain's deadline, ends the process at once, and the next
start goes on from the last commit.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.worker import Worker
from monitor.clock import Clock
from monitor.errors import ExitCode
from monitor.logs import event

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""Between two looks at the workers."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a process waits, in seconds.

    Attributes:
        drain: for what is in hand after it was told to stop. hang: for a worker that gives no sign of life; above the
            longest call of the client, and above the longest restore.
    """

    drain: float
    hang: float


class Beats:
    """When each worker gave its last sign of life; each writes its own, and the watching thread reads all."""

    def __init__(self, clock: Clock, roles: Sequence[RoleName]) -> None:
        self._clock = clock
        self._last = dict.fromkeys(roles, clock.monotonic_seconds())

    def beat(self, role: RoleName) -> None:
        self._last[role] = self._clock.monotonic_seconds()

    def ages(self) -> Mapping[RoleName, float]:
        """Seconds since the last sign of each."""
        now = self._clock.monotonic_seconds()
        return {role: now - last for role, last in self._last.items()}


class Process:
    """Runs workers until they end, one of them fails, or `stop`.

    Args:
        on_look: is called at each look while every worker gives signs of life.
        end: ends the process at once with an exit code.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        beats: Beats,
        clock: Clock,
        patience: Patience,
        on_look: Callable[[], None] = lambda: None,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._workers = workers
        self._beats = beats
        self._clock = clock
        self._patience = patience
        self._on_look = on_look
        self._end = end
        self._failure: BaseException | None = None
        self._woken = threading.Event()
        self._deadline: float | None = None

    def stop(self) -> None:
        """Take no more. Safe to call from a signal handler."""
        self._deadline = self._deadline or self._clock.monotonic_seconds() + self._patience.drain
        for worker in self._workers:
            worker.close()
        self._woken.set()

    def run(self) -> None:
        """Raises: what the first worker that failed had raised, once the others have ended."""
        threads = [
            threading.Thread(target=self._work, args=(worker,), name=worker.role.value, daemon=True)
            for worker in self._workers
        ]
        for thread in threads:
            thread.start()
        is_told = False
        while any(thread.is_alive() for thread in threads):
            self._woken.wait(LOOK_SECONDS)
            if self._deadline is not None:
                if not is_told:  # Here, because a signal handler must not wait for the log.
                    event(logger, "draining", seconds=self._patience.drain)
                    is_told = True
                for thread in threads:
                    thread.join(LOOK_SECONDS / len(threads))
            if not self._look(
                [worker.role for worker, thread in zip(self._workers, threads, strict=True) if thread.is_alive()]
            ):
                return
        if self._failure is not None:
            raise self._failure

    def _look(self, alive: Sequence[RoleName]) -> bool:
        """Whether to go on; False only where `end` comes back, in a test."""
        ages = self._beats.ages()
        hung = {role.value: round(ages[role], 1) for role in alive if ages[role] > self._patience.hang}
        if hung:
            event(logger, "worker_hangs", level=logging.CRITICAL, silent_seconds=hung)
            self._end(ExitCode.DEPENDENCY_DOWN)
            return False
        if alive and self._deadline is not None and self._clock.monotonic_seconds() > self._deadline:
            event(logger, "drain_given_up", level=logging.ERROR, roles=[role.value for role in alive])
            self._end(ExitCode.DEPENDENCY_DOWN)
            return False
        self._on_look()
        return True

    def _work(self, worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as exc:  # whatever it is, the watching thread raises it
            if self._failure is None:
                self._failure = exc
            event(logger, "worker_failed", level=logging.ERROR, role=worker.role.value, error=type(exc).__name__)
            self.stop()
