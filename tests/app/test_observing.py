"""What workers tell as health and metrics: an outage is told and never kills, a stopped input is told and stops nothing
else."""

import logging
import math

import pytest
from prometheus_client import CollectorRegistry

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.observing import Observing
from monitor.app.distributed.process import Beats
from monitor.clock import ManualClock
from monitor.domain.document import InputPartition
from monitor.errors import TransientError
from monitor.metrics import Metrics
from monitor.web.health import Health
from tests.roles.test_score import DAWN_MS, NEWS, POSTS, garbage, record, role

SESSION_SECONDS = 6.0
SCORED = InputPartition("sentiment.scored", 1)


class Room:
    """A process of two roles and what it shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clock = ManualClock(DAWN_MS)
        roles = [RoleName.SCORE, RoleName.TREND]
        self.health = Health(self.clock, conditions=[one.value for one in roles])
        self.watch = Observing(
            Metrics(self.registry), self.health, self.clock, Beats(self.clock, roles), roles, SESSION_SECONDS
        )

    def value(self, name: str, **labels: str) -> float:
        found = self.registry.get_sample_value(f"sentiment_{name}", labels)
        assert found is not None, f"{name}{labels} is not exposed"
        return found

    def told(self, role: RoleName) -> object:
        """What `/readyz` says of a role."""
        conditions = self.health.ready().body["conditions"]
        assert isinstance(conditions, dict)
        return conditions[role.value]


@pytest.fixture
def room() -> Room:
    return Room()


def test_process_is_ready_when_each_role_has_joined(room: Room) -> None:
    assert room.told(RoleName.TREND) == {"ready": False, "reason": "has not joined its group yet"}
    room.watch.owns(RoleName.SCORE, [NEWS])
    assert not room.health.ready().ok
    room.watch.owns(RoleName.TREND, [])
    assert room.health.ready().ok


def test_outage_is_told_until_the_brokers_answer_again_and_is_no_death(room: Room) -> None:
    for one in (RoleName.SCORE, RoleName.TREND):
        room.watch.owns(one, [SCORED])
    room.watch.heard(RoleName.TREND, 2.9)
    assert room.health.ready().ok
    room.watch.heard(RoleName.TREND, 3.1)
    assert room.told(RoleName.TREND) == {"ready": False, "reason": "the brokers do not answer its group"}
    assert room.told(RoleName.SCORE) == {"ready": True}
    assert room.value("broker_silence_seconds", worker="trend") == 3.1
    assert room.health.live().ok
    room.watch.heard(RoleName.TREND, 0.0)
    assert room.health.ready().ok


def test_failure_is_the_reason_until_the_role_has_joined_again(room: Room) -> None:
    room.watch.owns(RoleName.SCORE, [NEWS])
    room.watch.owns(RoleName.TREND, [SCORED])
    room.watch.heard(RoleName.TREND, 3.1)
    room.watch.failed(RoleName.TREND, TransientError("no answer"))
    room.watch.heard(RoleName.TREND, 0.0)
    assert room.told(RoleName.TREND) == {"ready": False, "reason": "no answer"}
    room.watch.owns(RoleName.TREND, [SCORED])
    assert room.health.ready().ok


def test_delay_grows_while_nothing_is_read_and_is_unknown_where_nothing_is_owned(room: Room) -> None:
    score = role()
    room.watch.owns(RoleName.SCORE, [NEWS, POSTS])
    score.handle([record(0, arrival_ms=DAWN_MS, source=source) for source in (NEWS, POSTS)], 0)
    score.cut(0)
    room.watch.advanced(RoleName.SCORE, [score])
    room.watch.look()
    before = room.value("watermark_delay_seconds", stage="score")
    room.clock.advance(seconds=60)
    room.watch.look()
    assert room.value("watermark_delay_seconds", stage="score") == before + 60
    room.watch.owns(RoleName.SCORE, [])
    room.watch.look()
    assert math.isnan(room.value("watermark_delay_seconds", stage="score"))


def test_input_that_another_process_reads_now_is_told_by_that_one(room: Room) -> None:
    room.watch.owns(RoleName.SCORE, [NEWS, POSTS])
    room.watch.read([record(0)])
    room.watch.owns(RoleName.SCORE, [POSTS])
    for name, more in (("input_state", {"state": "active"}), ("last_record_timestamp_seconds", {})):
        assert room.registry.get_sample_value(f"sentiment_{name}", {"input": str(NEWS), **more}) is None
    assert room.value("records_read_total", input=str(NEWS)) == 1
    room.watch.owns(RoleName.SCORE, [NEWS, POSTS])
    assert room.value("input_state", input=str(NEWS), state="active") == 1


def test_stopped_input_is_told_once_and_the_process_stays_ready(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    score = role(window=10)
    room.watch.owns(RoleName.SCORE, [NEWS, POSTS])
    room.watch.owns(RoleName.TREND, [SCORED])
    with caplog.at_level(logging.ERROR):
        score.handle([garbage(offset, POSTS) for offset in range(10)], 0)
        score.cut(0)
        for _ in range(3):
            room.watch.advanced(RoleName.SCORE, [score])
    assert score.stopped() == {POSTS}
    assert caplog.text.count("input_stopped") == 1
    assert room.value("input_state", input=str(POSTS), state="paused") == 1
    assert room.told(RoleName.SCORE) == {"ready": True, "note": f"stopped for too many unusable records: {POSTS}"}
    assert room.health.ready().ok
    score.revoke(POSTS)
    room.watch.advanced(RoleName.SCORE, [score])
    assert room.told(RoleName.SCORE) == {"ready": True}
