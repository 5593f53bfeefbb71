"""Restore: from a commit and what lies in `sentiment.state` to the state with which a partition begins.

    sentiment.state   [s1 s1 s1]   [s2 s2 s2]            the commit's metadata points at both
    input             --------a1---------a2------c---->  a: applied by a snapshot, c: committed
    restored                             |=======|       s2; [a2, c) is read again with outputs muted (`replay`)
    s2 is damaged              |=================|       s1; [a1, c) is read again

The commit is the only way to a snapshot: one that no commit names is a zombie's, or was never finished.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.delivery.chunks import DamagedSnapshot, Snapshot, Versions, join
from monitor.delivery.metadata import Pointer, StateCommit
from monitor.delivery.shape import Owner, Shape, check_shapes, reset_command
from monitor.errors import StateError


@dataclass(frozen=True, slots=True)
class Restored:
    """How a partition begins.

    Attributes:
        state: empty for a partition that begins anew.
        read_from: the offset to read from; outputs are muted below `committed`.
        damage: what was wrong with newer snapshots; to be logged, and alerted on.
    """

    state: Mapping[str, bytes]
    read_from: int
    committed: int
    damage: tuple[str, ...] = ()


def restore(
    commit: StateCommit,
    found: Iterable[tuple[Pointer, Iterable[bytes]]],
    versions: Versions,
    present: Mapping[str, Shape],
) -> Restored:
    """The newest snapshot of a commit that can be read.

    Args:
        found: for each pointer of the commit, in its order, the records that lie there; the next is asked for only
            when the one before is damaged.
        versions, present: what this process works with, and the Kafka topics as they are.
    Raises: StateError: none can be read, or what was found was made with other versions or Kafka topics.
    """
    owner = commit.owner
    check_shapes(owner, commit.shapes, present)
    if not commit.pointers:
        return Restored({}, commit.position, commit.position)
    damage: list[str] = []
    for pointer, records in found:
        try:
            snapshot = join(records, pointer.snapshot, owner)
        except DamagedSnapshot as exc:
            damage.append(f"snapshot {pointer.snapshot} at {pointer.first_offset}: {exc}")
            continue
        _check_versions(snapshot, versions)
        check_shapes(owner, snapshot.shapes, present)
        return Restored(snapshot.state, snapshot.applied, commit.position, tuple(damage))
    raise StateError(
        f"no snapshot of {owner} can be read ({'; '.join(damage)}); bring sentiment.state back from its replicas, or "
        f"give the state up, to begin again at the earliest record, with: {reset_command(owner)}"
    )


def begin_anew(owner: Owner, earliest: int, *, has_snapshots: bool) -> Restored:
    """A partition without a commit begins at the earliest record, with empty state.

    Raises: StateError: there are snapshots of it, so there was a commit, and it is lost.
    """
    if has_snapshots:
        raise StateError(
            f"{owner} has snapshots but no commit that names one: the group's offsets have expired or were deleted "
            "(see offsets.retention.minutes of the brokers); to begin again at the earliest record, give the state up "
            f"with: {reset_command(owner)}"
        )
    return Restored({}, earliest, earliest)


def _check_versions(snapshot: Snapshot, now: Versions) -> None:
    was = snapshot.versions
    pairs = [("form", was.state, now.state), ("rules", was.rules, now.rules), ("windows", was.windows, now.windows)]
    faults = [f"{name} {before!r}, and works with {after!r}" for name, before, after in pairs if before != after]
    if faults:
        raise StateError(
            f"the state of {snapshot.owner} was made with {'; '.join(faults)}: run the release and the configuration "
            f"that made it, or give the state up with: {reset_command(snapshot.owner)}"
        )
