"""Batching: nothing lost, repeated or reordered; each distinct text and target scored once; nobody waits too long."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.operators.batching import Batcher, FlushReason
from monitor.ports import Score, ScoreRequest


class CountingScorer:
    """Answers each request with a score that names it, and remembers what it was asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[list[ScoreRequest]] = []

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.asked.append(list(requests))
        return [answer(request) for request in requests]


def answer(request: ScoreRequest) -> Score:
    return Score(Sentiment(0, 10_000, 0), RiskKind.NONE, (request.text, request.target, str(request.lang)))


def request(text: str, target: str = "", lang: str | None = None) -> ScoreRequest:
    return ScoreRequest(text, target, lang)


def batcher(max_pairs: int = 100, max_delay_ms: int = 100) -> tuple[Batcher[int], CountingScorer]:
    scorer = CountingScorer()
    return Batcher(scorer, max_pairs, max_delay_ms), scorer


REQUESTS = st.lists(
    st.builds(
        ScoreRequest,
        st.sampled_from(["Orrin Mills sues", "Pike recalls", "quiet day"]),
        st.sampled_from(["", "Orrin Mills", "Pike"]),
        st.sampled_from([None, "en"]),
    ),
    max_size=4,
)
ITEMS = st.lists(st.tuples(REQUESTS, st.integers(0, 80)), max_size=30)


@given(ITEMS, st.integers(1, 8), st.integers(0, 100))
def test_batch_loses_repeats_and_reorders_nothing_and_each_item_gets_its_own_scores(
    items: list[tuple[list[ScoreRequest], int]], max_pairs: int, max_delay_ms: int
) -> None:
    waiting, scorer = batcher(max_pairs, max_delay_ms)
    told: list[tuple[FlushReason, int]] = []
    waiting.on_batch = lambda reason, pairs: told.append((reason, pairs))
    scored: list[tuple[int, list[Score]]] = []
    now_ms = 0
    for number, (requests, pause_ms) in enumerate(items):
        now_ms += pause_ms
        scored += waiting.due(now_ms)
        scored += waiting.add(number, requests, now_ms)
        assert len(scored) + len(waiting) == number + 1
    scored += waiting.flush(FlushReason.CUT)
    assert scored == [(number, [answer(one) for one in requests]) for number, (requests, _) in enumerate(items)]
    assert sum(pairs for _, pairs in told) == sum(len(requests) for requests, _ in items)
    for batch in scorer.asked:
        assert len(set(batch)) == len(batch), "one score for each distinct pair of a batch"
        assert batch, "the scorer is not called for nothing"


def test_copy_told_forty_times_is_read_once() -> None:
    waiting, scorer = batcher()
    for number in range(40):
        waiting.add(number, [request("Pike recalls kettles", "Pike")], now_ms=0)
    scored = waiting.flush(FlushReason.CUT)
    assert [len(batch) for batch in scorer.asked] == [1]
    assert len(scored) == 40


def test_one_text_is_scored_for_each_of_its_targets() -> None:
    waiting, scorer = batcher()
    waiting.add(0, [request("Orrin sues Pike", "Orrin"), request("Orrin sues Pike", "Pike")], now_ms=0)
    waiting.flush(FlushReason.CUT)
    assert [one.target for one in scorer.asked[0]] == ["Orrin", "Pike"]


def test_batch_is_scored_as_soon_as_it_is_full() -> None:
    waiting, _ = batcher(max_pairs=3)
    assert waiting.add(0, [request("a"), request("b")], now_ms=0) == []
    assert [item for item, _ in waiting.add(1, [request("c")], now_ms=0)] == [0, 1]
    assert len(waiting) == 0


def test_item_with_more_pairs_than_a_batch_holds_is_scored_all_the_same() -> None:
    waiting, scorer = batcher(max_pairs=2)
    ((item, scores),) = waiting.add(7, [request("a", str(target)) for target in range(5)], now_ms=0)
    assert (item, len(scores), len(scorer.asked)) == (7, 5, 1)


@pytest.mark.parametrize(("now_ms", "due"), [(1_099, []), (1_100, [0, 1])])
def test_first_item_of_a_batch_waits_no_longer_than_the_delay(now_ms: int, due: list[int]) -> None:
    waiting, _ = batcher(max_delay_ms=100)
    waiting.add(0, [request("a")], now_ms=1_000)
    waiting.add(1, [request("b")], now_ms=1_099)
    assert [item for item, _ in waiting.due(now_ms)] == due


def test_delay_counts_from_the_first_item_of_the_batch_in_hand() -> None:
    waiting, _ = batcher(max_delay_ms=100)
    waiting.add(0, [request("a")], now_ms=0)
    waiting.flush(FlushReason.CUT)
    waiting.add(1, [request("b")], now_ms=90)
    assert waiting.due(150) == []
    assert [item for item, _ in waiting.due(190)] == [1]


def test_each_batch_tells_why_it_was_closed_and_how_many_pairs_it_had() -> None:
    waiting, _ = batcher(max_pairs=2, max_delay_ms=100)
    told: list[tuple[FlushReason, int]] = []
    waiting.on_batch = lambda reason, pairs: told.append((reason, pairs))
    waiting.add(0, [request("a"), request("a")], now_ms=0)
    waiting.add(1, [request("b")], now_ms=0)
    waiting.due(100)
    waiting.add(2, [request("c")], now_ms=100)
    waiting.flush(FlushReason.CUT)
    waiting.flush(FlushReason.CUT)
    assert told == [(FlushReason.FULL, 2), (FlushReason.DEADLINE, 1), (FlushReason.CUT, 1)]
