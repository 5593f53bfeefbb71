"""Redrive: each letter is sent again once, however often that is asked for, and nothing that must not be."""

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from monitor.delivery.deadletters import Record, redriven_mark, to_record
from monitor.delivery.redrive import SKETCH_BYTES, Entry, RedrivePlan, Shelf, Wanted, plan_redrive
from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason, InputPartition, Original
from tests.delivery.things import NEWS, letter

PLACE = InputPartition("sentiment.dead-letter", 1)


def shelf_of(log: Iterable[Record]) -> Shelf:
    """The letters of a log, a second between two records."""
    shelf = Shelf()
    for at, record in enumerate(log):
        shelf.add(PLACE, at, 1_000 * at, record)
    return shelf


def plan_of(log: Iterable[Record], *, with_crashed: bool = False) -> RedrivePlan:
    return plan_redrive(shelf_of(log).entries(), with_crashed=with_crashed)


def mark(letter: DeadLetter) -> Record:
    return redriven_mark(letter, "feeds.news/2@9000")


def offsets(entries: Iterable[Entry]) -> list[int]:
    return [one.letter.offset for one in entries]


def test_letter_is_sent_once_however_often_it_is_asked_for() -> None:
    log = [to_record(letter(1)), to_record(letter(2)), to_record(letter(1))]
    first = plan_of(log)
    assert offsets(first.send) == [1, 2]
    log += [mark(one.letter) for one in first.send]
    again = plan_of(log)
    assert (again.send, offsets(again.sent_before)) == ((), [1, 2])
    assert {one.sent_to for one in again.sent_before} == {"feeds.news/2@9000"}


def test_crash_half_way_sends_only_what_has_no_mark() -> None:
    log = [to_record(letter(offset)) for offset in range(4)]
    assert offsets(plan_of([*log, mark(letter(0)), mark(letter(2))]).send) == [1, 3]


def test_letter_that_is_made_again_after_its_mark_is_not_sent_again() -> None:
    """Score read the input again from an older commit, and found the same record unusable again."""
    assert plan_of([to_record(letter(1)), mark(letter(1)), to_record(letter(1))]).send == ()


def test_record_that_is_dead_again_at_its_new_place_is_a_letter_of_its_own() -> None:
    assert offsets(plan_of([to_record(letter(1)), mark(letter(1)), to_record(letter(90))]).send) == [90]


def test_what_was_not_kept_whole_is_named_and_not_sent() -> None:
    plan = plan_of([to_record(letter(1, b"x" * LETTER_BYTES))])
    assert (plan.send, offsets(plan.cut)) == ((), [1])


def test_letter_that_was_cut_at_first_and_is_whole_later_is_sent() -> None:
    long = b"x" * 2 * LETTER_BYTES
    cut = letter(1, long[:LETTER_BYTES])
    whole = DeadLetter(cut.reason, cut.detail, NEWS, 1, cut.value, Original(None, long, (), 0))
    for log in ([to_record(cut), to_record(whole)], [to_record(whole), to_record(cut)]):
        (sent,) = plan_of(log).send
        assert (sent.size, sent.at) == (len(long), log.index(to_record(whole)))


def test_record_that_kills_the_process_is_sent_only_where_that_is_said() -> None:
    log = [to_record(letter(1, reason=DeadLetterReason.CRASHED)), to_record(letter(2))]
    plan = plan_of(log)
    assert (offsets(plan.send), offsets(plan.crashed)) == ([2], [1])
    assert offsets(plan_of(log, with_crashed=True).send) == [1, 2]


def test_records_of_others_are_counted_and_passed_over() -> None:
    foreign = to_record(letter(7))
    foreign = foreign._replace(headers=(*foreign.headers, ("version", b"2")))
    shelf = shelf_of([Record(None, None, ()), foreign, to_record(letter(1))])
    assert (offsets(shelf.entries()), shelf.unreadable) == ([1], 2)


def test_letters_are_chosen_by_name_reason_source_and_time() -> None:
    news, posts = letter(1), letter(2, reason=DeadLetterReason.NO_TEXT)
    other = DeadLetter(DeadLetterReason.NO_TEXT, "", InputPartition("feeds.posts", 2), 2, b"")
    entries = shelf_of([to_record(news), to_record(posts), to_record(other)]).entries()

    def chosen(wanted: Wanted) -> list[str]:
        return [one.position for one in entries if wanted.takes(one)]

    first, second, third = "feeds.news/2@1", "feeds.news/2@2", "feeds.posts/2@2"
    assert chosen(Wanted()) == [first, second, third]
    assert chosen(Wanted(positions=frozenset({third, "feeds.news/2@77"}))) == [third]
    assert chosen(Wanted(reasons=frozenset({DeadLetterReason.NO_TEXT}))) == [second, third]
    assert chosen(Wanted(source="feeds.news")) == chosen(Wanted(source="feeds.news/2")) == [first, second]
    assert chosen(Wanted(source="feeds.news/1")) == []
    assert chosen(Wanted(since_ms=1_000)) == [second, third]


def test_a_shelf_keeps_the_first_words_and_not_megabytes() -> None:
    (entry,) = shelf_of([to_record(letter(1, b"x" * 4_000))]).entries()
    assert len(entry.letter.value) == SKETCH_BYTES
    assert (entry.size, entry.is_whole) == (4_000, True)


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 1_000))
def test_redrive_that_dies_anywhere_and_is_given_again_leaves_nothing_open(made: list[int], seed: int) -> None:
    rng, sent = random.Random(seed), list[int]()
    log = [to_record(letter(offset)) for offset in made]
    while plan := plan_of(log).send:
        for one in plan:
            sent.append(one.letter.offset)
            if rng.random() < 0.3:
                break  # sent, and died before it was marked
            log.append(mark(one.letter))
    assert set(sent) == set(made)
    assert len(plan_of(log).sent_before) == len(set(made))
