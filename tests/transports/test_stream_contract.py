"""What joins roles: the same promises from the in-process bus and from Kafka."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pytest

from monitor.domain.progress import Progress
from monitor.domain.streams import Message, Output, Stream
from monitor.transports.bus import Bus
from tests.storage.samples import alert, detection, scored, scored_row, volume_row, window_row

KAFKA = pytest.param("kafka", marks=[pytest.mark.slow, pytest.mark.real])


class Readable(Protocol):
    def poll(self, max_messages: int) -> list[Message]: ...


class Joint(Protocol):
    """A way to join roles: publish, and make a reader of one partition that sees all that comes from now on."""

    def publish(self, outputs: Sequence[Output]) -> None: ...
    def reader(self, stream: Stream, partition: int = 0) -> Readable: ...


@pytest.fixture(params=["bus", KAFKA])
def joint(request: pytest.FixtureRequest) -> Iterator[Joint]:
    if request.param == "bus":
        yield Bus(capacity=1_000)
        return
    # Here, because the slim set has no client for it.
    from tests.transports.kafka_joint import KafkaJoint

    made = KafkaJoint(request.getfixturevalue("kafka_bootstrap"), request.getfixturevalue("fresh"))
    yield made
    made.close()


def take(reader: Readable, max_messages: int = 7) -> list[Message]:
    """All that there is."""
    messages: list[Message] = []
    while polled := reader.poll(max_messages):
        assert len(polled) <= max_messages
        messages += polled
    return messages


def values(reader: Readable) -> list[object]:
    return [message.value for message in take(reader)]


def score(number: int, partition: int = 0) -> Output:
    return Output(Stream.SCORED, scored(number), partition)


def test_reader_takes_each_message_once_in_order_with_rising_offsets(joint: Joint) -> None:
    reader = joint.reader(Stream.SCORED)
    messages: list[Message] = []
    for first in (0, 20, 40):
        joint.publish([score(number) for number in range(first, first + 20)])
        messages += take(reader)
    assert [message.value for message in messages] == [scored(number) for number in range(60)]
    assert [message.offset for message in messages] == list(range(60))
    assert {(message.stream, message.partition) for message in messages} == {(Stream.SCORED, 0)}


def test_every_kind_of_value_comes_back_as_it_was(joint: Joint) -> None:
    progress = Progress((), (), 1_700_000_000_000)
    sent = [
        Output(Stream.SCORED, scored()),
        Output(Stream.SCORED, progress),
        Output(Stream.TRENDS, scored_row()),
        Output(Stream.TRENDS, window_row()),
        Output(Stream.TRENDS, volume_row(1, 2.5)),
        Output(Stream.DETECTIONS, detection()),
        Output(Stream.ALERTS, alert()),
    ]
    readers = {stream: joint.reader(stream) for stream in Stream}
    joint.publish(sent)
    for stream, reader in readers.items():
        assert values(reader) == [output.value for output in sent if output.stream is stream]


def test_readers_of_one_stream_are_independent(joint: Joint) -> None:
    first, second = joint.reader(Stream.SCORED), joint.reader(Stream.SCORED)
    joint.publish([score(0), score(1)])
    assert values(first) == [scored(0), scored(1)]
    joint.publish([score(2)])
    assert values(first) == [scored(2)]
    assert values(second) == [scored(0), scored(1), scored(2)]


def test_streams_and_partitions_do_not_mix_and_each_has_its_own_offsets(joint: Joint) -> None:
    here, there = joint.reader(Stream.SCORED), joint.reader(Stream.SCORED, 1)
    other = joint.reader(Stream.DETECTIONS)
    joint.publish([score(0), score(1, partition=1), Output(Stream.DETECTIONS, detection()), score(2)])
    assert [(m.partition, m.offset, m.value) for m in take(here)] == [(0, 0, scored(0)), (0, 1, scored(2))]
    assert [(m.partition, m.offset, m.value) for m in take(there)] == [(1, 0, scored(1))]
    assert [(m.stream, m.offset) for m in take(other)] == [(Stream.DETECTIONS, 0)]


def test_reader_with_nothing_to_read_says_so_at_once(joint: Joint) -> None:
    reader = joint.reader(Stream.TRENDS)
    joint.publish([])
    assert reader.poll(10) == []
