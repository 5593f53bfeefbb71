"""How answers are read from probabilities, in sets that have all labels and in those that lack some."""

import numpy as np
import pytest

from models.corpus.rows import text_key
from models.evaluation.answers import (
    Answers,
    LabelledSet,
    RememberingScorer,
    first_half,
    has_target,
    labelled_set,
    mean_sets,
)
from models.labels import NEGATIVE, NEUTRAL, POSITIVE
from tests.models.evaluation.made import MadeScorer, knowing, made_set, row

MOSTLY_NEUTRAL = np.array([[0.2, 0.7, 0.1]])
POSITIVE_FIRST = np.array([[0.3, 0.3, 0.4]])


def test_set_without_neutral_is_answered_by_the_likelier_of_its_two_labels() -> None:
    of = labelled_set("sides", [row("a", "negative"), row("b", "positive")]).with_rows([row("a", "negative")])
    answers = Answers(of, MOSTLY_NEUTRAL)
    assert of.possible == (True, False, True)
    assert answers.labels.tolist() == [NEGATIVE]
    assert answers.probabilities[0].tolist() == pytest.approx([2 / 3, 0, 1 / 3])
    assert answers.confidence.tolist() == pytest.approx([2 / 3])


def test_unmasked_set_may_be_answered_with_a_label_that_it_lacks() -> None:
    of = labelled_set("sides", [row("a", "negative")], is_masked=False)
    assert Answers(of, MOSTLY_NEUTRAL).labels.tolist() == [NEUTRAL]


def test_positive_means_not_negative_in_a_merged_set() -> None:
    of = labelled_set("finnsp", [row("a", "neutral")], is_merged=True)
    answers = Answers(of, POSITIVE_FIRST)
    assert answers.labels.tolist() == [NEUTRAL]
    assert answers.confidence.tolist() == pytest.approx([0.7])
    assert answers.is_right.all()


def test_positive_is_an_answer_where_all_labels_occur() -> None:
    of = LabelledSet("made", (row("a", "positive"),))
    assert Answers(of, POSITIVE_FIRST).labels.tolist() == [POSITIVE]


def test_scorer_that_excludes_every_label_of_a_set_does_not_divide_by_nothing() -> None:
    of = LabelledSet("sides", (row("a", "negative"),), (True, False, True))
    assert np.isfinite(Answers(of, np.array([[0.0, 1.0, 0.0]])).probabilities).all()


def test_pair_is_scored_once_however_often_it_is_judged() -> None:
    made = made_set("made", ["negative", "positive", "neutral"])
    scorer = MadeScorer(knowing)
    remembering = RememberingScorer(scorer, "made")
    first, again = remembering.answers(made), remembering.answers(made.with_rows([*made.rows, made.rows[0]]))
    assert len(scorer.asked) == 3
    assert first.labels.tolist() == [0, 2, 1] and again.labels.tolist() == [0, 2, 1, 0]


def test_row_without_a_language_is_a_pair_without_one() -> None:
    scorer = MadeScorer(lambda pair: (0.1, 0.8, 0.1))
    RememberingScorer(scorer, "made").probabilities([row("a", "neutral", lang="")])
    assert scorer.asked[0].lang is None


def test_texts_that_differ_in_case_and_marks_are_one_group() -> None:
    made = LabelledSet(
        "made", (row("Orvane falls.", "negative", "Orvane"), row("orvane FALLS", "negative"), row("b", "neutral"))
    )
    assert made.groups.tolist() == [0, 0, 1]


def test_target_counts_only_where_the_text_names_it() -> None:
    rows = [
        row("Orvane falls", "negative", "Orvane"),
        row("Orvane falls", "negative", "Mirtal"),
        row("Orvane falls", "negative"),
    ]
    assert has_target(rows).tolist() == [True, False, False]


def test_halves_are_of_about_one_size_and_keep_equal_texts_together() -> None:
    rows = [row(f"headline number {number}", "neutral") for number in range(1_000)]
    halves = first_half(rows)
    assert 0.45 < halves.mean() < 0.55
    assert first_half([row(text_key(one.text), "neutral") for one in rows]).tolist() == halves.tolist()


def test_mean_is_over_the_three_english_sets_that_are_there_or_else_over_full_ones() -> None:
    fpb, other = (
        made_set("fpb_50agree", ["negative", "neutral", "positive"]),
        made_set("other", ["negative", "neutral", "positive"]),
    )
    sides, merged = made_set("sides", ["negative", "positive"]), made_set("finnsp", ["negative", "neutral"], True)
    assert mean_sets([fpb, other, sides]) == [fpb]
    assert mean_sets([other, sides, merged]) == [other]


def test_gold_prices_and_machine_grades_are_judged_but_never_fitted_on() -> None:
    assert not made_set("gold_headlines", ["negative", "neutral", "positive"]).is_fitted
    assert made_set("fiqa", ["negative", "neutral", "positive"]).is_fitted
