"""Files that are complete, pipes, and what a path may be; tests of files that grow are in test_follow.py."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.clock import ManualClock
from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition
from monitor.errors import ConfigError, DependencyError, StateError, TransientError
from monitor.transports.files import FileFeed
from monitor.transports.pipe import PipeReader
from monitor.transports.positions import Position

DAY = InputPartition("day")


def lines(count: int, first: int = 0) -> bytes:
    return b"".join(
        json.dumps({"id": str(index), "text": f"Quill Harbour lends more in week {index}"}).encode() + b"\n"
        for index in range(first, first + count)
    )


def replay(*paths: Path | str, max_record_bytes: int = 1_000_000) -> FileFeed:
    return FileFeed([str(path) for path in paths], follow=False, clock=None, max_record_bytes=max_record_bytes)


def drain(feed: FileFeed) -> list[FeedRecord]:
    records: list[FeedRecord] = []
    while not all(feed.has_ended(partition) for partition in feed.partitions):
        records += feed.poll(100)
    return records


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- what a path may be ---


def test_partitions_are_named_after_their_files_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    paths = [
        write(tmp_path / "day.jsonl.gz", b""),
        write(tmp_path / "old" / "day.jsonl", b""),
        write(tmp_path / "posts.txt", b""),
        write(tmp_path / ".jsonl", b""),
    ]
    feed = replay(*paths)
    assert [partition.kafka_topic for partition in feed.partitions] == ["day", "day#2", "posts.txt", ".jsonl"]
    feed.close()


def test_all_paths_that_cannot_be_read_are_told_together(tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", lines(1))
    with pytest.raises(ConfigError) as caught:
        replay(tmp_path / "absent.jsonl", good, tmp_path, good)
    told = caught.value.faults
    assert len(told) == 3
    assert "absent.jsonl: there is no such file" in told[0]
    assert "is a directory" in told[1]
    assert "given twice" in told[2]


@pytest.mark.parametrize("follow", [False, True])
def test_a_file_without_permission_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, follow: bool
) -> None:
    # The superuser may read everything, so the answer of the system is given here instead of asked for.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match=r"secret\.jsonl: there is no permission"):
        FileFeed([str(write(tmp_path / "secret.jsonl", b""))], follow=follow, clock=ManualClock())


def test_to_follow_without_a_clock_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="clock"):
        FileFeed([str(tmp_path / "x.jsonl")], follow=True, clock=None)


# --- files that are complete ---


def test_an_empty_file_ends_without_a_record(tmp_path: Path) -> None:
    for path in (write(tmp_path / "a.jsonl", b""), write(tmp_path / "b.jsonl", gzip.compress(b""))):
        feed = replay(path)
        assert drain(feed) == []
        feed.close()


def test_the_last_line_of_a_complete_file_needs_no_newline(tmp_path: Path) -> None:
    for path in (
        write(tmp_path / "day.jsonl", lines(3)[:-1]),
        write(tmp_path / "day.gz", gzip.compress(lines(3)[:-1])),
    ):
        feed = replay(path)
        records = drain(feed)
        assert [record.value for record in records] == lines(3).splitlines()
        assert records[-1].next_offset == len(lines(3)) - 1
        assert all(record.arrival_ms is None for record in records)
        feed.close()


def test_gzip_is_told_by_its_first_bytes_not_by_its_name(tmp_path: Path) -> None:
    feed = replay(write(tmp_path / "a.jsonl", gzip.compress(lines(2))), write(tmp_path / "b.jsonl.gz", lines(2)))
    assert [record.value for record in drain(feed)] == lines(2).splitlines() * 2
    feed.close()


def test_gzip_members_follow_each_other_and_padding_is_no_damage(tmp_path: Path) -> None:
    text = lines(20)
    members = [gzip.compress(text[:333]), b"\0" * 70_000, gzip.compress(b""), gzip.compress(text[333:]), b"\0" * 9]
    feed = replay(write(tmp_path / "day.jsonl", b"".join(members)))
    assert [record.value for record in drain(feed)] == text.splitlines()
    feed.close()


def test_lines_over_many_blocks_come_out_whole(tmp_path: Path) -> None:
    long_lines = [b"%d " % index + bytes([97 + index % 26]) * 99_991 for index in range(40)]
    text = b"\n".join(long_lines)
    for path in (write(tmp_path / "day.jsonl", text), write(tmp_path / "day.gz", gzip.compress(text, 1))):
        feed = replay(path)
        assert [record.value for record in drain(feed)] == long_lines
        feed.close()


def test_blank_lines_are_counted_over_all_files(tmp_path: Path) -> None:
    feed = replay(write(tmp_path / "a.jsonl", b"\n{}\n  \n"), write(tmp_path / "b.jsonl", b"\r\n{}"))
    assert len(drain(feed)) == 2
    assert feed.blank_lines == 3
    feed.close()


def test_a_good_line_after_fifty_megabytes_of_noise_still_counts(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    with path.open("wb") as file:
        for _ in range(50):
            file.write(b"\x00\xff" * 524_288)
        file.write(b"\n" + lines(1))
    feed = replay(path)
    noise, good = drain(feed)
    assert (noise.fault, len(noise.value)) == (DeadLetterReason.OVERSIZE, 4_096)
    assert (noise.offset, noise.next_offset) == (0, 52_428_801)
    assert (good.value + b"\n", good.fault) == (lines(1), None)
    feed.close()


# --- damage ---


def test_truncated_gzip_gives_its_good_lines_then_one_fault_and_ends(tmp_path: Path) -> None:
    text = lines(3_000)
    packed = gzip.compress(text)
    for kept in (len(packed) - 4, len(packed) // 2, 30, 12, 5):
        feed = replay(write(tmp_path / "day.jsonl.gz", packed[:kept]))
        *good, broken = drain(feed)
        assert broken.fault is DeadLetterReason.TRUNCATED
        assert all(record.fault is None for record in good)
        assert [record.value for record in good] == text.splitlines()[: len(good)]
        assert text[broken.offset :].startswith(broken.value) and broken.next_offset > broken.offset
        if kept == len(packed) - 4:
            assert len(good) == 3_000
        if kept == len(packed) // 2:
            assert 1_000 < len(good) < 2_000
        feed.close()


def test_gzip_with_a_wrong_checksum_keeps_every_line(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(50)))
    packed[-8] ^= 0xFF
    feed = replay(write(tmp_path / "day.jsonl.gz", bytes(packed)))
    *good, broken = drain(feed)
    assert [record.value for record in good] == lines(50).splitlines()
    assert (broken.fault, broken.value) == (DeadLetterReason.TRUNCATED, b"")
    feed.close()


def test_gzip_damaged_inside_keeps_the_lines_before_the_damage(tmp_path: Path) -> None:
    cut = len(lines(20)) + 10
    head, rest = gzip.compress(lines(3_000)[:cut], 9), gzip.compress(lines(3_000)[cut:], 9)
    # Deflate block type 3 does not exist: the second member breaks off at its first bit.
    broken_rest = rest[:10] + b"\xff" + rest[11:]
    feed = replay(write(tmp_path / "day.jsonl.gz", head + broken_rest))
    *good, broken = drain(feed)
    assert [record.value for record in good] == lines(20).splitlines()
    assert (broken.value, broken.fault) == (lines(1, first=20)[:10], DeadLetterReason.TRUNCATED)
    feed.close()


def test_bytes_after_the_gzip_stream_are_damage(tmp_path: Path) -> None:
    feed = replay(write(tmp_path / "day.jsonl.gz", gzip.compress(lines(2)) + b"tail of another file"))
    assert [record.fault for record in drain(feed)] == [None, None, DeadLetterReason.TRUNCATED]
    feed.close()


def test_damage_that_was_told_is_not_told_again_by_a_later_run(tmp_path: Path) -> None:
    path = write(tmp_path / "day.jsonl.gz", gzip.compress(lines(500))[:-30])
    first = replay(path)
    records = drain(first)
    after, before = first.mark(DAY, records[-1].next_offset), first.mark(DAY, records[-1].offset)
    first.close()
    second = replay(path)
    second.seek(DAY, after)
    assert drain(second) == []
    second.seek(DAY, before)
    assert drain(second) == records[-1:]
    second.close()
    path.write_bytes(gzip.compress(lines(500)))
    mended = replay(path)
    with pytest.raises(StateError, match=r"day\.jsonl\.gz is not the feed"):
        mended.seek(DAY, after)
    mended.close()


def test_a_disk_that_does_not_answer_is_transient_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = replay(write(tmp_path / "day.jsonl.gz", gzip.compress(lines(40))))
    good_pread = os.pread

    def failing_pread(descriptor: int, length: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    feed.seek(DAY, feed.mark(DAY, 0))
    first = feed.poll(10)
    monkeypatch.setattr(os, "pread", failing_pread)
    while_down: list[FeedRecord] = []
    with pytest.raises(TransientError, match=r"day\.jsonl\.gz cannot be read: Input/output error"):
        for _ in range(9):
            while_down += feed.poll(10)
    assert feed.read_errors >= 1
    monkeypatch.setattr(os, "pread", good_pread)
    assert [record.value for record in [*first, *while_down, *drain(feed)]] == lines(40).splitlines()
    feed.close()


# --- positions ---


def test_a_feed_may_be_packed_or_unpacked_between_two_runs(tmp_path: Path) -> None:
    packed = write(tmp_path / "day.jsonl.gz", gzip.compress(lines(90)))
    plain = write(tmp_path / "day.jsonl", lines(90))
    for before, after in ((packed, plain), (plain, packed)):
        first = replay(before)
        records = first.poll(33)
        position = first.mark(DAY, records[-1].next_offset)
        first.close()
        second = replay(after)
        second.seek(DAY, position)
        assert [record.value for record in drain(second)] == lines(90).splitlines()[33:]
        second.close()


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize("edited", ["the beginning", "just before the position", "cut below the position"])
def test_an_edited_file_is_refused_by_name_with_the_remedy(tmp_path: Path, edited: str, is_gzip: bool) -> None:
    text = lines(200)
    pack = gzip.compress if is_gzip else bytes
    path = write(tmp_path / "day.jsonl", pack(text))
    first = replay(path)
    place = first.poll(150)[-1].next_offset
    position = first.mark(DAY, place)
    first.close()
    edits = {
        "the beginning": text[:500] + b"X" + text[501:],
        "just before the position": text[: place - 5] + b"X" + text[place - 4 :],
        "cut below the position": text[: place - 300],
    }
    path.write_bytes(pack(edits[edited]))
    second = replay(path)
    with pytest.raises(StateError, match=r"day\.jsonl is not the feed .* give a new --state, or the same feed"):
        second.seek(DAY, position)
    second.close()


def test_a_plain_file_that_was_cut_beyond_the_position_is_refused_and_one_that_grew_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "day.jsonl", lines(100))
    first = replay(path)
    position = first.mark(DAY, first.poll(50)[-1].next_offset)
    first.close()
    path.write_bytes(lines(120))
    grown = replay(path)
    grown.seek(DAY, position)
    assert [record.value for record in drain(grown)] == lines(70, first=50).splitlines()
    path.write_bytes(lines(80))
    with pytest.raises(StateError, match="cut"):
        grown.seek(DAY, position)
    grown.close()


def test_a_position_is_compact(tmp_path: Path) -> None:
    feed = replay(write(tmp_path / "day.jsonl", lines(5_000)))
    position = feed.mark(DAY, drain(feed)[-1].next_offset)
    assert len(position) < 250 and json.loads(position)["at"] == len(lines(5_000))
    feed.close()


def test_marks_between_polls_hold_after_thousands_of_polls(tmp_path: Path) -> None:
    feed = replay(write(tmp_path / "day.jsonl", lines(5_000)))
    records: list[FeedRecord] = []
    while polled := feed.poll(2):
        records += polled
    for index in (1, 2_501, 4_998, 4_999):
        position = feed.mark(DAY, records[index].offset)
        nearest = Position.from_text(position).tail_end
        assert nearest <= records[index].offset
        assert index < 4_000 or nearest >= records[index - 2].offset, (
            "the latest are recognised by what came just before"
        )
        feed_again = replay(tmp_path / "day.jsonl")
        feed_again.seek(DAY, position)
        assert feed_again.poll(1) == [records[index]]
        feed_again.close()
    feed.close()


# --- pipes ---


def test_standard_input_is_read_to_its_end(tmp_path: Path) -> None:
    program = (
        "from monitor.transports.files import FileFeed\n"
        "feed = FileFeed(['-'], follow=False, clock=None)\n"
        "stdin, = feed.partitions\n"
        "records = []\n"
        "while not feed.has_ended(stdin):\n"
        "    records += feed.poll(64)\n"
        "print(stdin, len(records), records[-1].next_offset)\n"
        "feed.close()\n"
    )
    for given in (lines(1_000), gzip.compress(lines(1_000))):
        done = subprocess.run([sys.executable, "-c", program], input=given, capture_output=True, timeout=60)
        assert done.stdout.decode().split() == ["stdin/0", "1000", str(len(lines(1_000)))], done.stderr.decode()


def open_pipe(
    text: bytes, *, clock: ManualClock | None = None, queue_records: int = 100, queue_bytes: int = 1 << 20
) -> PipeReader:
    """A reader of a pipe that holds this text (less than its buffer) and whose writer has gone."""
    readable, writable = os.pipe()
    os.write(writable, text)
    os.close(writable)
    return PipeReader(readable, InputPartition("stdin"), clock, 1_000_000, queue_records, queue_bytes)


def read_pipe(reader: PipeReader, max_records: int = 7) -> list[FeedRecord]:
    records: list[FeedRecord] = []
    while not reader.has_ended:
        reader.take(max_records, records)
    return records


def test_a_pipe_gives_the_records_of_the_same_file_with_arrival_times(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + lines(300)[:-1] + b"\n\n{}"
    feed = replay(write(tmp_path / "day.jsonl", text))
    reader = open_pipe(text, clock=ManualClock(86_400_000))
    from_pipe = read_pipe(reader)
    from_file = drain(feed)
    assert [(one.value, one.offset, one.next_offset) for one in from_pipe] == [
        (one.value, one.offset, one.next_offset) for one in from_file
    ]
    assert {record.arrival_ms for record in from_pipe} == {86_400_000}
    assert reader.blank_lines == 1
    feed.close()
    reader.close()


@pytest.mark.parametrize(("queue_records", "queue_bytes", "at_most"), [(700, 1 << 30, 700), (100_000, 200, 6_000)])
def test_a_full_queue_holds_the_writer_back_and_loses_nothing(
    queue_records: int, queue_bytes: int, at_most: int
) -> None:
    packed = gzip.compress(lines(9_000))
    assert len(packed) < 65_536, "it must fit into the pipe's own buffer"
    reader = open_pipe(packed, queue_records=queue_records, queue_bytes=queue_bytes)
    records: list[FeedRecord] = []
    reader.take(1, records)
    assert not reader.join(0.2), "the thread cannot finish: nobody takes what it has read"
    assert 0 < reader.waiting_records <= at_most
    while not reader.has_ended:
        reader.take(1_000, records)
    assert [record.value for record in records] == lines(9_000).splitlines()
    reader.close()


def test_a_gzip_stream_that_breaks_off_in_a_pipe_is_told_once() -> None:
    records = read_pipe(reader := open_pipe(gzip.compress(lines(100))[:-9], queue_records=1_000))
    assert [record.fault for record in records if record.fault] == [DeadLetterReason.TRUNCATED]
    assert records[-1].fault is DeadLetterReason.TRUNCATED
    reader.close()


def test_a_pipe_goes_on_from_its_start_only() -> None:
    reader = open_pipe(lines(3))
    reader.seek(reader.mark(0))
    with pytest.raises(StateError, match="stdin/0 is a pipe and cannot go on from byte 40: give a new --state"):
        reader.seek(reader.mark(40))
    records = read_pipe(reader)
    assert len(records) == 3
    with pytest.raises(StateError):
        reader.seek(reader.mark(0))
    reader.close()


def test_a_pipe_that_is_followed_numbers_on_after_a_restart() -> None:
    readable, writable = os.pipe()
    os.write(writable, lines(3))
    os.close(writable)
    reader = PipeReader(readable, InputPartition("stdin"), ManualClock(), 1_000, 10)
    reader.seek(reader.mark(40))
    assert read_pipe(reader)[0].offset == 40
    reader.close()
    os.close(readable)


def test_closing_stops_a_thread_that_waits_for_room_or_for_the_writer() -> None:
    full = open_pipe(lines(50), queue_records=1)
    full.take(1, [])
    full.close()
    assert full.join(0)
    readable, writable = os.pipe()
    waiting = PipeReader(readable, InputPartition("stdin"), None, 1_000, 10)
    waiting.take(1, [])
    waiting.close()
    assert waiting.join(0)
    os.close(readable)
    os.close(writable)


def test_a_pipe_that_breaks_gives_what_it_had_and_then_says_so(tmp_path: Path) -> None:
    reader = PipeReader(str(tmp_path / "gone"), InputPartition("gone"), None, 1_000, 10)
    with pytest.raises(DependencyError, match="gone/0 cannot be read any more: No such file"):
        while True:
            reader.take(1, [])
            assert reader.join(10)
    assert not reader.has_ended
    reader.close()


def test_a_named_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    os.mkfifo(path)
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys; open(sys.argv[1], 'wb').write(sys.argv[2].encode())", path, lines(20)]
    )
    feed = replay(path)
    assert [record.value for record in drain(feed)] == lines(20).splitlines()
    assert writer.wait(timeout=30) == 0
    feed.close()
