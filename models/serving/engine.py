"""ScoringEngine: windows in, logits out, whatever goes wrong on the way.

Order of events: distinct windows -> one call of the backend -> where that fails, halves, and halves of those, until
what fails stands alone. Memory that does not suffice for a batch suffices for half of it; a window that fails alone is
what the caller must do without. A device that is gone for good is nobody's window's fault: that is passed on at once.
Deliberately left out: texts and judgements (`models.transformer`), and packing, which is the backend's own.
"""

import time
from collections.abc import Sequence

from models.serving.backend import Backend
from models.serving.errors import DeviceLost
from models.serving.rechecked import RecheckedBackend
from models.serving.stats import ScoringStats
from models.text import Window

Logits = tuple[float, ...]


class ScoringEngine:
    """Asks a backend.

    Attributes:
        backend: who computes. stats: what was computed since the start.
    """

    def __init__(self, backend: Backend, stats: ScoringStats) -> None:
        self.backend = backend
        self.stats = stats
        self._rechecked = 0

    def answer(self, windows: Sequence[Window]) -> dict[Window, Logits | Exception]:
        """The logits of each distinct window, or why it cannot have any.

        Raises: DeviceLost: the process must end.
        """
        distinct = list(dict.fromkeys(windows))
        found: dict[Window, Logits | Exception] = {}
        started = time.perf_counter()
        if distinct:
            self._ask(distinct, found)
            self.stats.seconds += time.perf_counter() - started
        return found

    def close(self) -> None:
        """Give back what the backend holds."""
        self.backend.close()

    def _ask(self, windows: Sequence[Window], found: dict[Window, Logits | Exception]) -> None:
        try:
            rows = self.backend.logits(windows)
        except DeviceLost:
            raise
        except Exception as error:  # Whatever a window does to a library must not take the others with it.
            if len(windows) == 1:
                found[windows[0]] = error
                return
            self.stats.halvings += 1
            middle = len(windows) // 2
            self._ask(windows[:middle], found)
            self._ask(windows[middle:], found)
            return
        self.stats.batches += 1
        self.stats.windows += len(windows)
        self.stats.tokens += sum(len(window.ids) for window in windows)
        if isinstance(self.backend, RecheckedBackend):
            # By difference, because the scorers of several languages count in one place.
            self.stats.rechecked += self.backend.rechecked - self._rechecked
            self._rechecked = self.backend.rechecked
        for window, row in zip(windows, rows.tolist(), strict=True):
            found[window] = tuple(row)
