"""Explanation: the words that are named are those that move the score, and it costs three batches at most."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.explain import LEAST_EFFECT, LOOKED_BESIDE, MAX_SENTENCES, MAX_WORDS, Word, explain, without, words_of
from models.labels import NO_RISK
from models.lexicon import LexiconScorer
from models.scorer import Judgement, Pair

WEIGHTS = {"bankrupt": -0.5, "halts": -0.3, "profit": 0.2, "record": 0.1, "破产": -0.6, "清算": -0.2, "the": -0.001}


class Weighing:
    """A scorer whose net score is a sum of weights of the words that it finds: what each word brings is known."""

    name = "weighing"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        self.batches.append(len(pairs))
        return [self._judge(pair) for pair in pairs]

    def _judge(self, pair: Pair) -> Judgement:
        net = sum(weight for word, weight in WEIGHTS.items() if word in pair.text)
        return Judgement((1 - net) / 2, 0.0, (1 + net) / 2, NO_RISK, ())


def named(text: str, target: str = "", count: int = 3) -> list[tuple[str, float]]:
    (words,) = explain(Weighing(), [Pair(text, target, None)], count)
    assert all(text[word.start : word.end] == word.word for word in words)
    return [(word.word, round(word.effect, 3)) for word in words]


def test_strongest_words_come_first_with_what_they_brought() -> None:
    text = "Orvane halts the lift after record profit, bankrupt rivals say"
    assert named(text) == [("bankrupt", -0.5), ("halts", -0.3), ("profit", 0.2)]
    assert named(text, count=4)[3] == ("record", 0.1)
    assert named(text, count=9) == named(text, count=4), "a word of no effect is not named"


def test_chinese_words_are_found_where_they_stand() -> None:
    assert named("岚砚股份申请破产并被清算了") == [("破产", -0.6), ("清算", -0.2)]
    assert named("他说破产了") == [("破产", -0.6)]


def test_chinese_words_are_found_wherever_the_pairs_begin() -> None:
    """Only every second pair is tried first: a word that stands across two of them is found beside these."""
    for before in ("", "他", "他说", "他们说"):
        assert named(f"{before}破产后还有很多人在这里走来走去没有事情可以做") == [("破产", -0.6)]


def test_chinese_costs_little_more_than_half_of_its_pairs() -> None:
    scorer = Weighing()
    explain(scorer, [Pair("他们在公司申请破产的那天还在讨论明年的计划和预算安排问题", "", None)])
    pairs = len(words_of("他们在公司申请破产的那天还在讨论明年的计划和预算安排问题", ""))
    assert pairs == 27
    assert sum(scorer.batches) - 1 <= pairs // 2 + 1 + LOOKED_BESIDE


def test_target_is_never_left_out() -> None:
    assert named("bankrupt Orvane: halts sale", "bankrupt Orvane") == [("halts", -0.3)]


@pytest.mark.parametrize("text", ["", "  ", "...!", "a", "\ud800", "🙂🙂"])
def test_text_that_says_nothing_has_no_words(text: str) -> None:
    assert named(text) == []


def test_no_texts_are_no_question() -> None:
    scorer = Weighing()
    assert explain(scorer, []) == []
    assert scorer.batches == []


def test_all_texts_are_asked_in_two_batches() -> None:
    scorer = Weighing()
    texts = ["Orvane halts trade", "Hexley is bankrupt", "Mirtal meets. " * 60 + "It halts trade."]
    found = explain(scorer, [Pair(text, "", None) for text in texts])
    assert [word.word for words in found for word in words] == ["halts", "bankrupt", "halts"]
    assert len(scorer.batches) == 2


@pytest.mark.parametrize(
    "text", ["Some words of little use stand here. " * 900, "no end in sight " * 900, "没有句号" * 900]
)
def test_long_text_costs_no_more_than_its_bound(text: str) -> None:
    scorer = Weighing()
    explain(scorer, [Pair(text, "", None)])
    assert sum(scorer.batches) <= 1 + MAX_SENTENCES + MAX_WORDS


def test_strongest_word_of_a_text_without_sentences_is_found() -> None:
    assert named("no end in sight " * 200 + "halts " + "and on it goes " * 200) == [("halts", -0.3)]


def test_words_of_a_long_text_come_from_the_sentences_that_count() -> None:
    text = "The weather was mild in May. " * 40 + "Orvane is bankrupt, it halts trade. " + "Nobody knew why. " * 5
    assert named(text) == [("bankrupt", -0.5), ("halts", -0.3)]


def test_words_end_where_people_end_them() -> None:
    text = "Brack-moor's profit fell 12.5%, says $HLDN's CEO; AT&T 🙂 won't (yet)."
    words = [text[start:end] for start, end in words_of(text, "")]
    assert words == [
        "Brack-moor's", "profit", "fell", "12.5%", "says", "$", "HLDN's", "CEO", "AT&T", "🙂", "won't", "yet",
    ]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=25)
@given(st.text(max_size=60), st.text(max_size=10))
def test_any_text_has_words_that_it_holds_and_that_do_not_overlap(text: str, target: str) -> None:
    (words,) = explain(LexiconScorer(), [Pair(text, target, None)])
    assert all(text[word.start : word.end] == word.word and abs(word.effect) >= LEAST_EFFECT for word in words)
    ordered = sorted(words, key=lambda word: word.start)
    assert all(one.end <= other.start for one, other in pairwise(ordered))


def test_named_words_move_the_lexicon_further_than_others() -> None:
    texts = [
        "Orvane files for bankruptcy after a fraud was found in its accounts in March",
        "Hexley raises its outlook for the year on record orders from its largest customers",
        "Regulators fine Mirtal and its auditor resigns over missing cash in two units",
    ]
    scorer, chance = LexiconScorer(), random.Random(1)
    moved = {"named": 0.0, "random": 0.0}
    for text, words in zip(texts, explain(scorer, [Pair(text, "", None) for text in texts]), strict=True):
        for name, spans in (
            ("named", [(word.start, word.end) for word in words]),
            ("random", chance.sample(words_of(text, ""), 3)),
        ):
            full, less = scorer.score([Pair(text, "", None), Pair(without(text, spans), "", None)])
            moved[name] += abs(full.positive - full.negative - less.positive + less.negative)
    assert moved["named"] > 2 * moved["random"]


def test_word_is_what_the_api_says() -> None:
    (words,) = explain(Weighing(), [Pair("is bankrupt", "", None)])
    assert words == (Word("bankrupt", 3, 11, words[0].effect),)
    assert words[0].effect == pytest.approx(-0.5)
