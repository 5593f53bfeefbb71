"""The life of an alert, as a desk would draw it: one message when it starts, few while it lasts, one when it is over.

severity  5 |          .A.
          4 |        F'   '.            F fires  A amended  R resolved  c cooldown: silence
enter     3 |-------/-------'.-----.----------
          2 |      /          '. .'  c
exit    1.5 |-----/------------R'-------------
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import HOUR_MS, MINUTE_MS
from monitor.domain.alerts import AlertEvent, AlertState, Detection, Rule, Suppression
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId
from monitor.operators.lifecycle import LifeCycleRules, OpenAlert, alert_id, live

NOON_MS = 1_772_452_800_000
RULES = LifeCycleRules(exit_ratio=0.5, cooldown_ms=24 * HOUR_MS, amend_step=0.5, amend_ratio=0.0, delay_ms=2_000)
NO_COOLDOWN = replace(RULES, cooldown_ms=0)
THRESHOLD = 3.0
FIRING, AMENDED, RESOLVED = AlertState.FIRING, AlertState.AMENDED, AlertState.RESOLVED


def detection(severity: float, minute: float = 0, *, episode_minute: float = 0) -> Detection:
    return Detection(
        partition=0,
        topic_id=TopicId("halden"),
        rule=Rule.NEGATIVE_BURST,
        at_ms=round(NOON_MS + minute * MINUTE_MS),
        episode_start_ms=round(NOON_MS + episode_minute * MINUTE_MS),
        severity=severity,
        look_back_ms=HOUR_MS,
        observed=5,
        expected=0.3,
        volume=900,
        documents=11,
        origins=5,
        risk=RiskKind.LIQUIDITY,
        evidence=(),
        topics_watched=86,
        scorer="lexicon-1",
        watchlist="w-1",
    )


class Desk:
    """Lives one topic's alert and keeps what it was told."""

    def __init__(self, rules: LifeCycleRules = RULES) -> None:
        self.rules = rules
        self.last: OpenAlert | None = None
        self.events: list[AlertEvent] = []

    def hear(
        self,
        severity: float,
        minute: float = 0,
        *,
        episode: float = 0,
        threshold: float = THRESHOLD,
        price: float = 1.0,
    ) -> AlertState | Suppression | None:
        """What becomes of one detection."""
        found = detection(severity, minute, episode_minute=episode)
        self.last, event, reason = live(self.last, found, threshold, price, self.rules, "config-1")
        assert event is None or reason is None
        if event is None:
            return reason
        self.events.append(event)
        return event.state


# ---- it fires


def test_alert_fires_at_the_threshold_and_not_below() -> None:
    assert Desk().hear(2.999) is Suppression.BELOW_THRESHOLD
    assert Desk().hear(3.0) is FIRING


def test_identity_is_topic_rule_and_episode_start() -> None:
    assert alert_id(detection(4.0, 17, episode_minute=3)) == f"halden|negative_burst|{NOON_MS + 3 * MINUTE_MS}"


def test_event_says_when_it_could_be_sent_at_the_earliest_and_what_decided_it() -> None:
    desk = Desk()
    desk.hear(4.0, 17, episode=3)
    (event,) = desk.events
    assert event.alert_id == alert_id(event.detection)
    assert event.at_ms == event.detection.at_ms + 2_000
    assert event.started_ms == NOON_MS + 17 * MINUTE_MS
    assert (event.revision, event.threshold, event.peak_severity, event.config) == (1, THRESHOLD, 4.0, "config-1")
    assert event.detection == detection(4.0, 17, episode_minute=3)


def test_alert_beyond_the_budget_is_suppressed_by_name() -> None:
    assert Desk().hear(4.0, price=1.5) is Suppression.OVER_BUDGET
    assert Desk().hear(4.5, price=1.5) is FIRING


def test_end_of_an_episode_that_told_nobody_is_no_news() -> None:
    assert Desk().hear(0.0) is None


# ---- it lasts


def test_rise_is_told_from_the_step_on_measured_from_what_was_told() -> None:
    desk = Desk()
    told = [desk.hear(severity, minute) for minute, severity in enumerate([3.0, 3.2, 3.4, 3.499, 3.5, 3.9, 4.0])]
    none = Suppression.NO_RISE
    assert told == [FIRING, none, none, none, AMENDED, none, AMENDED]
    assert [event.revision for event in desk.events] == [1, 2, 3]
    assert {event.alert_id for event in desk.events} == {alert_id(detection(3.0))}


def test_fall_is_no_amendment_and_the_peak_is_kept() -> None:
    desk = Desk()
    for minute, severity in enumerate([4.0, 6.0, 5.0, 5.9]):
        desk.hear(severity, minute)
    assert [event.state for event in desk.events] == [FIRING, AMENDED]
    desk.hear(6.6, 5)
    assert desk.events[-1].peak_severity == 6.6


def test_open_alert_is_amended_though_the_budget_is_spent() -> None:
    desk = Desk()
    desk.hear(4.0)
    assert desk.hear(5.0, 1, price=9.0) is AMENDED


