"""RecheckedBackend: a quick network answers, and an exact one wherever the quick one might have named another label.

Rounding moves a logit by a few hundredths, which changes a label only where two are nearly as likely. These few, some
two in a hundred, are asked again in full precision. Whether a window is asked again depends on that window alone.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from models.serving.backend import Backend, FloatArray
from models.text import Window

MARGIN = 0.08
"""By which the likeliest label must lead, in logits, to be believed. Rounding moves the lead by .02 on average and by
more than .08 in three of a hundred windows; a larger margin asks more again than it mends."""


class RecheckedBackend:
    """Two backends of one checkpoint as one.

    Attributes:
        rechecked: windows that were asked again since the start.
    """

    def __init__(self, quick: Backend, open_exact: Callable[[], Backend], neutral_shifts: Mapping[str, float]) -> None:
        """open_exact: called when the exact one is needed first, for a network that nobody asks takes no memory.

        neutral_shifts: of the checkpoint, by `target` and `text`: a label is named only after them.
        """
        self._quick = quick
        self._open_exact = open_exact
        self._lock = threading.Lock()
        self._exact: Backend | None = None
        self._shifts = neutral_shifts
        self.rechecked = 0

    @property
    def name(self) -> str:
        """That of the quick one."""
        return self._quick.name

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        """As `Backend.logits`."""
        found = self._quick.logits(windows)
        shifted = found.astype(np.float64)
        shifted[:, 1] += [self._shifts["target" if window.targets else "text"] for window in windows]
        ordered = np.sort(shifted, axis=1)
        close = np.flatnonzero(ordered[:, -1] - ordered[:, -2] < MARGIN).tolist()
        if close:
            found[close] = self._opened().logits([windows[number] for number in close])
            self.rechecked += len(close)
        return found

    def close(self) -> None:
        """Close both."""
        self._quick.close()
        if self._exact is not None:
            self._exact.close()

    def _opened(self) -> Backend:
        with self._lock:
            if self._exact is None:
                self._exact = self._open_exact()
            return self._exact
