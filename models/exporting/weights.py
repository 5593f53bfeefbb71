"""The one weight file of a checkpoint: safetensors with 16-bit numbers, or with 8-bit matrices and a scale per row.

A tensor keeps the name that it has in the network. An 8-bit matrix NAME stands beside NAME.scale, of 16 bits, one for
each of its rows: W = q x scale[:, None]. Deliberately left out: torch, where a tensor lies (`models.weights`), and any
other form of the weights (those are made from this one).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from models.weights import SCALE, FloatArray

BITS = (16, 8)
_LARGEST = 127
"""Of an 8-bit number. -128 stays unused, so that a matrix and its negative are stored equally well."""


class ExportError(ValueError):
    """A network that cannot be made a checkpoint of; the message says what is wrong and what would help."""


def quantise(weight: FloatArray) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """A matrix as q, int8 (n_rows, n_columns), and scales, float16 (n_rows,), no number off by over half a step."""
    most = np.abs(weight).max(axis=1)
    scale = (most / _LARGEST).astype(np.float16)
    # Small scales are coarse in 16 bits, and one that was rounded down would cut the row's largest numbers.
    short = scale.astype(np.float32) * _LARGEST < most
    scale[short] = np.nextafter(scale[short], np.float16(np.inf))
    step = np.where(scale > 0, scale, 1).astype(np.float32)[:, None]
    return np.rint(weight / step).clip(-_LARGEST, _LARGEST).astype(np.int8), scale


def save_weights(weights: Mapping[str, FloatArray], path: Path, bits: int) -> None:
    """Write the file. Raises: ExportError: `bits` is unknown, or a number is not finite or too large for 16 bits."""
    if bits not in BITS:
        raise ExportError(f"--bits {bits}: a checkpoint has 16 bits or 8")
    tensors: dict[str, npt.NDArray[Any]] = {}
    limit = float(np.finfo(np.float16).max)
    for name, weight in weights.items():
        if not np.isfinite(weight).all() or np.abs(weight).max(initial=0.0) > limit:
            raise ExportError(f"{name} holds a number beyond 16 bits: the training diverged; lower its rates")
        if bits == 8 and weight.ndim == 2:
            tensors[name], tensors[name + SCALE] = quantise(weight)
        else:
            tensors[name] = weight.astype(np.float16)
    path.write_bytes(save(tensors, metadata={"format": "pt"}))  # save_file would make it unreadable to other users.
