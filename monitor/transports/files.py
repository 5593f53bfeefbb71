"""FileFeed: the Feed port over files and pipes of JSON lines; each path is an input partition.

With `follow` off a file is complete and is read to its end; with `follow` on its writer is alive and it is read for as
long as the process lives. Framing, rotation and pipes have rooms of their own; here they are polled in turn.
"""

import os
import stat
from collections.abc import Sequence
from typing import Protocol

from monitor.clock import Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import ConfigError, TransientError
from monitor.ports import Feed
from monitor.transports.addresses import is_url, mask_url
from monitor.transports.follow import FollowedFile
from monitor.transports.pipe import PipeReader
from monitor.transports.replayed import ReplayedFile

STANDARD_INPUT = "-"


class PartitionReader(Protocol):
    """Reads one path."""

    @property
    def has_ended(self) -> bool: ...
    @property
    def blank_lines(self) -> int: ...
    @property
    def lost_bytes_unknown(self) -> int: ...

    def take(self, max_records: int, into: list[FeedRecord]) -> None: ...
    def mark(self, next_offset: int) -> str: ...
    def seek(self, text: str) -> None: ...
    def close(self) -> None: ...


class FileFeed(Feed):
    """Reads files as input partitions: see `ports.Feed`.

    Args:
        paths: files, plain or gzip, one JSON document a line; `-` is standard input; named pipes are read like it.
        follow: go on with what is appended, and stamp arrivals; else read to the end.
        clock: needed to follow.
        max_record_bytes: a longer line becomes one OVERSIZE record with its first bytes.
        queue_records: how many records of a pipe may wait to be polled.

    Raises: ConfigError: paths that cannot be read, all of them together.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        follow: bool,
        clock: Clock | None,
        max_record_bytes: int = 1_000_000,
        queue_records: int = 10_000,
    ) -> None:
        if follow and clock is None:
            raise ValueError("following a file needs a clock")
        stamps = clock if follow else None
        self.read_errors = 0
        self._is_closed = False
        self._paused: set[InputPartition] = set()
        self._turn = 0
        self._readers: dict[InputPartition, PartitionReader] = {}
        faults = []
        seen: set[str] = set()
        for path, name in zip(paths, _stable_names(paths), strict=True):
            partition = InputPartition(name)
            fault = _fault_of(path, follow)
            real_path = path if path == STANDARD_INPUT else os.path.realpath(path)
            if real_path in seen:
                fault = "it is given twice; name each feed once"
            seen.add(real_path)
            if fault is None:
                try:
                    if _is_pipe(path):
                        source = 0 if path == STANDARD_INPUT else path
                        reader: PartitionReader = PipeReader(source, partition, stamps, max_record_bytes, queue_records)
                    elif stamps is not None:
                        reader = FollowedFile(path, partition, stamps, max_record_bytes)
                    else:
                        reader = ReplayedFile(path, partition, max_record_bytes)
                    self._readers[partition] = reader
                except OSError as exc:
                    fault = f"it cannot be read ({exc.strerror or exc})"
            if fault is not None:
                faults.append(f"{mask_url(path) if is_url(path) else path}: {fault}")
        if faults:
            self.close()
            raise ConfigError(*faults)
        self._partitions = tuple(self._readers)

    @property
    def partitions(self) -> Sequence[InputPartition]:
        return self._partitions

    @property
    def blank_lines(self) -> int:
        """Lines of white space that were stepped over."""
        return sum(reader.blank_lines for reader in self._readers.values())

    @property
    def lost_bytes_unknown(self) -> int:
        """How often a followed file was cut or replaced where what had been in it could not be found again."""
        return sum(reader.lost_bytes_unknown for reader in self._readers.values())

    def poll(self, max_records: int) -> list[FeedRecord]:
        """Records that can be had now. Raises: TransientError: a partition failed, and no other had anything.

        While others have records a failing partition only counts in `read_errors`: one bad disk stops nothing but
        itself.
        """
        ready = [partition for partition in self._in_turn() if self._is_ready(partition)]
        records: list[FeedRecord] = []
        failure: TransientError | None = None
        for index, partition in enumerate(ready):
            share = -(-(max_records - len(records)) // (len(ready) - index))
            if share <= 0:
                break
            try:
                self._readers[partition].take(share, records)
            except TransientError as exc:
                self.read_errors += 1
                failure = exc
            self._turn = self._partitions.index(partition) + 1 if len(ready) > 1 else 0
        if failure is not None and not records:
            raise failure
        return records

    def pause(self, partition: InputPartition) -> None:
        self._paused.add(partition)

    def resume(self, partition: InputPartition) -> None:
        self._paused.discard(partition)

    def has_ended(self, partition: InputPartition) -> bool:
        return self._readers[partition].has_ended

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        return self._readers[partition].mark(next_offset)

    def seek(self, partition: InputPartition, position: str) -> None:
        self._readers[partition].seek(position)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            for reader in self._readers.values():
                reader.close()

    def _in_turn(self) -> tuple[InputPartition, ...]:
        return self._partitions[self._turn :] + self._partitions[: self._turn]

    def _is_ready(self, partition: InputPartition) -> bool:
        return partition not in self._paused and not self._readers[partition].has_ended


def _stable_names(paths: Sequence[str]) -> list[str]:
    """A partition's name is the file's, so that a position is found again wherever the directory is mounted."""
    names: list[str] = []
    for path in paths:
        base = os.path.basename(path)
        plain = "stdin" if path == STANDARD_INPUT else base.removesuffix(".gz").removesuffix(".jsonl") or base
        name, copy = plain, 1
        while name in names:
            copy += 1
            name = f"{plain}#{copy}"
        names.append(name)
    return names


def _fault_of(path: str, follow: bool) -> str | None:
    """What is wrong with a path, with the remedy; None when it can be opened (or, to follow, waited for)."""
    if is_url(path):
        return (
            "a URL holds only its latest entries and cannot be replayed; follow it with `monitor run`, or name a file"
        )
    try:
        mode = os.fstat(0).st_mode if path == STANDARD_INPUT else os.stat(path).st_mode
    except FileNotFoundError:
        return None if follow else "there is no such file; correct the path"
    except OSError as exc:
        return f"it cannot be read ({exc.strerror})"
    if stat.S_ISDIR(mode):
        return "it is a directory; name the files in it"
    if path != STANDARD_INPUT and not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return "it is a socket or a disk device; name a file or a pipe"
    if path != STANDARD_INPUT and not os.access(path, os.R_OK):
        return "there is no permission to read it; grant it, or run as a user who has it"
    return None


def _is_pipe(path: str) -> bool:
    """Whether it can only be read on: standard input, a named pipe, a device."""
    if path == STANDARD_INPUT:
        return True
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
