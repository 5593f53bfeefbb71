"""KafkaAdmin: what an administrator asks of the brokers and tells them, about topics, positions and groups.

What the topics should be is in `kafka_plan.py`; nothing that exists is changed but positions and members, when asked.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition, errors
from kafka.admin import ConfigResource, ConfigResourceType, MemberToRemove, OffsetSpec

from monitor.delivery.shape import Shape
from monitor.domain.document import InputPartition
from monitor.errors import DependencyError, StateError, TransientError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_errors import told
from monitor.transports.kafka_member import Committed
from monitor.transports.kafka_plan import KafkaTopic, Standing

REQUEST_SECONDS = 20.0


class GroupMember(NamedTuple):
    """A member of a consumer group. `static_id` is None for one that has no name of its own."""

    client: str
    host: str
    static_id: str | None
    partitions: tuple[InputPartition, ...]


def _shape(row: Mapping[str, Any]) -> Shape:
    return Shape(row["name"], str(row["topic_id"]), len(row["partitions"]))


def _member(row: Mapping[str, Any]) -> GroupMember:
    # While the group moves a member has no assignment.
    assigned = (row.get("member_assignment") or {}).get("assigned_partitions") or ()
    partitions = sorted(InputPartition(one["topic"], number) for one in assigned for number in one["partitions"])
    static_id = row.get("group_instance_id")
    return GroupMember(row["client_id"], row["client_host"].removeprefix("/"), static_id, tuple(partitions))


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
