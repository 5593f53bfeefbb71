"""The outbox: the loop never waits, order within an alert holds, and every event comes to an end that is counted."""

import json
import logging
import random
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.channels.outbox import (
    LONGEST_PAUSE_SECONDS,
    LONGEST_RETRY_AFTER_SECONDS,
    MaybeArrivedError,
    Outbox,
)
from monitor.clock import HOUR_MS, ManualClock, SystemClock
from monitor.domain.alerts import AlertEvent, AlertId, AlertState
from monitor.errors import RecordError, TransientError
from monitor.metrics import NOTIFICATION_OUTCOMES
from tests.channels.test_console import AT_MS, alert

NAME = "Northvale Bank"
DOWN = TransientError("it is down")
LOST = MaybeArrivedError("no answer came")
REFUSED = RecordError("refused", "no such hook")


class Pager:
    """A delivery that fails as it is told, in turn, and remembers what arrived."""

    name = "pager"

    def __init__(self, *failures: Exception | None, poison: str = "") -> None:
        self.failures = list(failures)
        self.poison = poison
        self.tried: list[str] = []
        self.told: list[tuple[str, bool]] = []

    def deliver(self, event: AlertEvent, topic_name: str, *, may_repeat: bool) -> None:
        """Tell it, or fail."""
        self.tried.append(of(event))
        if event.alert_id == self.poison:
            raise LOST
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.told.append((of(event), may_repeat))


def of(event: AlertEvent) -> str:
    return f"{event.alert_id} {event.state}"


def turn(alert_id: str, state: AlertState = AlertState.FIRING, *, at_ms: int = AT_MS) -> AlertEvent:
    return replace(alert(state), alert_id=AlertId(alert_id), at_ms=at_ms)


def outbox(
    delivery: Pager, clock: ManualClock | None = None, kept: dict[str, str] | None = None, capacity: int = 500
) -> Outbox:
    return Outbox(delivery, clock or ManualClock(AT_MS), kept or {}, HOUR_MS, random.Random(7), capacity)


def work_off(box: Outbox, clock: ManualClock, pauses: list[float] | None = None) -> None:
    """Until nothing waits; pauses move the clock."""
    for _ in range(5_000):
        pause_seconds = box.work()
        if pause_seconds is None:
            return
        if pause_seconds and pauses is not None:
            pauses.append(pause_seconds)
        clock.advance(seconds=pause_seconds + 0.001)
    raise AssertionError("it never ends")


def test_what_is_sent_arrives_once_and_is_counted() -> None:
    pager, clock = Pager(), ManualClock(AT_MS)
    box = outbox(pager, clock)
    box.send(turn("a"), NAME)
    assert pager.told == [], "the loop that sends never delivers"
    work_off(box, clock)
    assert pager.told == [("a firing", False)]
    assert box.take_outcomes() == {"sent": 1}
    assert box.take_outcomes() == {}


def test_a_failure_is_tried_again_after_ever_longer_pauses_with_jitter() -> None:
    pager, clock = Pager(*[DOWN] * 12), ManualClock(AT_MS)
    box = outbox(pager, clock)
    box.send(turn("a"), NAME)
    pauses: list[float] = []
    work_off(box, clock, pauses)
    assert len(pauses) == 12
    for number, pause_seconds in enumerate(pauses):
        whole = min(2.0**number, LONGEST_PAUSE_SECONDS)
        assert whole / 2 <= pause_seconds <= max(whole, 1.0)
    assert len({round(pause / 2.0**number, 2) for number, pause in enumerate(pauses[1:7], 1)}) > 3, "drawn, not fixed"
    assert pager.told == [("a firing", False)]
    assert box.take_outcomes() == {"retried": 12, "sent": 1}


def test_a_service_that_asks_for_patience_gets_it_up_to_an_hour() -> None:
    clock = ManualClock(AT_MS)
    box = outbox(Pager(TransientError("slow down", 40.0)), clock)
    box.send(turn("a"), NAME)
    assert box.work() == 0.0
    assert box.work() == pytest.approx(40.0, abs=0.01)
    greedy = outbox(Pager(TransientError("slow down", 999_999.0)), clock)
    greedy.send(turn("a"), NAME)
    greedy.work()
    assert greedy.work() == pytest.approx(LONGEST_RETRY_AFTER_SECONDS, abs=0.01)


def test_after_a_success_the_next_failure_pauses_shortly_again() -> None:
    clock = ManualClock(AT_MS)
    box = outbox(Pager(DOWN, DOWN, DOWN, DOWN, None, DOWN), clock)
    box.send(turn("a"), NAME)
    box.send(turn("b"), NAME)
    pauses: list[float] = []
    work_off(box, clock, pauses)
    assert pauses[-1] <= 1.0


