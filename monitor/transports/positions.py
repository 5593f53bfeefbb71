"""Position: where reading goes on, and what the file is recognised by. Trail: the way back to one from an offset.

A file is recognised by its content (a digest of its first bytes and of the last record before the position), taken
after inflating: so a feed may be compressed, copied or moved between two runs, but not replaced or edited.
"""

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from monitor.domain.document import FeedRecord
from monitor.errors import StateError
from monitor.transports.streams import Stream

HEAD_BYTES = 1_024
"""Of a file's beginning: several records with ids and times of their own; in less, two days' files may agree."""

TAIL_BYTES = 256
"""Of the end of the last record before a position: about one post."""

_MAX_CHECKPOINTS = 1_024
_MAX_GENERATIONS = 256
_FORM = 1


def digest(data: bytes) -> str:
    """A short content hash, for recognition only."""
    return blake2b(data, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Position:
    """Where the record at `offset` begins.

    Attributes:
        offset: in the partition's stream, over all its files. file_byte: in this file, inflated.
        device, inode: of the file; 0 where none had been opened. file_bytes: its size on disk when last looked at.
        head_bytes, head_digest: its first bytes. tail_end, tail_bytes, tail_digest: the end of the last record before
            the position.
        is_after_damage: the stream had broken off here, and that was told.
    """

    offset: int
    file_byte: int
    device: int = 0
    inode: int = 0
    file_bytes: int = 0
    head_bytes: int = 0
    head_digest: str = ""
    tail_end: int = 0
    tail_bytes: int = 0
    tail_digest: str = ""
    is_after_damage: bool = False

    def to_text(self) -> str:
        fields: dict[str, object] = {
            "v": _FORM,
            "at": self.offset,
            "byte": self.file_byte,
            "file": [self.device, self.inode, self.file_bytes],
            "head": [self.head_bytes, self.head_digest],
            "tail": [self.tail_end, self.tail_bytes, self.tail_digest],
        }
        if self.is_after_damage:
            fields["damaged"] = True
        return orjson.dumps(fields).decode()

    @staticmethod
    def from_text(text: str) -> "Position":
        """Raises: StateError: it is not such a text."""
        try:
            fields = orjson.loads(text)
            if fields["v"] != _FORM:
                raise ValueError(f"form {fields['v']}")
            numbers = [fields["at"], fields["byte"], *fields["file"], fields["head"][0], *fields["tail"][:2]]
            texts = [fields["head"][1], fields["tail"][2]]
            if not all(type(number) is int and number >= 0 for number in numbers) or len(numbers) != 8:
                raise ValueError("a number is missing or negative")
            if numbers[1] > numbers[0]:
                raise ValueError("the file begins before the partition")
            if not all(isinstance(word, str) for word in texts):
                raise ValueError("a digest is missing")
        except (ValueError, KeyError, IndexError, TypeError) as exc:
            raise StateError(
                f"the stored feed position {text[:200]!r} is none ({exc}): give a new --state, or restore the old one"
            ) from exc
        offset, byte, device, inode, size, head_bytes, tail_end, tail_bytes = numbers
        is_after_damage = bool(fields.get("damaged"))
        head_digest, tail_digest = texts
        return Position(
            offset,
            byte,
            device,
            inode,
            size,
            head_bytes,
            head_digest,
            tail_end,
            tail_bytes,
            tail_digest,
            is_after_damage,
        )

    @property
    def base(self) -> int:
        """The offset of the file's first byte."""
        return self.offset - self.file_byte


def go_to(stream: Stream, position: Position) -> bool:
    """Bring a stream that stands at its start to a position; False when it is not the one that was marked.

    Raises: OSError.
    """
    head = stream.peek_start(position.head_bytes)
    if len(head) < position.head_bytes or (head and digest(head) != position.head_digest):
        return False
    tail = stream.skip_to(position.file_byte, position.tail_end - position.tail_bytes, position.tail_end)
    if position.tail_bytes and digest(tail) != position.tail_digest:
        return False
    if position.is_after_damage:
        # The damage counts as one byte (LineSplitter.fail); a file that was mended since is another file.
        return stream.position == position.file_byte - 1 and stream.read() == b"" and stream.damage is not None
    return stream.position == position.file_byte


@dataclass(slots=True)
class Generation:
    """One file in a partition's stream: the first of them begins at offset 0, the next where the one before ended.

    Attributes:
        base: the offset of its first byte. head: up to HEAD_BYTES of its beginning. size: on disk when last looked at.
        damage_end: the offset behind the record that told of its damage, if there was one.
    """

    base: int
    device: int = 0
    inode: int = 0
    head: bytes = b""
    size: int = 0
    damage_end: int | None = None


class Trail:
    """Remembers enough of the way that was read to mark any offset that is still on its way through the monitor.

    One checkpoint is left for each poll. When there are too many, every second one goes: a position that lies between
    two is recognised by the earlier.
    """

    def __init__(self, position: Position, generation: Generation) -> None:
        self._generations = [generation]
        self._ends = [position.offset]
        self._tails = [(position.tail_end, position.tail_bytes, position.tail_digest)]

    @property
    def generation(self) -> Generation:
        """The one that is being read."""
        return self._generations[-1]

    def begin(self, generation: Generation) -> None:
        """The stream goes on in another file."""
        self._generations.append(generation)
        del self._generations[:-_MAX_GENERATIONS]

    def leave_checkpoint(self, record: FeedRecord) -> None:
        """A record was delivered, the last of a poll."""
        tail = record.value[-TAIL_BYTES:]
        if not tail:
            return
        tail_end = record.offset + len(record.value) - self._generation_of(record.offset).base
        self._ends.append(record.next_offset)
        self._tails.append((tail_end, len(tail), digest(tail)))
        if len(self._ends) > _MAX_CHECKPOINTS:
            del self._ends[1:-1:2], self._tails[1:-1:2]

    def position(self, offset: int) -> Position:
        """The position of the record that begins at `offset`. Raises: StateError: that is too long ago."""
        generation = self._generation_of(offset)
        checkpoint = bisect_right(self._ends, offset) - 1
        if offset < generation.base or checkpoint < 0:
            raise StateError(f"offset {offset} lies too far back for this feed to mark it: start the run again")
        is_of_generation = self._ends[checkpoint] > generation.base
        tail_end, tail_bytes, tail_digest = self._tails[checkpoint] if is_of_generation else (0, 0, "")
        return Position(
            offset,
            offset - generation.base,
            generation.device,
            generation.inode,
            generation.size,
            len(generation.head),
            digest(generation.head),
            tail_end,
            tail_bytes,
            tail_digest,
            offset == generation.damage_end,
        )

    def _generation_of(self, offset: int) -> Generation:
        return self._generations[max(bisect_right(self._generations, offset, key=lambda one: one.base) - 1, 0)]
