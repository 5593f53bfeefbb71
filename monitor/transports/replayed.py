"""ReplayedFile: one file that is complete, read from its beginning or a marked position to its end."""

from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import StateError, TransientError
from monitor.transports.lines import LineSplitter
from monitor.transports.positions import HEAD_BYTES, Generation, Position, Trail, go_to
from monitor.transports.streams import OpenFile, open_file

READS_PER_POLL = 64
"""Blocks read in one poll before the caller gets a turn, though no line may be complete: 16 MiB of one endless line."""


class ReplayedFile:
    """Reads a plain or gzip file once. Raises: OSError: it cannot be opened."""

    lost_bytes_unknown = 0

    def __init__(self, path: str, partition: InputPartition, max_record_bytes: int) -> None:
        self._path = path
        self._file: OpenFile = open_file(path)
        self._splitter = LineSplitter(partition, max_record_bytes)
        self._start_at(Position(0, 0))

    @property
    def has_ended(self) -> bool:
        return self._is_read and self._splitter.is_drained

    @property
    def blank_lines(self) -> int:
        return self._splitter.blank_lines

    def take(self, max_records: int, into: list[FeedRecord]) -> None:
        """Append up to `max_records` records. Raises: TransientError: the disk does not answer."""
        before, full = len(into), len(into) + max_records
        try:
            for _ in range(READS_PER_POLL):
                self._splitter.take(full - len(into), into)
                if len(into) >= full or self.has_ended:
                    break
                self._read_on()
        finally:
            if len(into) > before:
                self._trail.leave_checkpoint(into[-1])

    def mark(self, next_offset: int) -> str:
        return self._trail.position(next_offset).to_text()

    def seek(self, text: str) -> None:
        """Go on from a position. Raises: StateError: this is not the file that was marked."""
        position = Position.from_text(text)
        try:
            self._file.rewind()
            is_shorter = not self._file.stream.is_gzip and self._file.status().st_size < position.file_bytes
            if is_shorter or not go_to(self._file.stream, position):
                raise StateError(
                    f"{self._path} is not the feed of which {position.file_byte} bytes were read (it was replaced, "
                    "edited or cut): give a new --state, or the same feed"
                )
            self._start_at(position)
        except OSError as exc:
            raise TransientError(f"{self._path} cannot be read: {exc.strerror or exc}") from exc

    def close(self) -> None:
        self._file.close()

    def _start_at(self, position: Position) -> None:
        # The head is read through a stream of its own: the one that stands at the position must stay there.
        file, stream = self._file, self._file.stream
        file.rewind()
        head = file.stream.peek_start(HEAD_BYTES)
        if position.file_byte > 0:
            file.stream = stream
        size = file.status().st_size
        generation = Generation(position.base, file.device, file.inode, head, size)
        if position.is_after_damage:
            generation.damage_end = position.offset
        self._trail = Trail(position, generation)
        self._splitter.restart(position.offset, at_start=position.file_byte == 0)
        self._is_read = False

    def _read_on(self) -> None:
        stream, generation = self._file.stream, self._trail.generation
        try:
            block = stream.read()
        except OSError as exc:
            raise TransientError(f"{self._path} cannot be read: {exc.strerror or exc}") from exc
        if block:
            self._splitter.feed(block, None)
            return
        self._is_read = True
        if stream.damage is None:
            self._splitter.finish()
        elif generation.damage_end is None:
            generation.damage_end = self._splitter.fail()
