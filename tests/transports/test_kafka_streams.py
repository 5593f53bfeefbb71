"""Streams over a real broker: what the bus does not have: records of others, and values that are too large."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason
from monitor.domain.partitioning import partition_of
from monitor.domain.streams import Message, Output, Stream
from monitor.errors import Backpressure, RecordError
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_sender import OutRecord, SenderLimits
from monitor.transports.kafka_streams import KafkaPublisher, KafkaReader
from tests.storage.samples import alert, scored
from tests.transports.kafka_room import KafkaRoom, until

pytestmark = [pytest.mark.slow, pytest.mark.real]


@pytest.fixture
def room(kafka_bootstrap: str, fresh: str) -> Iterator[KafkaRoom]:
    yield KafkaRoom(kafka_bootstrap, fresh)


def read(room: KafkaRoom, stream: Stream, count: int) -> tuple[list[Message], list[tuple[InRecord, RecordError]]]:
    """The first messages of a stream, and what was none."""
    member = room.member([room.prefix + stream], f"readers-{stream}")
    unusable: list[tuple[InRecord, RecordError]] = []
    reader = KafkaReader(
        member,
        lambda name: Stream(name.removeprefix(room.prefix)),
        lambda record, error: unusable.append((record, error)),
    )
    messages: list[Message] = []

    def poll() -> int:
        messages.extend(reader.poll(100, 0.1))
        for event in member.take_events():
            for partition in event.partitions:
                member.begin(partition)
        return len(messages) + len(unusable)

    until(lambda: poll() >= count)
    member.close()
    assert reader.unusable_records == len(unusable)
    return messages, unusable


def test_records_of_others_are_told_and_read_past(room: KafkaRoom) -> None:
    topic = room.topic(Stream.SCORED)
    sender = room.sender()
    publisher = KafkaPublisher(sender, lambda stream: room.prefix + stream)
    room.write(topic, [None, b"\xff", b"{}"])
    publisher.publish([Output(Stream.SCORED, scored(4))])
    publisher.flush()
    sender.send(OutRecord(topic, 0, b"\xff\xfe", b"{}", [("kind", b"scored")]))
    sender.flush()
    sender.close()
    messages, unusable = read(room, Stream.SCORED, 5)
    assert [(message.offset, message.value) for message in messages] == [(3, scored(4))]
    assert [record.offset for record, _ in unusable] == [0, 1, 2, 4]
    assert unusable[0][1].reason == DeadLetterReason.EMPTY


def test_value_over_the_brokers_limit_becomes_a_dead_letter_and_its_neighbours_arrive(room: KafkaRoom) -> None:
    room.topic(Stream.SCORED, max_message_bytes="20000")
    room.topic(Stream.DEAD_LETTER, max_message_bytes="20000")
    sender = room.sender(SenderLimits(delivery_timeout_ms=20_000, max_record_bytes=20_000))
    publisher = KafkaPublisher(sender, lambda stream: room.prefix + stream)
    large = scored(2)._replace(url="https://example.org/" + "x" * 20_000)
    publisher.publish([Output(Stream.SCORED, value) for value in (scored(1), large, scored(3))])
    publisher.flush()
    sender.close()
    messages, _ = read(room, Stream.SCORED, 2)
    assert [message.value for message in messages] == [scored(1), scored(3)]
    (letter,), _ = read(room, Stream.DEAD_LETTER, 1)
    assert isinstance(letter.value, DeadLetter)
    assert letter.value.reason is DeadLetterReason.OVERSIZE
    assert (letter.value.source_partition, letter.value.offset) == (large.source_partition, large.offset)
    assert len(letter.value.value) == LETTER_BYTES


def test_one_alerts_turns_lie_in_one_partition_in_order(room: KafkaRoom) -> None:
    room.topic(Stream.ALERTS, partitions=5)
    sender = room.sender()
    publisher = KafkaPublisher(sender, lambda stream: room.prefix + stream)
    turns = [replace(alert(), revision=number) for number in range(4)]
    publisher.publish([Output(Stream.ALERTS, turn) for turn in turns])
    publisher.flush()
    sender.close()
    messages, _ = read(room, Stream.ALERTS, 4)
    assert {message.partition for message in messages} == {partition_of(turns[0].alert_id, 5)}
    assert [message.value for message in messages] == turns


def test_publisher_with_too_much_on_its_way_refuses_the_next_step_whole(room: KafkaRoom) -> None:
    room.topic(Stream.SCORED)
    sender = room.sender(SenderLimits(delivery_timeout_ms=20_000, max_record_bytes=100_000, max_pending_records=3))
    publisher = KafkaPublisher(sender, lambda stream: room.prefix + stream)
    # One step may go over the bound, and is all on its way at once: nothing is acknowledged within microseconds.
    publisher.publish([Output(Stream.SCORED, scored(number)) for number in range(40)])
    assert publisher.is_full
    with pytest.raises(Backpressure):
        publisher.publish([Output(Stream.SCORED, scored(99))])
    publisher.flush()
    publisher.publish([Output(Stream.SCORED, scored(40))])
    publisher.flush()
    sender.close()
    messages, _ = read(room, Stream.SCORED, 41)
    assert [message.value for message in messages] == [scored(number) for number in range(41)]
