"""Deadline: ends one fetch when its time is over, wherever it hangs.

A socket's own time-out begins anew with every byte, so a server that sends one byte a second holds a reader for ever,
in the headers as well as in the body. Here a timer shuts the connection down, which wakes whoever waits for it.
Left out: looking up a name, which nothing can interrupt.
"""

import contextlib
import socket
from threading import Lock, Timer
from types import TracebackType


class Deadline:
    """A context in which sockets are watched; `cut`, by the timer or by another thread, shuts them down for good."""

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._is_over = False
        self._timer = Timer(seconds, self.cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            for each in self._sockets:
                each.close()
            self._sockets.clear()

    def watch(self, connection: socket.socket) -> None:
        """A connection was made. TLS takes the socket over and hides it, so a duplicate is kept to shut it down by."""
        with self._lock:
            if not self._is_over:
                self._sockets.append(connection.dup())
            if self.has_passed:
                self._shut_down()

    def cut(self) -> None:
        """Time is over."""
        with self._lock:
            if not self._is_over:
                self.has_passed = True
                self._shut_down()

    def _shut_down(self) -> None:
        for each in self._sockets:
            # The other side may have gone first.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
