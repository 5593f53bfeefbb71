"""A member of a consumer group, on a real broker: who owns what, where reading begins, and what may be committed."""

from collections.abc import Iterator
from functools import partial

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaAdminClient, TopicPartition

from monitor.clock import SystemClock
from monitor.domain.document import InputPartition
from monitor.errors import DependencyError, StateError
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_errors import MembershipError
from monitor.transports.kafka_member import Committed, KafkaMember, MemberLimits
from monitor.transports.kafka_membership import Change, Event
from tests.transports.kafka_room import KafkaRoom, until

pytestmark = [pytest.mark.slow, pytest.mark.real]


@pytest.fixture
def room(kafka_bootstrap: str, fresh: str) -> KafkaRoom:
    return KafkaRoom(kafka_bootstrap, fresh)


class Reader:
    """A member that begins each partition where the group committed, and remembers what it read and heard."""

    def __init__(self, member: KafkaMember) -> None:
        self.member = member
        self.records: list[InRecord] = []
        self.events: list[Event] = []

    def poll(self) -> bool:
        """Once; always true, so that a condition can follow it."""
        self.records += self.member.poll(100, 0.1)
        for event in self.member.take_events():
            self.events.append(event)
            if event.change is Change.ASSIGNED:
                for partition, stored in self.member.committed(event.partitions).items():
                    self.member.begin(partition, None if stored is None else stored.offset)
        return True

    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]

    def heard(self, change: Change) -> list[InputPartition]:
        return [one for event in self.events if event.change is change for one in event.partitions]


@pytest.fixture
def readers(room: KafkaRoom) -> Iterator[list[Reader]]:
    """Filled by the test; every member in it is closed."""
    opened: list[Reader] = []
    yield opened
    for reader in opened:
        reader.member.close()


def joined(readers: list[Reader], member: KafkaMember, partitions: int) -> Reader:
    """A reader that owns so many partitions; the others poll meanwhile, or no rebalance would end."""
    reader = Reader(member)
    readers.append(reader)

    def owns() -> bool:
        for one in readers:
            one.poll()
        return len(member.owned) == partitions

    until(owns)
    return reader


def test_new_group_begins_at_the_earliest_record_and_bytes_arrive_as_they_were(
    room: KafkaRoom, readers: list[Reader]
) -> None:
    topic = room.topic("news")
    room.write(topic, [b"\xff\x00", b"", None, "腾讯".encode()])
    reader = joined(readers, room.member([topic]), 1)
    until(lambda: reader.poll() and len(reader.records) == 4)
    assert reader.values() == [b"\xff\x00", b"", None, "腾讯".encode()]
    assert [record.offset for record in reader.records] == [0, 1, 2, 3]
    assert {record.key for record in reader.records} == {b"k"}
    assert all(record.timestamp_ms > 1_700_000_000_000 for record in reader.records)


def test_nothing_is_read_of_a_partition_before_its_owner_says_where_it_begins(room: KafkaRoom) -> None:
    topic = room.topic("news")
    room.write(topic, [b"a", b"b"])
    member = room.member([topic])
    until(lambda: member.poll(100, 0.1) == [] and bool(member.owned))
    for _ in range(5):
        assert member.poll(100, 0.1) == []
    member.begin(InputPartition(topic), 1)
    polled: list[InRecord] = []

    def has_read() -> bool:
        polled.extend(member.poll(100, 0.1))
        return bool(polled)

    until(has_read)
    assert [record.value for record in polled] == [b"b"]
    member.close()


def test_next_member_goes_on_behind_the_commit_and_finds_its_metadata(room: KafkaRoom, readers: list[Reader]) -> None:
    topic = room.topic("news")
    partition = InputPartition(topic)
    room.write(topic, [b"a", b"b", b"c"])
    first = joined(readers, room.member([topic]), 1)
    first.member.commit({partition: Committed(2, '{"watermark": 7} 腾讯')}, first.member.owned, 10)
    first.member.close()
    readers.clear()
    second = joined(readers, room.member([topic]), 1)
    assert second.member.committed([partition]) == {partition: Committed(2, '{"watermark": 7} 腾讯')}
    until(lambda: second.poll() and bool(second.records))
    assert second.values() == [b"c"]


