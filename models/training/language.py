"""The task of a domain-adaptive pre-training: an encoder guesses hidden words of unlabelled text.

What is kept is the encoder; the head (dense, norm, and the word embeddings once more, "tied") only serves the guess.
Source: Gururangan et al., Don't Stop Pretraining, ACL 2020.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from models.corpus.rows import NO_LABEL, DataError, find_set, read_rows, text_key
from models.corpus.split import is_development
from models.text import TextEncoder, normalise
from models.training.batches import Batch, Item, batches
from models.training.configuration import SettingsError, build, read_yaml, within
from models.training.devices import DEVICE, autocast
from models.training.masking import Masker
from models.training.network import load_encoder, run_layers
from models.training.prepare import ALL_POSSIBLE
from models.training.settings import check_rates


@dataclass(frozen=True, slots=True)
class LanguageSettings:
    """One pre-training; what `settings.TrainSettings` has too means the same here.

    Attributes:
        sources: data sets whose texts are read, with labels or without.
        share: of the texts that are read in an epoch, another part each time, in (0, 1].
        masked: share of the tokens that are asked for.
        development: share of texts that are only judged on. Keep it at what the fine-tuning keeps, so that its
            development texts are new to the encoder too.
    """

    backbone: Path
    data: Path
    sources: tuple[str, ...]
    layers: int | None = None
    max_tokens: int = 128
    epochs: int = 1
    share: float = 1.0
    masked: float = 0.15
    batch_rows: int = 32
    batch_tokens: int = 2_048
    rate: float = 1e-4
    head_rate: float = 5e-4
    layer_decay: float = 1.0
    warm_up: float = 0.06
    weight_decay: float = 0.01
    hidden_dropout: float = 0.1
    average: float = 0.998
    clip: float = 1.0
    patience: int = 0
    precision: str = "fp32"
    development: float = 0.08
    seed: int = 1
    save_every_seconds: int = 300


def load_language_settings(path: Path) -> LanguageSettings:
    """Read a YAML file. Raises: SettingsError: names the key and what is wrong with it."""
    settings = build(LanguageSettings, "", read_yaml(path))
    check_rates(settings)
    if not settings.sources:
        raise SettingsError("sources: name at least one data set, for example [unlabelled_en]")
    if not 0 < settings.share <= 1:
        raise SettingsError(f"share: {settings.share} is not in (0, 1]")
    within("masked", settings.masked, 0.01, 0.5)
    within("patience", settings.patience, 0, 1_000)
    return settings


class LanguageNetwork(nn.Module):
    """An encoder under a tied language-model head. `forward` gives logits of the asked tokens, (n_asked, n_words)."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        config = encoder.config
        width = int(config.hidden_size)
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, eps=config.layer_norm_eps))
        self.head.register_parameter("bias", nn.Parameter(torch.zeros(int(config.vocab_size))))

    @property
    def layers(self) -> Any:
        """The encoder's layers, lowest first."""
        return self.encoder.encoder.layer

    def forward(self, ids: Tensor, mask: Tensor, asked: Tensor) -> Tensor:
        """ids, mask: (n_rows, n_tokens); asked: the same, bool."""
        hidden = run_layers(self.encoder, self.encoder.embeddings(input_ids=ids), mask, 0, len(self.layers))
        words = self.encoder.embeddings.word_embeddings.weight  # (n_words, width)
        return F.linear(self.head(hidden[asked]), words, self.head.bias)


def read_texts(settings: LanguageSettings) -> tuple[list[str], list[str]]:
    """(training, development) texts, each once. Raises: DataError: there are none."""
    texts: dict[str, str] = {}
    for name in settings.sources:
        for row in read_rows(find_set(settings.data, name)):
            plain = normalise(row.text)
            if plain:
                texts.setdefault(text_key(plain), row.text)
    development = [text for text in texts.values() if is_development(text, settings.development)]
    training = [text for text in texts.values() if not is_development(text, settings.development)]
    if not training or not development:
        raise DataError(f"{settings.data}: too few texts to learn from and to judge on; name more in `sources`")
    return training, development


def make_items(texts: Sequence[str], encoder: TextEncoder) -> list[Item]:
    """All windows of some texts, those without a word left out."""
    windows = [window for text in texts for window in encoder.encode(text, "").windows if len(window.ids) > 2]
    return [Item(one, NO_LABEL, 1.0, ALL_POSSIBLE, False, None, number) for number, one in enumerate(windows)]


class LanguageTask:
    """See `loop.Task`. training, development: windows of text; mask: id of the mask token."""

    def __init__(
        self, settings: LanguageSettings, training: list[Item], development: list[Item], pad: int, mask: int
    ) -> None:
        torch.manual_seed(settings.seed)
        self.network = LanguageNetwork(load_encoder(settings.backbone, settings.layers, settings.hidden_dropout))
        self.pad = pad
        self._settings = settings
        self._training = training
        self._development = development
        self._masker = Masker(settings.masked, mask, int(self.network.encoder.config.vocab_size))

    def items(self, epoch: int) -> list[Item]:
        if self._settings.share == 1:
            return self._training
        chance = random.Random(f"{self._settings.seed}/{epoch}/shares")
        return [item for item in self._training if chance.random() < self._settings.share]

    def begin(self, epoch: int, items: list[Item]) -> None:
        """Nothing is kept between epochs."""

    def recall(self, epoch: int) -> None:
        """Nothing is kept between epochs."""

    def loss(self, batch: Batch, epoch: int) -> Tensor:
        logits, wanted = self._answer(batch, f"{self._settings.seed}/{epoch}", self._settings.precision)
        return F.cross_entropy(logits.float(), wanted)

    def judge(self) -> tuple[float, dict[str, float]]:
        """(-loss, {loss, accuracy}) of the development texts, hidden in the same places every time."""
        self.network.eval()
        loss, right, count = 0.0, 0, 0
        settings = self._settings
        stream = batches(self._development, settings.batch_rows, settings.batch_tokens, self.pad, "development")
        with torch.no_grad():
            for batch in tqdm(stream, desc="development", disable=None):
                logits, wanted = self._answer(batch.to(DEVICE), "development", "fp32")
                loss += float(F.cross_entropy(logits, wanted, reduction="sum"))
                right += int((logits.argmax(dim=1) == wanted).sum())
                count += len(wanted)
        return -loss / count, {"loss": round(loss / count, 4), "accuracy": round(right / count, 4)}

    def best_state(self) -> dict[str, Tensor]:
        state: Mapping[str, Tensor] = self.network.state_dict()
        return dict(state)

    def _answer(self, batch: Batch, seed: str, precision: str) -> tuple[Tensor, Tensor]:
        """(logits of the asked tokens, what they are)."""
        lengths = batch.mask.sum(dim=1).tolist()
        hidden, asked = self._masker.hide(batch.ids, lengths, [f"{seed}/{number}" for number in batch.numbers])
        with autocast(precision):
            logits = self.network(hidden, batch.mask, asked)
        return logits, batch.ids[asked]
