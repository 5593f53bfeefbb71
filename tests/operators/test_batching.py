"""Batching: nothing lost, repeated or reordered; each distinct text and target scored once; nobody waits too long."""

from collections.abc import Collection, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.errors import DeviceLostError, UnscorableError
from monitor.operators.batching import Batcher, FlushReason, Poison
from monitor.ports import Answer, Score, ScoreRequest


class CountingScorer:
    """Answers each request with a score that names it, and remembers what it was asked.

    What is poison it refuses, at most `told` of them at once, as a scorer may that finds them one after another.
    """

    name = "counting"

    def __init__(self, poison: Collection[ScoreRequest] = (), told: int = 100) -> None:
        self.asked: list[list[ScoreRequest]] = []
        self.collected = 0
        self._poison = poison
        self._told = told

    def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
        self.asked.append(list(requests))
        return partial(self._score, list(requests))

    def forget(self) -> None:
        """It remembers nothing that it would answer from."""

    def _score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.collected += 1
        refused = [number for number, request in enumerate(requests) if request in self._poison]
        if refused:
            raise UnscorableError(tuple(refused[: self._told]), "it did not fit")
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


@given(ITEMS, st.integers(1, 8), st.integers(0, 100), st.integers(0, 3))
def test_batch_loses_repeats_and_reorders_nothing_and_each_item_gets_its_own_scores(
    items: list[tuple[list[ScoreRequest], int]], max_pairs: int, max_delay_ms: int, max_ahead: int
) -> None:
    scorer = CountingScorer()
    waiting: Batcher[int] = Batcher(scorer, max_pairs, max_delay_ms, max_ahead)
    told: list[tuple[FlushReason, int]] = []
    waiting.on_batch = lambda reason, pairs: told.append((reason, pairs))
    scored: list[tuple[int, list[Score] | Poison]] = []
    now_ms = 0
    for number, (requests, pause_ms) in enumerate(items):
        now_ms += pause_ms
        scored += waiting.due(now_ms)
        scored += waiting.add(number, requests, now_ms)
        assert len(scored) + len(waiting) == number + 1
        assert list(waiting) == list(range(len(scored), number + 1)), "what is in hand, in order"
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
    asked = [request("a", str(target)) for target in range(5)]
    assert waiting.add(7, asked, now_ms=0) == [(7, [answer(one) for one in asked])]
    assert len(scorer.asked) == 1


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


# ---- poison

EVERY_REQUEST = [
    ScoreRequest(text, target, lang)
    for text in ("Orrin Mills sues", "Pike recalls", "quiet day")
    for target in ("", "Orrin Mills", "Pike")
    for lang in (None, "en")
]


@given(ITEMS, st.sets(st.sampled_from(EVERY_REQUEST)), st.integers(1, 8), st.integers(0, 2), st.integers(1, 3))
def test_item_that_cannot_be_scored_comes_back_in_its_place_and_the_others_have_their_scores(
    items: list[tuple[list[ScoreRequest], int]], poison: set[ScoreRequest], max_pairs: int, max_ahead: int, told: int
) -> None:
    scorer = CountingScorer(poison, told)
    waiting: Batcher[int] = Batcher(scorer, max_pairs, 100, max_ahead)
    done: list[tuple[int, list[Score] | Poison]] = []
    for number, (requests, _) in enumerate(items):
        done += waiting.add(number, requests, 0)
    done += waiting.flush(FlushReason.CUT)
    assert [number for number, _ in done] == list(range(len(items)))
    for (_, found), (requests, _) in zip(done, items, strict=True):
        refused = [one for one in requests if one in poison]
        assert found == (Poison(refused[0]) if refused else [answer(one) for one in requests])
    assert all(batch for batch in scorer.asked), "the scorer is not called for nothing"


def test_batch_of_nothing_but_poison_asks_for_no_rest() -> None:
    bad = request("a")
    scorer = CountingScorer({bad})
    waiting: Batcher[int] = Batcher(scorer, 100, 100)
    waiting.add(0, [bad], now_ms=0)
    assert waiting.flush(FlushReason.CUT) == [(0, Poison(bad))]
    assert scorer.asked == [[bad]]


# ---- a scorer that works beside


def test_next_batch_is_with_the_scorer_before_the_one_before_it_is_waited_for() -> None:
    """A scorer on a thread of its own goes from one batch to the next without a pause."""
    scorer = CountingScorer()
    waiting: Batcher[int] = Batcher(scorer, 1, 100, max_ahead=1)
    assert waiting.add(0, [request("a")], now_ms=0) == []
    assert (len(scorer.asked), scorer.collected) == (1, 0)
    assert [item for item, _ in waiting.add(1, [request("b")], now_ms=0)] == [0]
    assert (len(scorer.asked), scorer.collected) == (2, 1)
    assert [item for item, _ in waiting.flush(FlushReason.CUT)] == [1]


@given(st.integers(0, 3), st.integers(0, 40))
def test_no_more_than_so_many_batches_are_ever_ahead(max_ahead: int, count: int) -> None:
    scorer = CountingScorer()
    waiting: Batcher[int] = Batcher(scorer, 2, 100, max_ahead)
    for number in range(count):
        waiting.add(number, [request(str(number))], now_ms=0)
        assert len(scorer.asked) - scorer.collected <= max_ahead
        assert len(waiting) < 2 * (max_ahead + 1)


def test_batch_of_a_lost_device_is_still_in_hand() -> None:
    class Lost(CountingScorer):
        def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
            def lose() -> list[Score]:
                raise DeviceLostError("it fell off the bus")

            return lose

    waiting: Batcher[int] = Batcher(Lost(), 100, 100)
    waiting.add(7, [request("a")], now_ms=0)
    with pytest.raises(DeviceLostError, match="fell off the bus"):
        waiting.flush(FlushReason.CUT)
    assert list(waiting) == [7]
