"""A world on a real broker: a known feed in several partitions, our Kafka topics under a word of their own, and what
the roles have said there; beside it the same feed through one process without a broker.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer

from monitor.app.building import LIVE
from monitor.app.distributed.cluster import Cluster
from monitor.app.distributed.worker import Pace
from monitor.app.embedded import join
from monitor.app.scoring import make_scorer
from monitor.clock import Laps, SystemClock
from monitor.config import Config
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.streams import Stream
from monitor.engine import Pace as EmbeddedPace
from monitor.storage.store import StoredState
from monitor.tags import LiveTags
from monitor.transports.files import FileFeed
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_codec import decode
from monitor.transports.kafka_log import KafkaLog
from monitor.transports.kafka_member import MemberLimits
from monitor.transports.kafka_sender import SenderLimits
from monitor.transports.kafka_topics import KafkaAdmin, KafkaTopic, TopicPlan, planned
from monitor.watchlist import WatchlistFile
from tests import feeds, replays
from tests.faults.effects import Effects
from tests.feeds import FeedShape

SHAPE = FeedShape(documents=1_500, hours=96, bursts=12, late_share=0.02)
SEED = 5
INPUT = "feeds.news"
SCORED_PARTITIONS = 2
PATIENCE_SECONDS = 90.0

PACE = Pace(
    poll_records=100,
    commit_every_ms=300,
    commit_records=200,
    progress_every_ms=50,
    snapshot_every_ms=1_000,
    snapshot_records=1_000,
    commit_timeout_ms=10_000,
    handover_ms=2_000,
)
"""Short, so that a feed of seconds sees many commits and snapshots."""


def quick_config(**more: object) -> Config:
    """No input is ever idle or held out, so that results do not hang on how fast anything goes."""
    return replays.quick_config(feeds__idle_after="1d", feeds__max_hold="1d", feeds__max_lead="30d", **more)


@dataclass(frozen=True)
class World:
    """A feed on a broker. `lines` are the records of each input partition."""

    cluster: Cluster
    folder: Path
    watchlist: Path
    lines: tuple[tuple[bytes, ...], ...]

    def feed(self, shares: Sequence[slice] | None = None) -> None:
        """Write the feed, or these parts of each partition."""
        for partition, lines in enumerate(self.lines):
            self.write(partition, lines if shares is None else lines[shares[partition]])

    def write(self, partition: int, lines: Sequence[bytes]) -> None:
        """Write lines to one input partition."""
        producer = KafkaProducer(**self.cluster.access.options("crawler"))
        sent = [producer.send(self.cluster.inputs[0], line, partition=partition) for line in lines]
        for future in sent:
            future.get(30)
        producer.close()

    def said(self) -> Effects:
        """What stands on the logs of trends and alerts by now."""
        log, values = KafkaLog(self.cluster.access, SystemClock()), list[object]()
        try:
            for stream in (Stream.TRENDS, Stream.ALERTS):
                name = self.cluster.topic(stream)
                for number in range(SCORED_PARTITIONS if stream is Stream.TRENDS else 1):
                    for record in log.read(InputPartition(name, number), 0, 1 << 62):
                        values.append(decode(record.key, record.value, record.headers))
        finally:
            log.close()
        return Effects.of(values)

    def ends(self, partitions: Sequence[InputPartition]) -> dict[InputPartition, int]:
        """The offsets behind the last records."""
        log = KafkaLog(self.cluster.access, SystemClock())
        try:
            return {partition: log.bounds(partition)[1] for partition in partitions}
        finally:
            log.close()

    def await_effects(
        self,
        expected: Effects,
        still: Callable[[], object] = lambda: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Effects:
        """Until everything expected is on the logs; what is there at the end of patience, if it never is."""
        deadline = time.monotonic() + patience_seconds
        while True:
            still()
            found = self.said()
            if expected.bodies.keys() <= found.bodies.keys() or time.monotonic() > deadline:
                return found
            time.sleep(0.2)  # between two looks, not a time in which anything must have happened


def cluster_of(bootstrap: str, word: str) -> Cluster:
    """The cluster of a world that was made."""
    prefix = f"w{word}."
    return Cluster(
        Access(tuple(bootstrap.split(","))),
        (prefix + INPUT,),
        MemberLimits(session_timeout_ms=3_000, poll_interval_ms=60_000),
        SenderLimits(delivery_timeout_ms=20_000, max_record_bytes=1_000_000),
        prefix=prefix,
    )


def make_world(bootstrap: str, word: str, folder: Path, *, shape: FeedShape = SHAPE, partitions: int = 2) -> World:
    """The Kafka topics of a world, and its feed, which nobody has written yet."""
    cluster = cluster_of(bootstrap, word)
    prefix = cluster.prefix
    admin = KafkaAdmin(cluster.access)
    topics = planned(TopicPlan(SCORED_PARTITIONS, 1, 1, 86_400_000, 86_400_000, 256 << 20, 1_000_000))
    named = [KafkaTopic(prefix + one.name, one.partitions, one.replication, one.settings) for one in topics]
    admin.create([*named, KafkaTopic(prefix + INPUT, partitions, 1)])
    admin.close()
    paths, watchlist = feeds.write(folder, SEED, shape, files=partitions)
    lines = tuple(tuple(path.read_bytes().splitlines()) for path in paths)
    return World(cluster, folder, watchlist, lines)


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
    """The same feed in one process without a broker, its inputs still open at the end, as those of Kafka are."""
    clock, laps = SystemClock(), Laps()
    paths, watchlist = feeds.write(folder, SEED, shape, files=partitions)
    total = sum(path.read_bytes().count(b"\n") for path in paths)
    feed = FileFeed([str(path) for path in paths], follow=True, clock=clock)
    tags = LiveTags(WatchlistFile(watchlist).current, None)
    empty = StoredState({}, {}, {})
    embedded = join(
        config,
        feed,
        tags,
        make_scorer(config),
        [],
        None,
        empty,
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

    pace = EmbeddedPace(True, 512, 100, 1_000, 500, 0)
    engine = embedded.engine(clock, pace, observer, maintenance=collect, meta={})
    engine.run()
    collect()
    feed.close()
    return Effects.of(values)
