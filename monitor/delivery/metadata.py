"""What a group's offset commit carries in its metadata text, beside the offset: the only pointer to a role's state.

    sentiment-monitor/1 5f0c27aa {"role":"trend","source":["sentiment.scored",3],"position":81234, ...}
    whose, and format   CRC-32   one JSON object

For score this text is the whole state of one input partition; for trend and alert it names the last two snapshots in
`sentiment.state`. The broker bounds its length. What is left out: how it is committed, and what a snapshot holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from zlib import crc32

import orjson

from monitor.delivery.crashes import UNTROUBLED, CrashNote
from monitor.delivery.shape import Owner, Shape, reset_command
from monitor.domain.document import InputPartition
from monitor.errors import ConfigError, StateError

MAX_BYTES = 4_096
"""The broker's default of `offset.metadata.max.bytes`."""

MAGIC = "sentiment-monitor"
VERSION = 1
"""Raised when a reader of the older form would misread the newer one."""

KEPT_POINTERS = 2
"""The newest snapshot, and the one before it for when the newest is damaged; each costs some 70 bytes of metadata."""

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class ScoreCommit:
    """What score commits for one input partition.

    Attributes:
        position: the offset that is committed; exclusive.
        state: its watermark at that position, as `roles.score_snapshot` writes it: JSON.
        shapes: the Kafka topics that the state rests on.
        crashes: what is known of records that kill the process.
    """

    owner: Owner
    position: int
    state: bytes
    shapes: tuple[Shape, ...]
    crashes: CrashNote = UNTROUBLED


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a snapshot lies in its partition of `sentiment.state`.

    Attributes:
        snapshot: its id.
        first_offset, end_offset: its chunks lie in [first, end), those of a zombie perhaps between them.
        applied: the position in the role's input up to which it holds everything; exclusive.
    """

    snapshot: str
    first_offset: int
    end_offset: int
    applied: int


@dataclass(frozen=True, slots=True)
class StateCommit:
    """What trend and alert commit for one partition.

    `pointers` has the newest snapshot first, at most two; none while nothing was read since the partition began anew.
    """

    owner: Owner
    position: int
    pointers: tuple[Pointer, ...]
    shapes: tuple[Shape, ...]

    def moved(self, position: int, snapshot: Pointer | None = None) -> "StateCommit":
        """The commit after this one, with a new snapshot if one was written since.

        Raises: ValueError: it moves on, and no snapshot holds what was read: nobody could begin from it.
        """
        pointers = self.pointers if snapshot is None else (snapshot, *self.pointers)[:KEPT_POINTERS]
        if position != self.position and not pointers:
            raise ValueError(f"the first commit of {self.owner} that moves on needs a snapshot")
        return replace(self, position=position, pointers=pointers)


def encode_score(commit: ScoreCommit, max_bytes: int = MAX_BYTES) -> str:
    """The metadata of a score commit; `max_bytes` is the brokers' `offset.metadata.max.bytes`.

    Raises: ConfigError: it is longer than the brokers take.
    """
    more = {"state": orjson.loads(commit.state), "crashes": commit.crashes.as_fields()}
    return _encode(commit.owner, commit.position, commit.shapes, more, max_bytes)


def decode_score(text: str, owner: Owner, position: int) -> ScoreCommit:
    """The commit that was encoded. Raises: StateError: the text is not one of this owner's at this position."""
    return _decode(text, owner, position, _score)


def encode_state(commit: StateCommit, max_bytes: int = MAX_BYTES) -> str:
    """The metadata of a trend or alert commit. Raises: ConfigError: it is longer than the brokers take."""
    return _encode(commit.owner, commit.position, commit.shapes, {"pointers": _pointers_out(commit)}, max_bytes)


def decode_state(text: str, owner: Owner, position: int) -> StateCommit:
    """The commit that was encoded. Raises: StateError: the text is not one of this owner's at this position."""
    return _decode(text, owner, position, _state)


