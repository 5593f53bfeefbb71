"""Our streams in a corner of a real broker, one topic of two partitions for each."""

from collections import deque
from collections.abc import Sequence

from monitor.domain.document import InputPartition
from monitor.domain.partitioning import partition_of
from monitor.domain.streams import Message, Output, Stream
from monitor.transports.kafka_member import KafkaMember
from monitor.transports.kafka_streams import KafkaPublisher, KafkaReader
from tests.storage.samples import alert
from tests.transports.kafka_room import KafkaRoom, until


class OnePartition:
    """A reader in a group of its own, of which one partition is looked at; it polls until nothing more can come."""

    def __init__(self, member: KafkaMember, reader: KafkaReader, partition: InputPartition) -> None:
        self.member = member
        self._reader = reader
        self._partition = partition
        self._waiting: deque[Message] = deque()

    def fetch(self) -> bool:
        """Once; always true, so that a condition can follow it."""
        messages = self._reader.poll(100, 0.05)
        self._waiting += [one for one in messages if one.partition == self._partition.partition]
        for event in self.member.take_events():
            for partition in event.partitions:
                self.member.begin(partition)
        return True

    def poll(self, max_messages: int) -> list[Message]:
        end = self.member.bounds([self._partition])[self._partition][1]

        def is_there() -> bool:
            self.fetch()
            return self.member.position(self._partition) >= end

        if len(self._waiting) < max_messages:
            until(is_there)
        return [self._waiting.popleft() for _ in range(min(max_messages, len(self._waiting)))]


class KafkaJoint:
    """Publishes so that it is there when `publish` returns."""

    def __init__(self, bootstrap: str, word: str) -> None:
        self._room = KafkaRoom(bootstrap, word)
        self._names = {stream: self._room.topic(stream.value, partitions=2) for stream in Stream}
        self._sender = self._room.sender()
        self._publisher = KafkaPublisher(self._sender, self._names.__getitem__)
        self._readers: list[OnePartition] = []

    def publish(self, outputs: Sequence[Output]) -> None:
        self._publisher.publish(outputs)
        self._publisher.flush()

    def reader(self, stream: Stream, partition: int = 0) -> OnePartition:
        name = self._names[stream]
        member = self._room.member([name], f"reader-{len(self._readers)}")
        streams = {kafka_topic: stream for stream, kafka_topic in self._names.items()}
        # The stream of one key lies in one partition; the alerts of the sample are in that of their id.
        if stream is Stream.ALERTS:
            partition = partition_of(alert().alert_id, 2)
        reader = OnePartition(member, KafkaReader(member, streams.__getitem__), InputPartition(name, partition))
        until(lambda: reader.fetch() and len(member.owned) == 2)
        self._readers.append(reader)
        return reader

    def close(self) -> None:
        for reader in self._readers:
            reader.member.close()
        self._sender.close()
