"""A training run as a scorer: its best weights, not scaled by any temperature, before anything is exported."""

from collections.abc import Sequence
from pathlib import Path

from models.evaluation.metrics import FloatArray
from models.labels import NO_RISK
from models.pooling import pool, softmax
from models.scorer import Judgement, Pair
from models.train import network_of
from models.training.answers import predict
from models.training.batches import Item
from models.training.devices import DEVICE
from models.training.prepare import ALL_POSSIBLE
from models.training.settings import load_settings
from models.training.state import BEST, load


class RunScorer:
    """A PairScorer over RUN/config.yaml and RUN/best.pt (`python -m models.train --out RUN`).

    Attributes:
        development: ratio of the rows that it was not trained on.
    """

    def __init__(self, folder: Path) -> None:
        """Raises: DataError: the run has no best weights. SettingsError: its configuration cannot be read."""
        weights = load(folder / BEST)
        settings = load_settings(folder / "config.yaml")
        network, self._encoder = network_of(settings)
        network.load_state_dict(weights)
        self._network = network.to(DEVICE)
        self._name = f"run-{folder.name}"
        self.development = settings.development

    @property
    def name(self) -> str:
        """`run-` and the folder's name."""
        return self._name

    def logits(self, pairs: Sequence[Pair]) -> tuple[FloatArray, list[list[int]]]:
        """Logits of the windows of every pair, one after the other, (n_windows, 3); and each pair's windows' tokens."""
        encoded = [self._encoder.encode(pair.text, pair.target).windows for pair in pairs]
        windows = [window for one in encoded for window in one]
        items = [Item(window, 0, 1.0, ALL_POSSIBLE, False, None, number) for number, window in enumerate(windows)]
        found: FloatArray = predict(self._network, items, self._encoder.pad).astype("float64")
        return found, [[len(window.ids) for window in one] for one in encoded]

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order: its windows pooled as when serving."""
        if not pairs:
            return []
        logits, counts = self.logits(pairs)
        judgements, start = [], 0
        for tokens in counts:
            windows = [softmax(one, 1.0) for one in logits[start : start + len(tokens)].tolist()]
            judgements.append(Judgement(*pool(windows, tokens), NO_RISK, ()))
            start += len(tokens)
        return judgements
