"""Framing: lines out of blocks, however the blocks are cut."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition
from monitor.transports.lines import LineSplitter

WIRE = InputPartition("wire")


def split(blocks: list[bytes], max_record_bytes: int = 1_000, max_records: int = 1_000) -> list[FeedRecord]:
    splitter = LineSplitter(WIRE, max_record_bytes)
    records: list[FeedRecord] = []
    for block in blocks:
        splitter.feed(block, None)
        while not splitter.is_drained:
            splitter.take(max_records, records)
    splitter.finish()
    splitter.take(max_records, records)
    return records


def test_offsets_name_the_bytes_of_the_file() -> None:
    text = b'{"a":1}\r\n\n  \t\r\n{"b":2}\n{"c":3}'
    records = split([text])
    assert [record.value for record in records] == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert [text[record.offset : record.offset + 7] for record in records] == [record.value for record in records]
    assert records[-1].next_offset == len(text)


def test_blank_lines_are_counted_and_take_no_room_in_a_poll() -> None:
    splitter = LineSplitter(WIRE, 1_000)
    splitter.feed(b"\n \n\r\n\t\n{}\n\n{}\n", None)
    records: list[FeedRecord] = []
    splitter.take(1, records)
    assert [record.value for record in records] == [b"{}"]
    splitter.take(5, records)
    assert len(records) == 2 and splitter.blank_lines == 5


def test_a_return_and_its_newline_may_lie_in_two_blocks() -> None:
    assert [record.value for record in split([b'{"a":1}\r', b'\n{"b":2}\n'])] == [b'{"a":1}', b'{"b":2}']


def test_byte_order_mark_is_no_part_of_the_first_record() -> None:
    first, second = split([b"\xef\xbb", b"\xbf{}\n\xef\xbb\xbf{}\n"])
    assert (first.value, first.offset, first.next_offset) == (b"{}", 3, 6)
    assert second.value == b"\xef\xbb\xbf{}"


def test_a_line_at_the_limit_is_whole_and_one_byte_more_is_oversize() -> None:
    for end in (b"\n", b"\r\n", b""):
        whole, longer = split([b"x" * 100 + b"\n" + b"y" * 101 + end], max_record_bytes=100)
        assert (whole.value, whole.fault) == (b"x" * 100, None)
        assert (longer.value, longer.fault) == (b"y" * 101, DeadLetterReason.OVERSIZE)
        (at_limit,) = split([b"z" * 100 + end], max_record_bytes=100)
        assert at_limit.fault is None


def test_an_oversize_line_is_one_record_with_its_first_bytes_and_the_next_line_is_good() -> None:
    first, second = split([b"a" * 9_000, b"b" * 9_000, b"c" * 10 + b'\n{"id":1}\n'], max_record_bytes=5_000)
    assert (first.fault, first.value) == (DeadLetterReason.OVERSIZE, b"a" * 4_096)
    assert (first.offset, first.next_offset) == (0, 18_011)
    assert (second.value, second.offset, second.fault) == (b'{"id":1}', 18_011, None)


def test_memory_stays_bounded_under_a_line_of_fifty_megabytes() -> None:
    splitter = LineSplitter(WIRE, 1_000_000)
    records: list[FeedRecord] = []
    tracemalloc.start()
    block = b"n" * 250_000
    for _ in range(200):
        splitter.feed(block, None)
        splitter.take(10, records)
    splitter.feed(b"\n{}\n", None)
    splitter.take(10, records)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [record.fault for record in records] == [DeadLetterReason.OVERSIZE, None]
    assert records[0].next_offset == 50_000_001
    assert peak < 4_000_000, f"{peak} bytes"


def test_a_stream_that_breaks_off_tells_where_even_with_nothing_in_hand() -> None:
    splitter = LineSplitter(WIRE, 1_000)
    records: list[FeedRecord] = []
    splitter.feed(b"{}\n", None)
    splitter.take(5, records)
    assert splitter.fail() == 4
    splitter.take(5, records)
    assert (records[1].value, records[1].offset, records[1].next_offset) == (b"", 3, 4)
    assert records[1].fault is DeadLetterReason.TRUNCATED


_BYTES = st.lists(
    st.sampled_from([b"{", b"x" * 7, b"\n", b"\r", b" ", b"\xef\xbb\xbf", b"\xff", b"y" * 5_000]), max_size=40
)


@given(pieces=_BYTES, cuts=st.lists(st.integers(0, 60), max_size=20), max_records=st.integers(1, 3))
def test_records_do_not_depend_on_how_the_blocks_are_cut(
    pieces: list[bytes], cuts: list[int], max_records: int
) -> None:
    text = b"".join(pieces)
    blocks, rest = [], text
    for cut in cuts:
        blocks.append(rest[:cut])
        rest = rest[cut:]
    assert split([*blocks, rest], 20, max_records) == split([text], 20)
