"""Before fine-tuning: an encoder as it came, its layers untouched, with a logistic regression on its features.

A pre-trained encoder has no head of its own, and a random one answers nothing; a regression on what the encoder gives
is the least that makes its knowledge of sentiment visible. What fine-tuning adds is the distance to that.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from models.corpus.rows import fraction
from models.evaluation.answers import UNLIKE, LabelledSet
from models.evaluation.baselines import NestedRegression
from models.evaluation.metrics import FloatArray
from models.labels import NO_RISK
from models.scorer import Judgement, Pair
from models.text import TextEncoder
from models.training.batches import Item, collate, plan
from models.training.devices import DEVICE
from models.training.network import SentimentNetwork, make_network
from models.training.prepare import ALL_POSSIBLE

_ROWS = 4_000
"""Training rows of one set: features of all of them would take longer than training the model in question."""
_INVERSE_PENALTY = 0.02  # Features are standardised and many; weaker penalties fit the training rows only.
_MAX_TOKENS = 96
_BATCH_ROWS, _BATCH_TOKENS = 64, 4_096


class FrozenScorer:
    """A PairScorer: features of an untouched encoder, and regressions trained in place."""

    def __init__(self, folder: Path, sets: Sequence[LabelledSet], rows: int = _ROWS) -> None:
        """`folder`: holds config.json, model.safetensors and tokenizer.json; `sets`: the training side."""
        self._name = f"frozen-{folder.name}"
        self._encoder = TextEncoder(Tokenizer.from_file(str(folder / "tokenizer.json")), _MAX_TOKENS)
        self._network: SentimentNetwork = make_network(folder)
        self._network.head = torch.nn.Identity()  # what is pooled goes out as it is
        self._network.to(DEVICE).eval()
        chosen = [
            (row, one.is_full)
            for one in sets
            if one.name not in UNLIKE
            for row in sorted(one.rows, key=lambda row: fraction(row.text, "frozen"))[:rows]
        ]
        if not chosen:
            raise ValueError(f"{folder}: there is no row to train its regression on")
        features = self._features([Pair(row.text, row.target, row.lang) for row, _ in chosen])
        self._mean, self._spread = features.mean(axis=0), features.std(axis=0) + 1e-6
        gold = np.array([row.label for row, _ in chosen], dtype=np.int64)
        is_full = np.array([full for _, full in chosen], dtype=np.bool_)
        self._regression = NestedRegression((features - self._mean) / self._spread, gold, is_full, _INVERSE_PENALTY)

    @property
    def name(self) -> str:
        """`frozen-` and the folder's name."""
        return self._name

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order, from the first window of each text."""
        if not pairs:
            return []
        features = (self._features(pairs) - self._mean) / self._spread
        found = self._regression.probabilities(features)
        return [Judgement(float(one[0]), float(one[1]), float(one[2]), NO_RISK, ()) for one in found]

    def _features(self, pairs: Sequence[Pair]) -> FloatArray:
        windows = [self._encoder.encode(pair.text, pair.target).windows[0] for pair in pairs]
        items = [Item(window, 0, 1.0, ALL_POSSIBLE, False, None, number) for number, window in enumerate(windows)]
        found: list[FloatArray] = [np.zeros(0)] * len(items)
        for indices in plan([len(one.ids) for one in windows], _BATCH_ROWS, _BATCH_TOKENS, "features"):
            batch = collate([items[index] for index in indices], self._encoder.pad).to(DEVICE)
            with torch.no_grad():
                pooled = (
                    self._network(batch.ids, batch.mask, batch.targets).double().cpu().numpy()
                )  # (n_rows, 3 x width)
            for index, one in zip(indices, pooled, strict=True):
                found[index] = one
        return np.stack(found)
