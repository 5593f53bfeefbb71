"""Snapshots: a role that was stopped anywhere, stored and restored goes on as if it had never stopped.

uninterrupted   ------------------------------------------>  outputs, state
snapshots       -----|s1---|s2---|s3 killed                  only what changed is written: s1 + s2 + s3
restored                         |----------------------->   the same outputs, the same state, byte for byte
"""

import random
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.alerts import Detection, Rule
from monitor.domain.document import InputPartition
from monitor.domain.progress import Progress, SourceState
from monitor.domain.streams import Output
from monitor.operators.coverage import CoverageState
from monitor.operators.volume import Stretch
from monitor.operators.watermark import PartitionState
from monitor.roles import alert_snapshot, score_snapshot, trend_snapshot
from monitor.roles.alert import AlertRoleState
from monitor.roles.trend import TrendRole, TrendState
from tests.roles.scenes import HALDEN, PLAIN, START_MS, Log, clock, random_documents, trend, values
from tests.roles.test_alert import alert, hear, interleaved, partitions_of, shock, told
from tests.roles.test_trend import TwoFeeds

Store = dict[str, bytes]


def write(store: Store, changed: Mapping[str, bytes | None]) -> None:
    """What a commit does with a snapshot: a value replaces, None deletes, what is not named stays."""
    for key, value in changed.items():
        if value is None:
            store.pop(key, None)
        else:
            store[key] = value


def whole(role: TrendRole) -> Store:
    """Everything that the role knows, stored at once."""
    store: Store = {}
    write(store, trend_snapshot.snapshot(role.state, set(role.state.topics)))
    return store


def _without_what_can_be_worked_out(state: TrendState) -> TrendState:
    """What was worked out of the rest is no part of a snapshot."""
    for topic in state.topics.values():
        topic.history.known = None
    return state


def lived(seed: int, interruptions: random.Random | None) -> tuple[list[Output], Store]:
    """A generated stream through trend, snapshots and restarts here and there: every output, and the state at last.

    After each snapshot, what was written by changes alone is held against the whole state.
    """
    log, cuts, store = Log(trend()), random.Random(seed), dict[str, bytes]()
    greatest_ms = START_MS
    for scored in random_documents(seed, count=130):
        log.put(scored)
        greatest_ms = max(greatest_ms, scored.effective_ms)
        if cuts.random() < 0.2:
            log.tell(greatest_ms - 2_000)
        if interruptions is not None and interruptions.random() < 0.1:
            write(store, trend_snapshot.snapshot(log.role.state, log.role.take_dirty()))
            assert store == whole(log.role)
            assert trend_snapshot.restore(store) == _without_what_can_be_worked_out(log.role.state)
            if interruptions.random() < 0.5:
                log.role = trend(trend_snapshot.restore(store))
    log.tell(clock(days=6))
    log.end()
    return log.outputs, whole(log.role)


@pytest.mark.slow
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), stops=st.randoms(use_true_random=False))
def test_trend_that_is_stopped_and_restored_decides_and_knows_the_same(seed: int, stops: random.Random) -> None:
    assert lived(seed, stops) == lived(seed, None)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), stops=st.lists(st.integers(0, 150), max_size=6))
def test_alert_that_is_stopped_and_restored_decides_and_knows_the_same(seed: int, stops: list[int]) -> None:
    log = interleaved(partitions_of(seed), seed)
    uninterrupted = alert(per_topic_month=8.0)
    expected = hear(uninterrupted, *log)
    role, found, store = alert(per_topic_month=8.0), [], dict[str, bytes]()
    begin = 0
    for end in [*sorted(stop for stop in stops if stop < len(log)), len(log)]:
        found += hear(role, *log[begin:end])
        begin = end
        write(store, alert_snapshot.snapshot(role.state))
        restored = alert_snapshot.restore(store)
        assert restored == role.state
        role = alert(restored, per_topic_month=8.0)
    assert found == expected
    assert alert_snapshot.snapshot(role.state) == alert_snapshot.snapshot(uninterrupted.state)


partition_states = st.builds(
    PartitionState,
    committed_position=st.just(0),
    position=st.integers(0, 2**53),
    read_position=st.integers(0, 2**53),
    greatest_ms=st.integers(-(2**62), 2**62),
    greatest_effective_ms=st.integers(-(2**62), 2**62),
    believed_ms=st.integers(-(2**62), 2**62),
    state=st.sampled_from(SourceState),
)
inputs = st.builds(InputPartition, st.text(min_size=1, max_size=20).filter(str.isprintable), st.integers(0, 500))


@settings(max_examples=40)
@given(st.dictionaries(inputs, partition_states, max_size=5))
def test_score_knows_each_input_again_and_stands_at_what_was_committed(
    states: dict[InputPartition, PartitionState],
) -> None:
    store: Store = {}
    write(store, score_snapshot.snapshot(states))
    restored = score_snapshot.restore(store)
    assert set(restored) == set(states)
    for source, state in states.items():
        again = restored[source]
        assert (again.position, again.greatest_ms, again.greatest_effective_ms) == (
            state.position,
            state.greatest_ms,
            state.greatest_effective_ms,
        )
        assert (again.believed_ms, again.state) == (state.believed_ms, state.state)
        # What was read beyond the commit is read again, and its volume is told again from there.
        assert again.committed_position == again.read_position == state.position
        assert again.volumes == {}


