"""A scorer on a thread of its own: the same answers in the same order, failures to whom they belong, and an end.

caller   submit 1 . submit 2 . [answer 1] . submit 3 . [answer 2] ...
thread            |--- 1 ---||--- 2 ---||--- 3 ---|
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.app.scorer_thread import ScorerThread
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.errors import DeviceLostError, UnscorableError
from monitor.operators.batching import Batcher, FlushReason, Poison
from monitor.ports import Answer, Score, ScoreRequest

PATIENCE_SECONDS = 30.0


class Slow:
    """Answers each text with itself, does at each batch what the test says, and notes who asked."""

    name = "slow-1"

    def __init__(self, at_batch: Callable[[int], None] = lambda number: None) -> None:
        self.asked: list[list[str]] = []
        self.threads: set[str] = set()
        self.forgot = 0
        self._at_batch = at_batch

    def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
        return partial(self._score, list(requests))

    def forget(self) -> None:
        self.forgot += 1

    def _score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.threads.add(threading.current_thread().name)
        self.asked.append([request.text for request in requests])
        self._at_batch(len(self.asked))
        poison = tuple(number for number, request in enumerate(requests) if request.text == "poison")
        if poison:
            raise UnscorableError(poison, "it did not fit")
        return [_answer(request.text) for request in requests]


def _answer(text: str) -> Score:
    return Score(Sentiment(0, 10_000, 0), RiskKind.NONE, (text,))


def _asked(*texts: str) -> list[ScoreRequest]:
    return [ScoreRequest(text, "", None) for text in texts]


def test_answers_come_to_whom_they_belong_in_whatever_order_they_are_collected() -> None:
    inner = Slow()
    with ScorerThread(inner) as scorer:
        answers = [scorer.submit(_asked(str(number))) for number in range(20)]
        for number in reversed(range(20)):
            assert answers[number]() == [_answer(str(number))]
    assert inner.asked == [[str(number)] for number in range(20)], "scored in the order in which they came"
    assert inner.threads == {"scorer"}
    assert scorer.name == "slow-1"


def test_caller_goes_on_while_a_batch_is_being_scored() -> None:
    began, may_end = threading.Event(), threading.Event()

    def wait(number: int) -> None:
        began.set()
        assert may_end.wait(PATIENCE_SECONDS)

    with ScorerThread(Slow(wait)) as scorer:
        answer = scorer.submit(_asked("a"))
        assert began.wait(PATIENCE_SECONDS), "it is being scored, and we are here"
        may_end.set()
        assert answer() == [_answer("a")]


@settings(max_examples=30)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "poison"]), max_size=3), max_size=25),
    st.integers(1, 5),
    st.integers(0, 2),
)
def test_batches_beside_the_caller_give_what_batches_in_step_give(
    items: list[list[str]], max_pairs: int, max_ahead: int
) -> None:
    def run(batcher: Batcher[int]) -> list[tuple[int, list[Score] | Poison]]:
        done: list[tuple[int, list[Score] | Poison]] = []
        for number, texts in enumerate(items):
            done += batcher.add(number, _asked(*texts), 0)
        return done + batcher.flush(FlushReason.CUT)

    with ScorerThread(Slow()) as scorer:
        beside = run(Batcher(scorer, max_pairs, 100, max_ahead))
    assert beside == run(Batcher(Slow(), max_pairs, 100))


def test_scorer_that_is_slower_than_its_caller_holds_it_back() -> None:
    """When the thread begins its n-th batch, no more than n + 1 were ever submitted: one in work, one waiting."""
    submitted = 0
    seen: list[tuple[int, int]] = []
    with ScorerThread(Slow(lambda number: seen.append((number, submitted)))) as scorer:
        batcher: Batcher[int] = Batcher(scorer, 1, 100, max_ahead=1)
        for number in range(200):
            submitted = number + 1
            batcher.add(number, _asked(str(number)), 0)
        batcher.flush(FlushReason.CUT)
    assert len(seen) == 200
    assert all(known <= number + 1 for number, known in seen)


def test_failure_in_the_thread_reaches_the_caller_and_the_next_batch_is_scored_all_the_same() -> None:
    def fail(number: int) -> None:
        if number == 1:
            raise DeviceLostError("it fell off the bus")
        if number == 2:
            raise ZeroDivisionError

    with ScorerThread(Slow(fail)) as scorer:
        lost, bug, good = (scorer.submit(_asked(text)) for text in "abc")
        with pytest.raises(DeviceLostError, match="fell off the bus"):
            lost()
        with pytest.raises(ZeroDivisionError):
            bug()
        assert good() == [_answer("c")]


def test_close_finishes_what_was_submitted_and_takes_no_more() -> None:
    before = threading.active_count()
    scorer = ScorerThread(Slow())
    answers = [scorer.submit(_asked(str(number))) for number in range(50)]
    scorer.close()
    scorer.close()
    assert threading.active_count() == before
    assert [answer() for answer in answers] == [[_answer(str(number))] for number in range(50)]
    with pytest.raises(RuntimeError, match="was closed"):
        scorer.submit(_asked("late"))


def test_thread_keeps_no_process_alive() -> None:
    """A device that hangs holds its thread for ever; the process must be able to end all the same."""
    with ScorerThread(Slow()) as scorer:
        scorer.submit(_asked("a"))()
        (thread,) = [one for one in threading.enumerate() if one.name == "scorer"]
        assert thread.daemon


def test_forgetting_is_passed_on() -> None:
    inner = Slow()
    with ScorerThread(inner) as scorer:
        scorer.forget()
    assert inner.forgot == 1
