"""Ranges of one partition, read outside any group, on a real broker."""

from collections.abc import Iterator

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaAdminClient, TopicPartition

from monitor.clock import SystemClock
from monitor.domain.document import InputPartition
from monitor.errors import MonitorError
from monitor.transports.kafka_log import KafkaLog
from tests.transports.kafka_room import KafkaRoom

pytestmark = [pytest.mark.slow, pytest.mark.real]


@pytest.fixture
def room(kafka_bootstrap: str, fresh: str) -> KafkaRoom:
    return KafkaRoom(kafka_bootstrap, fresh)


@pytest.fixture
def log(room: KafkaRoom) -> Iterator[KafkaLog]:
    opened = KafkaLog(room.access, SystemClock(), patience_seconds=5.0)
    yield opened
    opened.close()


def test_range_is_read_whole_and_nothing_beyond_it(room: KafkaRoom, log: KafkaLog) -> None:
    partition = InputPartition(room.topic("state", partitions=2), 1)
    room.write(partition.kafka_topic, [b"%d" % number for number in range(50)], 1)
    assert log.bounds(partition) == (0, 50)
    read = list(log.read(partition, 10, 20))
    assert [(one.offset, one.value) for one in read] == [(number, b"%d" % number) for number in range(10, 20)]
    assert len(list(log.read(partition, 0, 1 << 40))) == 50
    assert list(log.read(partition, 20, 20)) == list(log.read(partition, 50, 60)) == []


def test_another_range_is_read_after_one_that_was_left_in_the_middle(room: KafkaRoom, log: KafkaLog) -> None:
    partition = InputPartition(room.topic("state"))
    room.write(partition.kafka_topic, [b"x"] * 1_000 + [None])
    assert next(log.read(partition, 0, 1_000)).offset == 0
    assert [one.offset for one in log.read(partition, 998, 1_001)] == [998, 999, 1_000]


def test_what_retention_deleted_is_left_out(room: KafkaRoom, log: KafkaLog) -> None:
    partition = InputPartition(room.topic("state"))
    room.write(partition.kafka_topic, [b"x"] * 10)
    admin = KafkaAdminClient(bootstrap_servers=list(room.access.bootstrap))
    admin.delete_records({TopicPartition(*partition): 4})
    admin.close()
    assert log.bounds(partition) == (4, 10)
    assert [one.offset for one in log.read(partition, 0, 6)] == [4, 5]


def test_topic_that_is_missing_is_told(room: KafkaRoom, log: KafkaLog) -> None:
    with pytest.raises(MonitorError, match="bounds"):
        log.bounds(InputPartition(f"{room.prefix}nowhere"))
