"""The dead-letter topic of a real broker: what was read comes back to the byte, as far as the topic takes it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.clock import SystemClock
from monitor.delivery.deadletters import redriven_mark
from monitor.domain.document import DeadLetter, DeadLetterReason, FeedRecord, InputPartition, Original
from monitor.domain.partitioning import partition_of
from monitor.domain.streams import Output, Stream
from monitor.operators.parse import ParseLimits, parse
from monitor.transports.kafka_feed import KafkaFeed
from monitor.transports.kafka_letters import KafkaLetters, letter_in
from monitor.transports.kafka_sender import OutRecord, SenderLimits
from monitor.transports.kafka_streams import KafkaPublisher
from tests.delivery.things import letter
from tests.transports.kafka_room import KafkaRoom, until

pytestmark = [pytest.mark.slow, pytest.mark.real]

LIMIT_BYTES = 20_000
PARTITIONS = 3


@pytest.fixture
def room(kafka_bootstrap: str, fresh: str) -> Iterator[KafkaRoom]:
    made = KafkaRoom(kafka_bootstrap, fresh)
    made.topic(Stream.DEAD_LETTER, PARTITIONS, max_message_bytes=str(LIMIT_BYTES))
    yield made


@pytest.fixture
def letters(room: KafkaRoom) -> Iterator[KafkaLetters]:
    opened = KafkaLetters(room.access, room.prefix + Stream.DEAD_LETTER, PARTITIONS, SystemClock())
    yield opened
    opened.close()


def bury(room: KafkaRoom, dead: list[DeadLetter]) -> None:
    sender = room.sender(SenderLimits(delivery_timeout_ms=20_000, max_record_bytes=LIMIT_BYTES))
    publisher = KafkaPublisher(sender, lambda stream: room.prefix + stream)
    publisher.publish([Output(Stream.DEAD_LETTER, one) for one in dead])
    publisher.flush()
    sender.close()


def test_record_of_a_feed_comes_back_whole_with_its_key_and_its_headers(
    room: KafkaRoom, letters: KafkaLetters
) -> None:
    topic = room.topic("news")
    value = b'{"id": "1", "text": "' + b"x" * 10_000 + b'"'
    headers = [("trace", b"\x00\xff"), ("trace", b"again")]
    sender = room.sender()
    sender.send(OutRecord(topic, 0, b"halden", value, headers))
    sender.flush()
    sender.close()
    feed = KafkaFeed(room.member([topic]), 1_000)
    read: list[FeedRecord] = []

    def poll() -> bool:
        read.extend(feed.poll(10))
        return bool(read)

    until(poll)
    feed.close()
    dead = parse(read[0], ParseLimits())
    assert isinstance(dead, DeadLetter)
    assert dead.reason is DeadLetterReason.OVERSIZE  # for this feed: its letter has room for it
    bury(room, [dead])
    stored = letter_in(letters.records_of(f"{topic}/0@0"))
    assert stored is not None
    assert stored.is_whole
    assert stored.original[:3] == (b"halden", value, tuple(headers))
    assert stored.original.timestamp_ms == read[0].arrival_ms


def test_record_that_the_topic_does_not_take_is_cut_and_its_neighbours_arrive(
    room: KafkaRoom, letters: KafkaLetters
) -> None:
    long = replace(letter(2), original=Original(b"k", b"x" * 3 * LIMIT_BYTES, (), 1_700_000_000_000))
    bury(room, [letter(1), long, letter(3)])
    entries = {one.letter.offset: one for one in letters.shelf().entries()}
    assert [(entries[at].is_whole, entries[at].size) for at in (1, 2, 3)] == [
        (True, len(letter().value)),
        (False, 3 * LIMIT_BYTES),
        (True, len(letter().value)),
    ]
    ((_, stored),) = letters.whole([entries[2]])
    assert LIMIT_BYTES - 1_000 < len(stored.original.value) < LIMIT_BYTES


def test_letters_and_their_marks_are_found_in_every_partition(room: KafkaRoom, letters: KafkaLetters) -> None:
    dead = [letter(offset) for offset in range(20)]
    assert letters.shelf().entries() == []
    bury(room, dead)
    sender = room.sender()
    mark = redriven_mark(dead[7], "feeds.news/2@99")
    place = letters.place_of("feeds.news/2@7")
    assert place == InputPartition(room.prefix + Stream.DEAD_LETTER, partition_of("feeds.news/2@7", PARTITIONS))
    sender.send(OutRecord(place.kafka_topic, place.partition, mark.key, b"", mark.headers))
    sender.flush()
    sender.close()
    entries = letters.shelf().entries()
    assert {one.letter.offset: one.sent_to for one in entries if one.sent_to} == {7: "feeds.news/2@99"}
    assert {one.place.partition for one in entries} == {0, 1, 2}
    assert {stored.letter for _, stored in letters.whole(entries)} == set(dead)
    assert len(letters.records_of("feeds.news/2@7")) == 2
    assert letter_in(letters.records_of("feeds.news/2@77")) is None
