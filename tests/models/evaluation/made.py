"""Rows, sets and scorers for these tests, made in place; every text and company is invented."""

from collections.abc import Callable, Mapping, Sequence

from models.corpus.rows import Row
from models.evaluation.answers import LabelledSet, labelled_set
from models.labels import LABELS, NO_RISK
from models.scorer import Judgement, Pair

Probabilities = tuple[float, float, float]


def row(text: str, label: str, target: str = "", source: str = "made", lang: str = "en", number: int = 0) -> Row:
    """One labelled row."""
    return Row(text, target, LABELS.index(label), lang, source, f"{source}:{number}")


def made_set(name: str, labels: Sequence[str], is_merged: bool = False) -> LabelledSet:
    """A set of texts `NAME text N is LABEL`."""
    rows = [row(f"{name} text {n} is {label}", label, source=name, number=n) for n, label in enumerate(labels)]
    return labelled_set(name, rows, is_merged)


class MadeScorer:
    """Answers each pair by a function or a table of texts; counts the pairs that it is asked about."""

    def __init__(
        self, answer: Callable[[Pair], Probabilities] | Mapping[str, Probabilities], name: str = "made"
    ) -> None:
        self._answer = answer
        self.name = name
        self.asked: list[Pair] = []

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair."""
        self.asked += pairs
        found = [self._answer[pair.text] if isinstance(self._answer, Mapping) else self._answer(pair) for pair in pairs]
        return [Judgement(*one, NO_RISK, ()) for one in found]


def knowing(pair: Pair) -> Probabilities:
    """Reads the label that `made_set` writes into a text."""
    found = [0.1, 0.1, 0.1]
    found[LABELS.index(pair.text.rsplit(" ", 1)[1])] = 0.8
    return found[0], found[1], found[2]