def test_role_that_stored_nothing_begins_empty() -> None:
    assert trend_snapshot.restore({}) == TrendState()
    assert alert_snapshot.restore({}) == AlertRoleState()
    assert score_snapshot.restore({}) == {}


def test_alerts_that_wait_and_a_group_that_grows_go_on_after_a_restart() -> None:
    log: list[Detection | Progress] = [
        *shock(4),
        told(clock(1, minutes=3, seconds=30)),
        *shock(6, first=4),
        told(clock(2)),
    ]
    expected = hear(alert(), *log)
    for cut in range(1, len(log)):
        role = alert()
        found = hear(role, *log[:cut])
        store: Store = {}
        write(store, alert_snapshot.snapshot(role.state))
        found += hear(alert(alert_snapshot.restore(store)), *log[cut:])
        assert found == expected


def test_rhythm_of_a_feed_and_its_silence_go_on_after_a_restart() -> None:
    whole_log, cut = TwoFeeds(), TwoFeeds()
    whole_log.run(8.6)
    cut.run(8.6)
    store = whole(cut.role)
    cut.role = trend(trend_snapshot.restore(store))
    assert cut.role.state.coverage == whole_log.role.state.coverage
    whole_log.outputs.clear()
    assert cut.tell(clock(9.2)) == whole_log.tell(clock(9.2))
    assert [one.rule for one in values(whole_log.outputs, Detection) if one.severity == 0.0].count(
        Rule.FEED_SILENT
    ) == 1


def test_state_of_the_release_before_is_read() -> None:
    """Without rhythms, groups and waits, which that release did not know."""
    log = TwoFeeds()
    log.run(2)
    store = whole(log.role)
    store["common"] = orjson.dumps(orjson.loads(store["common"])[:6])
    restored = trend_snapshot.restore(store)
    assert restored.coverage == CoverageState()
    assert restored.volume == log.role.state.volume
    role = alert()
    hear(role, *shock(3), told(clock(1, minutes=2)))
    stored = {"alerts": orjson.dumps(orjson.loads(alert_snapshot.snapshot(role.state)["alerts"] or b"")[:5])}
    assert alert_snapshot.restore(stored).alerts == role.state.alerts
    assert alert_snapshot.restore(stored).waiting == {}


def test_ends_that_were_told_of_a_stretch_come_back_also_from_the_form_with_one() -> None:
    state = TrendState()
    ends = {4: {("wire", 5): 3}, 6: {("wire", 5): 5}}
    state.volume.stretches[InputPartition("feeds.news", 1)] = Stretch(2, 8, {("wire", 5): 7}, ends)
    store: Store = {}
    write(store, trend_snapshot.snapshot(state, set()))
    assert trend_snapshot.restore(store).volume.stretches == state.volume.stretches
    common = orjson.loads(store["common"])
    (stretch,) = common[5][3]
    for old, found in ((stretch[5][0], {4: ends[4]}), ([-1, []], {})):
        common[5][3] = [[*stretch[:5], *old]]
        (restored,) = trend_snapshot.restore({"common": orjson.dumps(common)}).volume.stretches.values()
        assert restored == Stretch(2, 8, {("wire", 5): 7}, found)


def test_snapshot_writes_only_topics_that_changed() -> None:
    log = Log(trend())
    for number, topic in enumerate((HALDEN, type(HALDEN)("tessaly"))):
        log.say(clock(seconds=number), f"wire:{number}", topic=topic, sentiment=PLAIN)
    log.tell(clock(days=2))
    first = trend_snapshot.snapshot(log.role.state, log.role.take_dirty())
    assert set(first) == {"common", "topic:halden", "topic:tessaly"}
    log.say(clock(days=2, minutes=1), "wire:3", sentiment=PLAIN)
    log.tell(clock(days=2, minutes=5))
    assert set(trend_snapshot.snapshot(log.role.state, log.role.take_dirty())) == {"common", "topic:halden"}


def test_episode_that_ended_quietly_is_stored_as_ended() -> None:
    """Nothing is told when the gap after an episode has passed, but the topic has changed all the same."""
    log = Log(trend(min_history_days=0.5))
    log.say(clock(), "wire:first", sentiment=PLAIN)
    for number in range(3):
        log.say(clock(1, minutes=number), f"wire:{number}")
    log.tell(clock(1, hours=6))
    store: Store = {}
    write(store, trend_snapshot.snapshot(log.role.state, log.role.take_dirty()))
    assert log.role.state.topics[HALDEN].episode is not None
    log.tell(clock(1, hours=9))
    assert log.role.state.topics[HALDEN].episode is None
    write(store, trend_snapshot.snapshot(log.role.state, log.role.take_dirty()))
    assert store == whole(log.role)
    assert trend_snapshot.restore(store).topics[HALDEN].episode is None


@pytest.mark.parametrize("topic_id", ["common", "topic:x", "", "哈尔登", 'a"b\\c'])
def test_topic_of_any_name_comes_back_as_itself(topic_id: str) -> None:
    log = Log(trend())
    log.say(clock(), "wire:1", topic=type(HALDEN)(topic_id), words="Halden Bank halts withdrawals at three branches")
    log.tell(clock(minutes=3))
    assert set(trend_snapshot.restore(whole(log.role)).topics) == {topic_id}
