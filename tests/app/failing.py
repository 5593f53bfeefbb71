"""A scorer that fails as a device does: the word lists, which cannot, behind failures at chosen texts and batches."""

import zlib
from collections.abc import Callable, Sequence

import pytest

from models.lexicon import LexiconScorer
from models.scorer import Judgement, Pair
from models.serving.errors import DeviceLost, Unscorable


class FailingScorer:
    """Refuses the pairs that are poison, one of them at a time; loses its device at a batch by number, from 1."""

    def __init__(self, is_poison: Callable[[Pair], bool] = lambda pair: False, lost_at: int | None = None) -> None:
        self._inner = LexiconScorer()
        self._is_poison = is_poison
        self._lost_at = lost_at
        self.batches = 0

    @property
    def name(self) -> str:
        return self._inner.name

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Raises: Unscorable, DeviceLost."""
        self.batches += 1
        if self._lost_at is not None and self.batches >= self._lost_at:
            raise DeviceLost("CUDA error: device-side assert triggered\nCompile with `TORCH_USE_CUDA_DSA`")
        poison = [number for number, pair in enumerate(pairs) if self._is_poison(pair)]
        if poison:
            raise Unscorable((poison[0],), f"pair {poison[0]} of {len(pairs)} does not\nfit into memory")
        return self._inner.score(pairs)


def one_in(count: int) -> Callable[[Pair], bool]:
    """Poison by the text alone: one in so many."""
    return lambda pair: zlib.crc32(pair.text.encode()) % count == 0


def put_in_place(monkeypatch: pytest.MonkeyPatch, scorer: FailingScorer) -> FailingScorer:
    """Every command scores with it from now on."""
    for module in ("scoring", "scores"):
        monkeypatch.setattr(f"monitor.app.{module}.make_pair_scorer", lambda options: scorer)
    return scorer
