"""Health: live follows the loop's heartbeat alone, ready the named conditions."""

import pytest

from monitor.clock import ManualClock
from monitor.web.health import CONDITIONS, Health


def all_ready(health: Health) -> Health:
    for condition in CONDITIONS:
        health.set_ready(condition, True)
    return health


def test_a_loop_that_turns_is_live_and_one_that_stalls_is_not() -> None:
    clock = ManualClock(1_700_000_000_000)
    health = Health(clock, stall_after_seconds=60)
    for _ in range(10):
        clock.advance(seconds=50)
        health.beat()
    clock.advance(seconds=60)
    assert health.live().ok
    clock.advance(seconds=0.001)
    assert not health.live().ok
    health.beat()
    assert health.live().ok


def test_a_process_that_never_reaches_its_loop_is_not_live_for_ever() -> None:
    clock = ManualClock()
    health = Health(clock, stall_after_seconds=60)
    assert health.live().ok
    clock.advance(seconds=61)
    assert not health.live().ok


def test_a_broken_dependency_makes_it_not_ready_but_leaves_it_live() -> None:
    health = all_ready(Health(ManualClock()))
    health.set_ready("feeds", False, "feeds.news/0 is paused: too many unusable records")
    assert health.live().ok
    assert not health.ready().ok


def test_what_somebody_should_see_to_is_noted_and_takes_no_readiness_away() -> None:
    health = all_ready(Health(ManualClock()))
    health.set_note("feeds", "feeds.news/0 is stopped")
    verdict = health.ready()
    assert verdict.ok
    assert verdict.body["conditions"] == {
        **{name: {"ready": True} for name in CONDITIONS},
        "feeds": {"ready": True, "note": "feeds.news/0 is stopped"},
    }
    health.set_note("feeds", "")
    assert "note" not in str(health.ready().body)


def test_it_is_ready_only_when_every_condition_holds_and_says_which_does_not() -> None:
    health = Health(ManualClock())
    assert not health.ready().ok
    for condition in ("scorer", "feeds", "watchlist"):
        health.set_ready(condition, True)
    assert not health.ready().ok
    assert health.ready().body == {
        "ready": False,
        "conditions": {
            "scorer": {"ready": True},
            "feeds": {"ready": True},
            "watchlist": {"ready": True},
            "state": {"ready": False, "reason": "starting"},
        },
    }
    health.set_ready("state", True)
    assert health.ready().ok


def test_a_condition_that_fails_without_a_reason_is_not_taken_for_ready() -> None:
    health = all_ready(Health(ManualClock()))
    health.set_ready("state", False)
    assert not health.ready().ok


def test_a_stalled_loop_is_not_ready_either() -> None:
    clock = ManualClock()
    health = all_ready(Health(clock, stall_after_seconds=60))
    clock.advance(seconds=61)
    assert not health.ready().ok
    assert "'loop': {'ready': False, 'reason': 'no heartbeat'}" in str(health.ready().body)


def test_a_process_is_asked_only_about_the_roles_it_runs() -> None:
    health = Health(ManualClock(), conditions=("state",))
    health.set_ready("state", True)
    assert health.ready().ok


def test_an_undeclared_condition_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="scorer, feeds, watchlist, state"):
        Health(ManualClock()).set_ready("scoerr", True)
