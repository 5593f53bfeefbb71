"""Alert: one order of time for every partition, every detection told or suppressed by name, and a year on budget."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.alerts import AlertEvent, AlertState, Detection, Rule, Suppression, feed_topic
from monitor.domain.archive import SuppressedRow
from monitor.domain.document import InputPartition
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.streams import Message, Output, Stream
from monitor.domain.topics import TopicId
from monitor.operators.budget import DAYS_PER_MONTH, AlertBudget
from monitor.operators.grouping import Grouping
from monitor.operators.lifecycle import LifeCycleRules
from monitor.operators.merge import MergeByTime
from monitor.roles import alert_snapshot
from monitor.roles.alert import AlertOperators, AlertRole, AlertRoleState
from tests.roles.scenes import HALDEN, NORTHWIND, Log, clock, decided, detection, random_documents, trend, values

RULES = LifeCycleRules(exit_ratio=0.5, cooldown_ms=24 * HOUR_MS, amend_step=0.5, amend_ratio=0.0, delay_ms=2_000)


def alert(
    state: AlertRoleState | None = None,
    *,
    per_topic_month: float = 30.0,
    initial: float | None = 3.0,
    min_topics: int = 5,
) -> AlertRole:
    state = AlertRoleState() if state is None else state
    operators = AlertOperators(
        merge=MergeByTime(5 * MINUTE_MS, state.merge),
        budget=AlertBudget(2.0, per_topic_month, initial, 60 * DAY_MS),
        grouping=Grouping(min_topics, HOUR_MS, 2.0, 4.0),
        rules=RULES,
        feed_rules=replace(RULES, cooldown_ms=0),
        feed_threshold=3.0,
        group_wait_ms=10 * MINUTE_MS,
    )
    return AlertRole(operators, state, config="config-1")


def told(watermark_ms: int, partition: int = 0, partitions: int = 1, *, is_idle: bool = False) -> Progress:
    """What trend announces of one partition."""
    known = tuple(InputPartition(Stream.SCORED, number) for number in range(partitions))
    state = SourceState.IDLE if is_idle else SourceState.ACTIVE
    return Progress(known, (SourceProgress(known[partition], 0, 0, watermark_ms, watermark_ms - 1, state, ()),), 0)


def hear(role: AlertRole, *heard: Detection | Progress) -> list[Output]:
    """Messages of `sentiment.detections`, in this order."""
    first = role.state.position
    return role.handle([Message(Stream.DETECTIONS, 0, first + n, value) for n, value in enumerate(heard)])


def turns(outputs: list[Output]) -> list[tuple[str, str, float]]:
    """Topic, state and severity of each event."""
    return [(e.detection.topic_id, e.state, e.detection.severity) for e in values(outputs, AlertEvent)]


# ---- from detections to the life of an alert


def test_burst_fires_rises_and_resolves() -> None:
    role = alert()
    start_ms = clock(1)
    steps = [(0, 3.2), (1, 3.4), (2, 4.1), (60, 0.0)]
    heard = [detection(HALDEN, start_ms + m * MINUTE_MS, severity, episode_ms=start_ms) for m, severity in steps]
    outputs = hear(role, *heard, told(clock(2)))
    assert turns(outputs) == [("halden", "firing", 3.2), ("halden", "amended", 4.1), ("halden", "resolved", 0.0)]
    events = values(outputs, AlertEvent)
    assert {event.alert_id for event in events} == {f"halden|negative_burst|{start_ms}"}
    assert events[0].at_ms == start_ms + 2_000
    assert {output.stream for output in outputs} == {Stream.ALERTS}
    assert role.alerts_told == {AlertState.FIRING: 1, AlertState.AMENDED: 1, AlertState.RESOLVED: 1}


def test_detection_waits_until_every_partition_has_passed_it() -> None:
    role = alert()
    assert hear(role, detection(HALDEN, clock(1), 4.0), told(clock(2), 0, 2)) == []
    assert hear(role, told(clock(1), 1, 2)) == []
    assert turns(hear(role, told(clock(1) + 1, 1, 2))) == [("halden", "firing", 4.0)]


def test_detection_below_what_its_partition_has_announced_is_a_repeat() -> None:
    """Trend was restarted from its snapshot and says again what it had said."""
    role = alert()
    first = detection(HALDEN, clock(1), 4.0)
    hear(role, first, told(clock(2)))
    assert hear(role, first, told(clock(2))) == []
    assert role.repeats == 1
    assert turns(hear(role, detection(HALDEN, clock(2), 5.0, episode_ms=clock(1)), told(clock(3)))) == [
        ("halden", "amended", 5.0)
    ]


def test_detection_that_was_decided_while_its_partition_slept_is_a_repeat_when_it_is_heard_again() -> None:
    """Trend died after it had said so, and before it had announced that; the other partition went on meanwhile."""
    role, first = alert(), detection(HALDEN, clock(1), 4.0)
    hear(role, told(clock(0), 0, 2, is_idle=True), told(clock(0), 1, 2))
    assert turns(hear(role, first, told(clock(2), 1, 2))) == [("halden", "firing", 4.0)]
    stored = {key: value or b"" for key, value in alert_snapshot.snapshot(role.state).items()}
    role = alert(alert_snapshot.restore(stored))
    assert hear(role, first, told(clock(3), 1, 2)) == []
    assert role.repeats == 1
    hear(role, told(clock(3), 0, 2))
    assert role.state.early == []
    assert hear(role, first) == []


def test_detection_that_is_heard_again_while_it_waits_is_a_repeat() -> None:
    """The trend role died after it had said so, and before it had announced that nothing earlier follows."""
    role, other = alert(), alert()
    heard = [detection(HALDEN, clock(1), 4.0), detection(NORTHWIND, clock(1), 3.5)]
    outputs = hear(role, *heard, *heard, told(clock(2)))
    assert role.repeats == 2
    assert outputs == hear(other, *heard, told(clock(2)))
    rest = [replace(heard[0], severity=4.5), heard[0]]
    assert [event.detection.severity for event in values(hear(alert(), *rest, told(clock(2))), AlertEvent)] == [4.5]


def test_everything_that_is_not_told_has_a_reason() -> None:
    role = alert()
    heard = [
        detection(HALDEN, clock(1), 2.0),
        detection(HALDEN, clock(1, hours=1), 4.0, episode_ms=clock(1)),
        detection(HALDEN, clock(1, hours=2), 4.2, episode_ms=clock(1)),
        detection(HALDEN, clock(1, hours=3), 0.0, episode_ms=clock(1)),
        detection(HALDEN, clock(1, hours=9), 4.0),
    ]
    outputs = hear(role, *heard, told(clock(2)))
    rows = values(outputs, SuppressedRow)
    assert [(row.at_ms, row.reason, row.severity) for row in rows] == [
        (clock(1), Suppression.BELOW_THRESHOLD, 2.0),
        (clock(1, hours=2), Suppression.NO_RISE, 4.2),
        (clock(1, hours=9), Suppression.COOLDOWN, 4.0),
    ]
    assert role.suppressed == {row.reason: 1 for row in rows}


def test_unrelated_alerts_get_dearer_once_the_budget_is_spent_and_the_far_worse_still_gets_through() -> None:
    """One alert in two hours, so that they are no group: room for 18, then each must be more unusual than the last."""
    role = alert(per_topic_month=1.0)
    heard = [detection(TopicId(f"topic{n}"), clock(1, hours=2 * n), 4.0, topics=40) for n in range(40)]
    heard.append(detection(TopicId("worse"), clock(1, hours=80), 20.0, topics=40))
    outputs = hear(role, *heard, told(clock(9)))
    room = round(14 * 40 / DAYS_PER_MONTH + 0.5)
    told_of = [topic for topic, _, _ in turns(outputs)]
    assert room <= len(told_of) - 1 <= room + 4
    assert told_of[-1] == "worse"
    assert {row.reason for row in values(outputs, SuppressedRow)} == {Suppression.OVER_BUDGET}


# ---- many topics at once


def shock(count: int, *, first: int = 0, seconds: float = 60, severity: float = 5.0) -> list[Detection]:
    """So many topics that turn unusual one after the other."""
    return [
        detection(TopicId(f"topic{n}"), clock(1, seconds=seconds * n), severity, topics=40)
        for n in range(first, first + count)
    ]


def test_market_that_falls_as_a_whole_is_one_alert_about_the_group() -> None:
    role = alert()
    outputs = hear(role, *shock(40), told(clock(2)))
    fired = [topic for topic, state, _ in turns(outputs) if state == AlertState.FIRING]
    # The very first could not know that others follow; from the second on they wait, and then there is a group.
    assert fired == ["topic0", "group:topics"]
    assert role.suppressed[Suppression.GROUPED] == 39
    group = values(outputs, Detection)[-1]
    assert len(group.members) == 40
    events = [event for event in values(outputs, AlertEvent) if event.detection.topic_id == "group:topics"]
    assert events[-1].detection.members == group.members
    assert len({event.alert_id for event in events}) == 1


def test_alert_that_waited_for_a_group_that_never_came_is_told_alone_after_ten_minutes() -> None:
    role = alert()
    outputs = hear(role, *shock(3), told(clock(2)))
    events = values(outputs, AlertEvent)
    assert [(event.detection.topic_id, event.at_ms - event.detection.at_ms) for event in events] == [
        ("topic0", 2_000),
        ("topic1", 10 * MINUTE_MS + 2_000),
        ("topic2", 10 * MINUTE_MS + 2_000),
    ]
    assert role.state.waiting == {}


def test_alert_that_waits_tells_what_it_has_become_and_nothing_if_it_has_passed() -> None:
    role = alert()
    worse = detection(TopicId("topic1"), clock(1, minutes=5), 7.0, episode_ms=clock(1, minutes=1))
    over = detection(TopicId("topic2"), clock(1, minutes=6), 0.0, episode_ms=clock(1, minutes=2))
    outputs = hear(role, *shock(3), worse, over, told(clock(2)))
    assert turns(outputs) == [("topic0", "firing", 5.0), ("topic1", "firing", 7.0)]
    assert values(outputs, AlertEvent)[-1].at_ms == clock(1, minutes=11) + 2_000


def test_wait_ends_with_the_watermark_alone() -> None:
    role = alert()
    assert len(turns(hear(role, *shock(2), told(clock(1, minutes=11))))) == 1
    assert turns(hear(role, told(clock(1, minutes=11) + 1))) == [("topic1", "firing", 5.0)]


def test_wait_ends_when_nothing_more_is_read() -> None:
    """A feed has ended, or says nothing for the night: event time stands still, but what is known must be told."""
    role = alert()
    assert len(turns(hear(role, *shock(2), told(clock(1, minutes=2))))) == 1
    assert turns(hear(role, told(clock(1, minutes=2), is_idle=True))) == [("topic1", "firing", 5.0)]


def test_member_that_towers_over_its_group_is_told_alone_too() -> None:
    role = alert()
    cause = detection(TopicId("topic3"), clock(1, minutes=20), 30.0, episode_ms=clock(1, minutes=3))
    outputs = hear(role, *shock(8), cause, told(clock(2)))
    assert ("topic3", "firing", 30.0) in turns(outputs)


def test_single_alert_after_the_group_is_over_is_told_again() -> None:
    role = alert()
    ends = [replace(one, at_ms=clock(1, hours=3), severity=0.0) for one in shock(8)]
    outputs = hear(role, *shock(8), *ends, detection(TopicId("topic5"), clock(3), 6.0), told(clock(4)))
    assert turns(outputs)[-1] == ("topic5", "firing", 6.0)
    assert ("group:topics", "resolved", 0.0) in turns(outputs)


# ---- feeds


def feed_silent(at_ms: int, severity: float) -> Detection:
    return replace(
        detection(feed_topic("wire"), at_ms, severity, episode_ms=clock(1)), rule=Rule.FEED_SILENT, topics_watched=40
    )


def test_silent_feed_is_told_outside_the_budget_and_without_cooldown() -> None:
    role = alert(per_topic_month=0.001, initial=20.0)
    heard = [feed_silent(clock(1, hours=h), s) for h, s in ((1, 3.1), (2, 4.2), (3, 0.0), (4, 3.5), (5, 0.0))]
    outputs = hear(role, *heard, told(clock(2)))
    assert [state for _, state, _ in turns(outputs)] == ["firing", "amended", "resolved", "firing", "resolved"]
    assert role.state.budget.spent == []
    assert role.state.budget.peaks == {}


# ---- no interleaving changes a decision


def partitions_of(seed: int) -> list[list[Detection | Progress]]:
    """What three trend partitions say in a week: detections in order of time, progress in between."""
    rng = random.Random(seed)
    said: list[list[Detection | Progress]] = []
    for partition in range(3):
        own: list[Detection | Progress] = []
        topics = [TopicId(f"topic{partition}-{n}") for n in range(4)]
        episodes = {topic: clock() for topic in topics}
        for at_ms in sorted(clock(minutes=rng.randrange(7 * 24 * 6) * 10) for _ in range(40)):
            topic = rng.choice(topics)
            if at_ms - episodes[topic] > 12 * HOUR_MS:
                episodes[topic] = at_ms
            severity = rng.choice([0.0, 1.5, 2.9, 3.0, 3.1, 4.0, 6.0])
            own.append(detection(topic, at_ms, severity, episode_ms=episodes[topic], partition=partition, topics=12))
            if rng.random() < 0.5:
                own.append(told(at_ms, partition, 3))
        own.append(told(clock(8), partition, 3))
        said.append(own)
    return said


def interleaved(said: list[list[Detection | Progress]], seed: int) -> list[Detection | Progress]:
    """One log of all, each partition in its own order."""
    rng, left = random.Random(seed), [list(own) for own in said]
    log = []
    while any(left):
        log.append(rng.choice([own for own in left if own]).pop(0))
    return log


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), first=st.integers(0, 10_000), second=st.integers(0, 10_000))
def test_decisions_do_not_depend_on_how_partitions_were_interleaved(seed: int, first: int, second: int) -> None:
    """Whole partitions one after the other are among them: the first alone decides nothing for the others."""
    said = partitions_of(seed)
    one_by_one: list[Detection | Progress] = [value for own in said for value in own]
    logs = (one_by_one, interleaved(said, first), interleaved(said, second))
    found = [hear(alert(per_topic_month=8.0), *log) for log in logs]
    assert found[0] == found[1] == found[2]
    assert {"firing", "resolved"} <= {state for _, state, _ in turns(found[0])}


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_decisions_do_not_depend_on_how_many_messages_came_at_once(seed: int, cuts: list[int]) -> None:
    log = interleaved(partitions_of(seed), seed)
    whole, role, pieces = hear(alert(), *log), alert(), []
    begin = 0
    for size in [*cuts, len(log)]:
        pieces += hear(role, *log[begin : begin + size])
        begin += size
    assert pieces == whole


@settings(max_examples=5)
@given(seed=st.integers(0, 1_000), order=st.integers(0, 1_000))
def test_two_real_trend_partitions_are_decided_in_one_order(seed: int, order: int) -> None:
    """Through the trend role itself: what it announces is enough to wait for the other one."""
    said: list[list[Detection | Progress]] = []
    for partition in range(2):
        log = Log(trend(partition=partition, partitions=2))
        for scored in random_documents(seed + partition, count=90):
            log.put(scored._replace(topic_id=TopicId(f"{scored.topic_id}-{partition}")))
            if scored.offset % 7 == 0:
                log.tell(scored.effective_ms - 2_000)
        log.end()
        said.append([o.value for o in log.outputs if isinstance(o.value, (Detection, Progress))])
    found = [hear(alert(initial=1.2), *interleaved(said, way)) for way in (order, order + 1)]
    found.append(hear(alert(initial=1.2), *said[1], *said[0]))
    assert found[0] == found[1] == found[2]
    assert decided(found[0])


# ---- a year


@pytest.mark.slow
@pytest.mark.parametrize("per_topic_month", [0.2, 1.0])
def test_year_of_episodes_keeps_near_the_budget_and_says_why_each_other_told_nobody(per_topic_month: float) -> None:
    """Eight months are enough to see it; severities rise and fall within each episode as they do in life."""
    rng, role, topics, days = random.Random(7), alert(per_topic_month=per_topic_month), 40, 240
    heard: list[Detection] = []
    for _ in range(topics * days // 10):
        topic, begin_ms = TopicId(f"topic{rng.randrange(topics)}"), clock(days=rng.uniform(0, days))
        peak = 1.0 + rng.expovariate(0.8)
        for minutes, severity in ((0, 1.0), (7, peak), (90, 0.9 * peak), (300, 0.0)):
            at_ms = begin_ms + minutes * MINUTE_MS
            heard.append(detection(topic, at_ms, severity, episode_ms=begin_ms, topics=topics))
    heard.sort(key=lambda one: (one.at_ms, one.topic_id))
    outputs = hear(role, *heard, told(clock(days + 1)))
    events, rows = values(outputs, AlertEvent), values(outputs, SuppressedRow)
    fired = [e for e in events if e.state is AlertState.FIRING and e.at_ms > clock(45)]
    assert len(fired) / topics / ((days - 45) / DAYS_PER_MONTH) == pytest.approx(per_topic_month, rel=0.4)
    explained = Counter((e.detection.topic_id, e.detection.at_ms) for e in events)
    explained.update((row.topic_id, row.at_ms) for row in rows)
    unexplained = [one for one in heard if not explained[one.topic_id, one.at_ms]]
    assert {one.severity for one in unexplained} <= {0.0}, "only the end of what told nobody needs no reason"
    assert {row.reason for row in rows} >= {Suppression.BELOW_THRESHOLD, Suppression.NO_RISE, Suppression.COOLDOWN}


def test_topics_have_lives_of_their_own() -> None:
    role = alert()
    outputs = hear(
        role,
        detection(HALDEN, clock(1), 4.0),
        detection(NORTHWIND, clock(1, minutes=1), 4.0),
        detection(HALDEN, clock(1, hours=1), 0.0, episode_ms=clock(1)),
        told(clock(2)),
    )
    assert [turn[:2] for turn in turns(outputs)] == [
        ("halden", "firing"),
        ("northwind", "firing"),
        ("halden", "resolved"),
    ]
