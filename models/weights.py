"""The one weight file, read without its library: where each tensor lies, and a tensor as numpy has it.

The form is safetensors: the length of a header, the header in JSON, then the numbers. `models.exporting.weights` writes
it. Deliberately left out: any check that the file is whole (`checkpoint.py` did that).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

SCALE = ".scale"
"""What is added to a matrix's name for the name of its scales."""
_HEADER_BYTES = 8
"""Of the little-endian length with which a safetensors file begins."""
_TYPES = {"F16": np.float16, "I8": np.int8}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies in the weight file.

    Attributes:
        kind: the type as safetensors names it, such as `F16` or `I8`. start, length: bytes, from the file's beginning.
    """

    kind: str
    shape: tuple[int, ...]
    start: int
    length: int


def locate(path: Path) -> dict[str, Place]:
    """Where each tensor of the file lies."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_BYTES), "little")
        header = json.loads(file.read(length))
    start = _HEADER_BYTES + length
    places = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            places[name] = Place(entry["dtype"], tuple(entry["shape"]), start + begin, end - begin)
    return places


def restore(quantised: npt.NDArray[np.int8], scale: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """A matrix from 8 bits, (n_rows, n_columns), and the scale of each row, within their rounding."""
    restored: FloatArray = quantised.astype(np.float32) * scale.astype(np.float32)[:, None]
    return restored


class WeightFile:
    """Tensors of one file, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: Mapping[str, Place] = locate(path)

    def read(self, name: str) -> FloatArray:
        """A tensor, float32; an 8-bit matrix with its scales applied. Raises: KeyError: there is none of this name."""
        if (integers := self.read_integers(name)) is not None:
            return restore(*integers)
        return self._stored(name).astype(np.float32)

    def read_integers(self, name: str) -> tuple[npt.NDArray[np.int8], FloatArray] | None:
        """An 8-bit matrix as it is stored, (n_rows, n_columns), and its rows' scales; None where it has 16 bits."""
        if name + SCALE not in self._places:
            return None
        return self._stored(name), self._stored(name + SCALE).astype(np.float32)

    def _stored(self, name: str) -> npt.NDArray[Any]:
        place = self._places[name]
        count = place.length // np.dtype(_TYPES[place.kind]).itemsize
        return np.fromfile(self._path, _TYPES[place.kind], count, offset=place.start).reshape(place.shape)


def load_weights(path: Path) -> dict[str, FloatArray]:
    """Every tensor of the file as float32, 8-bit matrices restored."""
    file = WeightFile(path)
    return {name: file.read(name) for name in locate(path) if not name.endswith(SCALE)}