def test_partition_that_must_go_can_still_be_committed_and_is_then_taken_over(
    room: KafkaRoom, readers: list[Reader]
) -> None:
    topic = room.topic("news", partitions=2)
    for number in (0, 1):
        room.write(topic, [b"a", b"b", b"c"], partition=number)
    first = joined(readers, room.member([topic]), 2)
    before = dict(first.member.owned)
    second = Reader(room.member([topic]))
    readers.append(second)

    def is_revoked() -> bool:
        second.poll()
        first.poll()
        return bool(first.heard(Change.REVOKED))

    until(is_revoked)
    (gone,) = first.heard(Change.REVOKED)
    kept = InputPartition(topic, 1 - gone.partition)
    # The group waits for the next poll of the first, and so what it had in hand is committed.
    first.member.commit({gone: Committed(2, "handed over")}, before, 10)
    until(lambda: first.poll() and second.poll() and gone in second.member.owned)
    assert first.member.owned == {kept: before[kept]}, "what stays was never away"
    until(lambda: second.poll() and bool(second.records))
    assert [(record.source, record.offset) for record in second.records] == [(gone, 2)]
    with pytest.raises(MembershipError, match="elsewhere"):
        first.member.commit({gone: Committed(3, "too late")}, before, 10)


def test_member_that_was_replaced_commits_nothing_and_hears_that_it_lost_everything(
    room: KafkaRoom, readers: list[Reader]
) -> None:
    topic = room.topic("news")
    partition = InputPartition(topic)
    room.write(topic, [b"a", b"b", b"c"])
    # It leaves the group by itself when it has not polled for a second, as after a long pause of the process.
    hasty = MemberLimits(session_timeout_ms=6_000, poll_interval_ms=1_000)
    zombie = joined(readers, KafkaMember(room.access, room.prefix + "group", [topic], hasty, SystemClock()), 1)
    before = dict(zombie.member.owned)
    readers.clear()
    heir = joined(readers, room.member([topic]), 1)
    heir.member.commit({partition: Committed(1, "heir")}, heir.member.owned, 10)
    with pytest.raises(MembershipError):
        zombie.member.commit({partition: Committed(3, "zombie")}, before, 10)
    heir.member.close()
    until(lambda: zombie.poll() and bool(zombie.member.owned) and zombie.member.owned != before)
    assert zombie.heard(Change.LOST) == [partition]
    # It is a member again, under a new generation; what it computed before is still worth nothing.
    with pytest.raises(MembershipError, match="elsewhere"):
        zombie.member.commit({partition: Committed(3, "zombie")}, before, 10)
    assert zombie.member.committed([partition]) == {partition: Committed(1, "heir")}
    zombie.member.close()


def test_pause_outlives_a_rebalance(room: KafkaRoom, readers: list[Reader]) -> None:
    topic = room.topic("news")
    partition = InputPartition(topic)
    first = joined(readers, room.member([topic]), 1)
    second = room.member([topic])
    second.pause(partition)
    first.member.close()
    readers.clear()
    reader = joined(readers, second, 1)
    room.write(topic, [b"a"])
    for _ in range(5):
        reader.poll()
    assert reader.records == []
    reader.member.resume(partition)
    until(lambda: reader.poll() and reader.values() == [b"a"])


def test_partition_that_is_resumed_goes_on_with_what_was_fetched_though_the_others_are_silent(
    room: KafkaRoom, readers: list[Reader]
) -> None:
    topic = room.topic("news", partitions=2)
    for number in range(2):
        room.write(topic, [b"%d" % number] * 300, number)
    reader = joined(readers, room.member([topic]), 2)
    until(lambda: reader.poll() and bool(reader.records))
    paused = reader.records[0].source
    reader.member.pause(paused)
    other = InputPartition(topic, 1 - paused.partition)
    until(lambda: reader.poll() and reader.member.position(other) == 300)
    assert reader.member.position(paused) < 300
    reader.member.resume(paused)
    until(lambda: reader.poll() and len(reader.records) == 600)


