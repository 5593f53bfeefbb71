"""Dead letters: the bytes and their story come back exactly, and each is sent again once."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.delivery.deadletters import (
    CUT_BYTES,
    MAX_DETAIL_CHARS,
    Record,
    RedrivePlan,
    from_record,
    plan_redrive,
    redriven_mark,
    redriven_record,
    to_record,
)
from monitor.domain.document import DeadLetter, DeadLetterReason, FeedRecord, InputPartition
from monitor.errors import RecordError
from monitor.operators.parse import ParseLimits, parse
from tests.delivery.things import NEWS

BAD = b'{"id": "1", "source": "harbour-wire", "published_at": "soon", "text": "Halden Bank halts withdrawals"}'


def letter(offset: int = 4_711, value: bytes = BAD, reason: DeadLetterReason = DeadLetterReason.BAD_TIME) -> DeadLetter:
    return DeadLetter(reason, "published_at: give an ISO 8601 time", NEWS, offset, value)


def changed(record: Record, **headers: bytes | None) -> Record:
    """The record with other headers; None takes one away."""
    kept = {**dict(record.headers), **headers}
    return record._replace(headers=tuple((name, value) for name, value in kept.items() if value is not None))


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


def test_long_record_is_kept_whole_where_the_caller_still_has_it() -> None:
    long = b'{"id": "1", "text": "' + b"x" * 3 * CUT_BYTES + b'"}'
    dead = parse(FeedRecord(long, NEWS, 4_711, 4_712), ParseLimits())
    assert isinstance(dead, DeadLetter)
    assert not from_record(to_record(dead)).is_whole
    kept = from_record(to_record(dead, long))
    assert (kept.is_whole, kept.letter.value) == (True, long)


def test_what_the_transport_cut_is_never_called_whole() -> None:
    oversize = letter(value=b"[" * 100, reason=DeadLetterReason.OVERSIZE)
    assert not from_record(to_record(oversize)).is_whole
    assert not from_record(to_record(oversize, oversize.value)).is_whole


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
        changed(to_record(letter()), whole=b"perhaps"),
        redriven_mark(letter()),
    ],
)
def test_record_that_is_no_letter_is_refused(record: Record) -> None:
    with pytest.raises(RecordError):
        from_record(record)


# ---- sent again


def test_letter_is_sent_again_as_it_was_read_and_says_where_from() -> None:
    record = redriven_record(letter())
    assert (record.value, record.headers) == (BAD, (("redriven_from", b"feeds.news/2@4711"),))


def test_letter_is_sent_once_however_often_it_is_asked_for() -> None:
    log = [to_record(letter(1)), to_record(letter(2)), to_record(letter(1))]
    first = plan_redrive(log)
    assert [one.offset for one in first.send] == [1, 2]
    log += [redriven_mark(one) for one in first.send]
    assert plan_redrive(log) == RedrivePlan((), 2, (), (), 0)


def test_crash_half_way_sends_only_what_has_no_mark() -> None:
    log = [to_record(letter(offset)) for offset in range(4)]
    log += [redriven_mark(letter(0)), redriven_mark(letter(2))]
    assert [one.offset for one in plan_redrive(log).send] == [1, 3]


def test_letter_that_is_made_again_after_its_mark_is_not_sent_again() -> None:
    """Score read the input again from an older commit, and found the same record unusable again."""
    log = [to_record(letter(1)), redriven_mark(letter(1)), to_record(letter(1))]
    assert plan_redrive(log).send == ()


def test_record_that_is_dead_again_at_its_new_place_is_a_letter_of_its_own() -> None:
    log = [to_record(letter(1)), redriven_mark(letter(1)), to_record(letter(90))]
    assert [one.offset for one in plan_redrive(log).send] == [90]


def test_what_was_not_kept_whole_is_named_and_not_sent() -> None:
    cut = letter(1, b"x" * CUT_BYTES)
    assert plan_redrive([to_record(cut)]) == RedrivePlan((), 0, (cut,), (), 0)


def test_letter_that_was_cut_at_first_and_is_whole_later_is_sent() -> None:
    long = b"x" * 2 * CUT_BYTES
    cut = letter(1, long[:CUT_BYTES])
    for log in ([to_record(cut), to_record(cut, long)], [to_record(cut, long), to_record(cut)]):
        assert [one.value for one in plan_redrive(log).send] == [long]


def test_record_that_kills_the_process_is_sent_only_where_that_is_said() -> None:
    log = [to_record(letter(1, reason=DeadLetterReason.CRASHED)), to_record(letter(2))]
    plan = plan_redrive(log)
    assert ([one.offset for one in plan.send], [one.offset for one in plan.crashed]) == ([2], [1])
    assert [one.offset for one in plan_redrive(log, with_crashed=True).send] == [1, 2]


def test_records_of_others_are_counted_and_passed_over() -> None:
    log = [Record(None, None, ()), changed(to_record(letter(7)), version=b"2"), to_record(letter(1))]
    plan = plan_redrive(log)
    assert ([one.offset for one in plan.send], plan.unreadable) == ([1], 2)


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 1_000))
def test_redrive_that_dies_anywhere_and_is_given_again_leaves_nothing_open(offsets: list[int], seed: int) -> None:
    rng, sent = random.Random(seed), list[int]()
    log = [to_record(letter(offset)) for offset in offsets]
    while plan := plan_redrive(log).send:
        for one in plan:
            sent.append(one.offset)
            if rng.random() < 0.3:
                break  # sent, and died before it was marked
            log.append(redriven_mark(one))
    assert set(sent) == set(offsets)
    assert plan_redrive(log).redriven == len(set(offsets))
