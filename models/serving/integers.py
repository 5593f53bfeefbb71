"""The numbers of a network for the graph of 8-bit integers, made from the one weight file when it is loaded.

A product of activations and weights becomes one of integers: the activations by one step for each input, fixed when
the checkpoint was exported, the weights by one step for each neuron. Some channels carry numbers far outside the
range of the others and would make every step coarse; these few are `kept`: zero among the integers, and multiplied in
full precision beside them. Nothing depends on what else is in a batch.

Source: outlier channels kept in full precision as in Dettmers et al., LLM.int8(), NeurIPS 2022, but chosen beforehand.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.checkpoint import WEIGHTS, CheckpointError, Manifest, Range
from models.weights import FloatArray, WeightFile

MATRICES = {
    "attention.self": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention.output": ("attention.output.dense",),
    "intermediate": ("intermediate.dense",),
    "output": ("output.dense",),
}
"""Of a layer: the inputs of its products, and the matrices that each is multiplied with."""
BITS = (8, 7)
"""Of a weight. Processors without instructions for 8-bit dot products add two products in 16 bits, which overflows;
with 7 bits it cannot (255 x 63 x 2 < 2^15)."""
_LEVELS = 255
"""Of an activation, unsigned."""

Arrays = dict[str, npt.NDArray[Any]]


def input_names(layers: int) -> list[str]:
    """The inputs of products, as `Manifest.ranges` and the graph name them."""
    return [f"layer.{number}.{kind}" for number in range(layers) for kind in MATRICES]


def make_numbers(folder: Path, manifest: Manifest, bits: int) -> Arrays:
    """The initialisers that the integer graph leaves open, by name.

    For each input NAME, with n_in channels and n_out neurons: NAME.step (), NAME.zero (), NAME.matrix (n_in, n_out),
    NAME.steps (n_out,), NAME.bias (n_out,), and where channels are kept NAME.kept (n_kept,), NAME.rest (n_kept, n_out).
    Raises: CheckpointError: the manifest has no range for an input.
    """
    file = WeightFile(folder / WEIGHTS)
    found: Arrays = {}
    for number in range(manifest.architecture.layers):
        for kind, matrices in MATRICES.items():
            name = f"layer.{number}.{kind}"
            if name not in manifest.ranges:
                raise CheckpointError(f"{folder}: ranges: {name} is missing; export the checkpoint again")
            whole = [f"encoder.encoder.layer.{number}.{matrix}" for matrix in matrices]
            found |= _product(file, name, whole, manifest.ranges[name], bits)
    return found


def _product(file: WeightFile, name: str, matrices: list[str], given: Range, bits: int) -> Arrays:
    parts = [_integers(file, matrix, given.kept, bits) for matrix in matrices]
    step = np.float32((given.high - given.low) / _LEVELS)
    found: Arrays = {
        f"{name}.step": np.array(step, np.float32),
        f"{name}.zero": np.array(round(-given.low / float(step)), np.uint8),
        f"{name}.matrix": np.ascontiguousarray(np.concatenate([one for one, _ in parts]).T),
        f"{name}.steps": np.concatenate([steps for _, steps in parts]),
        f"{name}.bias": np.concatenate([file.read(f"{matrix}.bias") for matrix in matrices]),
    }
    if given.kept:
        columns = [file.read(f"{matrix}.weight")[:, given.kept] for matrix in matrices]
        found[f"{name}.kept"] = np.array(given.kept, np.int64)
        found[f"{name}.rest"] = np.ascontiguousarray(np.concatenate(columns).T)
    return found


def _integers(
    file: WeightFile, matrix: str, kept: tuple[int, ...], bits: int
) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """A matrix as integers (n_out, n_in), the columns of kept channels zero, and the step of each row."""
    stored = file.read_integers(f"{matrix}.weight")
    most = 2 ** (bits - 1) - 1
    if stored is not None and bits == BITS[0]:
        # As it was stored: nothing is rounded a second time.
        integers, steps = stored[0].copy(), stored[1]
        integers[:, kept] = 0
        return integers, steps
    weight = file.read(f"{matrix}.weight")
    weight[:, kept] = 0.0
    steps = np.abs(weight).max(axis=1) / np.float32(most)
    steps[steps == 0] = 1.0
    return np.rint(weight / steps[:, None]).clip(-most, most).astype(np.int8), steps


def as_json(ranges: Mapping[str, Range]) -> dict[str, dict[str, Any]]:
    """Ranges as a manifest writes them."""
    return {name: {"low": one.low, "high": one.high, "kept": list(one.kept)} for name, one in ranges.items()}
