"""The screen: the live view on a terminal. It takes the whole terminal while it lasts and gives it back as it was."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live

from monitor.clock import Clock
from monitor.lab.demo.pace import FRAME_SECONDS
from monitor.lab.demo.view import Frame


class Screen:
    """Draws frames on the terminal's other screen, so that no line of what was there before is lost.

    Used as a context: however it is left (an exception, Ctrl-C), cursor and screen are those of before.
    """

    def __init__(self, out: TextIO, clock: Clock) -> None:
        console = Console(file=out, force_terminal=True, highlight=False, emoji=False, markup=False)
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._clock = clock
        self._drawn_seconds: float | None = None

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def draw(self, frame: Callable[[], Frame]) -> None:
        """Draw a frame, unless the last one was drawn only just now."""
        now = self._clock.monotonic_seconds()
        if self._drawn_seconds is None or now - self._drawn_seconds >= FRAME_SECONDS / 2:
            self._drawn_seconds = now
            self._live.update(frame(), refresh=True)
