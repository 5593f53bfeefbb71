"""Our own Kafka topics: what they should be, and every difference to what stands there, with its remedy.

A topic that exists is never changed from here: of its partitions state is made, and its settings may be somebody's
decision. Topics that feeds are read from are somebody else's; of those it is only told what would harm us.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.clock import DAY_MS, HOUR_MS
from monitor.delivery.shape import Shape
from monitor.domain.streams import Stream

STATE_TOPIC = "sentiment.state"
"""Snapshots of trend and alert; no stream of messages, and so not among Stream."""

AHEAD_MS = HOUR_MS
"""How far a record's timestamp may lie ahead of the broker's clock. Arrival times judge what is far in the future, and
retention goes by them: with one record from next year a log would keep everything until then."""

STATE_SEGMENT_BYTES = 128 << 20
"""Retention by size deletes whole segments: small ones keep what lies there close to what was asked for."""


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
