"""`monitor state`: what each role has committed on Kafka, and how a person gives a state up.

A reset moves the group's position to the earliest record and forgets the snapshots, both in one commit; nothing of it
is done by any role by itself.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TextIO, TypeVar

from monitor.app.topics import access_of
from monitor.clock import Clock
from monitor.config import Config
from monitor.errors import ConfigError, DependencyError, ExitCode, StateError, TransientError

COORDINATOR_SECONDS = 20.0
"""For a group's coordinator to be there: after a restart of a broker it takes some seconds."""

Answer = TypeVar("Answer")

if TYPE_CHECKING:
    from monitor.app.distributed.cluster import Cluster, RoleName
    from monitor.domain.document import InputPartition
    from monitor.transports.kafka_admin import KafkaAdmin
    from monitor.transports.kafka_member import Committed


def open_cluster(config: Config, clock: Clock) -> "tuple[Cluster, KafkaAdmin]":
    """The brokers, once one of them lets us in. Raises: ConfigError, DependencyError."""
    access_of(config.kafka)
    # Here, because the slim set has no client for it.
    from monitor.app.distributed.run import cluster_of
    from monitor.transports.kafka_access import await_brokers
    from monitor.transports.kafka_admin import KafkaAdmin

    cluster = cluster_of(config)
    await_brokers(cluster.access, clock, config.kafka.connect_timeout_ms / 1_000, random.Random())
    return cluster, KafkaAdmin(cluster.access)


def ask_group(ask: Callable[[], Answer], clock: Clock) -> Answer:
    """What a question about a group gives; brokers that have never seen a group make the place for it first."""
    until = clock.monotonic_seconds() + COORDINATOR_SECONDS
    while True:
        try:
            return ask()
        except TransientError as exc:
            if clock.monotonic_seconds() > until:
                raise
            clock.sleep(min(exc.retry_after_seconds, 0.5))


def show_state(config: Config, say: TextIO, clock: Clock) -> ExitCode:
    """One line for each partition of each role that keeps state. Raises: ConfigError, DependencyError."""
    cluster, admin = open_cluster(config, clock)
    try:
        for role in _stateful():
            found = ask_group(partial(admin.committed, cluster.group(role)), clock)
            if not found:
                print(f"{role.value}: nothing is committed", file=say)
            for source, stored in sorted(found.items()):
                _, end = admin.bounds(source)
                behind = f"{end - stored.offset:,} behind"
                print(f"{role.value} {source}: at {stored.offset:,}, {behind}; {_told(role, source, stored)}", file=say)
    finally:
        admin.close()
    return ExitCode.DONE


def reset_state(config: Config, role_name: str, partition: str, say: TextIO, clock: Clock) -> ExitCode:
    """Begin a partition of a role again at its earliest record, with empty state.

    Raises: ConfigError: there is no such role or partition. StateError: the role is running. DependencyError.
    """
    from monitor.domain.document import InputPartition

    access_of(config.kafka)
    roles = {role.value: role for role in _stateful()}
    if role_name not in roles:
        raise ConfigError(f"--role: {role_name} keeps no state on Kafka; name one of {', '.join(roles)}")
    topic, _, number = partition.rpartition("/")
    if not topic or not number.isdecimal():
        raise ConfigError(f"--partition: {partition!r} names no partition; write it as sentiment.scored/3")
    source = InputPartition(topic, int(number))
    cluster, admin = open_cluster(config, clock)
    try:
        _reset(cluster, admin, roles[role_name], source)
    finally:
        admin.close()
    print(f"{role_name} begins {source} again at its earliest record, with empty state", file=say)
    return ExitCode.DONE


def _stateful() -> "list[RoleName]":
    from monitor.app.distributed.cluster import RoleName

    return [RoleName.SCORE, RoleName.TREND, RoleName.ALERT]


def _told(role: "RoleName", source: "InputPartition", stored: "Committed") -> str:
    from monitor.app.distributed.cluster import RoleName
    from monitor.delivery.metadata import decode_score, decode_state
    from monitor.delivery.shape import Owner

    owner = Owner(role.value, source)
    try:
        if role is RoleName.SCORE:
            note = decode_score(stored.metadata, owner, stored.offset).crashes
            deaths = f", record {note.suspect} was in hand at {note.deaths} deaths" if note.deaths else ""
            return f"{note.begun} runs begun here{deaths}"
        pointers = decode_state(stored.metadata, owner, stored.offset).pointers
    except StateError as exc:
        return str(exc)
    snapshots = [f"{one.snapshot} at {one.applied:,}" for one in pointers]
    return f"snapshots {', '.join(snapshots)}" if snapshots else "no snapshot yet"


def _reset(cluster: "Cluster", admin: "KafkaAdmin", role: "RoleName", source: "InputPartition") -> None:
    from monitor.app.distributed.cluster import RoleName
    from monitor.delivery.metadata import ScoreCommit, StateCommit, encode_score, encode_state
    from monitor.delivery.shape import Owner
    from monitor.domain.streams import Stream
    from monitor.operators.watermark import PartitionState
    from monitor.roles import score_snapshot
    from monitor.transports.kafka_member import Committed

    beside = cluster.topic(Stream.SCORED) if role is RoleName.SCORE else cluster.state_topic
    standing = admin.standing([source.kafka_topic, beside])
    if source.kafka_topic not in standing or source.partition >= standing[source.kafka_topic].shape.partitions:
        raise ConfigError(f"--partition: there is no {source} on these brokers")
    reads = {RoleName.TREND: Stream.SCORED, RoleName.ALERT: Stream.DETECTIONS}
    if role in reads and source.kafka_topic != cluster.topic(reads[role]):
        raise ConfigError(f"--partition: {role.value} reads {cluster.topic(reads[role])}, and not {source.kafka_topic}")
    if beside not in standing:
        raise DependencyError(
            f"there is no Kafka topic {beside}; make ours with: monitor topics --create --config FILE"
        )
    owner, (first, _) = Owner(role.value, source), admin.bounds(source)
    shapes = (standing[source.kafka_topic].shape, standing[beside].shape)
    if role is RoleName.SCORE:
        state = score_snapshot.snapshot({source: PartitionState(first, first, first)})[str(source)] or b""
        metadata = encode_score(ScoreCommit(owner, first, state, shapes))
    else:
        metadata = encode_state(StateCommit(owner, first, (), shapes))
    admin.move(cluster.group(role), {source: Committed(first, metadata)})
