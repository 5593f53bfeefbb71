"""JoinedFeed: several feeds as one; fair, and not slowed by the quiet ones."""

import json

import pytest

from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import TransientError
from monitor.transports.joined import JoinedFeed
from monitor.transports.memory import MemoryFeed

NEWS, POSTS, WIRE = InputPartition("news"), InputPartition("posts"), InputPartition("wire")


def feed(partition: InputPartition, count: int) -> MemoryFeed:
    return MemoryFeed({partition: [json.dumps({"n": number}).encode() for number in range(count)]})


class Failing(MemoryFeed):
    """A feed whose disk does not answer."""

    def poll(self, max_records: int) -> list[FeedRecord]:
        raise TransientError("the disk is away", 3.0)


def test_two_busy_feeds_share_a_poll() -> None:
    joined = JoinedFeed([feed(NEWS, 50), feed(POSTS, 50)])
    polled = joined.poll(10)
    assert [record.source_partition for record in polled] == [NEWS] * 5 + [POSTS] * 5


@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_busy_feed_beside_quiet_ones_fills_the_poll(place: int) -> None:
    feeds = [feed(InputPartition(f"quiet {number}"), 0) for number in range(9)]
    feeds.insert(place, feed(NEWS, 500))
    joined = JoinedFeed(feeds)
    assert [record.offset for record in joined.poll(100)] == list(range(100))


def test_polls_of_one_record_visit_every_feed() -> None:
    joined = JoinedFeed([feed(NEWS, 5), feed(POSTS, 5), feed(WIRE, 5)])
    assert [joined.poll(1)[0].source_partition for _ in range(6)] == [NEWS, POSTS, WIRE] * 2


@pytest.mark.parametrize("most", [1, 3, 7, 100])
def test_every_record_comes_once_and_in_order(most: int) -> None:
    joined = JoinedFeed([feed(NEWS, 23), feed(POSTS, 4), feed(WIRE, 0)])
    offsets: dict[InputPartition, list[int]] = {NEWS: [], POSTS: [], WIRE: []}
    while polled := joined.poll(most):
        assert len(polled) <= most
        for record in polled:
            offsets[record.source_partition].append(record.offset)
    assert offsets == {NEWS: list(range(23)), POSTS: list(range(4)), WIRE: []}


def test_a_feed_that_fails_stops_nothing_but_itself() -> None:
    joined = JoinedFeed([Failing({NEWS: [b"{}"]}), feed(POSTS, 2)])
    assert len(joined.poll(10)) == 2
    assert joined.read_errors == 1
    with pytest.raises(TransientError, match="away"):
        joined.poll(10)


def test_each_partition_is_its_own_feeds() -> None:
    joined = JoinedFeed([feed(NEWS, 3), feed(POSTS, 3)])
    assert list(joined.partitions) == [NEWS, POSTS]
    joined.pause(NEWS)
    assert {record.source_partition for record in joined.poll(10)} == {POSTS}
    assert joined.has_ended(POSTS) and not joined.has_ended(NEWS)
    joined.resume(NEWS)
    position = joined.mark(NEWS, 2)
    joined.poll(10)
    joined.seek(NEWS, position)
    assert [record.offset for record in joined.poll(10)] == [2]
    joined.close()
