"""Processes of roles over a world: started, checked, stopped well, and killed."""

import signal
import subprocess
import sys

from tests.faults.kafka_world import World
from tests.imports import ROOT

END_SECONDS = 40.0
LOG_END = 3_000


class Roles:
    """One process for each set of roles; a new one takes the place of the one before."""

    def __init__(self, world: World, bootstrap: str, word: str) -> None:
        self._world = world
        self._common = [sys.executable, "-m", "tests.faults.kafka_process", bootstrap, word, str(world.folder)]
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, roles: str, *seam: str, name: str = "") -> subprocess.Popen[bytes]:
        """A process of these roles; `name` tells it from others of the same roles."""
        name = name or roles
        with (self._world.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([*self._common, roles, *seam], cwd=ROOT, stdout=log, stderr=log)
        self.running[name] = process
        return process

    def check(self) -> None:
        """Raises: AssertionError: a process has ended by itself; with the end of its log."""
        for name, process in self.running.items():
            assert process.poll() is None, f"{name} ended with {process.returncode}: {self.log(name)[-LOG_END:]}"

    def log(self, name: str) -> str:
        return (self._world.folder / f"{name}.log").read_text()

    def stop(self, *names: str) -> None:
        """SIGTERM, for all where none is named; each ends well."""
        chosen = {name: self.running[name] for name in names or self.running}
        for process in chosen.values():
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
