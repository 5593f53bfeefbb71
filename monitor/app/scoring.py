"""The Scorer port over what models/ offers; with the rest of this room the only code that knows both."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from models.checkpoint import CheckpointError
from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.scorer import Computing, Pair, PairScorer, Remembering
from models.serving.errors import DeviceLost, DeviceUnavailable, Unscorable
from models.serving.stats import ScoringStats
from models.serving.wanted import Wanted
from models.shipped import open_scorer
from monitor.config import Config, ScorerConfig, ScorerKind, ScorerPrecision
from monitor.domain.sentiment import RiskKind, ScoreMark, Sentiment
from monitor.errors import ConfigError, DeviceLostError, UnscorableError
from monitor.logs import event
from monitor.ports import Answer, Score, ScoreRequest, ScoringWork

logger = logging.getLogger(__name__)


@contextmanager
def scoring_errors() -> Iterator[None]:
    """What a scorer raises while it scores, in the words of the monitor.

    Raises: UnscorableError, DeviceLostError; ConfigError: the checkpoint gives answers that are no numbers.
    """
    try:
        yield
    except Unscorable as exc:
        raise UnscorableError(exc.numbers, _one_line(exc.reason)) from exc
    except DeviceLost as exc:
        raise DeviceLostError(_one_line(str(exc))) from exc
    except CheckpointError as exc:
        raise ConfigError(f"scorer.checkpoint: {exc}") from exc


def _one_line(text: str) -> str:
    """What libraries say of a device runs over many lines; the first few hundred characters hold the matter."""
    return " ".join(text.split())[:400] or "it does not say why"


@contextmanager
def device_loss_told(kept: str) -> Iterator[None]:
    """Tell the person who loses the device what is kept of the work, and how to go on."""
    try:
        yield
    except DeviceLostError as exc:
        raise DeviceLostError(exc.reason, kept) from exc


class ModelScorer:
    """The Scorer port over what models/ offers, in step: a batch is scored when its answer is asked for."""

    def __init__(self, inner: PairScorer) -> None:
        self._inner = inner
        stats = getattr(inner, "stats", None)
        self._stats = stats if isinstance(stats, ScoringStats) else None
        self._told = ScoringStats()
        self._risks = {kind.value: kind for kind in RiskKind}
        self._marks = {mark.value: mark for mark in ScoreMark}

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def backend(self) -> str:
        """What runs the network, by the scorer's own name for it; "none" where there is none: the word lists."""
        return (self._inner.backend if isinstance(self._inner, Computing) else "") or "none"

    def take_work(self) -> ScoringWork:
        """What was computed since the last call; may be asked while another thread scores."""
        if self._stats is None:
            return ScoringWork()
        # A copy first: what is counted meanwhile belongs to the next call, and nothing is lost between two readings.
        now = replace(self._stats, fallbacks=dict(self._stats.fallbacks))
        told, self._told = self._told, now
        return ScoringWork(
            now.batches - told.batches,
            now.windows - told.windows,
            now.tokens - told.tokens,
            now.padding_tokens - told.padding_tokens,
            now.seconds - told.seconds,
            now.cache_hits - told.cache_hits,
            now.cache_misses - told.cache_misses,
            now.halvings - told.halvings,
            now.rechecked - told.rechecked,
            {reason: count - told.fallbacks[reason] for reason, count in now.fallbacks.items()},
        )

    def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
        return partial(self.score, list(requests))

    def forget(self) -> None:
        if isinstance(self._inner, Remembering):
            self._inner.forget()

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """One score for each request, in order. Raises: UnscorableError, DeviceLostError, ConfigError."""
        pairs = [Pair(r.text, r.target, r.lang) for r in requests]
        try:
            with scoring_errors():
                judged = self._inner.score(pairs)
        except UnscorableError as exc:
            first = pairs[exc.numbers[0]]
            event(
                logger,
                "not_scorable",
                level=logging.ERROR,
                reason=exc.reason,
                pairs=len(exc.numbers),
                target=first.target,
                characters=len(first.text),
            )
            raise
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
