"""Snapshots in chunks: the state of one partition of a role as records of bounded size, and back.

    state {key: bytes}  ->  one body, packed if that pays  ->  [header | piece] [header | piece] ...

Each chunk's value is a header, one line of JSON, and its piece of the body. All headers of a snapshot say the same but
for the chunk's number; the SHA-256 is over that and the body, and the snapshot's id is made of it, so that an id never
stands for two contents: a zombie's chunks in between, and chunks that were sent twice, do no harm. What is left out:
where chunks lie (`metadata.Pointer`), and which snapshot is restored (`restore`).
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from struct import error as StructError
from typing import Any, Final

import orjson

from monitor.delivery.shape import Owner, Shape, reset_command
from monitor.domain.document import InputPartition
from monitor.errors import StateError

CHUNK_BYTES = 512 * 1024
"""Half of what brokers take by default (`message.max.bytes`): a small one costs a header, one too large is refused."""

LEAST_CHUNK_BYTES = 16 * 1024
"""A header is 4 KB with the longest names that Kafka allows; below this chunks would be mostly header."""

VERSION = 1
"""Of the chunks' form; the form of the state inside has a version of its own."""

COMPRESSION_LEVEL = 1
"""Of a generated trend state level 1 leaves 42 %, level 6 39 % for nearly twice the time (43 and 25 MB/s)."""

PAYS_BELOW = 0.9
"""A body that does not shrink by a tenth is kept as it is: it would only cost time at each restore."""

_LENGTH: Final = Struct(">I")


@dataclass(frozen=True, slots=True)
class Versions:
    """What state was made with; another value of any makes it mean something else.

    Attributes:
        state: the form in which the role writes its state. rules: of the rule that decides. windows: which there are.
    """

    state: int
    rules: str
    windows: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one partition of a role, with everything below `applied` in it."""

    owner: Owner
    applied: int
    versions: Versions
    shapes: tuple[Shape, ...]
    state: Mapping[str, bytes]


class DamagedSnapshot(Exception):
    """A snapshot cannot be read from what lies in `sentiment.state`; the one before it may do."""


def cut(snapshot: Snapshot, max_bytes: int = CHUNK_BYTES) -> tuple[str, list[bytes]]:
    """The snapshot's id, and its chunks in order, none longer than `max_bytes`.

    Raises: ValueError: `max_bytes` leaves no room beside the header.
    """
    if max_bytes < LEAST_CHUNK_BYTES:
        raise ValueError(f"a chunk must hold at least {LEAST_CHUNK_BYTES:,} bytes, not {max_bytes:,}")
    whole = b"".join(_packed(snapshot.state))
    packed = zlib.compress(whole, COMPRESSION_LEVEL)
    pays = len(packed) < PAYS_BELOW * len(whole)
    body = packed if pays else whole
    common = {
        "v": VERSION,
        "role": snapshot.owner.role,
        "source": tuple(snapshot.owner.source),
        "applied": snapshot.applied,
        "state": snapshot.versions.state,
        "rules": snapshot.versions.rules,
        "windows": snapshot.versions.windows,
        "shapes": [tuple(shape) for shape in snapshot.shapes],
        "packing": "zlib" if pays else "none",
    }
    digest = _digest(common, body)
    snapshot_id = _id(snapshot.applied, digest)
    common |= {"snapshot": snapshot_id, "sha256": digest}
    # No number is longer than the body's length.
    room = max_bytes - len(_header(common, len(body), len(body)))
    count = max(1, -(-len(body) // room))
    pieces = (body[number * room : (number + 1) * room] for number in range(count))
    return snapshot_id, [_header(common, number, count) + piece for number, piece in enumerate(pieces)]


def join(records: Iterable[bytes], snapshot_id: str, owner: Owner) -> Snapshot:
    """The snapshot of this id, from records in any order among which others may lie.

    Raises:
        DamagedSnapshot: a chunk is missing, or what is there is not what was written.
        StateError: it was written in a form that this release does not read.
    """
    common: dict[str, Any] = {}
    pieces: dict[int, bytes] = {}
    for header, piece in _chunks_of(records, snapshot_id):
        version = header.pop("v", None)
        if version != VERSION:
            raise StateError(
                f"snapshot {snapshot_id} of {owner} is written in form {version!r}, but this release reads {VERSION}: "
                f"run the release that wrote it, or give the state up with: {reset_command(owner)}"
            )
        number = header.pop("number", None)
        if type(number) is not int or number < 0 or pieces.setdefault(number, piece) != piece:
            raise DamagedSnapshot(f"chunk {number} is there twice and differs")
        if header != (common := common or header):
            raise DamagedSnapshot(f"chunk {number} says something else of the snapshot than the first")
    try:
        body = _whole_body(pieces, common)
        return _snapshot(common, body, owner)
    except (KeyError, IndexError, TypeError, ValueError, StructError, zlib.error) as exc:
        raise DamagedSnapshot(f"its chunks cannot be read: {exc}") from exc


def _chunks_of(records: Iterable[bytes], snapshot_id: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Header and piece of each record that says to be of this snapshot."""
    for record in records:
        line, _, piece = record.partition(b"\n")
        try:
            header = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if type(header) is dict and header.get("snapshot") == snapshot_id:
            yield header, piece