def test_an_alert_that_is_too_old_is_given_up_with_its_id_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    pager, clock = Pager(*[DOWN] * 1_000), ManualClock(AT_MS)
    box = outbox(pager, clock)
    box.send(turn("a"), NAME)
    with caplog.at_level(logging.INFO):
        work_off(box, clock)
    assert pager.told == []
    outcomes = box.take_outcomes()
    assert outcomes["gave_up"] == 1
    assert 10 < outcomes["retried"] < 60
    (given_up,) = [record for record in caplog.records if record.message == "notification_gave_up"]
    assert given_up.levelno == logging.ERROR
    assert vars(given_up)["event_fields"]["alert_id"] == "a"


def test_age_is_counted_from_the_decision_and_the_limit_itself_is_young_enough() -> None:
    pager, clock = Pager(), ManualClock(AT_MS + HOUR_MS)
    box = outbox(pager, clock)
    box.send(turn("a", at_ms=AT_MS), NAME)
    box.send(turn("b", at_ms=AT_MS - 1), NAME)
    work_off(box, clock)
    assert pager.tried == ["a firing"]


def test_what_is_refused_for_good_is_tried_once_and_the_next_goes_on() -> None:
    pager, clock = Pager(REFUSED), ManualClock(AT_MS)
    box = outbox(pager, clock)
    box.send(turn("a"), NAME)
    box.send(turn("b"), NAME)
    work_off(box, clock)
    assert (pager.tried, pager.told) == (["a firing", "b firing"], [("b firing", False)])
    assert box.take_outcomes() == {"failed": 1, "sent": 1}


def test_a_bug_costs_its_alert_and_no_other_and_its_message_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    pager, clock = Pager(ZeroDivisionError("https://hooks.example/hush-hush")), ManualClock(AT_MS)
    box = outbox(pager, clock)
    box.send(turn("a"), NAME)
    box.send(turn("b"), NAME)
    work_off(box, clock)
    assert pager.told == [("b firing", False)]
    fields = [vars(record)["event_fields"] for record in caplog.records]
    assert fields[0]["reason"] == "a bug: ZeroDivisionError"
    assert "in deliver" in fields[0]["where"]
    assert "hush-hush" not in str(fields)


def test_only_what_may_have_arrived_is_marked_as_a_possible_repeat() -> None:
    pager, clock = Pager(DOWN, LOST), ManualClock(AT_MS)
    box = outbox(pager, clock)
    box.send(turn("a"), NAME)
    box.send(turn("b"), NAME)
    work_off(box, clock)
    assert pager.tried[:2] == ["a firing", "b firing"], "a was refused, b was lost"
    assert sorted(pager.told) == [("a firing", False), ("b firing", True)]
    assert box.take_outcomes() == {"retried": 2, "sent": 1, "sent_again": 1}


def test_turns_of_one_alert_stay_in_order_while_others_pass() -> None:
    pager, clock = Pager(DOWN, DOWN), ManualClock(AT_MS)
    box = outbox(pager, clock)
    for state in (AlertState.FIRING, AlertState.AMENDED, AlertState.RESOLVED):
        box.send(turn("a", state), NAME)
    box.send(turn("b"), NAME)
    work_off(box, clock)
    of_a = [told for told, _ in pager.told if told.startswith("a")]
    assert of_a == ["a firing", "a amended", "a resolved"]
    assert pager.tried[:2] == ["a firing", "b firing"]


def test_a_message_that_nobody_takes_does_not_silence_the_others() -> None:
    pager, clock = Pager(poison="a"), ManualClock(AT_MS)
    box = outbox(pager, clock)
    for alert_id in "abcd":
        box.send(turn(alert_id), NAME)
    for _ in range(30):
        clock.advance(seconds=box.work() or 0.0)
    assert [told for told, _ in pager.told] == ["b firing", "c firing", "d firing"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(AlertState))), max_size=25),
    st.lists(st.sampled_from([None, DOWN, LOST, REFUSED]), max_size=40),
)
def test_whatever_fails_every_event_ends_once_and_order_within_an_alert_holds(
    turns: list[tuple[str, AlertState]], failures: list[Exception | None]
) -> None:
    pager, clock = Pager(*failures), ManualClock(AT_MS)
    box = outbox(pager, clock)
    sent = [replace(turn(alert_id, state), revision=number) for number, (alert_id, state) in enumerate(turns)]
    for event in sent:
        box.send(event, NAME)
    work_off(box, clock)
    outcomes = box.take_outcomes()
    ended = sum(count for outcome, count in outcomes.items() if outcome != "retried")
    assert ended == len(sent)
    assert len(pager.told) == outcomes.get("sent", 0) + outcomes.get("sent_again", 0)
    for alert_id in "abc":
        told = iter([of(event) for event in sent if event.alert_id == alert_id])
        assert all(any(one == other for other in told) for one, _ in pager.told if one.startswith(alert_id))
    assert set(outcomes) <= set(NOTIFICATION_OUTCOMES)


