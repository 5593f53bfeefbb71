"""Answers of a network to items, without gradients and without dropout."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from models.training.batches import Item, collate, plan
from models.training.devices import DEVICE, autocast
from models.training.network import SentimentNetwork

FloatArray = npt.NDArray[np.float32]

_ROWS, _TOKENS = 64, 4_096


def predict(
    network: SentimentNetwork, items: Sequence[Item], pad: int, title: str | None = None, precision: str = "fp32"
) -> FloatArray:
    """Logits of items in their order, (n_items, 3). title: of a progress bar; None for no bar."""
    network.eval()
    answers: FloatArray = np.zeros((len(items), 3), dtype=np.float32)
    chosen = plan([len(item.window.ids) for item in items], _ROWS, _TOKENS, "predict")
    with torch.no_grad(), autocast(precision):
        for indices in tqdm(chosen, desc=title, disable=None if title else True):
            batch = collate([items[index] for index in indices], pad).to(DEVICE)
            answers[indices] = network(batch.ids, batch.mask, batch.targets).float().cpu().numpy()
    return answers
