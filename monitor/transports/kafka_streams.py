"""Our own streams over Kafka: what the in-process bus is within one process, this is between several.

KafkaPublisher hands outputs to a sender; KafkaReader gives the messages of a member's partitions. Both keep no state:
what is durable, what is committed and where reading begins is said by whoever drives them.
"""

from collections.abc import Callable, Sequence

from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition, ScoredDocument
from monitor.domain.partitioning import partition_of
from monitor.domain.streams import Message, Output, Stream
from monitor.errors import Backpressure, RecordError
from monitor.transports.kafka_codec import decode, encode
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_member import KafkaMember
from monitor.transports.kafka_sender import KafkaSender, OutRecord

MAX_LETTER_BYTES = 4_096
"""Of the bytes that a dead letter keeps: enough to see what they are, never too large to be sent itself."""

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
        stream: Stream | None = None
        kafka_topic = ""
        for output in outputs:
            # Outputs come in runs of one stream: its name is looked up once for a run.
            if output.stream is not stream:
                stream = output.stream
                kafka_topic = self._names(stream)
            record = self._record(output, kafka_topic)
            try:
                self._sender.append(record)
            except RecordError as exc:
                letter = self._oversize(output, record, exc)
                self._sender.append(self._record(letter, self._names(letter.stream)))

    def flush(self) -> None:
        """Return when all is durable. Raises: as KafkaSender.flush."""
        self._sender.flush()

    def _record(self, output: Output, kafka_topic: str) -> OutRecord:
        key, value, headers = encode(output.value)
        partition = output.partition
        if output.stream in _KEYED:
            partition = partition_of((key or b"").decode(), self._sender.partitions(kafka_topic))
        return OutRecord(kafka_topic, partition, key, value, headers)

    def _oversize(self, output: Output, record: OutRecord, why: RecordError) -> Output:
        source, offset = InputPartition(record.kafka_topic, record.partition), 0
        if isinstance(output.value, ScoredDocument):
            source, offset = output.value.source_partition, output.value.offset
        letter = DeadLetter(DeadLetterReason.OVERSIZE, why.detail, source, offset, record.value[:MAX_LETTER_BYTES])
        return Output(Stream.DEAD_LETTER, letter)


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
