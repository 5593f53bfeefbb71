"""The cluster as the workers see it: names of our Kafka topics and groups, their shapes, and clients for one life."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.clock import Clock
from monitor.delivery.shape import Shape
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.errors import DependencyError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_member import KafkaMember, MemberLimits
from monitor.transports.kafka_plan import STATE_TOPIC
from monitor.transports.kafka_sender import KafkaSender, SenderLimits


class RoleName(StrEnum):
    """The roles that can run in processes of their own; each is a consumer group."""

    SCORE = "score"
    TREND = "trend"
    ALERT = "alert"
    NOTIFY = "notify"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the brokers are, what is read there, and by which limits.

    Attributes:
        inputs, pattern: the Kafka topics of feeds, by name or all that a pattern matches whole.
        prefix: of our own Kafka topics and of our groups: several monitors can share one cluster.
        static_id: the name of this member in the group of trend, where its place is to outlast a restart.
    """

    access: Access
    inputs: tuple[str, ...]
    members: MemberLimits
    sending: SenderLimits
    pattern: str | None = None
    prefix: str = ""
    static_id: str | None = None

    def topic(self, stream: Stream) -> str:
        """The Kafka topic of a stream."""
        return f"{self.prefix}{stream.value}"

    @property
    def state_topic(self) -> str:
        return f"{self.prefix}{STATE_TOPIC}"

    def stream(self, kafka_topic: str) -> Stream:
        """Which stream a Kafka topic of ours is."""
        return Stream(kafka_topic.removeprefix(self.prefix))

    def group(self, role: RoleName) -> str:
        """The consumer group of a role."""
        return f"{self.prefix}sentiment-{role.value}"

    def member(self, role: RoleName, streams: Iterable[Stream], clock: Clock) -> KafkaMember:
        """A member of a role's group that reads our own streams."""
        names = [self.topic(stream) for stream in streams]
        static_id = self.static_id if role is RoleName.TREND else None
        return KafkaMember(self.access, self.group(role), names, self.members, clock, instance_id=static_id)

    def input_member(self, clock: Clock) -> KafkaMember:
        """A member of score's group, which reads feeds."""
        return KafkaMember(
            self.access, self.group(RoleName.SCORE), self.inputs, self.members, clock, pattern=self.pattern
        )

    def sender(self, clock: Clock) -> KafkaSender:
        return KafkaSender(self.access, self.sending, clock)

    def shapes(self) -> Mapping[str, Shape]:
        """Our own Kafka topics as they stand there. Raises: DependencyError: one is missing."""
        names = [*(self.topic(stream) for stream in Stream), self.state_topic]
        admin = KafkaAdmin(self.access)
        try:
            found = admin.shapes(names)
        finally:
            admin.close()
        missing = [name for name in names if name not in found]
        if missing:
            raise DependencyError(
                f"there is no Kafka topic {', '.join(missing)}; make ours with: monitor topics --create --config FILE"
            )
        return found


def state_place(
    cluster: Cluster, role: RoleName, source: InputPartition, shapes: Mapping[str, Shape]
) -> InputPartition:
    """Where the state of a partition lies: trend's beside its own number, the alert role's in the last."""
    last = shapes[cluster.state_topic].partitions - 1
    return InputPartition(cluster.state_topic, source.partition if role is RoleName.TREND else last)
