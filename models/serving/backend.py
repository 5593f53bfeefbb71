"""Backend: what runs the network of one checkpoint over windows of tokens."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.text import Window

FloatArray = npt.NDArray[np.float32]


class Backend(Protocol):
    """Runs a network. A window's answer does not depend on its neighbours beyond .001 in a probability."""

    @property
    def name(self) -> str:
        """Library, precision and device, such as `onnxruntime-int8`; part of a scorer's name."""
        ...

    @property
    def padding_tokens(self) -> int:
        """Computed for nothing since the start, so that rows or tiles were full."""
        ...

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        """Unscaled scores in label order, shape (n_windows, n_labels).

        Raises: CheckpointError: one is not a number. OutOfMemory, DeviceLost: `models.serving.errors`.
        """
        ...

    def close(self) -> None:
        """Give back threads and memory; nothing may be asked afterwards."""
        ...