def _whole_body(pieces: Mapping[int, bytes], common: Mapping[str, Any]) -> bytes:
    if not pieces:
        raise DamagedSnapshot("none of its chunks is there")
    count = common["count"]
    missing = [number for number in range(count) if number not in pieces]
    if missing:
        shown = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        raise DamagedSnapshot(f"{len(missing)} of its {count} chunks are missing ({shown})")
    return b"".join(pieces[number] for number in range(count))


def _snapshot(common: Mapping[str, Any], body: bytes, owner: Owner) -> Snapshot:
    said = {key: value for key, value in common.items() if key not in ("snapshot", "sha256", "count")}
    digest = _digest({"v": VERSION, **said}, body)
    if digest != common["sha256"] or _id(said["applied"], digest) != common["snapshot"]:
        raise DamagedSnapshot("it fails its check")
    found = Owner(said["role"], InputPartition(*said["source"]))
    if found != owner:
        raise DamagedSnapshot(f"it belongs to {found}")
    return Snapshot(
        owner,
        said["applied"],
        Versions(said["state"], said["rules"], said["windows"]),
        tuple(Shape(*shape) for shape in said["shapes"]),
        dict(_unpacked(zlib.decompress(body) if said["packing"] == "zlib" else body)),
    )


def _id(applied: int, digest: str) -> str:
    # 48 bits of the digest: enough to tell apart what two members wrote at one position.
    return f"{applied}-{digest[:12]}"


def _digest(common: Mapping[str, Any], body: bytes) -> str:
    # Sorted, so that it does not hang on the order in which a header was read.
    hasher = sha256(orjson.dumps(common, option=orjson.OPT_SORT_KEYS))
    hasher.update(body)
    return hasher.hexdigest()


def _header(common: Mapping[str, Any], number: int, count: int) -> bytes:
    return orjson.dumps({**common, "number": number, "count": count}, option=orjson.OPT_APPEND_NEWLINE)


def _packed(state: Mapping[str, bytes]) -> Iterator[bytes]:
    """Lengths and bytes of each key and value, in order of key: the same state gives the same bytes."""
    for key in sorted(state):
        for part in (key.encode(), state[key]):
            yield _LENGTH.pack(len(part))
            yield part


def _unpacked(body: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0

    def part() -> bytes:
        nonlocal at
        (length,) = _LENGTH.unpack_from(body, at)
        begin, at = at + _LENGTH.size, at + _LENGTH.size + length
        if at > len(body):
            raise ValueError("its body ends too early")
        return body[begin:at]

    while at < len(body):
        key = part().decode()
        yield key, part()
