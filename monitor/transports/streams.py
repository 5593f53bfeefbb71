"""Streams: the bytes of one file or pipe, plain or inflated, block by block.

Which of the two it is, its first bytes tell, never its name. OSError passes through: the readers translate it.
"""

import errno
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

GZIP_MAGIC = b"\x1f\x8b"

BLOCK_BYTES = 262_144
"""Bytes read or inflated at once: about a thousand posts. Below 64 KiB the calls show in the profile; above 1 MiB the
lines leave the processor's cache before they are parsed."""

RAW_BYTES = 65_536
"""Compressed bytes read at once; they inflate to about one block."""

_GZIP_WINDOW_BITS = 31


class Stream(Protocol):
    """Bytes from the beginning of a file on."""

    position: int
    """How many bytes of the (inflated) stream have been read."""
    damage: str | None
    """What broke the stream off, in words, once reading has come to that place."""
    is_gzip: bool

    @property
    def is_over(self) -> bool:
        """Whether no more bytes can come; always False for a plain file, which can grow."""
        ...

    def read(self) -> bytes:
        """The bytes that follow, at most a block; empty when there are none (yet). Raises: OSError."""
        ...

    def peek_start(self, length: int) -> bytes:
        """The first bytes of a stream that stands at its start; fewer if it is shorter. Raises: OSError."""
        ...

    def skip_to(self, position: int, keep_from: int, keep_to: int) -> bytes:
        """Move forward; return the bytes of [keep_from, keep_to), which lies below `position`. Raises: OSError."""
        ...


class PlainStream:
    """A file as it is."""

    is_gzip = False
    is_over = False

    def __init__(self, descriptor: int) -> None:
        self.position = 0
        self.damage: str | None = None
        self._descriptor = descriptor

    def read(self) -> bytes:
        block = os.pread(self._descriptor, BLOCK_BYTES, self.position)
        self.position += len(block)
        return block

    def peek_start(self, length: int) -> bytes:
        return os.pread(self._descriptor, length, 0)

    def skip_to(self, position: int, keep_from: int, keep_to: int) -> bytes:
        self.position = min(position, os.fstat(self._descriptor).st_size)
        return os.pread(self._descriptor, keep_to - keep_from, keep_from)


class PipeStream:
    """What comes through a pipe, which can only be read on; the first bytes were read already to see what it is."""

    is_gzip = False

    def __init__(self, first: bytes, read_raw: Callable[[], bytes]) -> None:
        self.position = 0
        self.damage: str | None = None
        self.is_over = False
        self._first = first
        self._read_raw = read_raw

    def read(self) -> bytes:
        block, self._first = self._first or self._read_raw(), b""
        self.position += len(block)
        self.is_over = not block
        return block


class GzipStream:
    """What a gzip stream of one or more members inflates to.

    Every byte before a damaged place is delivered, then `damage` says what is wrong and the stream is over.
    """

    is_gzip = True

    def __init__(self, read_raw: Callable[[], bytes]) -> None:
        self.position = 0
        self.damage: str | None = None
        self._read_raw = read_raw
        self._inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
        self._raw = b""
        self._ahead = b""
        self._is_inflated = False

    @property
    def is_over(self) -> bool:
        return self._is_inflated and not self._ahead

    def read(self) -> bytes:
        block, self._ahead = self._ahead, b""
        while not block and not self._is_inflated:
            block = self._inflate()
        self.position += len(block)
        return block

    def peek_start(self, length: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < length and (block := self.read()):
            pieces += block
        self._ahead = bytes(pieces)
        self.position = 0
        return self._ahead[:length]

    def skip_to(self, position: int, keep_from: int, keep_to: int) -> bytes:
        kept = bytearray()
        while self.position < position and (block := self.read()):
            start = self.position - len(block)
            kept += block[max(keep_from - start, 0) : max(keep_to - start, 0)]
            if self.position > position:
                self._ahead = block[position - start :]
                self.position = position
        return bytes(kept)

    def _inflate(self) -> bytes:
        if self._inflater.eof:
            self._begin_next_member()
            return b""
        raw = self._raw or self._read_raw()
        # A copy costs a few microseconds a block and is the only way back to the bytes before a damaged place.
        spare = self._inflater.copy()
        try:
            block = self._inflater.decompress(raw, BLOCK_BYTES)
        except zlib.error as exc:
            self._break_off(f"damaged gzip ({exc})")
            return _salvage(spare, raw)
        self._raw = self._inflater.unconsumed_tail
        if not raw and not block and not self._inflater.eof:
            self._break_off("gzip ends in mid-stream")
        return block

    def _begin_next_member(self) -> None:
        # Zeros between and after members are padding (tapes, block devices); anything else must be a member.
        raw = self._inflater.unused_data.lstrip(b"\0")
        while len(raw) < len(GZIP_MAGIC):
            more = self._read_raw()
            if not more:
                break
            raw = (raw + more).lstrip(b"\0")
        if raw.startswith(GZIP_MAGIC):
            self._inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
            self._raw = raw
        elif raw:
            self._break_off("bytes after the end of the gzip stream that are not gzip")
        else:
            self._is_inflated = True

    def _break_off(self, damage: str) -> None:
        self.damage = damage
        self._is_inflated = True


def _salvage(inflater: "zlib._Decompress", raw: bytes) -> bytes:
    """What inflates before the damaged place; at most a block, as the failed call was bounded by one."""
    pieces = bytearray()
    for index in range(len(raw)):
        try:
            pieces += inflater.decompress(raw[index : index + 1])
        except zlib.error:
            break
    return bytes(pieces)


@dataclass(slots=True)
class OpenFile:
    """A regular file and the stream of its bytes; keeps hold of it however it is renamed."""

    descriptor: int
    stream: Stream
    device: int
    inode: int

    def rewind(self) -> None:
        """Begin the stream again, and look again whether it is gzip. Raises: OSError."""
        is_gzip = os.pread(self.descriptor, len(GZIP_MAGIC), 0) == GZIP_MAGIC
        self.stream = _inflated(self.descriptor) if is_gzip else PlainStream(self.descriptor)

    def status(self) -> os.stat_result:
        return os.fstat(self.descriptor)

    def close(self) -> None:
        """Let go of it; a second time does nothing, lest it closed a descriptor that is somebody else's by then."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def open_file(path: str) -> OpenFile:
    """Open a regular file at its beginning. Raises: OSError: it is missing, closed to us, a directory or a device."""
    # Without O_NONBLOCK, a pipe that took the file's place would hang the whole feed.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is a directory or a device, not a file")
        file = OpenFile(descriptor, PlainStream(descriptor), status.st_dev, status.st_ino)
        file.rewind()
    except OSError:
        os.close(descriptor)
        raise
    return file


def _inflated(descriptor: int) -> GzipStream:
    raw_position = 0

    def read_raw() -> bytes:
        nonlocal raw_position
        raw = os.pread(descriptor, RAW_BYTES, raw_position)
        raw_position += len(raw)
        return raw

    return GzipStream(read_raw)


def pipe_stream(read_raw: Callable[[], bytes]) -> PipeStream | GzipStream:
    """The stream that comes through a pipe; waits until its first two bytes tell what it is. Raises: OSError."""
    first = b""
    while len(first) < len(GZIP_MAGIC) and (more := read_raw()):
        first += more
    if not first.startswith(GZIP_MAGIC):
        return PipeStream(first, read_raw)
    beginning = [first]
    return GzipStream(lambda: beginning.pop() if beginning else read_raw())