def test_in_a_flood_the_oldest_gives_way_and_is_counted() -> None:
    pager, clock = Pager(), ManualClock(AT_MS)
    box = outbox(pager, clock, capacity=3)
    for alert_id in "abcde":
        box.send(turn(alert_id), NAME)
    assert box.take_outcomes() == {"gave_up": 2}
    work_off(box, clock)
    assert [told for told, _ in pager.told] == ["c firing", "d firing", "e firing"]


# --- where a commit comes first


def careful(delivery: Pager, clock: ManualClock, kept: dict[str, str] | None = None) -> Outbox:
    return Outbox(delivery, clock, kept or {}, HOUR_MS, random.Random(7), awaits_commit=True)


def test_nothing_leaves_before_the_commit_that_holds_it() -> None:
    """Else a crash between the two would tell it again without a word of that."""
    pager, clock = Pager(), ManualClock(AT_MS)
    box = careful(pager, clock)
    box.send(turn("a"), NAME)
    assert box.work() is None
    box.flush()
    box.send(turn("b"), NAME)
    assert box.work() is None, "collected is not durable"
    box.committed()
    work_off(box, clock)
    assert pager.told == [("a firing", False)], "b came after what was committed"
    box.flush()
    box.committed()
    work_off(box, clock)
    assert pager.told == [("a firing", False), ("b firing", False)]


def test_what_left_asks_for_a_commit_and_is_not_told_again_after_it() -> None:
    pager, clock = Pager(), ManualClock(AT_MS)
    box = careful(pager, clock)
    box.send(turn("a"), NAME)
    held = box.flush()
    box.committed()
    news = [box.has_news]
    work_off(box, clock)
    news.append(box.has_news)
    settled = box.flush()
    assert [*news, box.has_news] == [False, True, False]
    work_off(careful(pager, clock, held), clock)
    work_off(careful(pager, clock, settled), clock)
    assert pager.told == [("a firing", False), ("a firing", True)], "only who died before the second commit repeats"


def test_what_no_commit_holds_is_forgotten_when_reading_begins_anew() -> None:
    pager, clock = Pager(), ManualClock(AT_MS)
    box = careful(pager, clock, {})
    box.send(turn("a"), NAME)
    box.flush()
    box.committed()
    box.send(turn("b"), NAME)
    box.forget_uncommitted()
    box.send(turn("b"), NAME)
    box.flush()
    box.committed()
    work_off(box, clock)
    assert pager.told == [("a firing", False), ("b firing", False)]


def test_closing_does_not_wait_for_what_may_not_leave() -> None:
    pager, clock = Pager(), SystemClock()
    box = Outbox(pager, clock, {}, HOUR_MS * 24 * 365 * 100, random.Random(7), awaits_commit=True)
    box.start()
    box.send(turn("a"), NAME)
    began = clock.monotonic_seconds()
    box.close(drain_seconds=30.0)
    assert clock.monotonic_seconds() - began < 10.0
    assert pager.told == []
    assert json.loads(box.flush()["outbox_pager"])[0]["may_repeat"] is False


def test_a_commit_wakes_the_outbox() -> None:
    pager, clock = Pager(), SystemClock()
    box = Outbox(pager, clock, {}, HOUR_MS * 24 * 365 * 100, random.Random(7), awaits_commit=True)
    box.start()
    box.send(turn("a"), NAME)
    box.flush()
    box.committed()
    box.close(drain_seconds=30.0)
    assert pager.told == [("a firing", False)]


# --- over a restart


def test_what_waits_is_in_the_commit_and_sent_after_a_crash_as_a_possible_repeat() -> None:
    clock = ManualClock(AT_MS)
    box = outbox(Pager(DOWN), clock)
    box.send(turn("a"), NAME)
    box.send(turn("a", AlertState.RESOLVED), NAME)
    kept = box.flush()
    pager = Pager()
    again = outbox(pager, clock, kept)
    work_off(again, clock)
    # The commit was written before the attempt: whether that was made, nobody remembers.
    assert pager.told == [("a firing", True), ("a resolved", True)]
    assert again.take_outcomes() == {"sent_again": 2}
    assert json.loads(again.flush()["outbox_pager"]) == []


def test_the_event_comes_back_whole(caplog: pytest.LogCaptureFixture) -> None:
    class Sheet(Pager):
        seen: AlertEvent | None = None

        def deliver(self, event: AlertEvent, topic_name: str, *, may_repeat: bool) -> None:
            self.seen = event
            assert topic_name == "北谷银行"

    clock, sheet = ManualClock(AT_MS), Sheet()
    box = outbox(Pager(), clock)
    box.send(alert(), "北谷银行")
    again = outbox(sheet, clock, box.flush())
    work_off(again, clock)
    assert sheet.seen == alert()


