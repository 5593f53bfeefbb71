"""A backend whose answers a test writes, and that fails as devices do."""

from collections.abc import Callable, Sequence

import numpy as np

from models.labels import LABELS
from models.serving.backend import FloatArray
from models.serving.errors import OutOfMemory
from models.text import Window


def answer(window: Window) -> tuple[float, float, float]:
    """Another one for each window, as good as always; the labels are far apart."""
    number = hash((window.ids, window.targets))
    return float(number % 97), -200.0, float(number % 89) - 100.0


class FakeBackend:
    """Answers each window by itself.

    Attributes:
        asked: the windows of each call. is_closed: whether it was given back.
    """

    def __init__(
        self,
        name: str = "onnxruntime-float32",
        answer: Callable[[Window], Sequence[float]] = answer,
        *,
        most: int | None = None,
        poison: Callable[[Window], Exception | None] = lambda window: None,
        on_call: Callable[[], None] = lambda: None,
    ) -> None:
        """most: windows that fit into memory. poison: what a window makes of a call. on_call: before it answers."""
        self.name = name
        self.padding_tokens = 0
        self.asked: list[list[Window]] = []
        self.is_closed = False
        self._answer = answer
        self._most = most
        self._poison = poison
        self._on_call = on_call

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        self.asked.append([*windows])
        self._on_call()
        if self._most is not None and len(windows) > self._most:
            raise OutOfMemory(f"{len(windows)} do not fit")
        for window in windows:
            if (error := self._poison(window)) is not None:
                raise error
        self.padding_tokens += 10
        return np.array([self._answer(window) for window in windows], np.float32).reshape(-1, len(LABELS))

    def close(self) -> None:
        self.is_closed = True


def windows_of(count: int) -> list[Window]:
    """Windows, each another one."""
    return [Window((2, number, 3), (1,) if number % 2 else ()) for number in range(count)]
