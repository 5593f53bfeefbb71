"""The state of a run on disk: written whole or not at all, so that a kill at any moment leaves the last one."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from models.corpus.rows import DataError
from models.training.devices import DEVICE

STATE, BEST = "state.pt", "best.pt"


@dataclass(slots=True)
class Progress:
    """Where a run stands.

    Attributes:
        epoch: epochs done. batch: batches done of the next one. step: optimizer steps done.
        best: figure of the best epoch. without_gain: epochs since then. history: a table for each epoch.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float = float("-inf")
    without_gain: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


def save(path: Path, content: Any) -> None:
    """Write a torch file whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def load(path: Path) -> Any:
    """Read a torch file; it cannot execute code. Raises: DataError: it is missing or damaged."""
    try:
        return torch.load(path, weights_only=True, map_location=DEVICE)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; train first, into the folder that --out names") from error
    except Exception as error:  # torch raises what its unpickler meets
        raise DataError(f"{path}: cannot be read ({error}); remove it, and the run begins again") from error


def random_state() -> dict[str, Any]:
    """The states of the generators that dropout draws from."""
    found = {"random": torch.get_rng_state()}
    if DEVICE.type == "cuda":
        found["random_cuda"] = torch.cuda.get_rng_state()
    return found


def set_random_state(kept: dict[str, Any]) -> None:
    """Draw on from where `random_state` was taken."""
    torch.set_rng_state(kept["random"].cpu())
    if "random_cuda" in kept:
        torch.cuda.set_rng_state(kept["random_cuda"].cpu())
