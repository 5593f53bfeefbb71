"""ScoringEngine: windows in, logits out, whatever goes wrong on the way.

Order of events: distinct windows -> those not answered lately -> one call of the backend -> where that fails, halves,
and halves of those, until what fails stands alone. Memory that does not suffice for a batch suffices for half of it; a
window that fails alone is what the caller must do without. A device that is gone for good is nobody's window's fault:
that is passed on at once.
Deliberately left out: texts and judgements (`models.transformer`), and packing, which is the backend's own.
"""

from collections.abc import Sequence

from models.serving.backend import Backend
from models.serving.cache import Latest
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
        self._known: Latest[Window, Logits] = Latest()

    def answer(self, windows: Sequence[Window]) -> dict[Window, Logits | Exception]:
        """The logits of each distinct window, or why it cannot have any.

        Raises: DeviceLost: the process must end.
        """
        found: dict[Window, Logits | Exception] = {}
        new = []
        for window in dict.fromkeys(windows):
            known = self._known.get(window)
            if known is None:
                new.append(window)
            else:
                found[window] = known
        if new:
            self._ask(new, found)
        return found

    def forget(self) -> None:
        """Remember no answer from here on."""
        self._known.clear()

    def close(self) -> None:
        """Give back what the backend holds."""
        self.backend.close()

    def _ask(self, windows: Sequence[Window], found: dict[Window, Logits | Exception]) -> None:
        rechecked, padding = _rechecked(self.backend), self.backend.padding_tokens
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
        # The difference: scorers of several languages count in the same stats.
        self.stats.rechecked += _rechecked(self.backend) - rechecked
        self.stats.padding_tokens += self.backend.padding_tokens - padding
        for window, row in zip(windows, rows.tolist(), strict=True):
            found[window] = answer = tuple(row)
            self._known.put(window, answer)


def _rechecked(backend: Backend) -> int:
    return backend.rechecked if isinstance(backend, RecheckedBackend) else 0
