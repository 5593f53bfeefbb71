"""Dead letters: the record and its story come back exactly, whole as far as the brokers take it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.delivery.deadletters import (
    MAX_DETAIL_CHARS,
    Record,
    from_record,
    redriven_mark,
    redriven_record,
    to_record,
)
from monitor.delivery.sizes import batch_bytes
from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason, FeedRecord, InputPartition, Original
from monitor.errors import RecordError
from monitor.operators.parse import ParseLimits, parse
from tests.delivery.things import BAD, NEWS, letter

ROOM = 10_000

originals = st.builds(
    Original,
    st.none() | st.binary(max_size=50),
    st.binary(max_size=3 * ROOM),
    st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=5).map(tuple),
    st.integers(0, 2**53),
)


def changed(record: Record, **headers: bytes | None) -> Record:
    """The record with other headers; None takes one away."""
    kept = {**dict(record.headers), **headers}
    return record._replace(headers=tuple((name, value) for name, value in kept.items() if value is not None))


def kept_of(original: Original) -> DeadLetter:
    """The letter of a record of Kafka."""
    return replace(letter(value=original.value[:LETTER_BYTES]), original=original)


# ---- there and back


@given(
    st.builds(
        DeadLetter,
        st.sampled_from(DeadLetterReason),
        st.text(max_size=MAX_DETAIL_CHARS),
        st.builds(InputPartition, st.text(min_size=1, max_size=40), st.integers(0, 500)),
        st.integers(0, 2**53),
        st.binary(max_size=200),
    )
)
def test_letter_comes_back_exactly(made: DeadLetter) -> None:
    assert from_record(to_record(made)).letter == made


@given(originals)
def test_record_that_fits_comes_back_whole_with_its_key_its_headers_and_its_time(original: Original) -> None:
    found = from_record(to_record(kept_of(original)))
    assert (found.original, found.is_whole, found.size) == (original, True, len(original.value))
    assert found.letter == kept_of(original)


@given(originals)
def test_letter_measures_what_the_brokers_take_and_says_what_is_missing(original: Original) -> None:
    record = to_record(kept_of(original), ROOM)
    assert batch_bytes(record.key, record.value or b"", record.headers) <= ROOM
    found = from_record(record)
    assert found.size == len(original.value)
    assert found.is_whole == ("cut" not in dict(record.headers))
    assert original.value.startswith(found.original.value)
    assert found.is_whole == (found.original == original)


def test_record_just_over_the_limit_loses_no_more_than_it_must() -> None:
    original = Original(b"halden", b"x" * 2 * ROOM, (("trace", b"7"),), 1_700_000_000_000)
    record = to_record(kept_of(original), ROOM)
    assert batch_bytes(record.key, record.value or b"", record.headers) == ROOM
    assert dict(record.headers)["cut"] == b"20000"
    assert from_record(record).original.headers == original.headers


def test_headers_that_leave_no_room_for_the_record_give_way() -> None:
    original = Original(None, b"x" * ROOM, (("trace", b"7" * ROOM),), 1_700_000_000_000)
    found = from_record(to_record(kept_of(original), ROOM))
    assert (found.original.headers, found.is_whole) == ((), False)
    assert len(found.original.value) > ROOM - 1_000


def test_headers_tell_where_it_came_from_and_why_it_could_not_be_used() -> None:
    record = to_record(letter())
    assert record.key == b"feeds.news/2@4711"
    assert record.value == BAD
    headers = dict(record.headers)
    assert (headers["source_topic"], headers["source_partition"], headers["source_offset"]) == (
        b"feeds.news",
        b"2",
        b"4711",
    )
    assert (headers["reason"], headers["version"]) == (b"bad_time", b"1")
    assert headers["detail"] == b"published_at: give an ISO 8601 time"


def test_record_that_is_dead_again_after_a_crash_has_the_same_key_and_bytes() -> None:
    assert to_record(letter()) == to_record(letter())
    assert to_record(letter(offset=4_712)).key != to_record(letter()).key


def test_long_record_is_kept_whole_where_its_log_gave_the_original() -> None:
    long = b'{"id": "1", "text": "' + b"x" * 3 * LETTER_BYTES + b'"}'
    read = FeedRecord(long, NEWS, 4_711, 4_712)
    dead = parse(read, ParseLimits())
    assert isinstance(dead, DeadLetter)
    assert (from_record(to_record(dead)).is_whole, dict(to_record(dead).headers)["cut"]) == (False, b"?")
    dead = parse(read._replace(original=Original(None, long, (), 1_700_000_000_000)), ParseLimits())
    assert isinstance(dead, DeadLetter)
    kept = from_record(to_record(dead))
    assert (kept.is_whole, kept.original.value, kept.letter.value) == (True, long, long[:LETTER_BYTES])


def test_what_a_reader_cut_is_never_called_whole() -> None:
    oversize = letter(value=b"[" * 100, reason=DeadLetterReason.OVERSIZE)
    assert not from_record(to_record(oversize)).is_whole


def test_long_detail_is_cut_and_odd_text_does_no_harm() -> None:
    told = DeadLetter(DeadLetterReason.BAD_FIELD, "\ud800 新" * 400, NEWS, 1, b"")
    detail = from_record(to_record(told)).letter.detail
    assert len(detail) == MAX_DETAIL_CHARS
    assert detail.startswith("? 新")


@pytest.mark.parametrize(
    "record",
    [
        Record(None, None, ()),
        Record(b"feeds.news/2@4711", BAD, ()),
        to_record(letter())._replace(value=None),
        to_record(letter())._replace(key=b"feeds.news/2@4712"),
        to_record(letter())._replace(key=None),
        changed(to_record(letter()), kind=b"scored"),
        changed(to_record(letter()), version=b"2"),
        changed(to_record(letter()), version=None),
        changed(to_record(letter()), reason=b"boredom"),
        changed(to_record(letter()), source_offset=b"many"),
        changed(to_record(letter()), source_topic=b"\xff"),
        changed(to_record(letter()), source_partition=None),
        changed(to_record(letter()), source_timestamp=b"noon"),
        changed(to_record(letter()), cut=b"perhaps"),
        redriven_mark(letter(), "feeds.news/2@5000"),
    ],
)
def test_record_that_is_no_letter_is_refused(record: Record) -> None:
    with pytest.raises(RecordError):
        from_record(record)


# ---- sent again


def test_record_is_sent_again_as_it_was_and_says_where_from() -> None:
    original = Original(b"halden", BAD, (("trace", b"7"), ("redriven_from", b"feeds.news/2@9")), 1_700_000_000_000)
    record = redriven_record(from_record(to_record(kept_of(original))))
    assert record == Record(b"halden", BAD, (("trace", b"7"), ("redriven_from", b"feeds.news/2@4711")))


def test_what_was_cut_is_not_sent_again() -> None:
    with pytest.raises(ValueError, match="another record"):
        redriven_record(from_record(to_record(letter(value=b"x" * LETTER_BYTES))))
