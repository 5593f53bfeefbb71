"""Restore: the newest snapshot that the commit names and that can be read, or a StateError that says what to do."""

from collections.abc import Iterable, Iterator

import pytest

from monitor.delivery.chunks import Snapshot, Versions, cut
from monitor.delivery.metadata import Pointer, StateCommit
from monitor.delivery.restore import Restored, begin_anew, restore
from monitor.delivery.shape import Shape
from monitor.errors import StateError
from tests.delivery.things import SCORED, SHAPES, STATE, TREND

VERSIONS = Versions(3, "negative-burst-2", "1m,1h")
PRESENT = {shape.kafka_topic: shape for shape in SHAPES}


class StateLog:
    """A partition of `sentiment.state`: appends, and what a pointer finds."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.asked: list[str] = []

    def write(self, applied: int, state: dict[str, bytes], versions: Versions = VERSIONS) -> Pointer:
        snapshot_id, chunks = cut(Snapshot(TREND, applied, versions, SHAPES, state))
        first = len(self.records)
        self.records += chunks
        return Pointer(snapshot_id, first, len(self.records), applied)

    def damage(self, pointer: Pointer) -> None:
        self.records[pointer.first_offset] = self.records[pointer.first_offset][:-1] + b"?"

    def read(self, commit: StateCommit) -> Iterator[tuple[Pointer, Iterable[bytes]]]:
        for pointer in commit.pointers:
            self.asked.append(pointer.snapshot)
            yield pointer, self.records[pointer.first_offset : pointer.end_offset]


def begin(log: StateLog, commit: StateCommit, versions: Versions = VERSIONS, **changed: Shape) -> Restored:
    present = {**PRESENT, **{shape.kafka_topic: shape for shape in changed.values()}}
    return restore(commit, log.read(commit), versions, present)


def two_snapshots() -> tuple[StateLog, StateCommit]:
    log = StateLog()
    earlier = log.write(700, {"common": b"earlier"})
    commit = StateCommit(TREND, 0, (), SHAPES).moved(700, earlier)
    return log, commit.moved(900, log.write(900, {"common": b"later"})).moved(950)


def test_newest_snapshot_is_restored_and_the_rest_up_to_the_commit_is_read_again() -> None:
    log, commit = two_snapshots()
    assert begin(log, commit) == Restored({"common": b"later"}, read_from=900, committed=950)
    assert log.asked == [commit.pointers[0].snapshot], "the one before is not read without need"


def test_damaged_snapshot_falls_back_to_the_one_before_and_says_so() -> None:
    log, commit = two_snapshots()
    log.damage(commit.pointers[0])
    restored = begin(log, commit)
    assert (restored.state, restored.read_from, restored.committed) == ({"common": b"earlier"}, 700, 950)
    assert restored.damage == (f"snapshot {commit.pointers[0].snapshot} at 1: it fails its check",)


def test_snapshot_that_no_commit_names_is_never_restored() -> None:
    """A zombie wrote it after it was fenced; it lies in the log beside the others."""
    log, commit = two_snapshots()
    zombie = log.write(990, {"common": b"zombie"})
    restored = begin(log, commit)
    assert restored.state == {"common": b"later"}
    assert zombie.snapshot not in log.asked


def test_with_both_snapshots_damaged_nothing_is_reset_in_silence() -> None:
    log, commit = two_snapshots()
    for pointer in commit.pointers:
        log.damage(pointer)
    with pytest.raises(StateError, match=r"no snapshot of trend for sentiment\.scored/3 can be read") as refused:
        begin(log, commit)
    said = str(refused.value)
    assert all(pointer.snapshot in said for pointer in commit.pointers)
    assert "monitor state reset --role trend --partition sentiment.scored/3" in said


def test_snapshot_that_retention_took_counts_as_damaged() -> None:
    log, commit = two_snapshots()
    found = [(commit.pointers[0], list[bytes]()), (commit.pointers[1], log.records[:1])]
    assert restore(commit, found, VERSIONS, PRESENT).read_from == 700


def test_commit_made_before_anything_was_read_begins_empty_where_it_stands() -> None:
    assert begin(StateLog(), StateCommit(TREND, 40, (), SHAPES)) == Restored({}, 40, 40)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (Versions(4, "negative-burst-2", "1m,1h"), "form 3, and works with 4"),
        (Versions(3, "negative-burst-3", "1m,1h"), "rules 'negative-burst-2', and works with 'negative-burst-3'"),
        (Versions(3, "negative-burst-2", "5m"), "windows '1m,1h', and works with '5m'"),
    ],
)
def test_state_made_with_other_versions_is_refused_and_not_passed_over(now: Versions, said: str) -> None:
    log, commit = two_snapshots()
    with pytest.raises(StateError, match="monitor state reset --role trend") as refused:
        begin(log, commit, now)
    assert said in str(refused.value)
    assert len(log.asked) == 1, "the snapshot before would not fit either"


def test_state_made_with_another_partition_count_or_topic_is_refused() -> None:
    log, commit = two_snapshots()
    with pytest.raises(StateError, match="had 4 partitions, and has 8"):
        begin(log, commit, scored=SCORED._replace(partitions=8))
    with pytest.raises(StateError, match="deleted and made again"):
        begin(log, commit, state=STATE._replace(kafka_id="another"))


def test_partition_without_commit_and_snapshots_begins_at_the_earliest_record() -> None:
    assert begin_anew(TREND, 12, has_snapshots=False) == Restored({}, 12, 12)


def test_snapshots_without_a_commit_are_no_new_beginning() -> None:
    with pytest.raises(StateError, match=r"offsets\.retention\.minutes.*monitor state reset --role trend"):
        begin_anew(TREND, 0, has_snapshots=True)
