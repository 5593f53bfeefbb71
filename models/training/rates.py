"""Rates: how fast each weight learns, by its depth and by how far the run has come."""

import math
from collections.abc import Iterable
from typing import Any

LAST_SHARE = 0.01
"""Of the full rate in the last step: at zero the last steps would only cost time."""


def groups(
    named: Iterable[tuple[str, Any]],
    layers: int,
    rate: float,
    head_rate: float,
    layer_decay: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Parameter groups, one a parameter: each layer learns `layer_decay` times as fast as the one above it.

    Frozen parameters are left out. Biases and norms do not decay: they have no scale of their own to lose.
    """
    found: list[dict[str, Any]] = []
    for name, parameter in named:
        if not parameter.requires_grad:
            continue
        own = rate
        if name.startswith("head."):
            own = head_rate
        elif ".layer." in name:
            own *= layer_decay ** (layers - 1 - layer_number(name))
        else:
            own *= layer_decay**layers
        decay = 0.0 if parameter.ndim == 1 else weight_decay
        found.append({"params": [parameter], "lr": own, "base": own, "weight_decay": decay})
    return found


def layer_number(name: str) -> int:
    """Which layer a parameter belongs to, by its name."""
    return int(name.split(".layer.")[1].split(".")[0])


def factor(step: int, steps: int, warm_up: float) -> float:
    """The share of the full rate at a step: a linear rise, then a cosine down to LAST_SHARE."""
    rise = max(int(steps * warm_up), 1)
    if step < rise:
        return (step + 1) / rise
    done = min((step - rise) / max(steps - rise, 1), 1.0)
    return LAST_SHARE + (1 - LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * done))
