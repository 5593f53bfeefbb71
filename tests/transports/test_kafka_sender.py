"""The sender against a real broker: durable or finished, in bounded time, and nothing too large ever sent."""

import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.domain.document import DeadLetterReason, InputPartition
from monitor.errors import Backpressure, RecordError, StateError, TransientError
from monitor.transports.kafka_sender import OutRecord, SenderLimits, size_of
from tests.transports.kafka_room import KafkaRoom, until
from tools.kafka.cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.real]

LZ4 = 3
"""The number of the codec in the attributes of a batch."""


@pytest.fixture
def room(kafka_bootstrap: str, fresh: str) -> KafkaRoom:
    return KafkaRoom(kafka_bootstrap, fresh)


@pytest.fixture
def own(broker: Cluster, fresh: str) -> KafkaRoom:
    """A room in a broker that the test may look into, freeze and thaw."""
    return KafkaRoom(broker.bootstrap, fresh)


def read_all(room: KafkaRoom, topic: str, count: int) -> dict[int, list[bytes | None]]:
    """The values of each partition, once so many records are there."""
    member = room.member([topic], "readers")
    values: dict[int, list[bytes | None]] = {}

    def poll() -> int:
        for record in member.poll(1_000, 0.1):
            values.setdefault(record.source.partition, []).append(record.value)
        for event in member.take_events():
            for partition in event.partitions:
                member.begin(partition)
        return sum(map(len, values.values()))

    until(lambda: poll() >= count)
    assert poll() == count
    member.close()
    return values


def test_what_was_flushed_lies_in_the_partition_that_was_named_in_order(room: KafkaRoom) -> None:
    topic = room.topic("scored", partitions=3)
    sender = room.sender()
    for number in range(300):
        sender.send(OutRecord(topic, number % 3, b"key", str(number).encode(), [("kind", b"x")]))
    sender.flush()
    assert sender.pending == 0
    expected: dict[int, list[bytes | None]] = {
        part: [str(number).encode() for number in range(part, 300, 3)] for part in range(3)
    }
    assert read_all(room, topic, 300) == expected
    sender.close()


def test_batches_are_packed_with_lz4(own: KafkaRoom, broker: Cluster) -> None:
    topic = own.topic("scored")
    sender = own.sender()
    for _ in range(50):
        sender.send(OutRecord(topic, 0, None, b"the same words again and again " * 20))
    sender.flush()
    sender.close()
    log: Path = broker.log_of(1).parent / "log" / f"{topic}-0" / "00000000000000000000.log"
    batch = log.read_bytes()
    attributes = int.from_bytes(batch[21:23], "big")
    assert attributes & 7 == LZ4
    assert len(batch) < 50 * 600 / 5


def test_record_over_the_brokers_limit_is_found_before_it_is_sent_and_harms_nobody(room: KafkaRoom) -> None:
    topic = room.topic("scored", max_message_bytes="20000")
    sender = room.sender(SenderLimits(delivery_timeout_ms=20_000, max_record_bytes=20_000))
    sender.send(OutRecord(topic, 0, None, b"before"))
    with pytest.raises(RecordError, match=r"over kafka\.max_record_bytes") as caught:
        sender.send(OutRecord(topic, 0, None, b"x" * 20_000))
    assert caught.value.reason == DeadLetterReason.OVERSIZE
    sender.send(OutRecord(topic, 0, None, b"behind"))
    sender.flush()
    sender.close()
    assert read_all(room, topic, 2) == {0: [b"before", b"behind"]}


@pytest.mark.parametrize("spare", [0, 1])
def test_largest_record_that_passes_our_check_passes_the_brokers(room: KafkaRoom, spare: int) -> None:
    topic = room.topic("scored", max_message_bytes="20000")
    sender = room.sender(SenderLimits(delivery_timeout_ms=20_000, max_record_bytes=20_000))
    headers = [("kind", b"scored"), ("source", b"\x00\xff" * 40)]
    overhead = size_of(OutRecord(topic, 0, b"key", b"", headers))
    # Bytes that lz4 cannot pack, so that the broker measures what we do.
    noise = bytes((index * index * 2_654_435_761 >> 7) & 255 for index in range(20_000 - overhead - spare))
    sender.send(OutRecord(topic, 0, b"key", noise, headers))
    sender.flush()
    sender.close()


def test_missing_topic_is_named_and_finishes_the_sender(room: KafkaRoom) -> None:
    sender = room.sender(SenderLimits(delivery_timeout_ms=2_000, max_record_bytes=1_000))
    record = OutRecord(room.prefix + "absent", 0, None, b"x")
    with pytest.raises(TransientError, match=r"no Kafka topic .*absent.*monitor topics --create"):
        sender.send(record)
    with pytest.raises(TransientError, match="absent"):
        sender.flush()
    sender.close()


def test_partition_that_does_not_exist_is_a_state_error(room: KafkaRoom) -> None:
    topic = room.topic("scored", partitions=2)
    sender = room.sender()
    with pytest.raises(StateError, match=r"has 2 partitions, but a record is for 2.*monitor topics --check"):
        sender.send(OutRecord(topic, 2, None, b"x"))
    sender.close()


def test_frozen_broker_is_a_failure_in_time_and_the_sender_is_given_up(own: KafkaRoom, broker: Cluster) -> None:
    topic = own.topic("scored")
    sender = own.sender(SenderLimits(delivery_timeout_ms=5_000, max_record_bytes=1_000, max_pending_records=2))
    sender.send(OutRecord(topic, 0, None, b"first"))
    sender.flush()
    broker.freeze(1)
    try:
        sender.send(OutRecord(topic, 0, None, b"second"))
        sender.send(OutRecord(topic, 0, None, b"third"))
        with pytest.raises(Backpressure):
            sender.send(OutRecord(topic, 0, None, b"fourth"))
        started = time.monotonic()
        with pytest.raises(TransientError):
            sender.flush()
        # More than its deadline, because a busy machine is no bug; the client alone would wait for ever.
        assert time.monotonic() - started < 20
        with pytest.raises(TransientError):
            sender.send(OutRecord(topic, 0, None, b"fifth"))
        started = time.monotonic()
        sender.close()
        assert time.monotonic() - started < 10
    finally:
        broker.thaw(1)
    # Nothing of ours goes on in the background: what arrives now was under way before it was given up.
    for thread in threading.enumerate():
        if "sender" in thread.name:
            thread.join(30)
            assert not thread.is_alive()


def test_close_lets_what_is_under_way_arrive(room: KafkaRoom) -> None:
    topic = room.topic("scored")
    sender = room.sender()
    sender.send(OutRecord(topic, 0, None, b"last words"))
    sender.close(timeout_seconds=20)
    sender.close()
    assert read_all(room, topic, 1) == {0: [b"last words"]}
    with pytest.raises(ValueError, match="closed"):
        sender.flush()


def test_topic_that_a_sender_made_of_nothing_does_not_exist(room: KafkaRoom) -> None:
    # A misspelt topic must be an error, whatever the brokers would make of it.
    sender = room.sender(SenderLimits(delivery_timeout_ms=1_500, max_record_bytes=1_000))
    with pytest.raises(TransientError):
        sender.partitions(room.prefix + "mispelt")
    sender.close()
    member = room.member([room.prefix + "mispelt"])
    member.poll(1, 0.2)
    assert InputPartition(room.prefix + "mispelt") not in member.existing()
    member.close()
