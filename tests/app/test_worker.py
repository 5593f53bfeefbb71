"""Lives: after a failure that may pass the next life begins; one that spoils a drain is told."""

import random

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats
from monitor.app.distributed.worker import Lives
from monitor.clock import SystemClock
from monitor.errors import StateError, TransientError
from tests.faults.watching import BeatingWatch


@pytest.fixture
def watch() -> BeatingWatch:
    return BeatingWatch(Beats(SystemClock(), [RoleName.TREND]))


@pytest.fixture
def lives(watch: BeatingWatch) -> Lives:
    return Lives(RoleName.TREND, SystemClock(), watch, random.Random(7))


def test_life_that_fails_for_now_is_followed_by_another(lives: Lives, watch: BeatingWatch) -> None:
    begun = 0

    def live() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise TransientError("no answer")

    lives.run(live)
    assert (begun, watch.failures) == (2, ["trend: no answer"])


def test_drain_that_fails_is_told(lives: Lives, watch: BeatingWatch) -> None:
    def live() -> None:
        lives.close()
        raise TransientError("what was in hand was not acknowledged")

    with pytest.raises(TransientError, match="in hand"):
        lives.run(live)
    assert watch.failures == ["trend: what was in hand was not acknowledged"]


def test_stop_between_two_lives_ends_well_because_nothing_is_in_hand() -> None:
    begun = 0

    class Stopping(BeatingWatch):
        """Tells the worker to stop at its first sign of life, which is that of waiting."""

        def beat(self, role: RoleName) -> None:
            waiting.close()

    def live() -> None:
        nonlocal begun
        begun += 1
        raise TransientError("no answer")

    watch = Stopping(Beats(SystemClock(), [RoleName.TREND]))
    waiting = Lives(RoleName.TREND, SystemClock(), watch, random.Random(7))
    waiting.run(live)
    assert begun == 1


def test_what_no_new_life_mends_ends_the_worker(lives: Lives) -> None:
    def live() -> None:
        raise StateError("made with other rules")

    with pytest.raises(StateError, match="other rules"):
        lives.run(live)