def test_pattern_finds_topics_whose_whole_name_matches_and_those_that_come_later(
    room: KafkaRoom, readers: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.transports.kafka_access.METADATA_AGE_MS", 500)
    first = room.topic("feeds.news")
    room.topic("feeds.news-old")
    pattern = f"{room.prefix}feeds\\.[a-z]+".replace(".feeds", r"\.feeds")
    reader = joined(readers, room.member([], pattern=pattern), 1)
    assert list(reader.member.owned) == [InputPartition(first)]
    second = room.topic("feeds.social")
    until(lambda: reader.poll() and len(reader.member.owned) == 2)
    assert reader.member.existing() == [InputPartition(first), InputPartition(second)]


def test_join_for_a_new_partition_that_outlasts_a_poll_is_finished(
    room: KafkaRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Polls that wait for nothing: every join outlasts them. The client itself forgets one that it began because of
    # new metadata, and would own nothing from then on.
    monkeypatch.setattr("monitor.transports.kafka_member.REJOIN_SECONDS", 0.001)
    monkeypatch.setattr("monitor.transports.kafka_access.METADATA_AGE_MS", 200)
    topic = room.topic("news")
    member = room.member([topic])
    until(lambda: member.poll(1) == [] and bool(member.owned))
    admin = KafkaAdminClient(bootstrap_servers=list(room.access.bootstrap))

    def owns(count: int) -> bool:
        assert member.poll(1) == []
        return len(member.owned) == count

    for count in range(2, 6):
        admin.create_partitions({topic: count})
        until(partial(owns, count))
    admin.close()
    member.close()


def test_position_that_retention_deleted_is_a_state_error_and_never_a_silent_reset(
    room: KafkaRoom, readers: list[Reader]
) -> None:
    topic = room.topic("news")
    partition = InputPartition(topic)
    room.write(topic, [b"a", b"b", b"c"])
    reader = joined(readers, room.member([topic]), 1)
    reader.member.pause(partition)
    reader.member.begin(partition, 0)
    admin = KafkaAdminClient(bootstrap_servers=list(room.access.bootstrap))
    admin.delete_records({TopicPartition(topic, 0): 2})
    admin.close()
    with pytest.raises(StateError, match="lies outside the log, which holds 2 to 3"):
        reader.member.begin(partition, 1)
    reader.member.resume(partition)
    with pytest.raises(StateError, match="outside its log"):
        until(lambda: not reader.poll())


def test_topic_that_was_made_again_is_a_state_error(room: KafkaRoom, readers: list[Reader]) -> None:
    topic = room.topic("news")
    room.write(topic, [b"a"])
    reader = joined(readers, room.member([topic]), 1)
    until(lambda: reader.poll() and bool(reader.records))
    shape = reader.member.shape(topic)
    admin = KafkaAdminClient(bootstrap_servers=list(room.access.bootstrap))
    admin.delete_topics([topic])
    admin.close()
    until(lambda: reader.poll() and not reader.member.existing())
    room.topic("news")
    room.write(topic, [b"x", b"y"])
    with pytest.raises(StateError, match=f"made again while it was read.*{shape.kafka_id}"):
        until(lambda: not reader.poll())
    assert reader.values() == [b"a"]


def test_two_processes_with_one_static_id_are_told(room: KafkaRoom, readers: list[Reader]) -> None:
    topic = room.topic("news")
    first = joined(readers, room.member([topic], instance_id="trend-0"), 1)
    second = Reader(room.member([topic], instance_id="trend-0"))
    readers.append(second)
    until(lambda: second.poll() and bool(second.member.owned))
    with pytest.raises(StateError, match="static membership id"):
        until(lambda: not first.poll())


def test_static_member_that_is_removed_gives_its_partitions_free(room: KafkaRoom, readers: list[Reader]) -> None:
    topic = room.topic("news")
    first = joined(readers, room.member([topic], instance_id="trend-1"), 1)
    first.member.close()
    readers.clear()
    admin = KafkaAdmin(room.access)
    admin.remove_member(room.prefix + "group", "trend-1")
    admin.remove_member(room.prefix + "group", "trend-1")
    admin.close()
    # Long before the session of the one that went would have timed out.
    joined(readers, room.member([topic]), 1)


def test_topic_that_is_missing_is_named(room: KafkaRoom) -> None:
    member = room.member([room.prefix + "absent"])
    member.poll(1, 0.2)
    with pytest.raises(DependencyError, match=r"no Kafka topic .*absent"):
        member.shape(room.prefix + "absent")
    assert member.existing() == []
    member.close()
