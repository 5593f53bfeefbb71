"""Muted replay: a trend role that dies anywhere and is restored says everything once, but for marked-out repeats.

log of the role's input    m0 m1 m2 m3 m4 m5 m6 m7
uninterrupted              says o0 .. o7
interrupted                o0 o1 o2 o3 | o2 o3 o4 ...         snapshot at m1, commit at m2, killed after o3:
                                         m1 is read muted; m2, m3 are news to nobody but are said again
"""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.delivery.replay import MutedReplay
from monitor.domain.alerts import AlertEvent, Detection
from monitor.domain.document import ScoredDocument
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.streams import Message, Output, Stream
from monitor.errors import StateError
from monitor.roles import trend_snapshot
from monitor.roles.trend import TrendRole
from tests.delivery.things import TREND
from tests.roles.scenes import NEWS, START_MS, random_documents, trend, values
from tests.roles.test_alert import alert, hear


def messages(first: int, end: int) -> list[Message]:
    return [Message(Stream.SCORED, 3, offset, f"record {offset}") for offset in range(first, end)]


def offsets(split: tuple[Sequence[Message], Sequence[Message]]) -> list[list[int]]:
    return [[message.offset for message in part] for part in split]


def test_outputs_are_muted_below_the_commit_and_published_from_it_on() -> None:
    replay = MutedReplay(TREND, 40, 43)
    assert (replay.left, replay.is_over, replay.done_ratio) == (3, False, 0.0)
    assert offsets(replay.split(messages(40, 41))) == [[40], []]
    assert replay.done_ratio == pytest.approx(1 / 3)
    assert offsets(replay.split(messages(41, 46))) == [[41, 42], [43, 44, 45]]
    assert (replay.left, replay.is_over, replay.done_ratio) == (0, True, 1.0)
    assert offsets(replay.split(messages(46, 48))) == [[], [46, 47]]


def test_replay_is_over_when_the_last_committed_record_was_read() -> None:
    replay = MutedReplay(TREND, 40, 43)
    assert offsets(replay.split(messages(40, 43))) == [[40, 41, 42], []]
    assert replay.is_over


@pytest.mark.parametrize("position", [0, 40])
def test_nothing_is_muted_where_the_snapshot_is_of_the_commit(position: int) -> None:
    replay = MutedReplay(TREND, position, position)
    assert (replay.is_over, replay.done_ratio) == (True, 1.0)
    assert offsets(replay.split(messages(position, position + 2))) == [[], [position, position + 1]]


def test_records_that_were_fetched_before_and_are_read_again_are_dropped() -> None:
    replay = MutedReplay(TREND, 40, 42)
    replay.split(messages(40, 44))
    assert offsets(replay.split(messages(41, 46))) == [[], [44, 45]]
    assert offsets(replay.split(messages(41, 46))) == [[], []]
    assert offsets(replay.split([])) == [[], []]


def test_records_that_retention_took_before_they_were_read_are_not_passed_over() -> None:
    with pytest.raises(
        StateError, match=r"records 40 to 49 are gone.*lengthen the retention of sentiment\.scored"
    ) as gone:
        MutedReplay(TREND, 40, 60).split(messages(50, 52))
    assert "monitor state reset --role trend --partition sentiment.scored/3" in str(gone.value)


def test_hole_between_two_records_is_found() -> None:
    replay = MutedReplay(TREND, 0, 0)
    with pytest.raises(StateError, match="records 2 to 4 are gone"):
        replay.split(messages(0, 2) + messages(5, 6))


def test_records_out_of_order_are_found() -> None:
    with pytest.raises(StateError, match="record 0 came after 1"):
        MutedReplay(TREND, 0, 0).split(messages(0, 2) + messages(0, 1))


# ---- with the roles: whatever dies, everything is said, and what is said again is the same


