"""The shape of our own Kafka topics: what state silently rests on, and what to do when it is no longer so.

A topic's partition follows from the partition count, and an offset means something only in the Kafka topic in which it
was given. So every commit and every snapshot remembers both; what differs later is a StateError, never a silent reset.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from monitor.domain.document import InputPartition
from monitor.errors import StateError


class Shape(NamedTuple):
    """One Kafka topic as it was when state was made.

    `kafka_id` is the id that Kafka gave it at creation: a topic that is deleted and made again has another.
    """

    kafka_topic: str
    kafka_id: str
    partitions: int


class Owner(NamedTuple):
    """Whose state it is: a role, and the partition of which it is the state."""

    role: str
    source: InputPartition

    def __str__(self) -> str:
        return f"{self.role} for {self.source}"


def reset_command(owner: Owner) -> str:
    """The command with which a person gives up this state, to begin again at the earliest record."""
    return f"monitor state reset --role {owner.role} --partition {owner.source}"


def check_shapes(owner: Owner, remembered: Iterable[Shape], present: Mapping[str, Shape]) -> None:
    """Compare what state was made with to what stands there now.

    Args:
        present: the Kafka topics of now, by name.
    Raises: StateError: one is gone, was made again, or has another partition count; all of them at once.
    """
    faults = [fault for shape in remembered if (fault := _difference(shape, present.get(shape.kafka_topic)))]
    if faults:
        raise StateError(
            f"the state of {owner} does not fit the Kafka topics: {'; '.join(faults)}; "
            f"bring back the topics that it was made with, or give the state up with: {reset_command(owner)}"
        )


def _difference(was: Shape, now: Shape | None) -> str | None:
    if now is None:
        return f"{was.kafka_topic} is gone (make it with: monitor topics --create)"
    if now.kafka_id != was.kafka_id:
        return f"{was.kafka_topic} was deleted and made again (its id was {was.kafka_id}, and is {now.kafka_id})"
    if now.partitions != was.partitions:
        return f"{was.kafka_topic} had {was.partitions} partitions, and has {now.partitions}"
    return None