def _pointers_out(commit: StateCommit) -> list[tuple[str, int, int, int]]:
    return [(one.snapshot, one.first_offset, one.end_offset, one.applied) for one in commit.pointers]


def _encode(owner: Owner, position: int, shapes: tuple[Shape, ...], more: dict[str, object], max_bytes: int) -> str:
    fields = {"role": owner.role, "source": tuple(owner.source), "position": position, **more}
    body = orjson.dumps({**fields, "shapes": [tuple(shape) for shape in shapes]})
    text = f"{MAGIC}/{VERSION} {crc32(body):08x} {body.decode()}"
    # The broker counts characters, of which there are at most as many as bytes.
    length = len(text.encode())
    if length > max_bytes:
        raise ConfigError(
            f"offset.metadata.max.bytes: the commit of {owner} carries {length:,} bytes of metadata, but the brokers "
            f"take {max_bytes:,}; set it to {_power_of_two(length):,} on every broker, or give the Kafka topics "
            "shorter names"
        )
    return text


def _power_of_two(length: int) -> int:
    return 1 << (length - 1).bit_length()


def _decode(text: str, owner: Owner, position: int, read: Callable[[dict[str, Any], Owner], _Read]) -> _Read:
    """Read one commit by `read`; whatever is wrong with it is a StateError that says what, and what to do."""
    magic, _, rest = text.partition(" ")
    name, _, version = magic.partition("/")
    if name != MAGIC:
        what = "has no metadata" if not text else "carries metadata of another program"
        raise _refused(owner, f"{what}: something else moved the group's offsets")
    if version != str(VERSION):
        raise _refused(
            owner, f"has the format {version[:8]!r}, but this release reads {VERSION}: run the newer release"
        )
    checksum, _, body = rest.partition(" ")
    if checksum != f"{crc32(body.encode('utf-8', 'surrogatepass')):08x}":
        raise _refused(owner, "fails its check: it is damaged")
    try:
        fields = orjson.loads(body)
        found = Owner(_text(fields["role"]), InputPartition(_text(fields["source"][0]), _whole(fields["source"][1])))
        if found != owner:
            raise _refused(owner, f"belongs to {found}")
        if _whole(fields["position"]) != position:
            raise _refused(
                owner, f"was made at {fields['position']}, but stands at {position}: something else moved it"
            )
        return read(fields, owner)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError) as exc:
        raise _refused(owner, f"cannot be read: {exc}") from exc


def _refused(owner: Owner, why: str) -> StateError:
    return StateError(
        f"the commit of {owner} {why}; nothing was changed; to begin again at the earliest record, give the state up "
        f"with: {reset_command(owner)}"
    )


def _score(fields: dict[str, Any], owner: Owner) -> ScoreCommit:
    crashes = CrashNote.of_fields(fields["crashes"])
    return ScoreCommit(owner, fields["position"], orjson.dumps(fields["state"]), _shapes(fields), crashes)


def _state(fields: dict[str, Any], owner: Owner) -> StateCommit:
    pointers = tuple(_pointer(one) for one in fields["pointers"])
    position: int = fields["position"]
    if any(pointer.applied > position for pointer in pointers):
        # A snapshot that is ahead of its commit would be restored to records whose outputs nobody has seen.
        raise ValueError("a snapshot is ahead of the commit")
    return StateCommit(owner, position, pointers, _shapes(fields))


def _pointer(stored: Any) -> Pointer:
    snapshot, first_offset, end_offset, applied = stored
    return Pointer(_text(snapshot), _whole(first_offset), _whole(end_offset), _whole(applied))


def _shapes(fields: dict[str, Any]) -> tuple[Shape, ...]:
    return tuple(Shape(_text(name), _text(kafka_id), _whole(count)) for name, kafka_id, count in fields["shapes"])


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"{value!r} is not a text")
    return value


def _whole(value: Any) -> int:
    # Exact types: to Python, true is a number too.
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is not a whole number from 0")
    return value
