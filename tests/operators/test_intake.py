"""Intake: an input is paused for too many unusable records, judged by whole runs, each input by itself."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import InputPartition
from monitor.operators.intake import IntakeGuard

WIRE, POSTS = InputPartition("feeds.news"), InputPartition("feeds.social")


def test_input_is_paused_once_more_than_the_ratio_of_a_run_is_unusable() -> None:
    guard = IntakeGuard(ratio=0.5, window=10)
    assert not guard.count(WIRE, usable=4, unusable=5)
    assert guard.count(WIRE, usable=0, unusable=1)


def test_exactly_the_ratio_is_still_accepted() -> None:
    assert not IntakeGuard(ratio=0.5, window=10).count(WIRE, usable=5, unusable=5)


def test_small_file_of_bad_lines_is_read_to_its_end() -> None:
    guard = IntakeGuard(ratio=0.5, window=10)
    assert not any(guard.count(WIRE, usable=0, unusable=1) for _ in range(9))


def test_one_bad_vendor_stops_nothing_but_itself() -> None:
    guard = IntakeGuard(ratio=0.5, window=10)
    assert not guard.count(POSTS, usable=9, unusable=0)
    assert guard.count(WIRE, usable=0, unusable=10)
    assert not guard.count(POSTS, usable=1, unusable=0)


def test_each_run_is_judged_afresh() -> None:
    guard = IntakeGuard(ratio=0.5, window=10)
    assert not guard.count(WIRE, usable=10, unusable=0)
    assert guard.count(WIRE, usable=4, unusable=6), "a good past must not hide a vendor that went bad"
    assert not guard.count(WIRE, usable=6, unusable=4)


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 20), st.sampled_from([0.0, 0.25, 0.5, 0.9]))
def test_records_counted_one_by_one_are_judged_at_each_whole_window(
    is_usable: list[bool], window: int, ratio: float
) -> None:
    guard = IntakeGuard(ratio, window)
    for index, usable in enumerate(is_usable, start=1):
        paused = guard.count(WIRE, usable=usable, unusable=not usable)
        run = is_usable[index - window : index] if index % window == 0 else []
        assert paused == bool(run and run.count(False) > ratio * window)
