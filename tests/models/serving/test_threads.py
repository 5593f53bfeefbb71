"""Threads: results in order, side by side, and errors where they belong. A fork is tried in `test_onnx.py`."""

import threading
from collections.abc import Generator

import pytest

from models.serving.threads import Threads, usable_cores

LONGEST_SECONDS = 30.0


@pytest.fixture
def threads() -> Generator[Threads]:
    made = Threads(3)
    yield made
    made.close()


def test_results_come_in_order_whoever_is_done_first(threads: Threads) -> None:
    later = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert later.wait(LONGEST_SECONDS)
        else:
            later.set()
        return number * 10

    assert list(threads.map(work, [0, 1, 2, 3])) == [0, 10, 20, 30]


def test_as_many_are_at_work_as_there_are_threads(threads: Threads) -> None:
    together = threading.Barrier(3, timeout=LONGEST_SECONDS)
    assert sorted(threads.map(lambda _: together.wait(), range(3))) == [0, 1, 2]


def test_error_is_raised_where_its_result_would_be(threads: Threads) -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("the third")
        return number

    for one in (threads, Threads(1)):
        found = iter(one.map(work, [0, 1, 2, 3]))
        assert [next(found), next(found)] == [0, 1]
        with pytest.raises(ValueError, match="the third"):
            next(found)


def test_pool_that_was_closed_is_made_anew_when_it_is_needed(threads: Threads) -> None:
    for _ in range(2):
        assert list(threads.map(abs, [-1, -2])) == [1, 2]
        assert threads.pool is not None
        threads.close()
        assert threads.pool is None
    threads.close()


def test_one_thing_or_one_thread_needs_no_pool(threads: Threads) -> None:
    assert list(threads.map(abs, [-1])) == [1]
    assert list(threads.map(abs, [])) == []
    assert threads.pool is None
    alone = Threads(1)
    assert set(alone.map(lambda _: threading.current_thread(), range(3))) == {threading.current_thread()}


def test_no_thread_is_left_after_it_was_closed(threads: Threads) -> None:
    used = set(threads.map(lambda _: threading.current_thread(), range(9)))
    assert threading.current_thread() not in used
    threads.close()
    assert not any(one.is_alive() for one in used)


def test_there_is_always_a_core() -> None:
    assert usable_cores() >= 1
