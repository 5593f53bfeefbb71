"""Low-water marks: what may be committed while records finish in any order, held against a model that keeps everything.

begun      0  1  2 |3  4 |5          finished 1 2 0: reached is the first mark; 4 3: the second
"""

import pickle
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.delivery.lowwater import LowWater, Reached, Work
from monitor.domain.document import InputPartition
from monitor.errors import Backpressure

NEWS, POSTS = InputPartition("feeds.news"), InputPartition("feeds.social")
CAPACITY = 6


def assigned(position: int = 100, source: InputPartition = NEWS) -> tuple[LowWater[str], int]:
    low_water: LowWater[str] = LowWater(CAPACITY)
    return low_water, low_water.assign(source, position, "begin")


def begin(low_water: LowWater[str], epoch: int, *offsets: int, source: InputPartition = NEWS) -> list[Work]:
    begun = [low_water.begin(source, epoch, offset) for offset in offsets]
    return [work for work in begun if work is not None]


def test_nothing_may_be_committed_beyond_a_record_that_is_not_finished() -> None:
    low_water, epoch = assigned()
    first, second, third = begin(low_water, epoch, 100, 101, 102)
    low_water.mark(NEWS, epoch, "after 102")
    low_water.finish(second)
    low_water.finish(third)
    assert (low_water.low_water(NEWS), low_water.reached(NEWS)) == (100, Reached(100, "begin"))
    low_water.finish(first)
    assert (low_water.low_water(NEWS), low_water.reached(NEWS)) == (103, Reached(103, "after 102"))


def test_commit_falls_on_a_mark_and_carries_what_was_true_there() -> None:
    low_water, epoch = assigned()
    works = begin(low_water, epoch, 100, 101)
    low_water.mark(NEWS, epoch, "after 101")
    works += begin(low_water, epoch, 102, 103)
    low_water.mark(NEWS, epoch, "after 103")
    for work in works[:3]:
        low_water.finish(work)
    assert low_water.low_water(NEWS) == 103
    assert low_water.reached(NEWS) == Reached(102, "after 101")


def test_word_without_new_records_replaces_the_one_before() -> None:
    """A partition that turned idle says so, though nothing was read."""
    low_water, epoch = assigned()
    low_water.mark(NEWS, epoch, "idle")
    assert low_water.reached(NEWS) == Reached(100, "idle")
    (work,) = begin(low_water, epoch, 100)
    low_water.mark(NEWS, epoch, "active")
    low_water.mark(NEWS, epoch, "idle again")
    low_water.finish(work)
    assert low_water.reached(NEWS) == Reached(101, "idle again")


def test_offsets_that_the_log_left_out_are_no_gap() -> None:
    low_water, epoch = assigned()
    works = begin(low_water, epoch, 103, 110)
    low_water.mark(NEWS, epoch, "after 110")
    for work in works:
        low_water.finish(work)
    assert low_water.reached(NEWS) == Reached(111, "after 110")


def test_partitions_do_not_wait_for_each_other() -> None:
    low_water, epoch = assigned()
    other = low_water.assign(POSTS, 7, "begin")
    begin(low_water, epoch, *range(100, 100 + CAPACITY))
    (work,) = begin(low_water, other, 7, source=POSTS)
    low_water.mark(POSTS, other, "after 7")
    low_water.finish(work)
    assert low_water.reached(POSTS) == Reached(8, "after 7")
    assert low_water.reached(NEWS) == Reached(100, "begin")


def test_partition_with_too_much_in_hand_asks_to_be_paused_and_keeps_what_it_has() -> None:
    low_water, epoch = assigned()
    works = begin(low_water, epoch, *range(100, 100 + CAPACITY))
    for work in works[1:]:
        low_water.finish(work)
    with pytest.raises(Backpressure, match=f"{CAPACITY} records are in hand"):
        low_water.begin(NEWS, epoch, 106)
    low_water.finish(works[0])
    assert low_water.held(NEWS) == 0
    assert low_water.begin(NEWS, epoch, 106) is not None


def test_revoked_partition_is_forgotten() -> None:
    low_water, epoch = assigned()
    begin(low_water, epoch, 100, 101)
    low_water.revoke(NEWS)
    assert (low_water.epoch(NEWS), low_water.reached(NEWS), low_water.low_water(NEWS)) == (None, None, None)
    assert low_water.held(NEWS) == 0
    assert low_water.begin(NEWS, epoch, 102) is None
    low_water.revoke(NEWS)


