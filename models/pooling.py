"""From the logits of a text's windows to one judgement: softmax, mean over the windows, and what the lexicon adds.

Plain arithmetic on Python's own floats, in the order of the windows: numpy may add in another order on another
machine, and the same text must get the same answer to the bit.
"""

from collections.abc import Sequence
from functools import cache
from math import exp

from models.labels import MARKS, NO_RISK
from models.lexicon import LexiconScorer
from models.scorer import Judgement

Probabilities = tuple[float, float, float]
"""In label order, each in (0, 1)."""

RISK_FROM = 0.3
"""p(negative) from which a kind of risk is named even where another label is likelier. Below it most of what the
lexicon finds is an idle word; above it a desk wants to know what the doubt is about."""
_FARTHEST = 30.0
"""Logits further below the greatest count as this far: a probability is never exactly 0 or 1."""

UNREAD = Judgement(negative=0.01, neutral=0.98, positive=0.01, risk=NO_RISK, cues=())
"""The answer to what says nothing: an empty text, one in a script that the vocabulary lacks."""


@cache
def shared_lexicon() -> LexiconScorer:
    """The one that all models of a process ask: it takes 15 MB, and a tenth of a second to make."""
    return LexiconScorer()


def softmax(logits: Sequence[float], temperature: float, neutral_shift: float = 0.0) -> Probabilities:
    """Calibrated probabilities of one window.

    Args:
        logits: finite, in label order. temperature: above 1 softens. neutral_shift: added to the logit of neutral.
    """
    shifted = logits[0], logits[1] + neutral_shift, logits[2]
    most = max(shifted)
    negative, neutral, positive = (exp(max((one - most) / temperature, -_FARTHEST)) for one in shifted)
    total = negative + neutral + positive
    return negative / total, neutral / total, positive / total


def pool(windows: Sequence[Probabilities], counts: Sequence[int]) -> Probabilities:
    """Mean over windows, each weighted by its count of tokens."""
    if len(windows) == 1:
        return windows[0]
    total = float(sum(counts))
    negative = neutral = positive = 0.0
    for (one, two, three), count in zip(windows, counts, strict=True):
        negative += one * count
        neutral += two * count
        positive += three * count
    return negative / total, neutral / total, positive / total


def judgement(found: Probabilities, floor: Judgement, marks: frozenset[str]) -> Judgement:
    """A model's probabilities with the lexicon's phrases; its kind of risk only where the model sees a bad side too."""
    negative, neutral, positive = found
    is_bad = negative >= RISK_FROM or (negative > neutral and negative >= positive)
    return Judgement(negative, neutral, positive, floor.risk if is_bad else NO_RISK, floor.cues, ordered(marks))


def unread(floor: Judgement, marks: frozenset[str]) -> Judgement:
    """The answer where the model can read nothing: the lexicon's, which knows emoji, if it found any, else neutral."""
    found = floor if floor.cues else UNREAD
    return Judgement(found.negative, found.neutral, found.positive, found.risk, found.cues, ordered(marks))


def ordered(marks: frozenset[str]) -> tuple[str, ...]:
    """Marks in the order of `labels.MARKS`."""
    return tuple(mark for mark in MARKS if mark in marks)
