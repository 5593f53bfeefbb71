"""Batches: rows of about the same length together, so that little is padding, in an order that a seed fixes."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from models.labels import LABELS
from models.text import Window

_POOL = 40
"""Batches' worth of rows that are sorted by length together: more pads less, but makes batches more alike."""


@dataclass(slots=True)
class Item:
    """One row, ready to be read.

    Attributes:
        label: index, or NO_LABEL where only `soft` speaks. weight: in the loss. possible: which labels it may be.
        merged: neutral means "not negative". soft: a teacher's logits, or None.
        number: its place in the run's list of rows.
    """

    window: Window
    label: int
    weight: float
    possible: tuple[bool, ...]
    merged: bool
    soft: tuple[float, ...] | None
    number: int


@dataclass(slots=True)
class Batch:
    """Tensors of n_rows rows padded to n_tokens.

    Attributes:
        ids, mask, targets: (n_rows, n_tokens), int64. labels, weights, merged: (n_rows,). possible: (n_rows, 3) bool.
        soft: (n_rows, 3), zero where there is none; has_soft: (n_rows,) bool.
    """

    ids: Tensor
    mask: Tensor
    targets: Tensor
    labels: Tensor
    weights: Tensor
    possible: Tensor
    merged: Tensor
    soft: Tensor
    has_soft: Tensor
    numbers: list[int]

    def to(self, device: Any) -> "Batch":
        """The same batch on a device."""
        moved = {one.name: getattr(self, one.name) for one in fields(self)}
        return Batch(**{name: one if name == "numbers" else one.to(device) for name, one in moved.items()})


def plan(lengths: Sequence[int], rows: int, tokens: int, seed: str) -> list[list[int]]:
    """Which items go together: every item once, in batches of at most `rows` and `tokens` (longest x count)."""
    chance = random.Random(seed)
    order = list(range(len(lengths)))
    chance.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), rows * _POOL):
        batch: list[int] = []
        for index in sorted(order[start : start + rows * _POOL], key=lambda one: lengths[one]):
            if batch and (len(batch) == rows or lengths[index] * (len(batch) + 1) > tokens):
                batches.append(batch)
                batch = []
            batch.append(index)
        if batch:
            batches.append(batch)
    chance.shuffle(batches)
    return batches


def collate(items: Sequence[Item], pad: int) -> Batch:
    """Tensors of some items."""
    longest = max(len(item.window.ids) for item in items)
    ids = torch.full((len(items), longest), pad, dtype=torch.long)
    mask = torch.zeros((len(items), longest), dtype=torch.long)
    targets = torch.zeros((len(items), longest), dtype=torch.long)
    for row, item in enumerate(items):
        ids[row, : len(item.window.ids)] = torch.tensor(item.window.ids)
        mask[row, : len(item.window.ids)] = 1
        targets[row, list(item.window.targets)] = 1
    soft = [item.soft or (0.0,) * len(LABELS) for item in items]
    return Batch(
        ids,
        mask,
        targets,
        torch.tensor([item.label for item in items]),
        torch.tensor([item.weight for item in items]),
        torch.tensor([item.possible for item in items]),
        torch.tensor([item.merged for item in items]),
        torch.tensor(soft),
        torch.tensor([item.soft is not None for item in items]),
        [item.number for item in items],
    )


def batches(items: Sequence[Item], rows: int, tokens: int, pad: int, seed: str, skip: int = 0) -> Iterator[Batch]:
    """The batches of one epoch, the first `skip` left out."""
    for chosen in plan([len(item.window.ids) for item in items], rows, tokens, seed)[skip:]:
        yield collate([items[index] for index in chosen], pad)