def test_work_of_an_older_assignment_never_moves_a_newer_ones_commit() -> None:
    """A zombie: it lost the partition and has it again, at the position that another member committed."""
    low_water, old = assigned(100)
    late = begin(low_water, old, 100, 101)
    low_water.revoke(NEWS)
    new = low_water.assign(NEWS, 100, "again")
    begin(low_water, new, 100, 101)
    assert [low_water.finish(work) for work in late] == [False, False]
    low_water.mark(NEWS, old, "what the zombie knew")
    assert low_water.low_water(NEWS) == 100
    assert low_water.reached(NEWS) == Reached(100, "again")


def test_record_polled_before_a_rebalance_leaves_no_hole_after_it() -> None:
    """Polled at 150 by the old assignment; the new one begins at 100, and 150 would look like its first record."""
    low_water, old = assigned(100)
    new = low_water.assign(NEWS, 100, "again")
    assert old != new
    assert low_water.begin(NEWS, old, 150) is None
    assert low_water.begin(NEWS, new, 100) is not None


def test_record_out_of_order_or_finished_twice_is_a_bug_and_not_passed_over() -> None:
    low_water, epoch = assigned()
    first, second = begin(low_water, epoch, 100, 101)
    low_water.finish(second)
    for offset in (99, 101):
        with pytest.raises(ValueError, match="begins after 101"):
            low_water.begin(NEWS, epoch, offset)
    with pytest.raises(ValueError, match="finished twice"):
        low_water.finish(second)
    low_water.finish(first)
    with pytest.raises(ValueError, match="finished twice"):
        low_water.finish(first)


def test_record_that_hangs_for_long_costs_no_memory_however_much_is_said_meanwhile() -> None:
    low_water, epoch = assigned()
    begin(low_water, epoch, 100)
    low_water.mark(NEWS, epoch, "word 0")
    before = len(pickle.dumps(low_water))
    for number in range(1_000):
        low_water.mark(NEWS, epoch, f"word {number}")
    assert len(pickle.dumps(low_water)) <= before + len("999")


# ---- against a model that keeps everything


@dataclass
class Naive:
    """One assignment in the model: every record that was begun, finished or not, and every mark."""

    position: int
    marks: list[tuple[int, str]]
    begun: list[tuple[Work, int]] = field(default_factory=list)
    finished: set[Work] = field(default_factory=set)

    def low_water(self) -> int:
        position = self.position
        for work, offset in self.begun:
            if work not in self.finished:
                break
            position = offset + 1
        return position

    def next_offset(self) -> int:
        return self.begun[-1][1] + 1 if self.begun else self.position

    def reached(self) -> Reached[str]:
        at = max(position for position, _ in self.marks if position <= self.low_water())
        return Reached(at, [mark for position, mark in self.marks if position == at][-1])

    def held(self) -> int:
        return sum(offset + 1 > self.low_water() for _, offset in self.begun)


STEPS = ["begin", "begin", "begin", "finish", "finish", "mark", "assign", "revoke", "finish an old one"]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([NEWS, POSTS]), st.integers(0, 30)), max_size=80))
def test_every_answer_is_that_of_a_model_that_keeps_everything(
    steps: list[tuple[str, InputPartition, int]],
) -> None:
    low_water: LowWater[str] = LowWater(CAPACITY)
    model: dict[InputPartition, Naive] = {}
    old: list[Work] = []
    for count, (step, source, number) in enumerate(steps):
        naive, epoch = model.get(source), low_water.epoch(source)
        assert (naive is None) == (epoch is None)
        if step == "finish an old one" and old:
            assert not low_water.finish(old[number % len(old)])
        if step in ("assign", "revoke"):
            old += [work for work, _ in naive.begun] if naive else []
            model.pop(source, None)
            low_water.revoke(source)
            if step == "assign":
                low_water.assign(source, number, f"assigned {count}")
                model[source] = Naive(number, [(number, f"assigned {count}")])
        if naive is None or epoch is None:
            continue
        if step == "begin":
            offset = naive.next_offset() + (number == 0) * 3
            if naive.held() == CAPACITY:
                with pytest.raises(Backpressure):
                    low_water.begin(source, epoch, offset)
            else:
                work = low_water.begin(source, epoch, offset)
                assert work is not None
                naive.begun.append((work, offset))
        elif step == "finish":
            waiting = [work for work, _ in naive.begun if work not in naive.finished]
            if waiting:
                work = waiting[number % len(waiting)]
                assert low_water.finish(work)
                naive.finished.add(work)
        elif step == "mark":
            naive.marks.append((naive.next_offset(), f"mark {count}"))
            low_water.mark(source, epoch, f"mark {count}")
        for checked, kept in model.items():
            assert low_water.reached(checked) == kept.reached()
            assert low_water.low_water(checked) == kept.low_water()
            assert low_water.held(checked) == kept.held() <= CAPACITY
