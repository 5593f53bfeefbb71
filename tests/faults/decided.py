"""A world in which all is decided: a feed has gone through score, trend and alert, and what they said lies on the
broker. The ends, archive and notify, read it there as often as a test wants: each time from its beginning, because how
far they got is in their own stores.
"""

import io
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.app.distributed.roster import ARCHIVED, Builder, Roster
from monitor.app.distributed.worker import OnSeam, no_seam
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.tags import LiveTags
from monitor.watchlist import WatchlistFile
from tests.faults.effects import Effects, Kind
from tests.faults.embedded import embedded_effects
from tests.faults.kafka_world import PACE, USUAL, Conditions, World, make_world, quick_config
from tests.faults.watching import BeatingWatch

DECIDING = (RoleName.SCORE, RoleName.TREND, RoleName.ALERT)
END_SECONDS = 40.0
PATIENCE_SECONDS = 90.0


class Running:
    """Roles at work in a thread of this process."""

    def __init__(self, world: World, config: Config, roles: tuple[RoleName, ...], on_seam: OnSeam = no_seam) -> None:
        clock = SystemClock()
        beats = Beats(clock, roles)
        tags = LiveTags(WatchlistFile(world.watchlist).current, None)
        self.watch = BeatingWatch(beats)
        self.roster: Roster = Builder(config, world.cluster, PACE, tags, clock, self.watch, on_seam).build(
            roles, io.StringIO()
        )
        self._process = Process(self.roster.workers, beats, clock, Patience(30.0, 60.0))
        self._thread = threading.Thread(target=self._process.run)
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is in hand."""
        self._process.stop()
        self._thread.join(END_SECONDS)
        self.roster.close()
        assert not self._thread.is_alive()


@dataclass(frozen=True)
class Decided:
    """The world, the word of its Kafka topics, and what one process without a broker makes of its feed."""

    world: World
    word: str
    expected: Effects

    def at(self, folder: Path, conditions: Conditions = USUAL) -> World:
        """The same world, seen from another folder, under other conditions."""
        shutil.copy(self.world.watchlist, folder / "watchlist.csv")
        conditions.write(folder)
        return replace(self.world, folder=folder, watchlist=folder / "watchlist.csv", conditions=conditions)

    def turns(self) -> set[tuple[str, int]]:
        """(alert, revision) of all that is to be told."""
        return {(str(one.name[0]), one.revision) for one in self.expected.bodies if one.kind is Kind.ALERT}

    def ends(self, *streams: Stream) -> dict[str, int]:
        """How far the ends have to read, by the names of partitions."""
        cluster = self.world.cluster
        shapes = cluster.shapes()
        names = [cluster.topic(stream) for stream in streams]
        places = [InputPartition(name, number) for name in names for number in range(shapes[name].partitions)]
        return {str(place): end for place, end in self.world.ends(places).items()}

    def archived(self) -> dict[str, int]:
        """How far the archive has to read."""
        return self.ends(*ARCHIVED)


def decide(bootstrap: str, folder: Path) -> Decided:
    """Let a feed be decided on a broker."""
    word = uuid.uuid4().hex[:8]
    world = make_world(bootstrap, word, folder / "world")
    expected = embedded_effects(folder / "embedded", quick_config())
    config = quick_config()
    running = Running(world, config, DECIDING)
    try:
        world.feed()
        found = world.await_effects(expected)
    finally:
        running.stop()
    assert found.bodies.keys() == expected.bodies.keys()
    return Decided(world, word, expected)


def read_up_to(positions: dict[str, str], role: RoleName, ends: dict[str, int]) -> bool:
    """Whether stored positions are those ends."""
    return all(
        (stored := positions.get(f"{role.value}:{place}")) is not None and orjson.loads(stored)["at"] >= end
        for place, end in ends.items()
    )


def until(condition: Callable[[], object], what: str, still: Callable[[], object] = lambda: None) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        still()
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.05)  # between two looks
