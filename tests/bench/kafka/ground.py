"""Ground: a broker, our Kafka topics under a prefix for each round, and records in them."""

import pickle
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kafka import KafkaProducer

from monitor.domain.document import InputPartition
from monitor.domain.streams import Output, Stream
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_codec import encode
from monitor.transports.kafka_plan import KafkaTopic, TopicPlan, planned
from monitor.transports.kafka_sender import BATCH_BYTES
from tests.bench.kafka.load import FEED

_DAY_MS = 86_400_000
_MOST_ON_THE_WAY = 20_000


class Row(NamedTuple):
    """One record as it goes to a log, without the prefix of its Kafka topic."""

    kafka_topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def row(stream: Stream, partition: int, value: object) -> Row:
    """A value of ours as it goes to a log."""
    key, encoded, headers = encode(value)
    return Row(stream.value, partition, key, encoded, headers)


def rows_of(outputs: Iterable[Output]) -> list[Row]:
    """What a role said, as it goes to logs of one partition."""
    return [row(output.stream, 0, output.value) for output in outputs]


def feed_rows(lines: Sequence[bytes], partitions: int = 1) -> list[Row]:
    """Lines of a feed, dealt out in turn."""
    return [Row(FEED.kafka_topic, number % partitions, None, line) for number, line in enumerate(lines)]


def save(rows: Sequence[Row], path: Path) -> Path:
    """For a process that sends or decodes them."""
    path.write_bytes(pickle.dumps([tuple(one) for one in rows], pickle.HIGHEST_PROTOCOL))
    return path


def saved(path: Path) -> list[Row]:
    """What `save` was given: written by this bench a moment ago, so that unpickling runs nobody else's code."""
    return [Row(*one) for one in pickle.loads(path.read_bytes())]


class Ground:
    """One broker. `bootstrap`: where it listens."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.access = Access(tuple(bootstrap.split(",")))

    def prepare(self, partitions: int = 1) -> str:
        """Make all our Kafka topics and one feed, under a prefix that nobody had; the prefix."""
        prefix = f"b{uuid.uuid4().hex[:8]}."
        plan = TopicPlan(partitions, 1, 1, _DAY_MS, _DAY_MS, 4 << 30, 1_000_000)
        topics = [KafkaTopic(prefix + one.name, one.partitions, one.replication, one.settings) for one in planned(plan)]
        admin = KafkaAdmin(self.access)
        try:
            admin.create([*topics, KafkaTopic(prefix + FEED.kafka_topic, partitions, 1)])
        finally:
            admin.close()
        return prefix

    def write(self, prefix: str, rows: Iterable[Row]) -> None:
        """Append records; they are there when this returns. Raises: KafkaError: they are not."""
        producer = KafkaProducer(
            **self.access.options("bench"), metrics_enabled=False, compression_type="lz4", linger_ms=5,
            batch_size=BATCH_BYTES,
        )  # fmt: skip
        sent = []
        try:
            for one in rows:
                sent.append(
                    producer.send(
                        prefix + one.kafka_topic, one.value, key=one.key, headers=list(one.headers),
                        partition=one.partition,
                    )
                )  # fmt: skip
                if len(sent) >= _MOST_ON_THE_WAY:
                    producer.flush()
                    for future in sent:
                        future.get(30)
                    sent.clear()
            producer.flush()
            for future in sent:
                future.get(30)
        finally:
            producer.close()

    def ends(self, partitions: Sequence[InputPartition]) -> dict[InputPartition, int]:
        """The offset behind the last record of each."""
        admin = KafkaAdmin(self.access)
        try:
            return {one: admin.bounds(one)[1] for one in partitions}
        finally:
            admin.close()
