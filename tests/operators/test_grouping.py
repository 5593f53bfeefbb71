"""Groups: many topics at once are one piece of news; what is usual at once is measured; a cause is told alone."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.alerts import GROUP_TOPIC, Detection, Evidence, Rule
from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId
from monitor.operators.grouping import MAX_EVIDENCE, Grouping, GroupState

NOON_MS = 1_772_452_800_000
FLOOR, THRESHOLD = 2.0, 4.0


def grouping(min_topics: int = 5) -> Grouping:
    return Grouping(min_topics, HOUR_MS, FLOOR, THRESHOLD)


def detection(topic: str, minute: float, severity: float, risk: RiskKind = RiskKind.REGULATOR) -> Detection:
    evidence = Evidence(
        DocumentId(f"wire:{topic}"), NOON_MS, "wire", f"About {topic}", None, -9_000, risk, (), 0, 5_000
    )
    return Detection(
        partition=0,
        topic_id=TopicId(topic),
        rule=Rule.NEGATIVE_BURST,
        at_ms=round(NOON_MS + minute * MINUTE_MS),
        episode_start_ms=NOON_MS,
        severity=severity,
        look_back_ms=HOUR_MS,
        observed=4,
        expected=0.2,
        volume=60,
        documents=9,
        origins=4,
        risk=risk,
        evidence=(evidence,),
        topics_watched=40,
        scorer="lexicon-1",
        watchlist="w-1",
    )


def hear(operator: Grouping, state: GroupState, *heard: Detection) -> list[Detection]:
    return [group for one in heard if (group := operator.take(state, one)) is not None]


def ordinary_weeks(
    operator: Grouping, state: GroupState, a_day: float, weeks: int = 3, seed: int = 1
) -> list[Detection]:
    """Topics that turn unusual one by one at random, each for an hour, until noon of the last day."""
    rng = random.Random(1)
    minutes = sorted(rng.uniform(-weeks * 7 * 1440, 0) for _ in range(round(a_day * weeks * 7)))
    turns = [(minute, f"old{number}", 3.0) for number, minute in enumerate(minutes)]
    turns += [(minute + 60, topic, 0.0) for minute, topic, _ in turns]
    return hear(operator, state, *(detection(topic, minute, severity) for minute, topic, severity in sorted(turns)))


# ---- when it is a group


def test_five_topics_within_the_hour_are_one_group_and_later_ones_join() -> None:
    operator, state = grouping(), GroupState()
    told = hear(operator, state, *(detection(f"t{n}", 5 * n, 3.0 + n / 10) for n in range(7)))
    assert [len(group.members) for group in told] == [5, 6, 7]
    first = told[0]
    assert (first.topic_id, first.rule, first.risk) == (GROUP_TOPIC, Rule.GROUP_BURST, RiskKind.REGULATOR)
    assert first.members == ("t4", "t3", "t2", "t1", "t0")
    assert first.episode_start_ms == NOON_MS
    assert {group.episode_start_ms for group in told} == {NOON_MS}
    assert first.severity >= THRESHOLD
    assert first.severity < told[1].severity < told[2].severity


def test_four_topics_are_no_group() -> None:
    assert hear(grouping(), GroupState(), *(detection(f"t{n}", n, 9.0) for n in range(4))) == []


def test_topics_spread_over_a_morning_are_no_group() -> None:
    assert hear(grouping(), GroupState(), *(detection(f"t{n}", 16 * n, 9.0) for n in range(12))) == []


def test_topics_below_the_floor_do_not_count() -> None:
    heard = [detection(f"t{n}", n, 1.9) for n in range(20)]
    assert hear(grouping(), GroupState(), *heard) == []


def test_what_is_usual_at_once_is_no_group() -> None:
    """Where three topics turn unusual in any hour, five in one hour are nothing, once that is known; twenty are."""
    operator, state = grouping(), GroupState()
    told = ordinary_weeks(operator, state, a_day=72)
    assert [group for group in told if group.at_ms > NOON_MS - 20 * DAY_MS] == []
    assert hear(operator, state, *(detection(f"t{n}", n, 5.0) for n in range(5))) == []
    assert len(hear(operator, state, *(detection(f"u{n}", 5 + n, 5.0) for n in range(20)))) > 0


def test_one_topic_that_comes_and_goes_is_no_group() -> None:
    heard = [detection("t", minute, 5.0 if minute % 2 else 0.0) for minute in range(60)]
    assert hear(grouping(), GroupState(), *heard) == []


def test_group_may_be_forming_from_the_second_topic_on() -> None:
    operator, state = grouping(), GroupState()
    operator.take(state, detection("t0", 0, 3.0))
    assert not operator.is_forming(state, NOON_MS)
    operator.take(state, detection("t1", 30, 3.0))
    assert operator.is_forming(state, NOON_MS + 30 * MINUTE_MS)
    assert not operator.is_forming(state, NOON_MS + 90 * MINUTE_MS)


# ---- who is told with it


def test_members_are_told_with_their_group_but_not_one_that_towers_over_it() -> None:
    operator, state = grouping(), GroupState()
    hear(operator, state, *(detection(f"t{n}", n, 5.0) for n in range(6)))
    assert operator.holds(state, detection("t2", 7, 5.5))
    assert operator.holds(state, detection("t2", 7, 9.9))
    assert not operator.holds(state, detection("t2", 7, 10.0))
    assert not operator.holds(state, detection("stranger", 7, 5.0))


def test_topic_that_turns_unusual_an_hour_after_the_last_member_is_no_member() -> None:
    operator, state = grouping(), GroupState()
    hear(operator, state, *(detection(f"t{n}", n, 5.0) for n in range(5)))
    assert hear(operator, state, detection("late", 4 + 61, 5.0)) == []
    assert not operator.holds(state, detection("late", 66, 5.0))


def test_topic_that_was_unusual_before_the_group_is_no_member_when_it_rises_again() -> None:
    operator, state = grouping(), GroupState()
    told = hear(
        operator,
        state,
        detection("yesterday", -600, 5.0),
        *(detection(f"t{n}", n, 5.0) for n in range(6)),
        detection("yesterday", 10, 6.0),
        detection("t6", 11, 5.0),
    )
    assert set(told[-1].members) == {f"t{n}" for n in range(7)}


def test_group_shows_one_document_of_each_member_and_none_twice() -> None:
    operator, state = grouping(), GroupState()
    heard = [detection(f"t{n}", n, 3.0) for n in range(12)]
    shared = heard[0].evidence
    heard[1] = replace(heard[1], evidence=shared)
    group = hear(operator, state, *heard)[-1]
    ids = [one.document_id for one in group.evidence]
    assert len(ids) == len(set(ids)) == MAX_EVIDENCE


# ---- its end


def test_group_is_over_when_few_members_are_left_and_the_next_one_is_another() -> None:
    operator, state = grouping(), GroupState()
    hear(operator, state, *(detection(f"t{n}", n, 5.0) for n in range(6)))
    assert hear(operator, state, *(detection(f"t{n}", 60 + n, 0.0) for n in range(3))) == []
    (over,) = hear(operator, state, detection("t3", 70, 0.0))
    assert (over.severity, over.topic_id, len(over.members)) == (0.0, GROUP_TOPIC, 6)
    assert state.members == set()
    again = hear(operator, state, *(detection(f"v{n}", 300 + n, 5.0) for n in range(9)))
    assert again
    assert again[0].episode_start_ms > NOON_MS + 299 * MINUTE_MS


def test_onsets_are_forgotten_after_two_weeks() -> None:
    operator, state = grouping(), GroupState()
    ordinary_weeks(operator, state, a_day=10, weeks=6)
    assert 100 < len(state.onsets) <= 10 * 14 * 1.3
    assert min(state.onsets) > NOON_MS - 15 * DAY_MS


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 40), st.sampled_from([0.0, 1.5, 2.5, 6.0])), max_size=60))
def test_members_are_always_distinct_topics_and_a_group_always_ends(steps: list[tuple[int, int, float]]) -> None:
    operator, state, minute = grouping(), GroupState(), 0
    told = []
    for topic, wait, severity in steps:
        minute += wait
        told += hear(operator, state, detection(f"t{topic}", minute, severity))
    told += hear(operator, state, *(detection(f"t{topic}", minute + 1, 0.0) for topic in range(12)))
    assert state.unusual == {}
    assert state.members == set()
    for group in told:
        assert len(set(group.members)) == len(group.members) >= 5
        assert group.observed <= len(group.members)
    if told:
        assert told[-1].severity == 0.0
