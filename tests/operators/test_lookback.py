"""Look-back: a count over any stretch that ends now, half-open at its far end, in bounded memory.

now - look_back |  x         o        o  o |  now         x at the very edge has left, o count
"""

import random

from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import HOUR_MS, MINUTE_MS
from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind
from monitor.operators.lookback import Carrier, LookBack, LookBackState, count_since, independent_origins

NOON_MS = 1_772_452_800_000
HORIZON_MS = 4 * HOUR_MS


def carrier(at_ms: int, origin: str = "wire@m. lindqvist") -> Carrier:
    return Carrier(
        DocumentId(f"wire:{at_ms}"),
        at_ms,
        origin,
        "wire",
        "Halden Bank halts withdrawals",
        None,
        -8_000,
        RiskKind.LIQUIDITY,
        (),
        "lexicon-1",
    )


def add(state: LookBackState, look_back: LookBack, at_ms: int, kind: str) -> None:
    """`kind`: bad (a carrier), good (a positive first telling) or plain (a copy, or neutral)."""
    bad = carrier(at_ms) if kind == "bad" else None
    look_back.add(state, at_ms, is_positive_story=kind == "good", carrier=bad)


def test_document_at_the_far_edge_has_left_and_one_just_inside_counts() -> None:
    times = [NOON_MS - 15 * MINUTE_MS, NOON_MS - 15 * MINUTE_MS + 1, NOON_MS]
    assert count_since(times, NOON_MS - 15 * MINUTE_MS) == 2
    assert count_since(times, NOON_MS) == 0
    assert count_since([], NOON_MS) == 0


def test_documents_at_the_same_moment_all_count() -> None:
    assert count_since([NOON_MS] * 5, NOON_MS - 1) == 5


def test_each_kind_is_counted_among_all_and_among_its_own() -> None:
    state, look_back = LookBackState(), LookBack(HORIZON_MS, 100)
    for number, kind in enumerate(["bad", "good", "plain", "bad"]):
        add(state, look_back, NOON_MS + number, kind)
    assert state.documents_ms == [NOON_MS, NOON_MS + 1, NOON_MS + 2, NOON_MS + 3]
    assert state.carriers_ms == [NOON_MS, NOON_MS + 3]
    assert [kept.effective_ms for kept in state.carriers] == state.carriers_ms
    assert state.positive_ms == [NOON_MS + 1]


@given(
    steps=st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["bad", "good", "plain"])), max_size=300),
    minutes=st.integers(1, 240),
)
def test_counts_are_those_of_all_documents_ever_said(steps: list[tuple[int, str]], minutes: int) -> None:
    """Forgetting is never seen from inside the horizon, whatever the pauses between documents."""
    state, look_back, now_ms = LookBackState(), LookBack(HORIZON_MS, 100_000), NOON_MS
    said: list[tuple[int, str]] = []
    for pause, kind in steps:
        now_ms += pause * MINUTE_MS
        said.append((now_ms, kind))
        add(state, look_back, now_ms, kind)
        since_ms = now_ms - minutes * MINUTE_MS
        recent = [kind for at_ms, kind in said if at_ms > since_ms]
        assert count_since(state.documents_ms, since_ms) == len(recent)
        assert count_since(state.carriers_ms, since_ms) == recent.count("bad")
        assert count_since(state.positive_ms, since_ms) == recent.count("good")
        assert [kept.effective_ms for kept in state.carriers] == state.carriers_ms


def test_what_left_the_longest_look_back_is_forgotten() -> None:
    state, look_back = LookBackState(), LookBack(HORIZON_MS, 100_000)
    for second in range(5_000):
        add(state, look_back, NOON_MS + second * 60_000, random.Random(second).choice(["bad", "good", "plain"]))
    assert len(state.documents_ms) <= 240 + 64
    assert len(state.carriers) <= 240
    add(state, look_back, NOON_MS + 900 * HOUR_MS, "plain")
    assert state == LookBackState(documents_ms=[NOON_MS + 900 * HOUR_MS], positive_ms=state.positive_ms)
    assert len(state.positive_ms) <= 240 + 64


def test_topic_that_outruns_the_bound_keeps_its_newest_documents() -> None:
    state, look_back = LookBackState(), LookBack(HORIZON_MS, 100)
    for number in range(1_000):
        add(state, look_back, NOON_MS + number, "bad")
        assert len(state.documents_ms) <= 100
        assert len(state.carriers) == len(state.carriers_ms) <= 100
    assert state.documents_ms[-50:] == list(range(NOON_MS + 950, NOON_MS + 1_000))
    assert [kept.effective_ms for kept in state.carriers[-50:]] == state.documents_ms[-50:]


def test_twelve_posts_of_one_author_are_one_origin() -> None:
    posts = [carrier(NOON_MS + number, "forum@tin_kettle") for number in range(12)]
    assert independent_origins(posts) == 1
    assert independent_origins([*posts, carrier(NOON_MS, "wire:77")]) == 2
    assert independent_origins([]) == 0
