"""Tf-idf and logistic regression, trained on a few invented rows."""

import pytest

pytest.importorskip("sklearn")

from models.evaluation.answers import LabelledSet, labelled_set
from models.evaluation.baselines import TfidfScorer
from models.labels import NEGATIVE, NEUTRAL, POSITIVE
from models.scorer import Judgement, Pair
from tests.models.evaluation.made import row

NAMES = ("Hexley", "Orvane", "Mirtal", "Quenby", "Sardis", "Tolmer")
SAYINGS = {
    "negative": ("{} profit falls", "{} hit by fraud", "{} shares plunge"),
    "neutral": ("{} holds meeting", "{} opens office", "{} names chairman"),
    "positive": ("{} profit rises", "{} wins award", "{} shares soar"),
}
CHINESE = {"negative": "{}股价暴跌", "neutral": "{}召开会议", "positive": "{}利润大增"}


def full(name: str = "made") -> LabelledSet:
    rows = [
        row(saying.format(one), label, one, name)
        for label, sayings in SAYINGS.items()
        for saying in sayings
        for one in NAMES
    ]
    return labelled_set(name, rows)


def likeliest(found: Judgement) -> int:
    return max(range(3), key=lambda label: (found.negative, found.neutral, found.positive)[label])


def ask(scorer: TfidfScorer, *pairs: Pair) -> list[int]:
    return [likeliest(found) for found in scorer.score(pairs)]


def test_words_of_the_training_rows_are_learnt() -> None:
    pairs = [
        Pair("Brellin shares plunge", "", "en"),
        Pair("Brellin opens office", "", "en"),
        Pair("Brellin wins award", "", "en"),
    ]
    assert ask(TfidfScorer([full()]), *pairs) == [NEGATIVE, NEUTRAL, POSITIVE]


def test_name_of_the_target_says_nothing() -> None:
    rows = [*full().rows, *(row(f"Kelmond does thing {number}", "negative", "Kelmond") for number in range(20))]
    scorer = TfidfScorer([labelled_set("made", rows)])
    one, other = scorer.score(
        [Pair("Kelmond wins award", "Kelmond", "en"), Pair("Brellin wins award", "Brellin", "en")]
    )
    assert one == other


def test_probabilities_sum_to_one() -> None:
    [found] = TfidfScorer([full()]).score([Pair("Brellin shares fall", "", "en")])
    assert found.negative + found.neutral + found.positive == pytest.approx(1)


def test_set_without_neutral_teaches_what_is_negative_and_not_that_all_else_is_positive() -> None:
    sides = labelled_set(
        "sides",
        [row(f"{one} crumbles", "negative") for one in NAMES] + [row(f"{one} glows", "positive") for one in NAMES],
    )
    scorer = TfidfScorer([full(), sides])
    assert ask(scorer, Pair("Brellin crumbles", "", "en"), Pair("Brellin holds meeting", "", "en")) == [
        NEGATIVE,
        NEUTRAL,
    ]


def test_neutral_of_a_merged_set_does_not_teach_neutral() -> None:
    merged = labelled_set("finnsp", [row(f"{one} shares soar", "neutral") for one in NAMES * 5], is_merged=True)
    assert ask(TfidfScorer([full(), merged]), Pair("Brellin shares soar", "", "en")) == [POSITIVE]


def test_each_language_has_a_model_of_its_own_and_script_tells_where_nobody_says() -> None:
    rows = [
        row(saying.format(one), label, lang="zh")
        for label, saying in CHINESE.items()
        for one in ("衡岚", "砚禾", "泊川")
    ]
    scorer = TfidfScorer([full(), labelled_set("chinese", rows)])
    pairs = [Pair("霁禾股价暴跌", "", "zh"), Pair("霁禾利润大增", "", None), Pair("Brellin shares plunge", "", None)]
    assert ask(scorer, *pairs) == [NEGATIVE, POSITIVE, NEGATIVE]


def test_language_without_training_rows_is_answered_all_the_same() -> None:
    assert len(TfidfScorer([full()]).score([Pair("霁禾股价暴跌", "", "zh"), Pair("", "", "en")])) == 2


def test_one_label_alone_is_answered_by_its_share() -> None:
    scorer = TfidfScorer([labelled_set("made", [row("Hexley falls", "negative")] * 3)])
    assert ask(scorer, Pair("Brellin rises", "", "en")) == [NEGATIVE]


def test_gold_prices_are_not_trained_on() -> None:
    with pytest.raises(ValueError, match="tfidf: no set to train on; name one beside gold_headlines, nwgi"):
        TfidfScorer([full("gold_headlines")])


def test_same_rows_train_the_same_model() -> None:
    pair = Pair("Brellin shares fall", "", "en")
    assert TfidfScorer([full()]).score([pair]) == TfidfScorer([full()]).score([pair])
