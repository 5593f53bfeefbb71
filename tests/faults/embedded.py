"""The same feed through one process without a broker: what every run on Kafka is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.app.building import LIVE
from monitor.app.embedded import join
from monitor.app.scoring import make_scorer
from monitor.clock import Laps, SystemClock
from monitor.config import Config
from monitor.domain.alerts import AlertEvent
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.streams import Stream
from monitor.engine import Pace
from monitor.storage.store import EmbeddedStore, StoredState
from monitor.tags import LiveTags
from monitor.transports.files import FileFeed
from monitor.watchlist import WatchlistFile
from tests import feeds
from tests.faults.effects import Effects
from tests.faults.kafka_world import SEED, SHAPE
from tests.feeds import FeedShape


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody disturbs. `history` is the file of its archive."""

    effects: Effects
    alerts: list[AlertEvent]
    history: Path


class _Counting:
    """An observer that knows how much was read."""

    def __init__(self) -> None:
        self.records = 0

    def beat(self) -> None: ...
    def advanced(self) -> None: ...
    def committed(self, seconds: float, state_bytes: int) -> None: ...
    def paused(self, source: InputPartition) -> None: ...

    def read(self, records: Sequence[FeedRecord]) -> None:
        self.records += len(records)


def embedded_effects(folder: Path, config: Config, *, shape: FeedShape = SHAPE, partitions: int = 2) -> Effects:
    """The effects of a feed of this shape."""
    paths, watchlist = feeds.write(folder, SEED, shape, files=partitions)
    return undisturbed(folder, config, [path.read_bytes().splitlines() for path in paths], watchlist).effects


def undisturbed(folder: Path, config: Config, lines: Sequence[Sequence[bytes]], watchlist: Path) -> Undisturbed:
    """The run over these records, its inputs still open at the end, as those of Kafka are."""
    folder.mkdir(parents=True, exist_ok=True)
    clock, laps = SystemClock(), Laps()
    paths = [folder / f"read{number}.jsonl" for number in range(len(lines))]
    for path, each in zip(paths, lines, strict=True):
        path.write_bytes(b"".join(line + b"\n" for line in each))
    total = sum(map(len, lines))
    feed = FileFeed([str(path) for path in paths], follow=True, clock=clock)
    tags = LiveTags(WatchlistFile(watchlist).current, None)
    store = EmbeddedStore.open(folder / "undisturbed.db")
    embedded = join(
        config,
        feed,
        tags,
        make_scorer(config),
        [],
        store,
        StoredState({}, {}, {}),
        knowledge=LIVE,
        is_live=True,
        max_age_ms=None,
        laps=laps,
    )
    readers = [embedded.bus.reader(stream) for stream in (Stream.TRENDS, Stream.ALERTS)]
    values: list[object] = []
    observer = _Counting()

    def collect() -> None:
        for reader in readers:
            while messages := reader.poll(10_000):
                values.extend(message.value for message in messages)
        if observer.records >= total:
            engine.close()

    pace = Pace(True, 512, 100, 1_000, 500, 0)
    engine = embedded.engine(clock, pace, observer, maintenance=collect, meta={})
    try:
        engine.run()
        collect()
    finally:
        store.close()
        feed.close()
    alerts = [value for value in values if isinstance(value, AlertEvent)]
    return Undisturbed(Effects.of(values), alerts, folder / "undisturbed.db")