def scored_log(seed: int, count: int = 110) -> list[ScoredDocument | Progress]:
    """One partition of `sentiment.scored`, with the traces of a score role that died now and then.

    It began again from its commit, so records and progress stand there twice, and the second time it was cut elsewhere.
    """
    rng, documents = random.Random(seed), random_documents(seed, count=count)
    log: list[ScoredDocument | Progress] = []
    greatest = [START_MS]
    for scored in documents:
        greatest.append(max(greatest[-1], scored.effective_ms))
    at = committed = 0

    def tell(state: SourceState = SourceState.ACTIVE) -> None:
        volumes = tuple(("wire", documents[k].effective_ms // 60_000, 3) for k in range(committed, at))
        told = SourceProgress(NEWS, committed, at, greatest[at] - 2_000, greatest[at], state, volumes)
        log.append(Progress((NEWS,), (told,), 0))

    while at < len(documents):
        log.append(documents[at])
        at += 1
        if rng.random() < 0.2:
            tell()
            if rng.random() < 0.5:
                committed = at
        elif rng.random() < 0.05:
            at = committed
    tell(SourceState.ENDED)
    return log


def handle(role: TrendRole, log: list[ScoredDocument | Progress], begin: int, end: int) -> list[Output]:
    return role.handle([Message(Stream.SCORED, 0, offset, log[offset]) for offset in range(begin, end)])


def said_by_one(log: list[ScoredDocument | Progress]) -> list[list[Output]]:
    """What an uninterrupted role says at each record."""
    role = trend()
    return [handle(role, log, offset, offset + 1) for offset in range(len(log))]


def said_by_many(log: list[ScoredDocument | Progress], rng: random.Random) -> tuple[list[Output], list[int]]:
    """What a role says that dies at random places, and where in its input it said it.

    Only that is durable which the protocol makes so: what was said stays, and a snapshot is found by a commit alone.
    """
    said: list[Output] = []
    places: list[int] = []
    stored: dict[str, bytes] = {}
    pointed: tuple[int, dict[str, bytes]] = (0, {})
    committed, deaths = 0, 0
    while True:
        applied, state = pointed
        stored = dict(state)
        role = trend(trend_snapshot.restore(stored))
        replay = MutedReplay(TREND, applied, committed)
        at, dies = applied, deaths < 12
        while at < len(log):
            end = min(len(log), at + rng.randint(1, 9))
            batch = [Message(Stream.SCORED, 0, offset, log[offset]) for offset in range(at, end)]
            muted, news = replay.split(batch)
            role.handle(muted)
            outputs = role.handle(news)
            at = end
            if dies and rng.random() < 0.08:
                # Between two outputs, too: those before it are on the log.
                kept = rng.randint(0, len(outputs))
                said += outputs[:kept]
                break
            said += outputs
            places += [message.offset for message in news]
            changed = trend_snapshot.snapshot(role.state, role.take_dirty())
            stored.update({key: value for key, value in changed.items() if value is not None})
            if not replay.is_over:
                continue
            written = rng.random() < 0.3
            snapshot = (at, dict(stored))
            if dies and rng.random() < 0.03:
                break  # the snapshot, if any, was written, and no commit names it
            if written:
                pointed = snapshot
            if written or (pointed[0] and rng.random() < 0.5):
                committed = at
        else:
            return said, places
        deaths += 1


@pytest.mark.slow
@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), rng=st.randoms(use_true_random=False))
def test_role_that_dies_anywhere_says_everything_and_again_only_the_same(seed: int, rng: random.Random) -> None:
    log = scored_log(seed)
    once = [output for outputs in said_by_one(log) for output in outputs]
    said, places = said_by_many(log, rng)
    assert set(places) == set(range(len(log))), "each record was read with its outputs published"
    expected = [repr(output) for output in once]
    assert set(map(repr, said)) == set(expected), "nothing is missing, and nothing is said that one role does not say"


@pytest.mark.slow
@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), rng=st.randoms(use_true_random=False))
def test_alert_role_tells_the_same_however_often_it_hears_a_detection_again(seed: int, rng: random.Random) -> None:
    log = scored_log(seed)
    once = [output for outputs in said_by_one(log) for output in outputs]
    again, _ = said_by_many(log, rng)
    assert told_of(again) == told_of(once)


def told_of(outputs: Sequence[Output]) -> list[AlertEvent]:
    """What an alert role tells that hears these outputs of trend."""
    heard = [output.value for output in outputs if isinstance(output.value, Detection | Progress)]
    return values(hear(alert(per_topic_month=8.0, initial=1.5), *heard), AlertEvent)
