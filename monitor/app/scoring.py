"""The Scorer port over what models/ offers; with the rest of this room the only code that knows both."""

from collections.abc import Sequence

from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.scorer import Pair, PairScorer
from monitor.config import Config, ScorerKind
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.ports import Score, ScoreRequest


class ModelScorer:
    """The Scorer port over what models/ offers."""

    def __init__(self, inner: PairScorer) -> None:
        self._inner = inner
        self._risks = {kind.value: kind for kind in RiskKind}

    @property
    def name(self) -> str:
        return self._inner.name

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        judged = self._inner.score([Pair(r.text, r.target, r.lang) for r in requests])
        return [
            Score(Sentiment.from_probabilities(j.negative, j.neutral, j.positive), self._risks[j.risk], j.cues)
            for j in judged
        ]


def make_scorer(config: Config) -> ModelScorer:
    """The scorer that the configuration names."""
    return ModelScorer(LexiconScorer() if config.scorer.kind is ScorerKind.LEXICON else NeutralScorer())
