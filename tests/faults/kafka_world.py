"""A world on a real broker: a known feed in several partitions, our Kafka topics under a word of their own, and what
the roles have said there.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kafka import KafkaProducer

from monitor.app.distributed.cluster import Cluster
from monitor.app.distributed.worker import Pace
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.errors import TransientError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_codec import decode
from monitor.transports.kafka_log import KafkaLog
from monitor.transports.kafka_member import MemberLimits
from monitor.transports.kafka_plan import KafkaTopic, TopicPlan, planned
from monitor.transports.kafka_sender import SenderLimits
from tests import feeds, replays
from tests.faults.effects import Effects
from tests.feeds import FeedShape

SHAPE = FeedShape(documents=1_500, hours=96, bursts=12, late_share=0.02)
SEED = 5
INPUT = "feeds.news"
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

PATIENT = {"feeds__idle_after": "1d", "feeds__max_hold": "1d", "feeds__max_lead": "30d"}


@dataclass(frozen=True)
class Conditions:
    """Under which the roles of a world run; they lie in its folder, where its processes find them.

    Attributes:
        partitions, scored: partitions of the input, and of `sentiment.scored`.
        options: of the configuration, beside the usual ones, dots in their names written as two underscores.
        environment: what of the configuration is secret.
        poll_records: taken at once. ago_ms: how far behind the machine's time the clock of its processes is.
    """

    partitions: int = 2
    scored: int = 2
    replication: int = 1
    session_timeout_ms: int = 3_000
    delivery_timeout_ms: int = 20_000
    options: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    poll_records: int = PACE.poll_records
    ago_ms: int = 0

    @classmethod
    def of(cls, folder: Path) -> "Conditions":
        return cls(**json.loads((folder / "conditions.json").read_text()))

    def config(self, **more: object) -> Config:
        """No input is ever idle or held out, so that results do not hang on how fast anything goes."""
        return replays.config_in(self.environment, {**PATIENT, **more, **self.options})

    def write(self, folder: Path) -> None:
        (folder / "conditions.json").write_text(json.dumps(asdict(self)))


USUAL = Conditions()


def quick_config(**more: object) -> Config:
    """The configuration of a world under the usual conditions."""
    return USUAL.config(**more)


@dataclass(frozen=True)
class World:
    """A feed on a broker. `lines` are the records of each input partition."""

    cluster: Cluster
    folder: Path
    watchlist: Path
    lines: tuple[tuple[bytes, ...], ...]
    conditions: Conditions = USUAL

    @property
    def config(self) -> Config:
        """By which its roles decide."""
        return self.conditions.config()

    def places(self, stream: Stream) -> list[InputPartition]:
        """The partitions of one of our streams."""
        count = self.conditions.scored if stream in (Stream.SCORED, Stream.TRENDS) else 1
        return [InputPartition(self.cluster.topic(stream), number) for number in range(count)]

    @property
    def inputs(self) -> list[InputPartition]:
        return [InputPartition(self.cluster.inputs[0], number) for number in range(self.conditions.partitions)]

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

    def ends(self, partitions: Sequence[InputPartition]) -> dict[InputPartition, int]:
        """The offsets behind the last records."""
        log = KafkaLog(self.cluster.access, SystemClock())
        try:
            return {partition: log.bounds(partition)[1] for partition in partitions}
        finally:
            log.close()

    def values(self, *streams: Stream) -> list[object]:
        """What stands on the logs of these streams by now."""
        with closing(Ear(self, *streams)) as ear:
            return ear.listen()

    def said(self) -> Effects:
        """What stands on the logs of trends and alerts by now."""
        return Effects.of(self.values(Stream.TRENDS, Stream.ALERTS))

    def await_effects(
        self,
        expected: Effects,
        still: Callable[[], object] = lambda: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Effects:
        """Until everything expected is on the logs; what is there at the end of patience, if it never is."""
        deadline = time.monotonic() + patience_seconds
        with closing(Ear(self, Stream.TRENDS, Stream.ALERTS)) as ear:
            while True:
                still()
                # A broker that is away is asked again.
                with suppress(TransientError):
                    ear.listen()
                if expected.bodies.keys() <= ear.effects.bodies.keys() or time.monotonic() > deadline:
                    return ear.effects
                time.sleep(0.2)  # between two looks, not a time in which anything must have happened


class Ear:
    """Hears what is said on streams, a little more at each `listen`."""

    def __init__(self, world: World, *streams: Stream) -> None:
        self._log = KafkaLog(world.cluster.access, SystemClock())
        self._positions = {place: 0 for stream in streams for place in world.places(stream)}
        self.effects = Effects()

    def listen(self) -> list[object]:
        """What was said since the last call. Raises: TransientError: it cannot be read for now."""
        values: list[object] = []
        for place in self._positions:
            for record in self._log.read(place, self._positions[place], 1 << 62):
                self._positions[place] = record.offset + 1
                values.append(decode(record.key, record.value, record.headers))
                self.effects.take(values[-1])
        return values

    def close(self) -> None:
        self._log.close()


def cluster_of(bootstrap: str, word: str, conditions: Conditions = USUAL) -> Cluster:
    """The cluster of a world that was made."""
    prefix = f"w{word}."
    return Cluster(
        Access(tuple(bootstrap.split(","))),
        (prefix + INPUT,),
        MemberLimits(conditions.session_timeout_ms, max(60_000, conditions.session_timeout_ms)),
        SenderLimits(conditions.delivery_timeout_ms, max_record_bytes=1_000_000),
        prefix=prefix,
    )


def make_world(
    bootstrap: str, word: str, folder: Path, *, shape: FeedShape = SHAPE, conditions: Conditions = USUAL
) -> World:
    """The Kafka topics of a world, and its feed, which nobody has written yet."""
    cluster = cluster_of(bootstrap, word, conditions)
    admin = KafkaAdmin(cluster.access)
    plan = TopicPlan(conditions.scored, 1, conditions.replication, 86_400_000, 86_400_000, 256 << 20, 1_000_000)
    admin.create([*planned(plan, cluster.prefix), _input_topic(cluster, conditions)])
    admin.close()
    paths, watchlist = feeds.write(folder, SEED, shape, files=conditions.partitions)
    conditions.write(folder)
    lines = tuple(tuple(path.read_bytes().splitlines()) for path in paths)
    return World(cluster, folder, watchlist, lines, conditions)


def _input_topic(cluster: Cluster, conditions: Conditions) -> KafkaTopic:
    settings = {"min.insync.replicas": str(max(1, conditions.replication - 1))}
    return KafkaTopic(cluster.inputs[0], conditions.partitions, conditions.replication, settings)
