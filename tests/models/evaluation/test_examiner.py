"""The report on one scorer, and the difference of two. All texts are invented."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.answers import LabelledSet, RememberingScorer, first_half
from models.evaluation.examiner import LEAST_CONFLICTING, Examiner, Posed
from models.evaluation.replay_posts import ReplayPost
from models.evaluation.report import POOLED
from models.labels import LABELS, NEGATIVE
from models.neutral import NeutralScorer
from models.scorer import Pair
from tests.models.evaluation.made import MadeScorer, Probabilities, knowing, made_set, row

MIXED = ["negative", "neutral", "positive", "neutral", "negative", "positive"] * 10
DRAWS = 100


def test_scorer_that_knows_is_right_everywhere_and_says_so_too_modestly() -> None:
    made = made_set("fiqa", MIXED)
    report = Examiner(Posed((made,), resamples=DRAWS)).report(RememberingScorer(MadeScorer(knowing), "made"))
    figures = report.sets["fiqa"].figures
    assert (figures["accuracy"].value, figures["accuracy"].low, figures["weighted_f1"].value) == (1.0, 1.0, 1.0)
    assert np.trace(report.sets["fiqa"].confusion) == len(MIXED)
    # Always right at .8: .2 too modest, and temperatures of the other half make it surer.
    assert report.calibration["fiqa"].error.value == pytest.approx(0.2)
    assert report.calibration["fiqa"].error_scaled.value < 0.01
    assert report.fitted["en"].temperatures["text"] < 0.5


def test_no_half_is_judged_by_temperatures_that_were_fitted_on_it() -> None:
    made = made_set("fiqa", MIXED * 4)
    is_first = first_half(made.rows)
    # The scorer is always right in one half and mostly wrong in the other, at .8 in both.
    rows = [
        one if first or number % 5 < 2 else replace(one, label=(one.label + 1) % 3)
        for number, (one, first) in enumerate(zip(made.rows, is_first, strict=True))
    ]
    posed = Posed((made.with_rows(rows),), resamples=DRAWS)
    low, high = Examiner(posed).report(RememberingScorer(MadeScorer(knowing), "made")).calibration["fiqa"].bins_scaled
    assert (low.count, low.observed) == (is_first.sum(), 1.0) and low.predicted < 0.5
    assert high.observed < 0.5 and high.predicted > 0.99


def test_mean_is_of_the_three_english_sets_and_each_weighs_the_same() -> None:
    small, large, other = (
        made_set("fiqa", MIXED),
        made_set("tfns", ["neutral"] * 500),
        made_set("other", ["negative"] * 30),
    )
    report = Examiner(Posed((small, large, other), resamples=DRAWS)).report(
        RememberingScorer(NeutralScorer(), "neutral")
    )
    assert report.mean_of == ["fiqa", "tfns"]
    assert report.mean["accuracy"].value == pytest.approx((1 / 3 + 1) / 2)
    assert report.calibration[POOLED].texts == len(MIXED) + 500


def doubting(pair: Pair) -> Probabilities:
    """Never calls anything negative, but doubts where it should."""
    return (0.3, 0.4, 0.3) if pair.text.endswith("negative") else (0.1, 0.8, 0.1)


def test_one_threshold_finds_what_the_likeliest_label_does_not() -> None:
    sets = made_set("fiqa", MIXED), made_set("tfns", MIXED[:30])
    report = Examiner(Posed(sets, resamples=DRAWS)).report(RememberingScorer(MadeScorer(doubting), "made"))
    assert report.sets["fiqa"].figures["negative_recall"].value == 0.0
    found = report.negatives
    assert found is not None
    assert (found.threshold, found.recall.value, found.precision.value, found.halves) == (0.3, 1.0, 1.0, (1.0, 1.0))
    assert found.by_set == {"fiqa": (1.0, 1.0), "tfns": (1.0, 1.0)}


def test_no_half_is_judged_by_a_threshold_that_was_chosen_on_it() -> None:
    made = made_set("fiqa", MIXED)
    is_first = dict(zip([one.text for one in made.rows], first_half(made.rows).tolist(), strict=True))

    def shifted(pair: Pair) -> Probabilities:
        """Tells negatives apart in both halves, but from .3 on in one and from .7 on in the other."""
        low, high = (0.1, 0.3) if is_first[pair.text] else (0.4, 0.7)
        negative = high if pair.text.endswith("negative") else low
        return negative, (1 - negative) / 2, (1 - negative) / 2

    found = Examiner(Posed((made,), resamples=DRAWS)).report(RememberingScorer(MadeScorer(shifted), "made")).negatives
    # By .7 nothing is found in the first half; by .3 everything is called negative in the second.
    second = [one for one in made.rows if not is_first[one.text]]
    negative = sum(one.label == NEGATIVE for one in second)
    assert found is not None and found.halves == pytest.approx((negative / 20, negative / len(second)))


def test_given_threshold_is_used_and_nothing_is_chosen() -> None:
    posed = Posed((made_set("fiqa", MIXED),), resamples=DRAWS, threshold=0.05)
    found = Examiner(posed).report(RememberingScorer(MadeScorer(doubting), "made")).negatives
    assert found is not None
    assert (found.threshold, found.is_given, found.halves) == (0.05, True, None)
    assert found.precision.value == pytest.approx(1 / 3)


def test_set_without_negative_rows_has_no_threshold_and_does_not_fail() -> None:
    posed = Posed((made_set("made", ["neutral", "positive", "neutral"]),), resamples=DRAWS)
    report = Examiner(posed).report(RememberingScorer(NeutralScorer(), "neutral"))
    assert report.negatives is None and report.fitted["en"].threshold is None


def headlines(count: int) -> LabelledSet:
    """Headlines good for one company and bad for another, and as many about one company."""
    rows = []
    for number in range(count):
        text = f"Hexley beats Orvane in case {number}"
        rows += [row(text, "positive", "Hexley", "sentfin", number=number), row(text, "negative", "Orvane", "sentfin")]
        rows += [row(f"Mirtal holds meeting {number}", "neutral", "Mirtal", "sentfin")]
    return LabelledSet("sentfin", tuple(rows))


def blind(pair: Pair) -> Probabilities:
    """Sees the text alone."""
    return (0.1, 0.1, 0.8) if "beats" in pair.text else (0.1, 0.8, 0.1)


def aware(pair: Pair) -> Probabilities:
    """Sees whose side it is on."""
    return (0.8, 0.1, 0.1) if pair.target and pair.text.index(pair.target) > 0 else blind(pair)


def test_text_alone_is_half_right_on_headlines_with_conflicting_labels() -> None:
    posed = Posed((headlines(LEAST_CONFLICTING),), resamples=DRAWS)
    found = [
        Examiner(posed).report(RememberingScorer(MadeScorer(answer), "made")).entities["sentfin"]
        for answer in (blind, aware)
    ]
    assert [one.accuracy.value for one in found] == [pytest.approx(2 / 3), 1.0]
    assert [one.conflicting and one.conflicting.value for one in found] == [0.5, 1.0]
    assert found[0].conflicting_texts == 2 * LEAST_CONFLICTING


def test_too_few_conflicting_rows_have_no_figure() -> None:
    posed = Posed((headlines(3),), resamples=DRAWS)
    found = Examiner(posed).report(RememberingScorer(MadeScorer(aware), "made")).entities["sentfin"]
    assert (found.conflicting, found.conflicting_texts) == (None, 6)


def test_what_is_lost_without_a_target_is_told_and_a_new_name_changes_nothing() -> None:
    posed = Posed((headlines(20),), resamples=DRAWS)
    found = Examiner(posed).report(RememberingScorer(MadeScorer(aware), "made")).robustness["sentfin"]
    assert found["without target"].accuracy_gain.value == pytest.approx(-1 / 3)
    assert found["without target"].moved == 60
    assert found["renamed"].accuracy_gain.value == 0.0 and found["renamed"].moved == 60


def test_memorised_name_is_caught() -> None:
    rows = [row(f"Hexley opens office {n}", "negative", "Hexley", number=n) for n in range(30)]
    posed = Posed((LabelledSet("made", tuple(rows)),), resamples=DRAWS)

    def memorised(pair: Pair) -> Probabilities:
        return (0.8, 0.1, 0.1) if "Hexley" in pair.text else (0.1, 0.8, 0.1)

    found = Examiner(posed).report(RememberingScorer(MadeScorer(memorised), "made")).robustness["made"]["renamed"]
    assert (found.accuracy, found.accuracy_gain.value, found.accuracy_gain.high) == (0.0, -1.0, -1.0)


def test_temperatures_of_one_language_are_not_those_of_another() -> None:
    english = made_set("fiqa", MIXED)
    chinese = made_set("finfe", MIXED).with_rows(
        [
            row(one.text, LABELS[(one.label + 1) % 3], lang="zh", number=n)
            for n, one in enumerate(made_set("finfe", MIXED).rows)
        ]
    )
    report = Examiner(Posed((english, chinese), resamples=DRAWS)).report(RememberingScorer(MadeScorer(knowing), "made"))
    assert report.fitted["en"].temperatures["text"] < 1 < report.fitted["zh"].temperatures["text"]


def test_labelled_posts_are_judged_and_their_passes_compared() -> None:
    labels: Sequence[str] = ["negative", "neutral", "positive", "negative"]
    posts_set = made_set("replay_posts", labels)
    posts = tuple(
        ReplayPost(one.id, "", one.label, one.label, one.label if number else 1)
        for number, one in enumerate(posts_set.rows)
    )
    posed = Posed((made_set("fiqa", MIXED),), resamples=DRAWS, posts=posts, posts_set=posts_set)
    found = Examiner(posed).report(RememberingScorer(MadeScorer(knowing), "made")).posts
    assert found is not None
    assert found.figures.figures["negative_precision"].value == 1.0
    assert (found.precision_at_threshold, found.recall_at_threshold) == (1.0, 1.0)
    assert 0 < found.agreement < 1
    # Temperatures come from the data sets, never from the posts.
    assert found.calibration.error_scaled.value < found.calibration.error.value == pytest.approx(0.2)


def test_difference_is_paired_and_told_for_sets_and_their_mean() -> None:
    sets = made_set("fiqa", MIXED), made_set("tfns", MIXED)
    examiner = Examiner(Posed(sets, resamples=DRAWS))
    good, bad = RememberingScorer(MadeScorer(knowing), "good"), RememberingScorer(NeutralScorer(), "bad")
    found = examiner.differences(good, bad)
    assert list(found) == ["fiqa", "tfns", "mean"]
    assert found["fiqa"]["accuracy"].value == pytest.approx(2 / 3)
    assert found["mean"]["weighted_f1"].not_better == 0.0
    same = examiner.differences(good, good)["mean"]["accuracy"]
    assert (same.value, same.low, same.high, same.not_better) == (0.0, 0.0, 0.0, 1.0)


def test_same_questions_get_the_same_report() -> None:
    posed = Posed((made_set("fiqa", MIXED), headlines(20)), resamples=DRAWS)
    first, again = (Examiner(posed).report(RememberingScorer(MadeScorer(doubting), "made")) for _ in range(2))
    assert first == again
