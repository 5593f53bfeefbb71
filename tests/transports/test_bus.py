"""The in-process transport: order, offsets, independent readers, and back-pressure instead of memory without bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.streams import Message, Output, Stream
from monitor.errors import Backpressure
from monitor.transports.bus import Bus, BusReader


def scored(*values: object, partition: int = 0) -> list[Output]:
    return [Output(Stream.SCORED, value, partition) for value in values]


def taken(reader: BusReader, max_messages: int = 1_000) -> list[object]:
    return [message.value for message in reader.poll(max_messages)]


@given(st.lists(st.tuples(st.lists(st.integers(), max_size=5), st.integers(0, 5)), max_size=20))
def test_reader_takes_each_message_once_in_order_with_rising_offsets(steps: list[tuple[list[int], int]]) -> None:
    bus = Bus(capacity=1_000)
    reader = bus.reader(Stream.SCORED)
    messages: list[Message] = []
    for values, poll in steps:
        bus.publish(scored(*values))
        polled = reader.poll(poll)
        assert len(polled) <= poll
        messages += polled
    messages += reader.poll(1_000)
    assert [message.value for message in messages] == [value for values, _ in steps for value in values]
    assert [message.offset for message in messages] == list(range(len(messages)))


def test_readers_of_one_stream_are_independent() -> None:
    bus = Bus(capacity=10)
    first, second = bus.reader(Stream.SCORED), bus.reader(Stream.SCORED)
    bus.publish(scored("a", "b"))
    assert taken(first) == ["a", "b"]
    bus.publish(scored("c"))
    assert taken(first) == ["c"]
    assert taken(second) == ["a", "b", "c"]


def test_streams_and_partitions_do_not_mix_and_each_has_its_own_offsets() -> None:
    bus = Bus(capacity=10)
    here, there, other = bus.reader(Stream.SCORED), bus.reader(Stream.SCORED, 1), bus.reader(Stream.ALERTS)
    bus.publish([*scored("a"), *scored("b", partition=1), Output(Stream.ALERTS, "c"), *scored("d")])
    assert [(m.partition, m.offset, m.value) for m in here.poll(9)] == [(0, 0, "a"), (0, 1, "d")]
    assert [(m.partition, m.offset, m.value) for m in there.poll(9)] == [(1, 0, "b")]
    assert [(m.stream, m.offset, m.value) for m in other.poll(9)] == [(Stream.ALERTS, 0, "c")]


def test_new_reader_sees_what_comes_from_now_on() -> None:
    bus = Bus(capacity=10)
    bus.reader(Stream.SCORED)
    bus.publish(scored("before"))
    late = bus.reader(Stream.SCORED)
    bus.publish(scored("after"))
    assert [(message.offset, message.value) for message in late.poll(9)] == [(1, "after")]


def test_stream_that_nobody_reads_holds_nothing_and_fills_nothing() -> None:
    bus = Bus(capacity=1)
    bus.publish([Output(Stream.DEAD_LETTER, number) for number in range(5)])
    assert not bus.is_full


def test_full_reader_refuses_the_next_step_whole_and_takes_it_once_it_has_read() -> None:
    bus = Bus(capacity=2)
    slow, alerts = bus.reader(Stream.SCORED), bus.reader(Stream.ALERTS)
    bus.publish(scored("a", "b"))
    assert bus.is_full
    with pytest.raises(Backpressure):
        bus.publish([Output(Stream.ALERTS, "x"), *scored("c")])
    assert taken(alerts) == [], "nothing of a refused step was appended"
    assert taken(slow, 1) == ["a"]
    bus.publish([Output(Stream.ALERTS, "x"), *scored("c")])
    assert (taken(slow), taken(alerts)) == (["b", "c"], ["x"])


def test_one_steps_outputs_may_go_over_the_capacity() -> None:
    bus = Bus(capacity=2)
    reader = bus.reader(Stream.SCORED)
    bus.publish(scored("a", "b", "c", "d"))
    assert taken(reader) == ["a", "b", "c", "d"]


def test_reader_that_is_behind_stops_nobody_who_writes_to_another_stream() -> None:
    # A role downstream must be able to publish while its own input is more than full, or nothing would ever drain.
    bus = Bus(capacity=1)
    bus.reader(Stream.SCORED)
    alerts = bus.reader(Stream.ALERTS)
    bus.publish(scored("a", "b", "c"))
    bus.publish([Output(Stream.ALERTS, "x")])
    assert taken(alerts) == ["x"]


def test_offsets_go_on_from_where_a_run_was_cut_off() -> None:
    bus = Bus(capacity=10)
    bus.restore({Stream.SCORED: 41})
    reader, other = bus.reader(Stream.SCORED), bus.reader(Stream.DETECTIONS)
    bus.publish([*scored("a", "b"), Output(Stream.DETECTIONS, "c")])
    assert [message.offset for message in reader.poll(9)] == [41, 42]
    assert [message.offset for message in other.poll(9)] == [0]
