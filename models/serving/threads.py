"""A pool of threads that is there when it is needed first, and again in a child process."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Taken = TypeVar("_Taken")
_Given = TypeVar("_Given")


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Threads:
    """Runs a function over many things beside each other. threads: at least 1; with one there is no pool."""

    def __init__(self, threads: int) -> None:
        self.count = threads
        self.pool: ThreadPoolExecutor | None = None
        self._pool_of = 0

    def map(self, work: Callable[[_Taken], _Given], things: Sequence[_Taken]) -> Iterable[_Given]:
        """The results, in order. An error is raised where its result would be."""
        if self.count > 1 and len(things) > 1:
            try:
                return self._workers().map(work, things)
            except RuntimeError:
                pass  # No thread can be started any more: the interpreter ends, or the machine has no room for one.
        return map(work, things)

    def close(self) -> None:
        """Let the threads end."""
        if self.pool is not None and self._pool_of == os.getpid():
            self.pool.shutdown()
        self.pool = None

    def _workers(self) -> ThreadPoolExecutor:
        # A fork does not copy threads.
        if self.pool is None or self._pool_of != os.getpid():
            self.pool = ThreadPoolExecutor(self.count, thread_name_prefix="sentiment")
            self._pool_of = os.getpid()
        return self.pool