def test_what_an_orderly_stop_left_was_never_tried_and_is_no_repeat(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(AT_MS)
    box = outbox(Pager(), clock)
    box.send(turn("a"), NAME)
    box.close()
    assert box.take_outcomes() == {"undelivered": 1}
    (left,) = [record for record in caplog.records if record.message == "notifications_undelivered"]
    assert vars(left)["event_fields"]["alert_ids"] == ["a"]
    pager = Pager()
    work_off(outbox(pager, clock, box.flush()), clock)
    assert pager.told == [("a firing", False)]


def test_after_a_long_stop_what_was_kept_is_given_up() -> None:
    box = outbox(Pager())
    box.send(turn("a"), NAME)
    pager, later = Pager(), ManualClock(AT_MS + 3 * HOUR_MS)
    again = outbox(pager, later, box.flush())
    work_off(again, later)
    assert pager.tried == []
    assert again.take_outcomes() == {"gave_up": 1}


@pytest.mark.parametrize("kept", ["", "{", "7", '[{"alert": "{}", "name": "x", "may_repeat": true}]', "[{}]", "[1]"])
def test_what_another_release_kept_is_told_in_the_log_and_stops_nothing(
    kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = outbox(Pager(), kept={"outbox_pager": kept})
    assert box.take_outcomes() == {"gave_up": 1}
    assert "outbox_unreadable" in caplog.text
    assert box.work() is None


# --- with its thread


class Gate(Pager):
    """A delivery that hangs until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let_go, self.done = threading.Event(), threading.Event(), threading.Event()

    def deliver(self, event: AlertEvent, topic_name: str, *, may_repeat: bool) -> None:
        """Hang, then tell it."""
        self.entered.set()
        assert self.let_go.wait(20)
        super().deliver(event, topic_name, may_repeat=may_repeat)
        self.done.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    hanging = Gate()
    yield hanging
    hanging.let_go.set()


def live(delivery: Pager) -> Outbox:
    """With the machine's clock; its alerts never grow old."""
    box = Outbox(delivery, SystemClock(), {}, 10**15, random.Random(7))
    box.start()
    return box


def test_a_delivery_that_hangs_holds_up_neither_sending_nor_committing(gate: Gate) -> None:
    box = live(gate)
    box.send(turn("a"), NAME)
    assert gate.entered.wait(20)
    box.send(turn("b"), NAME)
    kept = json.loads(box.flush()["outbox_pager"])
    assert [json.loads(one["alert"])["alert_id"] for one in kept] == ["a", "b"]
    gate.let_go.set()
    box.close(drain_seconds=20)
    assert [told for told, _ in gate.told] == ["a firing", "b firing"]
    assert box.take_outcomes() == {"sent": 2}
    assert json.loads(box.flush()["outbox_pager"]) == []


def test_a_flood_does_not_take_away_what_is_being_delivered(gate: Gate) -> None:
    box = Outbox(gate, SystemClock(), {}, 10**15, random.Random(7), capacity=2)
    box.start()
    box.send(turn("a"), NAME)
    assert gate.entered.wait(20)
    for alert_id in "bcd":
        box.send(turn(alert_id), NAME)
    gate.let_go.set()
    box.close(drain_seconds=20)
    assert [told for told, _ in gate.told] == ["a firing", "d firing"]
    assert box.take_outcomes() == {"gave_up": 2, "sent": 2}


def test_closing_does_not_wait_for_what_hangs_and_keeps_it_as_a_possible_repeat(gate: Gate) -> None:
    box = live(gate)
    box.send(turn("a"), NAME)
    box.send(turn("b"), NAME)
    assert gate.entered.wait(20)
    box.close(drain_seconds=0.05)
    assert box.take_outcomes() == {"undelivered": 2}
    kept = json.loads(box.flush()["outbox_pager"])
    assert [one["may_repeat"] for one in kept] == [True, False]


def test_closing_does_not_sit_out_a_long_pause() -> None:
    class Down(Pager):
        def __init__(self) -> None:
            super().__init__()
            self.entered = threading.Event()

        def deliver(self, event: AlertEvent, topic_name: str, *, may_repeat: bool) -> None:
            self.entered.set()
            raise TransientError("come back later", 600.0)

    down = Down()
    box = live(down)
    box.send(turn("a"), NAME)
    assert down.entered.wait(20)
    box.close(drain_seconds=30)
    assert not [thread for thread in threading.enumerate() if thread is box._worker]
    assert box.take_outcomes() == {"retried": 1, "undelivered": 1}


def test_an_idle_outbox_closes_at_once() -> None:
    box = live(Pager())
    box.close(drain_seconds=30)
    assert box.take_outcomes() == {}
