"""The sentences about which nobody can be in doubt."""

from collections.abc import Callable, Sequence

import pytest

from models.checkpoint import CheckpointError
from models.labels import LABELS, NEGATIVE, NEUTRAL, NO_RISK, POSITIVE
from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.plain import SENTENCES, check_plain
from models.scorer import Judgement, Pair

TRUTH = {text: label for groups in SENTENCES.values() for label, group in enumerate(groups) for text in group}


class Told:
    """Says what a rule makes of the right label of a sentence."""

    name = "told-1"

    def __init__(self, rule: Callable[[int, str], int]) -> None:
        self._rule = rule
        self.asked: list[Pair] = []

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        self.asked += pairs
        answers = []
        for pair in pairs:
            said = self._rule(TRUTH[pair.text], pair.text)
            negative, neutral, positive = (0.8 if label == said else 0.1 for label in range(len(LABELS)))
            answers.append(Judgement(negative, neutral, positive, NO_RISK, ()))
        return answers


def read_as(*order: int) -> Callable[[int, str], int]:
    """A model that is right, but whose outputs stand in another order."""
    return lambda truth, _: order[truth]


def knows(tag: str, right: Callable[[int, str], int], else_: int) -> Callable[[int, str], int]:
    """A model of one language, which gives one answer to all that it cannot read."""
    own = {text for group in SENTENCES[tag] for text in group}
    return lambda truth, text: right(truth, text) if text in own else else_


def test_lists_are_balanced_and_name_every_company_once_a_label() -> None:
    for groups in SENTENCES.values():
        assert {len(group) for group in groups} == {6}
    assert len(TRUTH) == 36


def test_right_model_and_the_floors_pass() -> None:
    for scorer in (Told(read_as(0, 1, 2)), LexiconScorer(), NeutralScorer()):
        check_plain(scorer)
        check_plain(scorer, ["en", "zh"])


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1)])
def test_labels_in_another_order_are_refused(order: tuple[int, ...]) -> None:
    for languages in ((), ("en",), ("zh",), ("en", "zh")):
        with pytest.raises(CheckpointError, match=r"^told-1 is no sentiment model, or .*use another checkpoint$"):
            check_plain(Told(read_as(*order)), languages)


def test_order_that_would_make_sense_is_told() -> None:
    # Its first output means neutral, its second positive, its third negative.
    with pytest.raises(CheckpointError, match="only if its labels are read as neutral, positive, negative;"):
        check_plain(Told(read_as(2, 0, 1)))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (POSITIVE, "it calls 6 of 6 plain disasters positive;"),
        (NEGATIVE, "it calls 6 of 6 plain pieces of good news negative;"),
    ],
)
def test_model_with_one_answer_for_all_is_refused_unless_it_is_neutral(answer: int, fault: str) -> None:
    with pytest.raises(CheckpointError, match=fault):
        check_plain(Told(lambda _truth, _text: answer))


def test_half_of_the_disasters_called_positive_is_poor_but_no_proof() -> None:
    disasters = SENTENCES["en"][NEGATIVE]
    check_plain(Told(lambda truth, text: POSITIVE if text in disasters[:3] else truth), ["en"])
    with pytest.raises(CheckpointError, match="4 of 6 plain disasters positive"):
        check_plain(Told(lambda truth, text: POSITIVE if text in disasters[:4] else truth), ["en"])


def test_model_of_unknown_language_is_judged_in_the_one_that_it_reads() -> None:
    for tag in SENTENCES:
        check_plain(Told(knows(tag, read_as(0, 1, 2), POSITIVE)))
        with pytest.raises(CheckpointError):
            check_plain(Told(knows(tag, read_as(2, 1, 0), NEUTRAL)))


def test_model_of_two_languages_must_be_right_in_both() -> None:
    with pytest.raises(CheckpointError, match="plain disasters positive"):
        check_plain(Told(knows("en", read_as(0, 1, 2), POSITIVE)), ["en", "zh"])


def test_language_without_sentences_is_passed_over() -> None:
    scorer = Told(read_as(2, 1, 0))
    check_plain(scorer, ["de"])
    assert scorer.asked == []
    with pytest.raises(CheckpointError):
        check_plain(scorer, ["de", "en-GB"])


def test_sentences_are_asked_without_a_target_in_their_own_language() -> None:
    scorer = Told(read_as(0, 1, 2))
    check_plain(scorer, ["zh-Hans"])
    assert {(pair.target, pair.lang) for pair in scorer.asked} == {("", "zh-Hans")}
    assert len(scorer.asked) == 18
