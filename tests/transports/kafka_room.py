"""A corner of a real broker for one test: topics and groups of its own, and feeds whose partitions have plain names."""

import time
from collections.abc import Callable, Mapping, Sequence

from kafka import KafkaProducer

from monitor.clock import SystemClock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.ports import Feed
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_feed import KafkaFeed
from monitor.transports.kafka_member import KafkaMember, MemberLimits
from monitor.transports.kafka_plan import KafkaTopic
from monitor.transports.kafka_sender import KafkaSender, SenderLimits

# Longer than any wait below: on a machine that is busy for seconds nobody may fall out of a group by chance.
LIMITS = MemberLimits(session_timeout_ms=90_000, poll_interval_ms=90_000)
SENDING = SenderLimits(delivery_timeout_ms=40_000, max_record_bytes=1_000_000)
DEADLINE_SECONDS = 60.0


def until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Try until it holds. What is tried must itself wait a little, as a poll does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"


class Plain(Feed):
    """A feed of topics with a prefix, under their names without it."""

    def __init__(self, feed: KafkaFeed, prefix: str) -> None:
        self.kafka = feed
        self._prefix = prefix

    @property
    def partitions(self) -> Sequence[InputPartition]:
        return [self._plain(one) for one in self.kafka.partitions]

    def poll(self, max_records: int) -> list[FeedRecord]:
        polled = self.kafka.poll(max_records)
        return [record._replace(source_partition=self._plain(record.source_partition)) for record in polled]

    def pause(self, partition: InputPartition) -> None:
        self.kafka.pause(self._full(partition))

    def resume(self, partition: InputPartition) -> None:
        self.kafka.resume(self._full(partition))

    def has_ended(self, partition: InputPartition) -> bool:
        return self.kafka.has_ended(self._full(partition))

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        return self.kafka.mark(self._full(partition), next_offset)

    def seek(self, partition: InputPartition, position: str) -> None:
        self.kafka.seek(self._full(partition), position)

    def close(self) -> None:
        self.kafka.close()

    def _plain(self, partition: InputPartition) -> InputPartition:
        return InputPartition(partition.kafka_topic.removeprefix(self._prefix), partition.partition)

    def _full(self, partition: InputPartition) -> InputPartition:
        return InputPartition(self._prefix + partition.kafka_topic, partition.partition)


class KafkaRoom:
    """Topics and groups that begin with a word of their own."""

    def __init__(self, bootstrap: str, word: str) -> None:
        self.access = Access(tuple(bootstrap.split(",")))
        self.prefix = f"t{word}."
        self._written: set[str] = set()

    def topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        """Make a topic; its full name."""
        full = self.prefix + name
        admin = KafkaAdmin(self.access)
        named = {key.replace("_", "."): value for key, value in settings.items()}
        admin.create([KafkaTopic(full, partitions, 1, named)])
        admin.close()
        return full

    def write(self, kafka_topic: str, values: Sequence[bytes | None], partition: int = 0) -> None:
        """Append plain records, as a crawler would, tombstones among them."""
        producer = KafkaProducer(**self.access.options("crawler"))
        sent = [producer.send(kafka_topic, value, key=b"k", partition=partition) for value in values]
        for future in sent:
            future.get(30)
        producer.close()

    def member(self, kafka_topics: Sequence[str], group: str = "group", **more: str) -> KafkaMember:
        return KafkaMember(self.access, self.prefix + group, kafka_topics, LIMITS, SystemClock(), **more)

    def sender(self, limits: SenderLimits = SENDING) -> KafkaSender:
        return KafkaSender(self.access, limits, SystemClock())

    def open_feed(self, contents: Mapping[InputPartition, Sequence[bytes]]) -> Feed:
        """A feed of topics with these records, ready to be read; each opening is another group."""
        names = []
        for partition, values in contents.items():
            if partition.kafka_topic not in self._written:
                self.write(self.topic(partition.kafka_topic), values)
                self._written.add(partition.kafka_topic)
            names.append(self.prefix + partition.kafka_topic)
        member = self.member(names, f"group-{len(self._written)}-{time.monotonic_ns()}")
        feed = KafkaFeed(member, 1_000_000)
        # Until the group has given it everything; a paused one is read no further.
        for name in names:
            feed.pause(InputPartition(name))
        until(lambda: feed.poll(1) == [] and len(feed.owned) == len(names))
        for name in names:
            feed.resume(InputPartition(name))
        # For a broker that is slow for a moment; where nothing can come, nothing is waited for.
        feed.patience_seconds = 10.0
        return Plain(feed, self.prefix)
