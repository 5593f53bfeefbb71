"""The lowest floor: a scorer that always answers neutral. What cannot beat it has learnt nothing."""

from collections.abc import Sequence

from models.labels import NO_RISK
from models.scorer import Judgement, Pair

_ALWAYS = Judgement(negative=0.01, neutral=0.98, positive=0.01, risk=NO_RISK, cues=())


class NeutralScorer:
    """Answers neutral to everything."""

    @property
    def name(self) -> str:
        return "neutral"

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """The same judgement for each pair."""
        return [_ALWAYS] * len(pairs)
