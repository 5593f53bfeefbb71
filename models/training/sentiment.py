"""The task of a sentiment run: rows with labels or a teacher's logits, read by an encoder under the product's head."""

from collections.abc import Callable

from torch import Tensor

from models.training.adapters import add_adapters, plain_state
from models.training.batches import Batch, Item
from models.training.cache import Cache
from models.training.devices import autocast
from models.training.losses import loss
from models.training.network import SentimentNetwork, freeze
from models.training.settings import TrainSettings

Judge = Callable[[SentimentNetwork], tuple[float, dict[str, float]]]


class SentimentTask:
    """See `loop.Task`. epochs: the items of an epoch. Raises: SettingsError: frozen layers that do not exist."""

    def __init__(
        self,
        network: SentimentNetwork,
        settings: TrainSettings,
        pad: int,
        epochs: Callable[[int], list[Item]],
        judge: Judge,
    ) -> None:
        freeze(network.encoder, settings.frozen)
        if settings.lora_rank:
            add_adapters(network.encoder, settings.lora_rank, settings.frozen)
        self.network = network
        self.pad = pad
        self._settings = settings
        self._epochs = epochs
        self._judge = judge
        self._cache = Cache()

    def items(self, epoch: int) -> list[Item]:
        return self._epochs(epoch)

    def begin(self, epoch: int, items: list[Item]) -> None:
        if self._settings.cache_frozen:
            self._cache.fill(self.network, items, self._settings.frozen, self.pad, "frozen layers")

    def recall(self, epoch: int) -> None:
        # The cache is filled epoch by epoch again: in other company a row's answer could differ in the last bit.
        if self._settings.cache_frozen:
            self.begin(epoch, self._epochs(epoch))

    def loss(self, batch: Batch, epoch: int) -> Tensor:
        settings = self._settings
        with autocast(settings.precision):
            if settings.cache_frozen:
                hidden = self._cache.get(batch.numbers, batch.ids.shape[1])
                logits = self.network.upper(hidden, batch.mask, batch.targets, settings.frozen)
            else:
                logits = self.network(batch.ids, batch.mask, batch.targets)
        return loss(logits.float(), batch, settings.label_smoothing, settings.soft.temperature)

    def judge(self) -> tuple[float, dict[str, float]]:
        return self._judge(self.network)

    def best_state(self) -> dict[str, Tensor]:
        return plain_state(self.network)
