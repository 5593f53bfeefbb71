"""Items and batches of numbers that mean nothing, for what does not ask what they mean."""

from collections.abc import Sequence

import torch

from models.text import Window
from models.training.batches import Batch, Item, collate

ALL = (True, True, True)


def item(
    length: int = 4,
    label: int = 0,
    weight: float = 1.0,
    possible: tuple[bool, ...] = ALL,
    merged: bool = False,
    soft: tuple[float, ...] | None = None,
    number: int = 0,
    targets: tuple[int, ...] = (),
) -> Item:
    """An item with a window of `length` tokens, numbered from `number`."""
    return Item(Window(tuple(range(number, number + length)), targets), label, weight, possible, merged, soft, number)


def batch(items: Sequence[Item]) -> Batch:
    """The items together; padding is 0."""
    return collate(items, 0)


def logits(*rows: Sequence[float]) -> torch.Tensor:
    """A tensor of rows that asks for its gradient."""
    return torch.tensor(rows, dtype=torch.float32, requires_grad=True)
