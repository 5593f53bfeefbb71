"""What every feed promises; the same checks on lists in memory, files, files that are followed, URLs, and Kafka."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import ManualClock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import StateError
from monitor.ports import Feed
from monitor.transports.entries import Entry, EntryOutcome
from monitor.transports.fetch import Validators
from monitor.transports.files import FileFeed
from monitor.transports.joined import JoinedFeed
from monitor.transports.memory import MemoryFeed
from monitor.transports.web_feed import WebFeed

NEWS, POSTS = InputPartition("news"), InputPartition("posts")

Contents = Mapping[InputPartition, Sequence[bytes]]
OpenFeed = Callable[[Contents], Feed]


def documents(count: int, word: str = "Orrin Mills") -> list[bytes]:
    return [json.dumps({"id": str(index), "text": f"{word} restates year {index}"}).encode() for index in range(count)]


def write(folder: Path, contents: Contents, suffix: str) -> list[str]:
    paths = []
    for partition, values in contents.items():
        path = folder / f"{partition.kafka_topic}{suffix}"
        text = b"".join(value + b"\n" for value in values)
        path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
        paths.append(str(path))
    return paths


class Looking(WebFeed):
    """A URL's feed that looks at its server whenever it has nothing to give."""

    def __init__(self, partition: InputPartition, held: Sequence[bytes]) -> None:
        super().__init__(partition.kafka_topic, ManualClock())
        self._held = [Entry(index.to_bytes(8), value, EntryOutcome.NEW) for index, value in enumerate(held)]

    def poll(self, max_records: int) -> list[FeedRecord]:
        records = super().poll(max_records)
        turn = None if records else self.begin()
        if turn is None or turn.validators.etag == "all":
            return records
        self.admit(turn, self._held, Validators("all"))
        return super().poll(max_records)


KAFKA = pytest.param("kafka", marks=[pytest.mark.slow, pytest.mark.real])


@pytest.fixture(params=["memory", "plain files", "gzip files", "followed files", "URLs", KAFKA])
def open_feed(request: pytest.FixtureRequest, tmp_path: Path) -> OpenFeed:
    """Opens a feed of these contents; opened twice, it is the same feed in a later run."""
    openers: dict[str, OpenFeed] = {
        "memory": lambda contents: MemoryFeed(contents),
        "plain files": lambda contents: FileFeed(write(tmp_path, contents, ".jsonl"), follow=False, clock=None),
        "gzip files": lambda contents: FileFeed(write(tmp_path, contents, ".jsonl.gz"), follow=False, clock=None),
        "followed files": lambda contents: FileFeed(
            write(tmp_path, contents, ".jsonl"), follow=True, clock=ManualClock()
        ),
        "URLs": lambda contents: JoinedFeed([Looking(partition, held) for partition, held in contents.items()]),
    }
    if request.param == "kafka":
        # Here, because the slim set has no client for it.
        from tests.transports.kafka_room import KafkaRoom

        return KafkaRoom(request.getfixturevalue("kafka_bootstrap"), request.getfixturevalue("fresh")).open_feed
    return openers[request.param]


def drain(feed: Feed, max_records: int = 7) -> list[FeedRecord]:
    records: list[FeedRecord] = []
    while polled := feed.poll(max_records):
        assert len(polled) <= max_records
        records += polled
    return records


def values(records: Sequence[FeedRecord], partition: InputPartition) -> list[bytes]:
    return [record.value for record in records if record.source_partition == partition]


def test_every_partition_is_named_whether_read_or_not(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(1), POSTS: []})
    assert list(feed.partitions) == [NEWS, POSTS]
    feed.close()


@pytest.mark.parametrize("max_records", [1, 2, 7, 1_000])
def test_each_record_comes_once_and_in_order_at_any_batch_size(open_feed: OpenFeed, max_records: int) -> None:
    contents = {NEWS: documents(23), POSTS: documents(9, "Tallow & Pike")}
    feed = open_feed(contents)
    records = drain(feed, max_records)
    assert {partition: values(records, partition) for partition in contents} == contents
    feed.close()


def test_offsets_rise_and_each_record_ends_where_the_next_begins(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(12)})
    records = drain(feed)
    assert records[0].offset == 0
    assert [record.next_offset for record in records[:-1]] == [record.offset for record in records[1:]]
    assert all(record.offset < record.next_offset for record in records)
    feed.close()


def test_partitions_share_a_poll(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(50), POSTS: documents(50)})
    polled = feed.poll(10)
    assert len(values(polled, NEWS)) == len(values(polled, POSTS)) == 5
    feed.close()


def test_polls_of_one_record_visit_every_partition(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(5), POSTS: documents(5)})
    turns = [feed.poll(1)[0].source_partition for _ in range(4)]
    assert turns == [NEWS, POSTS, NEWS, POSTS]
    feed.close()


