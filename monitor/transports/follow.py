"""FollowedFile: a path that a writer appends to, read for months through rotation, truncation and absence.

A file is looked at a few times a second while nothing comes. What was rotated away is read to its end before what took
its place; offsets run on, so a position names a byte in the whole history of the path.
Leaves out: telling a file that was cut and grew again, with the same beginning, between two looks; a gzip file that is
still being written (move it into place when it is whole).
"""

import os
from collections import deque

from monitor.clock import Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import TransientError
from monitor.transports.lines import LineSplitter
from monitor.transports.positions import HEAD_BYTES, Generation, Position, Trail
from monitor.transports.replayed import READS_PER_POLL
from monitor.transports.rotation import find_copy, find_missed, find_renamed, is_same_content, is_same_file
from monitor.transports.streams import GZIP_MAGIC, OpenFile, PlainStream, open_file

LOOK_SECONDS = 0.25
"""Between two looks at a file in which nothing was new: below a tenth the stats show, above one a person notices."""

ROTATION_GRACE_SECONDS = 2.0
"""How long a file that was replaced must be quiet before it is left: a writer goes on into the renamed file until it
has opened the new one. Shorter loses its last lines; longer only delays the new file's first."""

_REMEMBERED_HEADS = 16


class FollowedFile:
    """Reads what is at a path and whatever comes there later. A gzip file is read once and ends the partition.

    `lost_bytes_unknown` counts how often a place was lost: an unknown number of bytes, perhaps none, went unread.
    """

    def __init__(self, path: str, partition: InputPartition, clock: Clock, max_record_bytes: int) -> None:
        self.lost_bytes_unknown = 0
        self._path = path
        self._clock = clock
        self._splitter = LineSplitter(partition, max_record_bytes)
        self._file: OpenFile | None = None
        self._missed: list[OpenFile] = []
        self._start_at(Position(0, 0), None)

    @property
    def has_ended(self) -> bool:
        return self._is_read and self._splitter.is_drained

    @property
    def blank_lines(self) -> int:
        return self._splitter.blank_lines

    def take(self, max_records: int, into: list[FeedRecord]) -> None:
        """Append up to `max_records` records, without waiting. Raises: TransientError: the disk does not answer."""
        before, full = len(into), len(into) + max_records
        try:
            for _ in range(READS_PER_POLL):
                self._splitter.take(full - len(into), into)
                if len(into) >= full or self.has_ended or not self._read_on():
                    break
        finally:
            if len(into) > before:
                self._trail.leave_checkpoint(into[-1])

    def mark(self, next_offset: int) -> str:
        return (self._wanted or self._trail.position(next_offset)).to_text()

    def seek(self, text: str) -> None:
        """Go on from a position once the path exists, in the file that was marked wherever it is now.

        Raises: StateError: the text is no position.
        """
        position = Position.from_text(text)
        self.close()
        self._start_at(position, position)

    def close(self) -> None:
        for file in [self._file, *self._missed]:
            if file is not None:
                file.close()
        self._file, self._missed = None, []

    def _start_at(self, position: Position, wanted: Position | None) -> None:
        self._splitter.restart(position.offset, at_start=position.file_byte == 0)
        self._trail = Trail(position, Generation(position.base))
        self._wanted = wanted
        self._known_heads: deque[bytes] = deque(maxlen=_REMEMBERED_HEADS)
        self._is_at_path = False
        self._is_read = False
        self._quiet_until = 0.0
        self._replaced_since: float | None = None

    def _read_on(self) -> bool:
        """Do the next thing that can be done: read a block, or go to another file. False when there is none now."""
        now = self._clock.monotonic_seconds()
        if now < self._quiet_until:
            return False
        try:
            is_progress = self._step(now)
        except OSError as exc:
            self._quiet_until = now + LOOK_SECONDS
            raise TransientError(f"{self._path} cannot be read: {exc.strerror or exc}") from exc
        if not is_progress:
            self._quiet_until = now + LOOK_SECONDS
        return is_progress

    def _step(self, now: float) -> bool:
        if self._file is None and not self._open_next():
            return False
        file = self._file
        assert file is not None
        if isinstance(file.stream, PlainStream) and not self._is_still(file):
            self._go_on_after_truncation(file)
            return True
        # After one byte of the two that tell gzip, the second must come first.
        is_unclear = isinstance(file.stream, PlainStream) and self._trail.generation.head == GZIP_MAGIC[:1]
        block = b"" if is_unclear else file.stream.read()
        if block:
            self._splitter.feed(block, self._clock.now_ms())
            self._replaced_since = None
            return True
        if file.stream.is_over:
            self._is_read = self._is_at_path
            self._leave(file)
            return True
        if self._is_left_behind(file, now):
            heir = self._heir()
            if heir is None:
                self._leave(file)
            else:
                self._go_on_in(heir, is_at_path=True)
            return True
        return False

    def _is_still(self, file: OpenFile) -> bool:
        """Whether an open file is what it was, apart from what was appended."""
        generation = self._trail.generation
        head = os.pread(file.descriptor, HEAD_BYTES, 0)
        generation.size = file.status().st_size
        if generation.size < file.stream.position or not head.startswith(generation.head):
            return False
        generation.head = head
        if file.stream.position == 0 and head.startswith(GZIP_MAGIC):
            file.rewind()
            generation.head = file.stream.peek_start(HEAD_BYTES)
        return True

    def _go_on_after_truncation(self, file: OpenFile) -> None:
        """The file was cut and perhaps written again: what was in it may be in a copy; if not, begin it again."""
        position = self._trail.position(self._splitter.end)
        copy = find_copy(self._path, position)
        if copy is not None:
            # The copy holds what was appended between our last look and the cut, even the rest of a line begun.
            self._go_on_in(copy, is_at_path=False)
            return
        self.lost_bytes_unknown += 1
        self._splitter.finish()
        file.rewind()
        self._begin(file)

    def _heir(self) -> OpenFile | None:
        """The file now at the path, if it begins with all that was read: written anew (by rsync, say), not rotated."""
        position = self._trail.position(self._splitter.end)
        try:
            file = open_file(self._path)
        except FileNotFoundError:
            return None
        if is_same_content(file, position):
            return file
        file.close()
        return None

    def _go_on_in(self, file: OpenFile, *, is_at_path: bool) -> None:
        """Another file holds the same bytes: go on there, in mid-line if need be."""
        if self._file is not None:
            self._file.close()
        self._file = file
        self._is_at_path = is_at_path
        self._replaced_since = None
        generation = self._trail.generation
        generation.device, generation.inode, generation.size = file.device, file.inode, file.status().st_size

    def _is_left_behind(self, file: OpenFile, now: float) -> bool:
        """Whether a file that was read to its end has been replaced, or deleted, and has been quiet since."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            # Renamed, and nothing has taken its place: the writer still has it.
            is_replaced = file.status().st_nlink == 0
        else:
            is_replaced = (status.st_dev, status.st_ino) != (file.device, file.inode)
        if not is_replaced:
            self._replaced_since = None
            return False
        if self._replaced_since is None:
            self._replaced_since = now
        return now - self._replaced_since >= ROTATION_GRACE_SECONDS

    def _leave(self, file: OpenFile) -> None:
        generation = self._trail.generation
        if file.stream.damage is None:
            self._splitter.finish()
        elif generation.damage_end is None:
            generation.damage_end = self._splitter.fail()
        self._known_heads.append(generation.head)
        if not self._missed and not self._is_read:
            self._missed = find_missed(self._path, file.status().st_mtime_ns, self._known_heads)
        file.close()
        self._file = None

    def _open_next(self) -> bool:
        """Open what comes next; False when there is nothing."""
        if self._missed:
            self._begin(self._missed[0])
            del self._missed[0]
            self._is_at_path = False
            return True
        try:
            file: OpenFile | None = open_file(self._path)
        except FileNotFoundError:
            file = None
        try:
            if self._wanted is not None:
                return self._resume(file, self._wanted)
            if file is None:
                return False
            self._begin(file)
            self._is_at_path = True
            return True
        except OSError:
            # It is tried again a few times a second, perhaps for days.
            if file is not None:
                file.close()
            raise

    def _resume(self, file: OpenFile | None, wanted: Position) -> bool:
        """Go on from a marked position: in the file at the path, in one beside it, or at the beginning of a new one."""
        self._is_at_path = file is not None and is_same_file(file, wanted)
        if not self._is_at_path:
            beside = find_renamed(self._path, wanted) if wanted.inode else None
            self._is_at_path = beside is None and file is not None and is_same_content(file, wanted)
            if beside is None and not self._is_at_path:
                beside = find_copy(self._path, wanted)
            if beside is None and file is None:
                return False
            if beside is not None:
                if file is not None:
                    file.close()
                file = beside
            elif not self._is_at_path:
                assert file is not None
                # Nothing is lost of a file that had never been there.
                self.lost_bytes_unknown += wanted.inode != 0
                self._wanted = None
                self._splitter.restart(wanted.offset, at_start=True)
                self._begin(file)
                self._is_at_path = True
                return True
        assert file is not None
        try:
            head = self._head_of(file)
        except OSError:
            file.close()
            raise
        self._wanted = None
        generation = Generation(wanted.base, file.device, file.inode, head, file.status().st_size)
        generation.damage_end = wanted.offset if wanted.is_after_damage else None
        self._trail = Trail(wanted, generation)
        self._file = file
        return True

    def _begin(self, file: OpenFile) -> None:
        """Read a file from its first byte, after all that was read."""
        self._trail.begin(
            Generation(self._splitter.end, file.device, file.inode, self._head_of(file), file.status().st_size)
        )
        self._file = file
        self._replaced_since = None

    @staticmethod
    def _head_of(file: OpenFile) -> bytes:
        # Through a stream of its own: the file's may stand at a position already.
        stream = file.stream
        file.rewind()
        head = file.stream.peek_start(HEAD_BYTES)
        if stream.position > 0:
            file.stream = stream
        return head
