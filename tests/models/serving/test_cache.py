"""ScoreCache: the latest answers, bounded in number and in length of text."""

from hypothesis import given
from hypothesis import strategies as st

from models.labels import NO_RISK
from models.scorer import Judgement, Pair
from models.serving.cache import MOST_CHARACTERS, ScoreCache


def pair(text: str, target: str = "", lang: str | None = None) -> Pair:
    return Pair(text, target, lang)


def answer(cue: str) -> Judgement:
    return Judgement(0.2, 0.6, 0.2, NO_RISK, (cue,), ())


def test_answer_belongs_to_text_target_and_language() -> None:
    cache = ScoreCache()
    cache.put(pair("a", "b", "de"), answer("one"))
    assert cache.get(pair("a", "b", "de")) == answer("one")
    assert [cache.get(pair("a", "b")), cache.get(pair("a", "", "de")), cache.get(pair("b", "b", "de"))] == [None] * 3


def test_what_was_not_asked_for_longest_is_given_up_first() -> None:
    cache = ScoreCache(2)
    cache.put(pair("a"), answer("a"))
    cache.put(pair("b"), answer("b"))
    cache.get(pair("a"))
    cache.put(pair("c"), answer("c"))
    assert [cache.get(pair(one)) for one in "abc"] == [answer("a"), None, answer("c")]


def test_long_texts_are_not_kept() -> None:
    cache = ScoreCache()
    cache.put(pair("x" * MOST_CHARACTERS), answer("kept"))
    cache.put(pair("x" * (MOST_CHARACTERS + 1)), answer("not kept"))
    assert len(cache) == 1


@given(st.integers(1, 5), st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_memory_is_bounded_and_never_tells_another_answer(most: int, steps: list[tuple[bool, int]]) -> None:
    cache = ScoreCache(most)
    for is_put, number in steps:
        if is_put:
            cache.put(pair(str(number)), answer(str(number)))
        assert cache.get(pair(str(number))) in ({answer(str(number))} if is_put else {None, answer(str(number))})
        assert len(cache) <= most
