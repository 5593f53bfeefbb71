"""The Scorer port over what models/ offers; with the rest of this room the only code that knows both."""

from collections.abc import Sequence
from dataclasses import replace

from models.checkpoint import CheckpointError
from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.scorer import Pair, PairScorer
from models.serving.errors import DeviceUnavailable
from models.serving.wanted import Wanted
from models.shipped import open_scorer
from monitor.config import Config, ScorerConfig, ScorerKind, ScorerPrecision
from monitor.domain.sentiment import RiskKind, ScoreMark, Sentiment
from monitor.errors import ConfigError
from monitor.ports import Score, ScoreRequest


class ModelScorer:
    """The Scorer port over what models/ offers."""

    def __init__(self, inner: PairScorer) -> None:
        self._inner = inner
        self._risks = {kind.value: kind for kind in RiskKind}
        self._marks = {mark.value: mark for mark in ScoreMark}

    @property
    def name(self) -> str:
        return self._inner.name

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        judged = self._inner.score([Pair(r.text, r.target, r.lang) for r in requests])
        return [
            Score(
                Sentiment.from_probabilities(j.negative, j.neutral, j.positive),
                self._risks[j.risk],
                j.cues,
                tuple(self._marks[mark] for mark in j.marks) if j.marks else (),
            )
            for j in judged
        ]


def make_scorer(config: Config, began_with: str = "") -> ModelScorer:
    """The scorer that the configuration names.

    began_with: the name of the scorer of a run that is gone on with: where the choice of a precision is free, it falls
    as it did then, for another would give other last digits.
    Raises: ConfigError: its checkpoint cannot be used.
    """
    options = config.scorer
    if options.precision is ScorerPrecision.AUTO and options.device in ("auto", "cpu") and "@" in began_with:
        is_integer = f"/{ScorerPrecision.INT8}" in began_with
        options = replace(options, precision=ScorerPrecision.INT8 if is_integer else ScorerPrecision.FLOAT32)
    return ModelScorer(make_pair_scorer(options))


def make_pair_scorer(options: ScorerConfig) -> PairScorer:
    """The same, as models/ offers it. Raises: ConfigError: its checkpoint cannot be used."""
    match options.kind:
        case ScorerKind.MODEL:
            return _open(options)
        case ScorerKind.LEXICON:
            return LexiconScorer()
        case ScorerKind.NEUTRAL:
            return NeutralScorer()


def _open(options: ScorerConfig) -> PairScorer:
    """A trained model, ready to answer; the libraries behind it are loaded now, for no other scorer needs them."""
    try:
        wanted = Wanted(options.device, options.precision.value, options.allow_fallback)
        return open_scorer(options.checkpoint, options.threads or None, wanted)
    except DeviceUnavailable as exc:
        raise ConfigError(str(exc)) from exc
    except CheckpointError as exc:
        raise ConfigError(f"scorer.checkpoint: {exc}") from exc
    except ModuleNotFoundError as exc:
        library = (exc.name or "").partition(".")[0]
        if library in ("", "models", "monitor"):
            raise  # no library: a bug of ours
        raise ConfigError(
            f"scorer.checkpoint: {options.checkpoint} needs {library}, which is not installed here; "
            "run `make setup`, or take the word lists, scorer.kind: lexicon"
        ) from exc
