"""What every reader of Kafka has in common: how its client is opened, a record in the log, and a log's bounds.

Nothing is ever reset or committed by the client itself. Left out: groups (`kafka_member`) and ranges (`kafka_log`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition, errors

from monitor.domain.document import InputPartition
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_errors import told

ASK_SECONDS = 10.0
"""For a question to the brokers about offsets. A restart of a leader or coordinator takes some seconds."""


class InRecord(NamedTuple):
    """One record as it lies in the log; `value` is None for a tombstone."""

    source: InputPartition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def open_consumer(access: Access, name: str, **more: object) -> Any:
    """A client that reads. name: tells it from our other clients; more: options of the library.

    Raises: DependencyError, TransientError: no broker lets us in.
    """
    options = {
        **access.options(name),
        "metrics_enabled": False,
        "enable_auto_commit": False,
        # Where reading begins is decided by us; what is out of range must be told.
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        **more,
    }
    try:
        return KafkaConsumer(**options)
    except errors.KafkaError as exc:
        raise told(exc, "opening a consumer") from exc


def bounds_of(consumer: Any, partitions: Sequence[InputPartition]) -> dict[InputPartition, tuple[int, int]]:
    """The first offset in each log, and the one after its last. Raises: TransientError, DependencyError."""
    places = [TopicPartition(*partition) for partition in partitions]
    try:
        first = consumer.beginning_offsets(places, timeout_ms=ASK_SECONDS * 1_000)
        end = consumer.end_offsets(places, timeout_ms=ASK_SECONDS * 1_000)
    except errors.KafkaError as exc:
        raise told(exc, "asking for the bounds of logs") from exc
    return {InputPartition(*place): (first[place], end[place]) for place in places}