# ---- it is over


def test_alert_is_resolved_when_it_is_usual_again() -> None:
    desk = Desk()
    desk.hear(4.0)
    assert desk.hear(0.0, 60) is RESOLVED
    assert desk.events[-1].revision == 2
    assert desk.events[-1].peak_severity == 4.0
    assert desk.hear(0.0, 61) is None


def test_alert_enters_at_one_level_and_leaves_at_a_lower_one() -> None:
    desk = Desk()
    desk.hear(3.1)
    assert desk.hear(1.5, 1) is Suppression.NO_RISE
    assert desk.hear(1.499, 2) is RESOLVED


@pytest.mark.parametrize("first", [3.0, 4.0, 10.0, 40.0])
def test_alert_does_not_flap_while_severity_hovers_at_the_threshold(first: float) -> None:
    """Also after it entered with a leap, and with no cooldown to hide it."""
    desk = Desk(NO_COOLDOWN)
    desk.hear(first)
    for minute in range(1, 50):
        desk.hear(THRESHOLD + (0.4 if minute % 2 else -0.4), minute)
    assert [event.state for event in desk.events] == [FIRING]


def test_threshold_that_moves_from_day_to_day_resolves_nothing() -> None:
    desk = Desk()
    desk.hear(3.1)
    assert desk.hear(3.0, 1, threshold=9.0) is Suppression.NO_RISE


# ---- the quiet time after it


def test_next_alert_of_the_topic_waits_for_the_end_of_the_cooldown() -> None:
    desk = Desk()
    desk.hear(4.0)
    desk.hear(0.0, 60)
    assert desk.hear(4.4, 61, episode=61) is Suppression.COOLDOWN
    assert desk.hear(4.4, 60 + 24 * 60 - 1, episode=61) is Suppression.COOLDOWN
    assert desk.hear(4.4, 60 + 24 * 60, episode=61) is FIRING


def test_worse_news_breaks_the_cooldown() -> None:
    """Worse than the worst of before, by the step that is worth a message."""
    desk = Desk()
    desk.hear(4.0)
    desk.hear(5.0, 10)
    desk.hear(0.0, 60)
    assert desk.hear(5.4, 61, episode=61) is Suppression.COOLDOWN
    assert desk.hear(5.5, 62, episode=61) is FIRING


def test_new_episode_is_a_new_alert_and_a_relapse_is_the_old_one() -> None:
    desk = Desk(NO_COOLDOWN)
    desk.hear(5.0)
    desk.hear(0.0, 60)
    assert desk.hear(4.0, 90) is FIRING
    relapse = desk.events[-1]
    assert (relapse.alert_id, relapse.revision) == (desk.events[0].alert_id, 3)
    assert (relapse.started_ms, relapse.peak_severity) == (NOON_MS, 5.0)
    desk.hear(0.0, 120)
    assert desk.hear(4.0, 300, episode=300) is FIRING
    fresh = desk.events[-1]
    assert (fresh.alert_id, fresh.revision) == (alert_id(fresh.detection), 1)
    assert (fresh.started_ms, fresh.peak_severity) == (NOON_MS + 300 * MINUTE_MS, 4.0)


@given(
    severities=st.lists(st.one_of(st.just(0.0), st.floats(0.5, 9.0)), max_size=80),
    cooldown_hours=st.sampled_from([0, 1, 24]),
)
def test_every_life_is_fired_then_amended_then_resolved(severities: list[float], cooldown_hours: int) -> None:
    desk = Desk(replace(RULES, cooldown_ms=cooldown_hours * HOUR_MS))
    is_open = False
    for step, severity in enumerate(severities):
        before = len(desk.events)
        outcome = desk.hear(severity, 20 * step, episode=100 * (step // 5))
        assert isinstance(outcome, Suppression) or len(desk.events) == before + 1 or severity == 0.0
        if len(desk.events) == before:
            continue
        event = desk.events[-1]
        assert (event.state is FIRING) is not is_open
        is_open = event.state is not RESOLVED
        assert event.peak_severity >= event.detection.severity
    for one in {event.alert_id for event in desk.events}:
        life = [event.revision for event in desk.events if event.alert_id == one]
        assert life == list(range(1, len(life) + 1))


def test_in_a_storm_a_rise_is_told_only_when_it_is_a_good_part_of_what_was_told() -> None:
    """Told at 8, then at 9 (too little), then at 10: a quarter more.

    severity   8 ----- 9 ----- 10
    told       F               A
    """
    calm = replace(RULES, amend_ratio=0.25)
    alert, event, _ = live(None, detection(8.0), 3.0, True, calm, "config")
    assert event is not None and event.state is AlertState.FIRING
    alert, event, reason = live(alert, detection(9.0), 3.0, True, calm, "config")
    assert (event, reason) == (None, Suppression.NO_RISE)
    _, event, _ = live(alert, detection(10.0), 3.0, True, calm, "config")
    assert event is not None and event.state is AlertState.AMENDED
