"""Our own streams over Kafka: what the in-process bus is within one process, this is between several.

KafkaPublisher hands outputs to a sender; KafkaReader gives the messages of a member's partitions. Both keep no state:
what is durable, what is committed and where reading begins is said by whoever drives them.
"""

from collections.abc import Callable, Sequence

from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason, InputPartition, ScoredDocument
from monitor.domain.partitioning import partition_of
from monitor.domain.streams import Message, Output, Stream
from monitor.errors import Backpressure, RecordError
from monitor.transports.kafka_codec import decode, encode
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_member import KafkaMember
from monitor.transports.kafka_sender import KafkaSender, OutRecord

_KEYED = (Stream.ALERTS, Stream.DEAD_LETTER)
"""Streams whose partition follows from the key; in the others the role that writes names it."""


class KafkaPublisher:
    """Publishes the outputs of roles. Not for several threads.

    Args:
        names: the Kafka topic of each stream.
    """

    def __init__(self, sender: KafkaSender, names: Callable[[Stream], str] = str) -> None:
        self._sender = sender
        self._names = names

    @property
    def is_full(self) -> bool:
        """Whether so much is on its way that the next `publish` would be refused."""
        return self._sender.is_full

    def publish(self, outputs: Sequence[Output]) -> None:
        """Send them all; they are durable after `flush`.

        A value that is larger than the brokers take becomes a dead letter with its first bytes.
        Raises: Backpressure: too much is on its way, nothing was sent; let it arrive, then publish the same again.
            As KafkaSender.send: the sender is finished.
        """
        if outputs and self._sender.is_full:
            raise Backpressure("too much is on its way to Kafka; let it arrive first")
        put, limit = self._sender.put, self._sender.max_record_bytes
        last: Stream | None = None
        kafka_topic, is_keyed = "", False
        for stream, value, partition in outputs:
            # Outputs come in runs of one stream: its name is looked up once for a run.
            if stream is not last:
                last, kafka_topic, is_keyed = stream, self._names(stream), stream in _KEYED
            key, encoded, headers = encode(value, limit)
            if is_keyed:
                partition = self._partition_of(kafka_topic, key)
            try:
                put(kafka_topic, partition, key, encoded, headers)
            except RecordError as exc:
                self._put_letter(value, OutRecord(kafka_topic, partition, key, encoded, headers), exc)

    def flush(self) -> None:
        """Return when all is durable. Raises: as KafkaSender.flush."""
        self._sender.flush()

    def _partition_of(self, kafka_topic: str, key: bytes | None) -> int:
        return partition_of((key or b"").decode(), self._sender.partitions(kafka_topic))

    def _put_letter(self, value: object, record: OutRecord, why: RecordError) -> None:
        source, offset = InputPartition(record.kafka_topic, record.partition), 0
        if isinstance(value, ScoredDocument):
            source, offset = value.source_partition, value.offset
        letter = DeadLetter(DeadLetterReason.OVERSIZE, why.detail, source, offset, record.value[:LETTER_BYTES])
        kafka_topic = self._names(Stream.DEAD_LETTER)
        key, encoded, headers = encode(letter, self._sender.max_record_bytes)
        self._sender.put(kafka_topic, self._partition_of(kafka_topic, key), key, encoded, headers)


class KafkaReader:
    """Messages of the partitions that a member owns, in order within each.

    Args:
        streams: which stream a Kafka topic is.
        unusable: is told of each record that is none of ours; reading goes on behind it.
    """

    def __init__(
        self,
        member: KafkaMember,
        streams: Callable[[str], Stream] = Stream,
        unusable: Callable[[InRecord, RecordError], None] | None = None,
    ) -> None:
        self._member = member
        self._streams = streams
        self._unusable = unusable
        self.unusable_records = 0

    def poll(self, max_messages: int, timeout_seconds: float = 0.0) -> list[Message]:
        """The next messages; an empty list when there are none within the time. Raises: as KafkaMember.poll."""
        messages = []
        source: InputPartition | None = None
        stream = Stream.SCORED
        for record in self._member.poll(max_messages, timeout_seconds):
            try:
                value = decode(record.key, record.value, record.headers)
            except RecordError as exc:
                self.unusable_records += 1
                if self._unusable is not None:
                    self._unusable(record, exc)
                continue
            # Records come in runs of one partition: which stream that is of is looked up once for a run.
            if record.source is not source:
                source = record.source
                stream = self._streams(source.kafka_topic)
            messages.append(Message(stream, source.partition, record.offset, value))
        return messages
