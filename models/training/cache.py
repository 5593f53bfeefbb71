"""What frozen layers answer, computed once: more than half of the cost of a run whose lower half is frozen."""

from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from models.training.batches import Item, collate, plan
from models.training.devices import DEVICE
from models.training.network import SentimentNetwork

_ROWS, _TOKENS = 64, 4_096
"""A batch without gradients: larger ones gain nothing on two cores."""


class Cache:
    """Answers of the frozen layers, kept in half precision in main memory by the number of the row."""

    def __init__(self) -> None:
        self._kept: dict[int, Tensor] = {}

    def fill(self, network: SentimentNetwork, items: Sequence[Item], count: int, pad: int, title: str) -> None:
        """Compute what is missing."""
        network.eval()
        todo = [item for item in items if item.number not in self._kept]
        chosen = plan([len(item.window.ids) for item in todo], _ROWS, _TOKENS, "cache")
        with torch.no_grad():
            for indices in tqdm(chosen, desc=title, disable=None):
                batch = collate([todo[index] for index in indices], pad).to(DEVICE)
                hidden = network.lower(batch.ids, batch.mask, count)
                for row, number in enumerate(batch.numbers):
                    self._kept[number] = hidden[row, : int(batch.mask[row].sum())].to("cpu", torch.float16)

    def get(self, numbers: Sequence[int], length: int) -> Tensor:
        """Hidden states, (n_rows, length, width), zero where there is padding."""
        first = self._kept[numbers[0]]
        hidden = torch.zeros((len(numbers), length, first.shape[1]))
        for row, number in enumerate(numbers):
            found = self._kept[number]
            hidden[row, : len(found)] = found.float()
        return hidden.to(DEVICE)
