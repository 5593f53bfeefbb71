"""Processes of roles over a world: started, checked, stopped well, killed, and started again as Kubernetes would."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.kafka_world import World
from tests.imports import ROOT

END_SECONDS = 40.0
LOG_END = 3_000
LOOK_SECONDS = 0.25
MOST_RESTARTS = 40
"""Far above what any fault of ours costs: a process that ends as soon as it begins is no recovery."""


class Roles:
    """One process for each set of roles; a new one takes the place of the one before.

    Attributes:
        exits: processes that ended by themselves and were started again: name and exit code.
        told_to_stop: when each was, in seconds of the epoch.
    """

    def __init__(self, world: World, bootstrap: str, word: str) -> None:
        self._world = world
        self._common = [sys.executable, "-m", "tests.faults.kafka_process", bootstrap, word, str(world.folder)]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.exits: list[tuple[str, int]] = []
        self.told_to_stop: dict[str, float] = {}
        self._roles: dict[str, str] = {}

    def start(self, roles: str, *seam: str, name: str = "") -> subprocess.Popen[bytes]:
        """A process of these roles; `name` tells it from others of the same roles."""
        name = name or roles
        with (self._world.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([*self._common, roles, *seam], cwd=ROOT, stdout=log, stderr=log)
        self.running[name] = process
        self._roles[name] = roles
        return process

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """While the block lasts, whoever ends is started again. Raises: AssertionError: again and again in vain."""
        over = threading.Event()

        def supervise() -> None:
            while not over.wait(LOOK_SECONDS) and len(self.exits) <= MOST_RESTARTS:
                for name, process in list(self.running.items()):
                    if (code := process.poll()) is not None:
                        self.exits.append((name, code))
                        self.start(self._roles[name], name=name)

        thread = threading.Thread(target=supervise, name="supervisor")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert len(self.exits) <= MOST_RESTARTS, f"they end again and again: {self.exits}"

    def owned(self, name: str) -> int:
        """Partitions that a process of one role has, by what it told last."""
        told = self.told(name, "owns")
        partitions = told[-1]["partitions"] if told else []
        assert isinstance(partitions, list)
        return len(partitions)

    def told(self, name: str, event: str) -> list[dict[str, object]]:
        """The events of this name in a process's log, in order."""
        lines = self.log(name).splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and f'"event":"{event}"' in line]
        return [one for one in found if one["event"] == event]

    def check(self, *names: str) -> None:
        """Raises: AssertionError: one of these, or of all, has ended by itself; with the end of its log."""
        for name, process in [(name, self.running[name]) for name in names or list(self.running)]:
            assert process.poll() is None, f"{name} ended with {process.returncode}: {self.log(name)[-LOG_END:]}"

    def log_bytes(self, name: str) -> int:
        """How long its log is by now."""
        return (self._world.folder / f"{name}.log").stat().st_size

    def owns(self, name: str, log_bytes: int = 0) -> bool:
        """Whether it has told, behind this place of its log, that it has a partition."""
        with (self._world.folder / f"{name}.log").open("rb") as log:
            log.seek(log_bytes)
            return any(b'"event":"owns"' in line and b'"partitions":[]' not in line for line in log)

    def log(self, name: str) -> str:
        return (self._world.folder / f"{name}.log").read_text()

    def stop(self, *names: str) -> None:
        """SIGTERM, for all where none is named; each ends well."""
        chosen = {name: self.running[name] for name in names or self.running}
        for name, process in chosen.items():
            self.told_to_stop[name] = time.time()
            process.send_signal(signal.SIGTERM)
        for name, process in chosen.items():
            assert process.wait(END_SECONDS) == 0, self.log(name)[-LOG_END:]
            del self.running[name]

    def kill(self) -> None:
        """Leave nothing behind."""
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