def test_a_paused_partition_gives_nothing_until_it_is_resumed(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(5), POSTS: documents(5)})
    feed.pause(NEWS)
    assert {record.source_partition for record in drain(feed)} == {POSTS}
    assert not feed.has_ended(NEWS)
    feed.resume(NEWS)
    assert values(drain(feed), NEWS) == documents(5)
    feed.close()


@pytest.mark.parametrize("stop_after", [0, 1, 8, 20])
def test_a_later_run_goes_on_at_any_record_that_was_marked(open_feed: OpenFeed, stop_after: int) -> None:
    contents = {NEWS: documents(20)}
    first = open_feed(contents)
    records = drain(first)
    position = first.mark(NEWS, records[stop_after].offset if stop_after < 20 else records[-1].next_offset)
    first.close()
    second = open_feed(contents)
    second.seek(NEWS, position)
    assert drain(second) == records[stop_after:]
    second.close()


def test_seeking_back_in_the_same_feed_reads_the_same_again(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(20)})
    start = feed.mark(NEWS, 0)
    records = drain(feed, 3)
    middle = feed.mark(NEWS, records[11].offset)
    feed.seek(NEWS, middle)
    assert drain(feed, 2) == records[11:]
    feed.seek(NEWS, start)
    assert drain(feed, 5) == records
    feed.close()


def test_a_mark_just_after_a_seek_is_the_position_that_was_sought(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(20)})
    records = feed.poll(6)
    position = feed.mark(NEWS, records[-1].next_offset)
    feed.seek(NEWS, position)
    again = feed.mark(NEWS, records[-1].next_offset)
    feed.seek(NEWS, again)
    assert feed.poll(1)[0].offset == records[-1].next_offset
    feed.close()


def test_a_text_that_is_no_position_is_a_state_error(open_feed: OpenFeed) -> None:
    feed = open_feed({NEWS: documents(3)})
    for text in ("", "{}", "null", "[1]", '{"at":"x","after":1}', '{"v":1,"at":-1}', "\ud800"):
        with pytest.raises(StateError, match="--state"):
            feed.seek(NEWS, text)
    feed.close()


@pytest.mark.parametrize("suffix", [None, ".jsonl", ".jsonl.gz"])
def test_a_position_in_another_feed_is_a_state_error(tmp_path: Path, suffix: str | None) -> None:
    def opened(contents: Contents) -> Feed:
        if suffix is None:
            return MemoryFeed(contents)
        return FileFeed(write(tmp_path, contents, suffix), follow=False, clock=None)

    first = opened({NEWS: documents(10)})
    position = first.mark(NEWS, first.poll(5)[-1].next_offset)
    first.close()
    second = opened({NEWS: documents(10, "Another plc")})
    with pytest.raises(StateError, match="same feed"):
        second.seek(NEWS, position)
    second.close()


@pytest.mark.parametrize("suffix", [None, ".jsonl", ".jsonl.gz"])
def test_a_feed_that_is_complete_ends_when_its_last_record_was_taken(tmp_path: Path, suffix: str | None) -> None:
    contents = {NEWS: documents(4), POSTS: []}
    feed: Feed = MemoryFeed(contents)
    if suffix is not None:
        feed = FileFeed(write(tmp_path, contents, suffix), follow=False, clock=None)
    feed.poll(2)
    assert not feed.has_ended(NEWS)
    drain(feed)
    assert feed.has_ended(NEWS) and feed.has_ended(POSTS)
    feed.close()


def test_an_open_memory_feed_delivers_what_is_added_and_ends_when_told() -> None:
    feed = MemoryFeed({NEWS: []}, is_open=True)
    assert feed.poll(5) == [] and not feed.has_ended(NEWS)
    feed.append(NEWS, b"{}", arrival_ms=60_000)
    assert [(record.value, record.arrival_ms) for record in feed.poll(5)] == [(b"{}", 60_000)]
    feed.end(NEWS)
    assert feed.has_ended(NEWS)


# No newline inside a value, and no white space around it: what a writer of JSON lines sends.
_VALUES = st.lists(st.binary(min_size=1, max_size=40).filter(lambda v: b"\n" not in v and v.strip() == v), max_size=30)


@settings(max_examples=60, deadline=None)
@given(held=_VALUES, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=40), is_gzip=st.booleans())
def test_files_and_memory_deliver_the_same_whatever_the_bytes_and_batches(
    tmp_path_factory: pytest.TempPathFactory, held: list[bytes], sizes: list[int], is_gzip: bool
) -> None:
    if held:
        held[0] = b"{" + held[0]  # a byte order mark or gzip's magic at the very start would not be text
    folder = tmp_path_factory.mktemp("feed")
    paths = write(folder, {NEWS: held}, ".jsonl.gz" if is_gzip else ".jsonl")
    feed = FileFeed(paths, follow=False, clock=None)
    polled = [record.value for size in sizes for record in feed.poll(size)]
    assert polled == held[: len(polled)]
    polled += [record.value for record in drain(feed)]
    assert polled == held and feed.has_ended(NEWS)
    feed.close()
