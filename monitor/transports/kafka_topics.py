"""Our own Kafka topics: what they should be, what stands there, and every difference with its remedy.

A topic that exists is never changed from here: of its partitions state is made, and its settings may be somebody's
decision. Topics that feeds are read from are somebody else's; of those it is only told what would harm us.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition, errors
from kafka.admin import ConfigResource, ConfigResourceType, MemberToRemove, OffsetSpec

from monitor.clock import DAY_MS, HOUR_MS
from monitor.delivery.shape import Shape
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.errors import DependencyError, StateError, TransientError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_errors import told
from monitor.transports.kafka_member import Committed

STATE_TOPIC = "sentiment.state"
"""Snapshots of trend and alert; no stream of messages, and so not among Stream."""

AHEAD_MS = HOUR_MS
"""How far a record's timestamp may lie ahead of the broker's clock. Arrival times judge what is far in the future, and
retention goes by them: with one record from next year a log would keep everything until then."""

STATE_SEGMENT_BYTES = 128 << 20
"""Retention by size deletes whole segments: small ones keep what lies there close to what was asked for."""

REQUEST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class KafkaTopic:
    """A Kafka topic as it should be; `settings` by Kafka's own names."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What a desk has chosen.

    Attributes:
        partitions: of scored and trends; of alerts and the dead letters: `alert_partitions`.
        state_bytes: how much of each state's partition is kept; several snapshots must fit.
    """

    partitions: int
    alert_partitions: int
    replication: int
    retention_ms: int
    dead_letter_retention_ms: int
    state_bytes: int
    max_record_bytes: int


class Standing(NamedTuple):
    """A Kafka topic as it stands there."""

    shape: Shape
    replication: int
    settings: Mapping[str, str]


class GroupMember(NamedTuple):
    """A member of a consumer group. `static_id` is None for one that has no name of its own."""

    client: str
    host: str
    static_id: str | None
    partitions: tuple[InputPartition, ...]


class Difference(NamedTuple):
    """One thing that is not as it should be, and the remedy."""

    kafka_topic: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.kafka_topic}: {self.problem}; {self.remedy}"


def planned(plan: TopicPlan, prefix: str = "") -> list[KafkaTopic]:
    """The Kafka topics of the product (DESIGN section 2), each with the prefix before its name."""
    kept = {"retention.ms": str(plan.retention_ms), "retention.bytes": "-1"}
    letters = {"retention.ms": str(plan.dead_letter_retention_ms), "retention.bytes": "-1"}
    # By size alone, and never compacted: a snapshot is found by its offset, however old it is, and its chunks have
    # one key each only by chance.
    state = {
        "retention.ms": "-1",
        "retention.bytes": str(plan.state_bytes),
        "segment.bytes": str(min(STATE_SEGMENT_BYTES, plan.state_bytes)),
    }
    rows = [
        (Stream.SCORED.value, plan.partitions, kept),
        (Stream.TRENDS.value, plan.partitions, kept),
        # One partition: what needs all topics at once reads all of them in one order.
        (Stream.DETECTIONS.value, 1, kept),
        (Stream.ALERTS.value, plan.alert_partitions, kept),
        (Stream.DEAD_LETTER.value, plan.alert_partitions, letters),
        # One for each trend state, and one for the alert role's.
        (STATE_TOPIC, plan.partitions + 1, state),
    ]
    common = {
        "cleanup.policy": "delete",
        "max.message.bytes": str(plan.max_record_bytes),
        "min.insync.replicas": str(max(1, plan.replication - 1)),
        "message.timestamp.after.max.ms": str(AHEAD_MS),
    }
    return [KafkaTopic(prefix + name, count, plan.replication, {**common, **more}) for name, count, more in rows]


def differences(wanted: Iterable[KafkaTopic], standing: Mapping[str, Standing]) -> list[Difference]:
    """What is not as it should be, topic by topic."""
    found: list[Difference] = []
    for topic in wanted:
        there = standing.get(topic.name)
        if there is None:
            found.append(Difference(topic.name, "is missing", "make it with: monitor topics --create --config FILE"))
            continue
        if there.shape.partitions != topic.partitions:
            found.append(_other_count(topic, there))
        if there.replication != topic.replication:
            found.append(
                Difference(
                    topic.name,
                    f"has {there.replication} replicas where {topic.replication} are configured",
                    f"set kafka.replication_factor to {there.replication}, or move it with kafka-reassign-partitions",
                )
            )
        for name, value in topic.settings.items():
            if there.settings.get(name) != value:
                found.append(_other_setting(topic.name, name, there.settings.get(name), value))
    return found


def input_differences(names: Sequence[str], standing: Mapping[str, Standing]) -> list[Difference]:
    """What would harm us in the topics that feeds are read from."""
    found = []
    for name in names:
        there = standing.get(name)
        if there is None:
            found.append(
                Difference(name, "is missing", "correct kafka.input_topics, or ask whoever writes the feed to make it")
            )
        elif there.settings.get("message.timestamp.type") != "LogAppendTime":
            ahead = int(there.settings.get("message.timestamp.after.max.ms", "0"))
            if ahead > DAY_MS:
                problem = f"takes records with times up to {ahead} ms ahead, which would pass as their arrival"
                remedy = _alter(name, "message.timestamp.after.max.ms", str(AHEAD_MS))
                found.append(Difference(name, problem, remedy))
    return found


def _shape(row: Mapping[str, Any]) -> Shape:
    return Shape(row["name"], str(row["topic_id"]), len(row["partitions"]))


def _member(row: Mapping[str, Any]) -> GroupMember:
    # While the group moves a member has no assignment.
    assigned = (row.get("member_assignment") or {}).get("assigned_partitions") or ()
    partitions = sorted(InputPartition(one["topic"], number) for one in assigned for number in one["partitions"])
    static_id = row.get("group_instance_id")
    return GroupMember(row["client_id"], row["client_host"].removeprefix("/"), static_id, tuple(partitions))


def _other_count(topic: KafkaTopic, there: Standing) -> Difference:
    problem = f"has {there.shape.partitions} partitions where {topic.partitions} are configured"
    if topic.name.endswith(Stream.DETECTIONS):
        remedy = "it must have one: stop every role, delete it, make it again, and give the state of alert up"
    else:
        remedy = (
            "set the option that counts them (kafka.partitions or kafka.alert_partitions) to what stands there; to "
            "have another count, stop every role, delete the topics, make them again, and give the state up"
        )
    return Difference(topic.name, problem, remedy)


def _other_setting(name: str, setting: str, there: str | None, wanted: str) -> Difference:
    return Difference(name, f"{setting} is {there} where {wanted} is configured", _alter(name, setting, wanted))


def _alter(name: str, setting: str, value: str) -> str:
    return f"kafka-configs --alter --entity-type topics --entity-name {name} --add-config {setting}={value}"


class KafkaAdmin:
    """Asks the brokers about topics and groups, and changes what may be changed.

    Raises: DependencyError, TransientError: no broker lets us in.
    """

    def __init__(self, access: Access) -> None:
        try:
            self._client: Any = KafkaAdminClient(
                **{**access.options("admin"), "request_timeout_ms": round(REQUEST_SECONDS * 1_000)}
            )
        except errors.KafkaError as exc:
            raise told(exc, "opening an administrator") from exc

    def names(self) -> list[str]:
        """Every Kafka topic that we may see."""
        try:
            return sorted(self._client.list_topics())
        except errors.KafkaError as exc:
            raise told(exc, "listing Kafka topics") from exc

    def standing(self, names: Iterable[str]) -> dict[str, Standing]:
        """Those of these topics that exist. Raises: DependencyError: we may not look at one."""
        there = self._described(names)
        try:
            resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in there]
            told_settings = self._client.describe_configs(resources, config_filter="all") if there else {}
        except errors.KafkaError as exc:
            raise told(exc, "describing the settings of Kafka topics") from exc
        settings = told_settings.get("topic", {})
        # The client leaves out what it may not see, and every topic has settings.
        if hidden := [name for name in there if not settings.get(name)]:
            denied = errors.TopicAuthorizationFailedError(", ".join(hidden))
            raise told(denied, "describing the settings of Kafka topics")
        return {
            name: Standing(
                _shape(row),
                min(len(partition["replica_nodes"]) for partition in row["partitions"]),
                {key: str(one["value"]) for key, one in settings.get(name, {}).items()},
            )
            for name, row in there.items()
        }

    def shapes(self, names: Iterable[str]) -> dict[str, Shape]:
        """As `standing`, for who may Describe topics and not their settings."""
        return {name: _shape(row) for name, row in self._described(names).items()}

    def create(self, topics: Iterable[KafkaTopic]) -> None:
        """Make topics that do not exist, and wait until they can be used; one that exists by now is left as it is.

        Raises: DependencyError: the brokers refuse one.
        """
        wanted = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replication,
                "configs": dict(topic.settings),
            }
            for topic in topics
        }
        if not wanted:
            return
        try:
            answer = self._client.create_topics(wanted, raise_errors=False)
            for row in answer["topics"]:
                error = errors.for_code(row["error_code"])
                if error is errors.InvalidReplicationFactorError:
                    raise DependencyError(
                        f"kafka.replication_factor: the brokers cannot keep that many replicas of {row['name']} "
                        f"({row['error_message']}); lower it, or start more brokers"
                    )
                if error not in (errors.NoError, errors.TopicAlreadyExistsError):
                    raise told(error(row["error_message"]), f"making the Kafka topic {row['name']}")
            self._client.wait_for_topics(list(wanted), timeout_ms=REQUEST_SECONDS * 1_000)
        except errors.KafkaError as exc:
            raise told(exc, "making Kafka topics") from exc

    def committed(self, group: str) -> dict[InputPartition, Committed]:
        """What a group has committed, whoever is its member; score paces itself by it."""
        try:
            found = self._client.list_group_offsets([group])
        except errors.KafkaError as exc:
            raise told(exc, f"asking for what {group} has committed") from exc
        offsets = found.get(group, {})
        return {
            InputPartition(place.topic, place.partition): Committed(one.offset, one.metadata or "")
            for place, one in offsets.items()
            if one.offset >= 0
        }

    def move(self, group: str, positions: Mapping[InputPartition, Committed]) -> None:
        """Set what a group has committed. Raises: StateError: it has members, which must be stopped first."""
        offsets = {
            TopicPartition(*partition): OffsetAndMetadata(offset, metadata, -1)
            for partition, (offset, metadata) in positions.items()
        }
        try:
            done = self._client.alter_group_offsets(group, offsets)
        except errors.KafkaError as exc:
            raise told(exc, f"moving what {group} has committed") from exc
        for place, error in done.items():
            if error in (errors.UnknownMemberIdError, errors.RebalanceInProgressError, errors.IllegalGenerationError):
                raise StateError(
                    f"the group {group} has members: stop every process of that role, wait for the session timeout if "
                    "one was killed, and give the command again"
                )
            if error is not errors.NoError:
                raise told(error(f"{place.topic}/{place.partition}"), f"moving what {group} has committed")

    def bounds(self, partition: InputPartition) -> tuple[int, int]:
        """The first offset of a log, and the one after its last."""
        place = TopicPartition(*partition)
        try:
            first = self._client.list_partition_offsets({place: OffsetSpec.EARLIEST})[place]
            end = self._client.list_partition_offsets({place: OffsetSpec.LATEST})[place]
        except errors.KafkaError as exc:
            raise told(exc, f"asking for the bounds of {partition}") from exc
        return first.offset, end.offset

    def members(self, group: str) -> list[GroupMember]:
        """Who is in a group now, by name; nobody where there is no such group."""
        try:
            described = self._client.describe_groups([group])[group]
        except errors.KafkaError as exc:
            raise told(exc, f"asking for the members of {group}") from exc
        # Brokers say of a group that nobody has joined yet that it is dead, or not there.
        if described["error"] is not None and "GroupIdNotFound" not in described["error"]:
            raise TransientError(f"asking for the members of {group}: {described['error']}")
        found = [_member(row) for row in described["members"]]
        return sorted(found, key=lambda one: (one.static_id or "", one.client, one.host, one.partitions))

    def remove_member(self, group: str, instance_id: str) -> bool:
        """Let a static member go that will not come back; without it its partitions wait for the session timeout.

        Returns: whether it was there. One that has gone by itself is gone all the same.
        """
        try:
            removed = self._client.remove_group_members(group, [MemberToRemove(group_instance_id=instance_id)])
            found = list(removed.values())
            for error in found:
                if error not in (errors.NoError, errors.UnknownMemberIdError):
                    raise error(instance_id)
        except errors.KafkaError as exc:
            raise told(exc, f"removing {instance_id} from {group}") from exc
        return all(error is errors.NoError for error in found)

    def close(self) -> None:
        """Let the connections go; may be repeated."""
        self._client.close()

    def _described(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        wanted = list(names)
        if not wanted:
            return {}
        try:
            described = {row["name"]: row for row in self._client.describe_topics(wanted)}
            for name, row in described.items():
                error = errors.for_code(row["error_code"])
                if error not in (errors.NoError, errors.UnknownTopicOrPartitionError):
                    raise error(name)
        except errors.KafkaError as exc:
            raise told(exc, "describing Kafka topics") from exc
        return {name: row for name, row in described.items() if row["error_code"] == 0}
