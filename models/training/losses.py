"""The loss: what a label, a masked label, a merged label and a teacher each ask of the logits.

A set that lacks a class says nothing about that class: its rows are a choice among the others (`possible`). A set in
which neutral holds whatever is not negative says of such rows no more than that (`merged`). A teacher is followed in
all its doubt.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from models.labels import NEGATIVE, NEUTRAL
from models.training.batches import Batch

_IMPOSSIBLE = -1e4
"""A logit whose probability is 0 in every precision, yet no infinity: 0 x infinity is no number."""


def loss(logits: Tensor, batch: Batch, smoothing: float, temperature: float) -> Tensor:
    """Weighted mean over the rows of a batch.

    Args:
        logits: (n_rows, 3), float32.
        smoothing: share of the target that is spread over the possible labels. temperature: of the distillation.
    Source: Hinton et al., Distilling the Knowledge in a Neural Network, 2015 (the square of the temperature keeps
        the gradient's size).
    """
    labels = batch.labels.clamp(min=0)
    hard = torch.where(batch.merged, _merged(logits, labels), _masked(logits, labels, batch.possible, smoothing))
    soft = _distilled(logits, batch.soft, temperature)
    zero = torch.zeros_like(hard)
    each = torch.where(batch.labels >= 0, hard, zero) + torch.where(batch.has_soft, soft, zero)  # (n_rows,)
    return (each * batch.weights).sum() / batch.weights.sum()


def _masked(logits: Tensor, labels: Tensor, possible: Tensor, smoothing: float) -> Tensor:
    """Cross entropy among the possible labels, (n_rows,)."""
    log_p = F.log_softmax(logits.masked_fill(~possible, _IMPOSSIBLE), dim=1)
    hard = -log_p.gather(1, labels[:, None])[:, 0]
    if smoothing:
        spread = -log_p.masked_fill(~possible, 0.0).sum(dim=1) / possible.sum(dim=1)
        hard = (1 - smoothing) * hard + smoothing * spread
    return hard


def _merged(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy where neutral says no more than "not negative": -log(1 - p(negative)); (n_rows,)."""
    rest = -torch.log1p(-F.softmax(logits, dim=1)[:, NEGATIVE].clamp(max=1 - 1e-6))
    return torch.where(labels == NEUTRAL, rest, F.cross_entropy(logits, labels, reduction="none"))


def _distilled(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence from a teacher's softened answer, (n_rows,)."""
    wanted = F.softmax(teacher / temperature, dim=1)
    found = F.log_softmax(logits / temperature, dim=1)
    return F.kl_div(found, wanted, reduction="none").sum(dim=1) * temperature**2
