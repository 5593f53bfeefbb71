"""A process of workers: it ends with its workers, with the first that fails, and at once where one hangs."""

import threading

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.clock import SystemClock
from monitor.errors import DependencyError, ExitCode

SOON_SECONDS = 10.0


class Hand:
    """A worker that works until it is closed; `hangs`: or until the test lets it go, whoever closes it."""

    def __init__(self, role: RoleName, failure: Exception | None = None, *, hangs: bool = False) -> None:
        self.role = role
        self.begun = threading.Event()
        self.closed = threading.Event()
        self.let_go = threading.Event()
        self._failure = failure
        self._hangs = hangs

    def run(self) -> None:
        self.begun.set()
        if self._failure is not None:
            raise self._failure
        assert (self.let_go if self._hangs else self.closed).wait(SOON_SECONDS)

    def close(self) -> None:
        self.closed.set()


def process(*hands: Hand, drain: float = SOON_SECONDS, hang: float = SOON_SECONDS) -> tuple[Process, list[int]]:
    clock, ended = SystemClock(), list[int]()
    beats = Beats(clock, [hand.role for hand in hands])
    return Process(hands, beats, clock, Patience(drain, hang), end=ended.append), ended


def test_process_ends_when_it_is_told_and_every_worker_has_finished() -> None:
    hands = [Hand(RoleName.TREND), Hand(RoleName.ALERT)]
    running, ended = process(*hands)
    thread = threading.Thread(target=running.run)
    thread.start()
    assert all(hand.begun.wait(SOON_SECONDS) for hand in hands)
    running.stop()
    thread.join(SOON_SECONDS)
    assert not thread.is_alive()
    assert ended == []


def test_worker_that_fails_ends_the_others_well_and_its_error_is_told() -> None:
    other = Hand(RoleName.ALERT)
    running, ended = process(Hand(RoleName.TREND, DependencyError("no such topic")), other)
    with pytest.raises(DependencyError, match="no such topic"):
        running.run()
    assert other.closed.is_set()
    assert ended == []


def test_worker_that_gives_no_sign_of_life_ends_the_process_at_once() -> None:
    hand = Hand(RoleName.SCORE, hangs=True)
    running, ended = process(hand, hang=0.2)
    running.run()
    assert ended == [ExitCode.DEPENDENCY_DOWN]
    hand.let_go.set()


def test_worker_that_does_not_finish_in_time_is_not_waited_for() -> None:
    hand = Hand(RoleName.SCORE, hangs=True)
    running, ended = process(hand, drain=0.2)
    running.stop()
    running.run()
    assert ended == [ExitCode.DEPENDENCY_DOWN]
    hand.let_go.set()
