"""Who is measured: texts in, probabilities out, the reading of the texts included.

All but the engine read the first 128 tokens of a text, as a truncation leaves them; the engine reads whole texts in
windows, finds phrases and kinds of risk besides, and is compared by tokens read. `engine` is what `open_scorer` gives.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from models.checkpoint import Manifest, load_manifest
from models.labels import LABELS
from models.pooling import pool, softmax
from models.scorer import Pair
from models.serving.backend import Backend
from models.shipped import DEFAULT, open_scorer
from models.text import TextEncoder, Window
from tests.bench.scoring.product import backends
from tests.bench.scoring.reading import LANGUAGES, cut_windows, folder_of, fresh_tokenizer

FloatArray = npt.NDArray[np.float32]

PIPELINE, TORCH_SORTED, ENGINE = "transformers.pipeline", "torch-sorted", "engine"
BUDGET_TOKENS = 4_096
"""Of a batch sorted by length, padding included: some 150 posts, or 32 beginnings of news."""


class Contender(Protocol):
    """Scores texts. It may read one language or all; it lives in a process of its own."""

    @property
    def about(self) -> str:
        """The checkpoint, and who computes where that was chosen."""
        ...

    def score(self, texts: Sequence[str]) -> FloatArray:
        """Calibrated probabilities of the beginnings of texts, or of whole ones, shape (n_texts, n_labels)."""
        ...


@runtime_checkable
class Judge(Contender, Protocol):
    """One that can be asked about a target: a pipeline knows none."""

    def judge(self, pairs: Sequence[Pair]) -> FloatArray:
        """Calibrated probabilities as the product gives them: targets found, whole texts, shape (n_pairs, n_labels)."""
        ...


class Engine:
    """The product's own scorer, both languages in one."""

    def __init__(self, threads: int) -> None:
        self._scorer = open_scorer(DEFAULT, threads)

    @property
    def about(self) -> str:
        return self._scorer.name

    def score(self, texts: Sequence[str]) -> FloatArray:
        return self.judge([Pair(text, "", None) for text in texts])

    def judge(self, pairs: Sequence[Pair]) -> FloatArray:
        judged = self._scorer.score(pairs)
        return np.array([(one.negative, one.neutral, one.positive) for one in judged], np.float32)


class NetworkContender(ABC):
    """What has a network behind it that is asked for all windows at once, and sees to batches itself."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.manifest: Manifest = load_manifest(folder_of(lang))
        self._encoder = TextEncoder(fresh_tokenizer(lang), self.manifest.max_tokens)

    @property
    def about(self) -> str:
        return self.manifest.version

    @abstractmethod
    def logits(self, windows: Sequence[Window]) -> FloatArray:
        """Unscaled scores, shape (n_windows, n_labels)."""

    def score(self, texts: Sequence[str]) -> FloatArray:
        return calibrated(self.logits(cut_windows(self.lang, texts)), self.manifest)

    def judge(self, pairs: Sequence[Pair]) -> FloatArray:
        encoded = self._encoder.encode_all([(pair.text, pair.target) for pair in pairs])
        windows = list(dict.fromkeys(window for one in encoded for window in one.windows))
        logits = dict(zip(windows, self.logits(windows).tolist(), strict=True))
        rows = []
        for pair, one in zip(pairs, encoded, strict=True):
            condition = "target" if pair.target.strip() and one.is_supported else "text"
            scale = self.manifest.temperatures[condition], self.manifest.neutral_shifts[condition]
            rows.append(
                pool([softmax(logits[part], *scale) for part in one.windows], [len(part.ids) for part in one.windows])
            )
        return np.array(rows, np.float32)


class BackendContender(NetworkContender):
    """One backend of the product."""

    def __init__(self, lang: str, name: str, threads: int) -> None:
        super().__init__(lang)
        self._backend: Backend = backends(folder_of(lang), threads)[name]()

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        return self._backend.logits(windows)


class TorchSorted(NetworkContender):
    """What a careful person writes with torch: single precision, sorted by length, padded to the longest of a batch."""

    def __init__(self, lang: str, threads: int) -> None:
        super().__init__(lang)
        import torch

        from models.export import load_torch

        torch.set_num_threads(threads)
        self._torch: Any = torch
        self._network = load_torch(folder_of(lang))

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        found = np.empty((len(windows), len(LABELS)), np.float32)
        for numbers in sorted_batches([len(window.ids) for window in windows], BUDGET_TOKENS):
            found[numbers] = self._batch([windows[number] for number in numbers])
        return found

    def _batch(self, windows: Sequence[Window]) -> FloatArray:
        torch = self._torch
        longest = max(len(window.ids) for window in windows)
        ids, mask, targets = (torch.zeros((len(windows), longest), dtype=torch.long) for _ in range(3))
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)] = torch.tensor(window.ids)
            mask[row, : len(window.ids)] = 1
            targets[row, list(window.targets)] = 1
        with torch.inference_mode():
            found: FloatArray = self._network(ids, mask, targets).numpy()
        return found


class Pipeline:
    """What most people write: `transformers.pipeline`, single precision, 32 texts a batch in order of arrival."""

    def __init__(self, lang: str, threads: int) -> None:
        import torch

        from tests.bench.scoring.pipeline import open_pipeline

        torch.set_num_threads(threads)
        self._manifest = load_manifest(folder_of(lang))
        self._ask = open_pipeline(folder_of(lang))

    @property
    def about(self) -> str:
        return self._manifest.version

    def score(self, texts: Sequence[str]) -> FloatArray:
        return calibrated(self._ask(texts), self._manifest)


def calibrated(logits: FloatArray, manifest: Manifest) -> FloatArray:
    """Probabilities of windows that are judged as a whole."""
    scale = manifest.temperatures["text"], manifest.neutral_shifts["text"]
    return np.array([softmax(row, *scale) for row in logits.tolist()], np.float32).reshape(-1, len(LABELS))


def sorted_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Numbers of texts in batches, the longest first: longest x count is at most the budget, or the batch is of one."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def contender_names(threads: int) -> list[str]:
    """Everyone who could take part here, those to compare with first."""
    found = [name for lang in LANGUAGES for name in backends(folder_of(lang), threads)]
    return [PIPELINE, TORCH_SORTED, ENGINE, *dict.fromkeys(found)]


def open_contender(name: str, lang: str, threads: int) -> Contender:
    """One of these for a language. Raises: KeyError: no backend of this name runs that language's checkpoint here."""
    if name == PIPELINE:
        return Pipeline(lang, threads)
    if name == TORCH_SORTED:
        return TorchSorted(lang, threads)
    return Engine(threads) if name == ENGINE else BackendContender(lang, name, threads)
