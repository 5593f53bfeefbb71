"""LineSplitter: blocks of bytes in, one FeedRecord for each line out, with the offset at which it begins.

Bytes only: what a line says is `operators/parse`'s business. Lines end with a newline (a return before it is taken
off); lines of white space are counted, never delivered; a byte order mark at the start of a file is stepped over.
Memory is bounded by one block and one record at its limit, however long a line is.
"""

from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition

FAULT_BYTES = 4_096
"""Bytes kept of a line that cannot be used: enough to recognise its sender, and what a dead-letter holds anyway."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LineSplitter:
    """Frames the lines of one input partition. Offsets run on over files: `finish` ends one, `feed` begins the next.

    Order of calls: `take` until `is_drained`, then `feed` the next block, or `finish` or `fail` at the stream's end.
    """

    def __init__(self, partition: InputPartition, max_record_bytes: int) -> None:
        self.blank_lines = 0
        self._partition = partition
        self._max_record_bytes = max_record_bytes
        # Below FAULT_BYTES a long line is kept whole, or its value would depend on how the blocks happened to be cut.
        self._keep_bytes = max(max_record_bytes + 1, FAULT_BYTES)
        self._arrival_ms: int | None = None
        self.restart(0, at_start=True)

    def restart(self, offset: int, *, at_start: bool) -> None:
        """Forget everything but the counts; the next byte has this offset, and begins a file when `at_start`."""
        self._offset = offset
        self._at_start = at_start
        self._ready: FeedRecord | None = None
        self._lines: list[bytes] = []
        self._next_line = 0
        self._has_returns = False
        self._rest = bytearray()
        self._rest_skipped = 0
        self._rest_is_long = False

    @property
    def is_drained(self) -> bool:
        """Whether every record that the bytes so far complete has been taken."""
        return self._ready is None and self._next_line >= len(self._lines)

    @property
    def end(self) -> int:
        """The offset after the last byte that was fed; exact when drained."""
        return self._offset + len(self._rest) + self._rest_skipped

    def feed(self, block: bytes, arrival_ms: int | None) -> None:
        """Give it the bytes that follow; what they complete arrived at `arrival_ms`."""
        self._arrival_ms = arrival_ms
        if self._rest_is_long:
            cut = block.find(b"\n")
            if cut < 0:
                self._rest_skipped += len(block)
                return
            value = bytes(self._rest)
            self._make_ready(value, self.end + cut + 1, DeadLetterReason.OVERSIZE)
            block = block[cut + 1 :]
        self._has_returns = b"\r" in block or self._rest.endswith(b"\r")
        lines = block.split(b"\n")
        rest = lines.pop()
        if lines and self._rest:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        if len(self._rest) > self._keep_bytes:
            self._rest_skipped = len(self._rest) - FAULT_BYTES
            self._rest_is_long = True
            del self._rest[FAULT_BYTES:]
        self._lines = lines
        self._next_line = 0

    def finish(self) -> None:
        """The file ended: what came after its last newline is a record of its own."""
        self._step_over_mark(self._rest)
        end = self.end
        content = bytes(self._rest).removesuffix(b"\r")
        if self._rest_is_long or len(content) > self._max_record_bytes:
            self._make_ready(content[:FAULT_BYTES], end, DeadLetterReason.OVERSIZE)
        elif content and not content.isspace():
            self._make_ready(content, end, None)
        else:
            self.blank_lines += bool(self._rest)
            self._forget_rest(end)
        self._at_start = True

    def fail(self) -> int:
        """The stream broke off: what came after its last newline is a TRUNCATED record. Returns: its `next_offset`.

        It counts one byte more than there was, so that even an empty rest has an offset of its own to commit.
        """
        end = self.end + 1
        self._make_ready(bytes(self._rest[:FAULT_BYTES]), end, DeadLetterReason.TRUNCATED)
        self._at_start = True
        return end

    def take(self, max_records: int, into: list[FeedRecord]) -> None:
        """Append up to `max_records` records that are complete."""
        room = max_records
        if self._ready is not None and room > 0:
            into.append(self._ready)
            self._ready = None
            room -= 1
        lines = self._lines
        if self._at_start and self._next_line < len(lines) and room > 0:
            first = bytearray(lines[self._next_line])
            self._step_over_mark(first)
            lines[self._next_line] = bytes(first)
        partition, arrival_ms, limit = self._partition, self._arrival_ms, self._max_record_bytes
        offset, has_returns = self._offset, self._has_returns
        # Blank lines take no room, hence a new chunk until the room is filled. This loop is the feed's whole cost.
        while room > 0 and self._next_line < len(lines):
            chunk = lines[self._next_line : self._next_line + room]
            self._next_line += len(chunk)
            before = len(into)
            for line in chunk:
                end = offset + len(line) + 1
                # Nearly every line passes here: no returns, short enough, and it does not begin with white space.
                if not has_returns and end - offset <= limit and line > b" ~":
                    into.append(FeedRecord(line, partition, offset, end, arrival_ms))
                    offset = end
                    continue
                if line.endswith(b"\r"):
                    line = line[:-1]
                if len(line) > limit:
                    oversize = DeadLetterReason.OVERSIZE
                    into.append(FeedRecord(line[:FAULT_BYTES], partition, offset, end, arrival_ms, oversize))
                elif line and not line.isspace():
                    into.append(FeedRecord(line, partition, offset, end, arrival_ms))
                else:
                    self.blank_lines += 1
                offset = end
            room -= len(into) - before
        self._offset = offset

    def _make_ready(self, value: bytes, end: int, fault: DeadLetterReason | None) -> None:
        self._ready = FeedRecord(value, self._partition, self._offset, end, self._arrival_ms, fault)
        self._at_start = False
        self._forget_rest(end)

    def _forget_rest(self, end: int) -> None:
        self._offset = end
        self._rest.clear()
        self._rest_skipped = 0
        self._rest_is_long = False

    def _step_over_mark(self, line: bytearray) -> None:
        if self._at_start and line.startswith(BYTE_ORDER_MARK):
            del line[: len(BYTE_ORDER_MARK)]
            self._offset += len(BYTE_ORDER_MARK)
        self._at_start = False
