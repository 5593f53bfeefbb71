"""WebFeed: the hand-over from the thread that fetches to the loop that polls."""

from concurrent.futures import ThreadPoolExecutor

from monitor.clock import ManualClock
from monitor.domain.document import DeadLetterReason
from monitor.transports.entries import Entry, EntryOutcome
from monitor.transports.fetch import Validators
from monitor.transports.lines import FAULT_BYTES
from monitor.transports.web_feed import WebFeed

VALIDATORS = Validators('"v1"')


def entries(*numbers: int, size: int = 2) -> list[Entry]:
    return [Entry(number.to_bytes(8), b"{" * size, EntryOutcome.NEW) for number in numbers]


def admit(feed: WebFeed, *numbers: int, size: int = 2) -> int:
    turn = feed.begin()
    assert turn is not None
    return len(feed.admit(turn, entries(*numbers, size=size), VALIDATORS))


def test_records_bear_the_moment_of_the_fetch() -> None:
    clock = ManualClock(5_000)
    feed = WebFeed("wire.example.com/rss", clock)
    admit(feed, 1, 2)
    clock.advance(seconds=60)
    admit(feed, 2, 3)
    assert [(record.offset, record.arrival_ms) for record in feed.poll(10)] == [(0, 5_000), (1, 5_000), (2, 65_000)]
    assert not feed.has_ended(feed.partition)


def test_an_entry_over_the_limit_is_an_oversize_record_and_the_next_one_is_read() -> None:
    feed = WebFeed("wire.example.com/rss", ManualClock(), max_record_bytes=FAULT_BYTES + 100)
    admit(feed, 1, size=FAULT_BYTES + 101)
    admit(feed, 2, size=FAULT_BYTES + 100)
    large, usual = feed.poll(10)
    assert (large.fault, len(large.value)) == (DeadLetterReason.OVERSIZE, FAULT_BYTES)
    assert (usual.fault, len(usual.value)) == (None, FAULT_BYTES + 100)


def test_nothing_is_fetched_while_too_much_waits_to_be_polled() -> None:
    feed = WebFeed("wire.example.com/rss", ManualClock(), queue_bytes=100)
    feed.pause(feed.partition)
    admit(feed, 1, 2, size=50)
    assert feed.poll(10) == [] and feed.begin() is None
    feed.resume(feed.partition)
    assert len(feed.poll(1)) == 1
    assert feed.begin() is not None


def test_a_fetch_that_began_before_a_seek_changes_nothing() -> None:
    feed = WebFeed("wire.example.com/rss", ManualClock())
    start = feed.mark(feed.partition, 0)
    turn = feed.begin()
    assert turn is not None
    feed.seek(feed.partition, start)
    assert feed.admit(turn, entries(1), VALIDATORS) == []
    assert feed.poll(10) == []
    assert admit(feed, 1) == 1


def test_a_closed_feed_takes_nothing_more() -> None:
    feed = WebFeed("wire.example.com/rss", ManualClock())
    turn = feed.begin()
    assert turn is not None
    feed.close()
    assert feed.admit(turn, entries(1), VALIDATORS) == [] and feed.begin() is None


def test_what_waits_to_be_polled_is_no_part_of_a_position() -> None:
    first = WebFeed("wire.example.com/rss", ManualClock())
    admit(first, 1, 2, 3)
    taken = first.poll(1)
    second = WebFeed("wire.example.com/rss", ManualClock())
    second.seek(second.partition, first.mark(first.partition, taken[-1].next_offset))
    turn = second.begin()
    assert turn is not None and turn.validators == Validators()
    assert admit(second, 1, 2, 3) == 2
    assert [record.offset for record in second.poll(10)] == [1, 2]


def test_polling_while_another_thread_admits_loses_and_repeats_nothing() -> None:
    feed = WebFeed("wire.example.com/rss", ManualClock())
    polled: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        admitting = pool.submit(lambda: [admit(feed, *range(n, n + 40)) for n in range(0, 2_000, 20)])
        while not admitting.done() or len(polled) < feed._seen.end:
            polled += [record.offset for record in feed.poll(7)]
            feed.mark(feed.partition, len(polled))
    assert polled == list(range(2_020))
