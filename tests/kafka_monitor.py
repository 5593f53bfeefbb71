"""`monitor run` on Kafka in a process of its own, as its users run it, with its health and its metrics."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.faults.kafka_world import World
from tests.imports import ROOT

PATIENCE_SECONDS = 60.0

CONFIG = """
server: {port: 0}
feeds: {idle_after: 1s}
logging: {format: json}
detection: {look_backs: [15m, 1h, 4h], min_history: 12h, episode_gap: 2h}
alerts: {initial_threshold: 1.5, budget_per_topic_month: 100, cooldown: 3h}
notify: {max_age: 365d}
storage: {path: %(folder)s/history.db, commit_every: 300ms}
kafka:
  bootstrap: [%(bootstrap)s]
  input_topics: [%(prefix)sfeeds.news]
  prefix: %(prefix)s
  session_timeout: 6s
  delivery_timeout: 20s
  connect_timeout: 2s
  snapshot_every: 1s
"""


def write_config(world: World, text: str = CONFIG, name: str = "monitor") -> Path:
    """The configuration of a world, in its folder."""
    path = world.folder / f"{name}.yaml"
    bootstrap, prefix = world.cluster.access.bootstrap[0], world.cluster.prefix
    path.write_text(text % {"folder": world.folder, "bootstrap": bootstrap, "prefix": prefix})
    return path


class Monitor:
    """`monitor run` on Kafka in a process of its own; `name` tells its log from that of another."""

    def __init__(self, config: Path, *arguments: str, name: str = "monitor") -> None:
        self._log = config.with_name(f"{name}.log")
        self._out = config.with_name(f"{name}.out")
        command = [sys.executable, "-m", "monitor", "run", "--config", str(config), *arguments]
        command += ["--watchlist", str(config.with_name("watchlist.csv"))]
        with self._log.open("wb") as log, self._out.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=log, env={**os.environ, "NO_COLOR": "1"}
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def out(self) -> str:
        return self._out.read_text()

    def wait_for(self, what: str, seen: Callable[[], object]) -> None:
        """Until something is so; fails with the log when it is not in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen():
            assert time.monotonic() < deadline, f"{what} did not come: {self.log[-3_000:]}"
            assert self.process.poll() is None, f"ended before {what}: {self.log[-3_000:]}"
            time.sleep(0.05)  # between two looks

    def get(self, path: str) -> tuple[int, str]:
        self.wait_for("the server's address", self._ports)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ports()[0]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError as exc:
            raise AssertionError(f"{path} was not answered ({exc}): {self.log[-3_000:]}") from exc

    def _ports(self) -> list[str]:
        """The port of its server, once the log tells it."""
        return re.findall(r"127\.0\.0\.1:(\d+)/", self.log)

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of a metric's series whose labels hold these."""
        lines = re.findall(rf"^sentiment_{name}({{.*}})? (\S+)$", self.get("/metrics")[1], re.M)
        return sum(float(value) for found, value in lines if labels in found)

    def owns(self, partitions: int) -> bool:
        """Whether its roles have so many partitions."""
        return self.metric("owned_partitions") == partitions

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
