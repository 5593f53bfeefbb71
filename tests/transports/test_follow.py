"""Files that grow: what a writer, a rotation, a cut and a restart may do, and that no line is lost or doubled.

writer:   |--- day.jsonl (A) ---| mv |-- day.jsonl (B) --|
offsets:  0 ................. 300 300 .............. 520      one stream, over both files
"""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.clock import ManualClock
from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition
from monitor.errors import TransientError
from monitor.transports.files import FileFeed
from monitor.transports.follow import LOOK_SECONDS, ROTATION_GRACE_SECONDS
from monitor.transports.positions import HEAD_BYTES

DAY = InputPartition("day")


def line(index: int) -> bytes:
    text = f"Vesper Foods recalls batch {index}. " + "Shops are asked to clear their shelves at once. " * 5
    return json.dumps({"id": str(index), "text": text}).encode() + b"\n"


def ids(records: list[FeedRecord]) -> list[int]:
    return [int(json.loads(record.value)["id"]) for record in records]


class Desk:
    """A followed path with its clock: `read` passes enough time for all there is to come."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "day.jsonl"
        self.clock = ManualClock(1_000_000)
        self.written = 0
        self.feed = self._open()

    def _open(self) -> FileFeed:
        return FileFeed([str(self.path)], follow=True, clock=self.clock)

    def write(self, count: int, path: Path | None = None) -> None:
        with (path or self.path).open("ab") as file:
            for _ in range(count):
                file.write(line(self.written))
                self.written += 1

    def read(self, max_records: int = 50) -> list[FeedRecord]:
        records: list[FeedRecord] = []
        quiet = 0
        while quiet < 2 + ROTATION_GRACE_SECONDS / LOOK_SECONDS:
            polled = self.feed.poll(max_records)
            records += polled
            quiet = 0 if polled else quiet + 1
            self.clock.advance(seconds=LOOK_SECONDS)
        return records

    def restart(self, next_offset: int) -> None:
        """End the process, with everything before `next_offset` committed, and start it again."""
        position = self.feed.mark(DAY, next_offset)
        self.feed.close()
        self.feed = self._open()
        self.feed.seek(DAY, position)

    def rotate(self, name: str = "day.jsonl.1") -> Path:
        return self.path.rename(self.path.with_name(name))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- growing ---


def test_what_is_there_and_what_is_appended_comes_with_the_moment_of_reading(desk: Desk) -> None:
    desk.write(2)
    first = desk.feed.poll(10)
    assert (ids(first), {record.arrival_ms for record in first}) == ([0, 1], {1_000_000})
    assert desk.feed.poll(10) == []
    desk.write(1)
    desk.clock.advance(seconds=1)
    later = desk.feed.poll(10)
    assert (ids(later), later[0].arrival_ms, later[0].offset) == ([2], 1_001_000, first[-1].next_offset)
    assert not desk.feed.has_ended(DAY)


def test_a_line_is_held_until_its_newline_comes(desk: Desk) -> None:
    whole = line(0)
    desk.path.write_bytes(whole[:20])
    assert desk.read() == []
    with desk.path.open("ab") as file:
        file.write(whole[20:-1])
        file.flush()
        assert desk.read() == []
        file.write(b"\n")
    assert [(record.value, record.offset) for record in desk.read()] == [(whole[:-1], 0)]


def test_an_idle_file_is_looked_at_a_few_times_a_second_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(1)
    desk.read()
    looks = 0
    good_stat = os.stat

    def counted_stat(path: str) -> os.stat_result:
        nonlocal looks
        looks += 1
        return good_stat(path)

    monkeypatch.setattr("monitor.transports.follow.os.stat", counted_stat)
    for _ in range(1_000):
        desk.feed.poll(10)
        desk.clock.advance(seconds=0.01)
    monkeypatch.undo()
    assert 30 <= looks <= 41, "ten seconds at four looks a second"


def test_a_file_that_does_not_exist_yet_is_waited_for(desk: Desk) -> None:
    assert desk.read() == []
    desk.restart(0)
    assert desk.read() == []
    desk.write(3)
    assert ids(desk.read()) == [0, 1, 2]
    assert desk.feed.lost_bytes_unknown == 0


def test_a_file_that_was_deleted_and_comes_back_is_read_from_its_beginning(desk: Desk) -> None:
    desk.write(2)
    assert ids(desk.read()) == [0, 1]
    desk.path.unlink()
    assert desk.read() == []
    desk.write(2)
    back = desk.read()
    assert ids(back) == [2, 3]
    assert back[0].offset == len(line(0)) * 2


def test_a_deleted_file_is_let_go_so_that_its_disk_space_is_free(desk: Desk) -> None:
    before = len(os.listdir("/proc/self/fd"))
    desk.write(2)
    assert desk.feed.poll(10)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    desk.path.unlink()
    desk.read()
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_stood_in_a_deleted_file_is_still_read(desk: Desk) -> None:
    desk.write(5)
    assert ids(desk.feed.poll(2)) == [0, 1]
    desk.path.unlink()
    assert ids(desk.read()) == [2, 3, 4]


def test_a_gzip_file_is_read_once_and_ends(desk: Desk) -> None:
    desk.path.write_bytes(gzip.compress(line(0) + line(1)))
    assert ids(desk.read()) == [0, 1]
    assert desk.feed.has_ended(DAY)
    desk.restart(len(line(0)))
    assert ids(desk.read()) == [1]
    assert desk.feed.has_ended(DAY)


def test_a_gzip_file_whose_first_bytes_come_one_by_one_is_known_as_gzip(desk: Desk) -> None:
    packed = gzip.compress(line(0))
    desk.path.write_bytes(b"")
    assert desk.read() == []
    desk.path.write_bytes(packed[:1])
    assert desk.read() == []
    desk.path.write_bytes(packed)
    assert ids(desk.read()) == [0]


def test_an_empty_gzip_file_ends(desk: Desk) -> None:
    desk.path.write_bytes(gzip.compress(b""))
    assert desk.read() == []
    assert desk.feed.has_ended(DAY)


def test_a_truncated_gzip_file_is_told_once_over_a_restart(desk: Desk) -> None:
    desk.path.write_bytes(gzip.compress(b"".join(line(index) for index in range(99)))[:-20])
    records = desk.read()
    assert records[-1].fault is DeadLetterReason.TRUNCATED
    desk.restart(records[-1].next_offset)
    assert desk.read() == []
    assert desk.feed.has_ended(DAY)


# --- rotation while we read ---


def test_a_renamed_file_is_finished_before_the_new_one_and_offsets_run_on(desk: Desk) -> None:
    desk.write(5)
    before = desk.feed.poll(2)
    old = desk.rotate()
    desk.write(2, old)  # the writer has not opened the new file yet
    desk.write(3)
    after = desk.read()
    assert ids(before + after) == list(range(10))
    assert [record.offset for record in after] == [before[-1].next_offset, *(one.next_offset for one in after[:-1])]


def test_lines_written_to_the_renamed_file_after_the_new_one_appeared_are_not_lost(desk: Desk) -> None:
    desk.write(1)
    assert ids(desk.read()) == [0]
    old = desk.rotate()
    desk.path.touch()
    desk.clock.advance(seconds=LOOK_SECONDS)
    assert desk.feed.poll(10) == []
    desk.clock.advance(seconds=ROTATION_GRACE_SECONDS / 2)
    desk.write(1, old)
    assert ids(desk.feed.poll(10)) == [1]
    desk.clock.advance(seconds=ROTATION_GRACE_SECONDS / 2)
    desk.write(1, old)
    desk.write(1)
    assert ids(desk.read()) == [2, 3]


def test_a_line_without_newline_at_the_end_of_a_rotated_file_is_a_record(desk: Desk) -> None:
    desk.path.write_bytes(line(0) + line(1)[:-1])
    assert ids(desk.read()) == [0]
    desk.rotate()
    desk.path.write_bytes(line(2))
    assert ids(desk.read()) == [1, 2]


def test_two_rotations_between_two_polls_lose_nothing(desk: Desk) -> None:
    desk.write(3)
    assert ids(desk.feed.poll(1)) == [0]
    for generation in (3, 2, 1):
        desk.rotate(f"day.jsonl.{generation}")
        os.utime(desk.path.with_name(f"day.jsonl.{generation}"), (1_000 - generation, 1_000 - generation))
        desk.write(2)
    stray = desk.path.with_name("day.jsonl.note")
    stray.write_bytes(b"not a rotated file\n")
    assert ids(desk.read()) == list(range(1, 9))


@pytest.mark.parametrize("has_copy", [True, False])
def test_a_file_that_is_cut_is_read_on_from_its_copy_or_counted_as_lost(desk: Desk, has_copy: bool) -> None:
    desk.write(10)
    assert ids(desk.read()) == list(range(10))
    desk.write(2)
    with desk.path.open("ab") as file:
        file.write(line(12)[:7])
    if has_copy:
        shutil.copy(desk.path, desk.path.with_name("day.jsonl-20310102"))
    os.truncate(desk.path, 0)
    desk.written = 20
    desk.write(2)
    values = [record.value for record in desk.read()]
    if has_copy:
        assert values == [line(10)[:-1], line(11)[:-1], line(12)[:7], line(20)[:-1], line(21)[:-1]]
    else:
        assert values == [line(20)[:-1], line(21)[:-1]]
    assert desk.feed.lost_bytes_unknown == (0 if has_copy else 1)


def test_a_cut_file_that_grew_past_the_old_position_is_known_by_its_first_bytes(desk: Desk) -> None:
    desk.write(2)
    first = desk.read()
    os.truncate(desk.path, 0)
    desk.write(5)
    again = desk.read()
    assert ids(again) == [2, 3, 4, 5, 6]
    assert again[0].offset == first[-1].next_offset
    assert desk.feed.lost_bytes_unknown == 1


def test_a_file_that_is_written_anew_with_the_same_beginning_goes_on_in_place(desk: Desk) -> None:
    desk.write(5)
    desk.read()
    copy = desk.path.with_name("incoming")
    shutil.copy(desk.path, copy)
    desk.write(2, copy)
    copy.replace(desk.path)
    assert ids(desk.read()) == [5, 6]
    assert desk.feed.lost_bytes_unknown == 0


# --- rotation while we are down ---


@pytest.mark.parametrize("name", ["day.jsonl.1", "day-2031-01-02.jsonl", "archived"])
def test_a_file_renamed_while_we_were_down_is_finished_first(desk: Desk, name: str) -> None:
    desk.write(6)
    records = desk.read()
    desk.rotate(name)
    desk.write(3)
    desk.restart(records[3].next_offset)
    assert ids(desk.read()) == [4, 5, 6, 7, 8]
    assert desk.feed.lost_bytes_unknown == 0


def test_a_file_compressed_while_we_were_down_is_finished_first(desk: Desk) -> None:
    desk.write(6)
    records = desk.read()
    text = desk.path.read_bytes()
    desk.path.unlink()
    desk.path.with_name("day.jsonl.2.gz").write_bytes(gzip.compress(text))
    desk.write(1, desk.path.with_name("day.jsonl.1"))
    desk.write(3)
    desk.restart(records[3].next_offset)
    assert ids(desk.read()) == [4, 5, 6, 7, 8, 9]
    assert desk.feed.lost_bytes_unknown == 0


def test_a_file_that_nobody_touched_goes_on_where_it_was_committed(desk: Desk) -> None:
    desk.write(6)
    records = desk.read()
    desk.restart(records[1].next_offset)
    desk.write(1)
    assert ids(desk.read()) == [2, 3, 4, 5, 6]


def test_a_file_that_cannot_be_found_again_is_counted_and_the_new_one_read(desk: Desk) -> None:
    desk.write(6)
    records = desk.read()
    desk.restart(records[-1].next_offset)
    desk.path.write_bytes(b"")
    desk.write(2)
    back = desk.read()
    assert (ids(back), back[0].offset) == ([6, 7], records[-1].next_offset)
    assert desk.feed.lost_bytes_unknown == 1


def test_the_first_bytes_that_every_file_shares_do_not_make_another_file_the_marked_one(desk: Desk) -> None:
    desk.write(1)
    start_of_new = desk.read()[-1].next_offset
    desk.rotate()
    desk.path.write_bytes(line(1)[:5])
    assert desk.read() == []
    other = desk.path.with_name("incoming")
    desk.write(2, other)
    other.replace(desk.path)
    desk.restart(start_of_new)
    assert ids(desk.read()) == [1, 2]
    assert desk.feed.lost_bytes_unknown == 1


def test_a_position_is_kept_while_its_file_is_away(desk: Desk) -> None:
    desk.write(4)
    records = desk.read()
    away = desk.path.rename(desk.path.parent.parent / "away.jsonl")
    desk.restart(records[1].next_offset)
    assert desk.read() == []
    desk.restart(records[1].next_offset)
    away.rename(desk.path)
    assert ids(desk.read()) == [2, 3]
    assert desk.feed.lost_bytes_unknown == 0


def test_a_position_in_a_file_that_was_already_left_is_found_again(desk: Desk) -> None:
    desk.write(4)
    desk.read()
    desk.rotate()
    desk.write(3)
    desk.read()
    desk.restart(2 * len(line(0)))
    assert ids(desk.read()) == [2, 3, 4, 5, 6]


# --- faults ---


def test_one_path_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    clock = ManualClock()
    bad, good = tmp_path / "bad.jsonl", tmp_path / "good.jsonl"
    feed = FileFeed([str(bad), str(good)], follow=True, clock=clock)
    bad.mkdir()
    good.write_bytes(line(0))
    assert ids(feed.poll(10)) == [0]
    assert feed.read_errors == 1
    clock.advance(seconds=1)
    with pytest.raises(TransientError, match=r"bad\.jsonl cannot be read: it is a directory"):
        feed.poll(10)
    bad.rmdir()
    bad.write_bytes(line(1))
    clock.advance(seconds=1)
    assert ids(feed.poll(10)) == [1]
    feed.close()


@pytest.mark.parametrize("fails_at", ["opening", "reading its head"])
def test_a_path_that_fails_for_days_holds_no_more_descriptors(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    if fails_at == "opening":
        desk.path.mkdir()
    else:
        desk.write(1)
        good_pread = os.pread

        def failing_pread(descriptor: int, length: int, offset: int) -> bytes:
            if length >= HEAD_BYTES:
                raise OSError(5, "Input/output error")
            return good_pread(descriptor, length, offset)

        monkeypatch.setattr(os, "pread", failing_pread)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        with pytest.raises(TransientError):
            desk.feed.poll(1)
        desk.clock.advance(seconds=1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_months_of_rotation_hold_no_more_descriptors(desk: Desk) -> None:
    desk.write(1)
    desk.read()
    before = len(os.listdir("/proc/self/fd"))
    seen = []
    for month in range(30):
        desk.rotate(f"day.jsonl.{month}")
        desk.write(2)
        seen += ids(desk.read())
    assert seen == list(range(1, 61))
    assert len(os.listdir("/proc/self/fd")) == before
    desk.feed.close()


_ACTS = st.lists(
    st.sampled_from(["write", "write part", "rename", "copy and cut", "read", "read one", "restart", "wait"]),
    max_size=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts=_ACTS)
def test_whatever_the_writer_and_the_process_do_each_line_comes_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("follow"))
    records: list[FeedRecord] = []
    rotations, part, modified = 0, b"", 1_000
    # What was rotated away before the first look is history: the feed begins with the file that it finds.
    desk.write(1)
    records += desk.feed.poll(1)
    for act in [*acts, "write", "wait"]:
        if act == "write":
            with desk.path.open("ab") as file:
                file.write(line(desk.written)[len(part) :])
            part = b""
            desk.written += 1
            desk.write(2)
        elif act == "write part" and desk.path.exists():
            with desk.path.open("ab") as file:
                file.write(line(desk.written)[len(part) : len(part) + 3])
            part = line(desk.written)[: len(part) + 3]
        elif act in ("rename", "copy and cut") and desk.path.exists() and not part and desk.path.stat().st_size:
            rotations += 1
            kept = desk.path.with_name(f"day.jsonl.{rotations}")
            if act == "rename":
                desk.path.rename(kept)
            else:
                shutil.copy(desk.path, kept)
                os.truncate(desk.path, 0)
                desk.write(1)
            modified += 1
            os.utime(kept, (modified, modified))
        elif act == "read one":
            records += desk.feed.poll(1)
        elif act == "read":
            records += desk.feed.poll(50)
            desk.clock.advance(seconds=LOOK_SECONDS)
        elif act == "restart":
            desk.restart(records[-1].next_offset)
        elif act == "wait":
            records += desk.read()
    desk.feed.close()
    assert ids(records) == list(range(desk.written))
    assert [one.offset for one in records[1:]] == [one.next_offset for one in records[:-1]]
