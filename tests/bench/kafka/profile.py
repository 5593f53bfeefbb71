"""A profile of every thread of a process, by function: where a role's time goes, for whoever makes it cheaper."""

import cProfile
import pstats
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

_LINES = 60


@contextmanager
def profiled(path: str) -> Iterator[None]:
    """Profile the threads that are started inside, and write a table for each; nothing where no path is given."""
    if not path:
        yield
        return
    found: list[tuple[str, cProfile.Profile]] = []
    start = threading.Thread.start

    def starting(thread: threading.Thread) -> None:
        profile, run = cProfile.Profile(time.thread_time), thread.run
        found.append((thread.name, profile))
        vars(thread)["run"] = lambda: profile.runcall(run)
        start(thread)

    with patch.object(threading.Thread, "start", starting):
        yield
    with Path(path).open("w", encoding="utf-8") as out:
        for name, profile in found:
            out.write(f"== {name}\n")
            pstats.Stats(profile, stream=out).sort_stats("tottime").print_stats(_LINES)
