"""What every scorer offers, whatever stands behind it: pairs of text and target in, judgements out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and the target that the judgement is about.

    Attributes:
        target: the form in which the text names the target, or empty for the text as a whole.
        lang: BCP 47 tag of the text, or None where nobody knows.
    """

    text: str
    target: str
    lang: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities of the three labels, each in (0, 1), summing to 1 within rounding.

    Attributes:
        risk: the leading kind of risk among what speaks against the target, one of `labels.RISKS`.
        cues: up to five phrases that moved the score, as the text writes them, strongest first.
        marks: what limits the answer, out of `labels.MARKS` and in their order; mostly nothing.
    """

    negative: float
    neutral: float
    positive: float
    risk: str
    cues: tuple[str, ...]
    marks: tuple[str, ...] = ()


class PairScorer(Protocol):
    """Scores pairs. The answer to a pair does not depend on its neighbours in the batch."""

    @property
    def name(self) -> str:
        """Kind and version, as stored with each score."""
        ...

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order. Raises nothing for any text."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A scorer that answers from memory what it was asked before."""

    def forget(self) -> None:
        """Remember no answer from here on."""
        ...


@runtime_checkable
class Computing(Protocol):
    """A scorer behind which a network is run."""

    @property
    def backend(self) -> str:
        """Library, precision and device of what runs it: of a closed set, a label of metrics."""
        ...
