"""Jobs: each runs alone, again when it asks for it, and keeps nobody from ending."""

import logging
from collections.abc import Callable, Iterator
from threading import Barrier, Event, Lock

import pytest

from monitor.clock import SystemClock
from monitor.jobs import Jobs

PATIENCE_SECONDS = 10.0


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs(SystemClock(), workers=2)
    yield jobs
    jobs.stop()


def counted(times: int, is_done: Event, wait_seconds: float = 0.0) -> Callable[[], float]:
    """A job that tells when it has run so many times."""
    runs: list[None] = []

    def run() -> float:
        runs.append(None)
        if len(runs) == times:
            is_done.set()
        return wait_seconds if len(runs) < times else 3_600.0

    return run


def test_a_job_runs_at_once_and_again_when_it_asks_for_it(jobs: Jobs) -> None:
    is_done = Event()
    jobs.add("look", counted(20, is_done))
    jobs.start()
    assert is_done.wait(PATIENCE_SECONDS)


def test_a_job_that_asks_for_quiet_has_it(jobs: Jobs) -> None:
    first, second, is_other_done = Event(), Event(), Event()

    def seldom() -> float:
        (second if first.is_set() else first).set()
        return 3_600.0

    jobs.add("seldom", seldom)
    jobs.add("often", counted(20, is_other_done))
    jobs.start()
    assert first.wait(PATIENCE_SECONDS) and is_other_done.wait(PATIENCE_SECONDS)
    assert not second.is_set()


def test_jobs_run_beside_each_other(jobs: Jobs) -> None:
    together = Barrier(2, timeout=PATIENCE_SECONDS)
    done = [Event(), Event()]

    def meet(number: int) -> float:
        together.wait()
        done[number].set()
        return 3_600.0

    jobs.add("first", lambda: meet(0))
    jobs.add("second", lambda: meet(1))
    jobs.start()
    assert all(each.wait(PATIENCE_SECONDS) for each in done)


def test_a_job_never_runs_twice_at_once(jobs: Jobs) -> None:
    is_done, lock = Event(), Lock()
    overlaps: list[None] = []
    inner = counted(50, is_done)

    def run() -> float:
        if not lock.acquire(blocking=False):
            overlaps.append(None)
            return 0.0
        try:
            return inner()
        finally:
            lock.release()

    jobs.add("look", run)
    jobs.start()
    assert is_done.wait(PATIENCE_SECONDS)
    assert overlaps == []


def test_a_job_that_raises_is_told_and_runs_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("monitor.jobs.RETRY_SECONDS", 0.0)
    runs: list[None] = []
    is_well = Event()

    def run() -> float:
        runs.append(None)
        if len(runs) == 1:
            raise RuntimeError("a bug")
        is_well.set()
        return 3_600.0

    jobs.add("look", run)
    jobs.start()
    assert is_well.wait(PATIENCE_SECONDS)
    assert "job_failed" in [record.message for record in caplog.records]


def test_usual_runs_are_not_logged(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    is_done = Event()
    jobs.add("look", counted(3, is_done))
    jobs.start()
    assert is_done.wait(PATIENCE_SECONDS)
    assert [record.name for record in caplog.records] == []


def test_two_jobs_cannot_share_a_name(jobs: Jobs) -> None:
    jobs.add("look", lambda: 1.0)
    with pytest.raises(ValueError, match="look"):
        jobs.add("look", lambda: 1.0)


def test_stopping_waits_for_no_job_and_plans_none_again(jobs: Jobs) -> None:
    is_running, may_end = Event(), Event()
    runs: list[None] = []

    def hang() -> float:
        runs.append(None)
        is_running.set()
        may_end.wait(PATIENCE_SECONDS)
        return 0.0

    jobs.add("look", hang)
    jobs.start()
    assert is_running.wait(PATIENCE_SECONDS)
    jobs.stop()
    may_end.set()
    for thread in jobs.threads:
        assert thread.daemon
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    assert len(runs) == 1
