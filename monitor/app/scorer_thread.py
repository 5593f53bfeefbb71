"""A scorer on a thread of its own: while it works on one batch, the caller reads, decides and commits.

It is of use where the scorer lets go of Python's lock, as the runtimes of networks do. Batches are scored one after the
other in the order in which they came, so nothing about an answer depends on the thread. How many may wait is for who
submits them (`Batcher.max_ahead`).
"""

from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from monitor.ports import Answer, Score, Scorer, ScoreRequest

_PATIENCE_SECONDS = 10.0
"""How long `close` waits for a batch under way: several times the longest; a device that hangs never comes back."""


class ScorerThread:
    """The Scorer port over another, which from now on only the thread may ask."""

    def __init__(self, inner: Scorer) -> None:
        self._inner = inner
        self._waiting: SimpleQueue[tuple[Answer, Future[list[Score]]] | None] = SimpleQueue()
        self._is_closed = False
        # A daemon: a process whose device is lost or hangs must be able to end.
        self._thread = Thread(target=self._work, name="scorer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        return self._inner.name

    def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
        """Begin as soon as what was submitted before is done. Raises: RuntimeError: it was closed."""
        if self._is_closed:
            raise RuntimeError("the scorer's thread was closed")
        future: Future[list[Score]] = Future()
        self._waiting.put((self._inner.submit(requests), future))
        return future.result

    def forget(self) -> None:
        self._inner.forget()

    def close(self) -> None:
        """Take no more and end the thread once it is through; whoever still waits has the answer. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self._waiting.put(None)
            self._thread.join(_PATIENCE_SECONDS)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            answer, future = item
            try:
                future.set_result(answer())
            except BaseException as exc:  # whatever it is, it belongs to whoever waits for this answer
                future.set_exception(exc)
            # The thread may wait for hours, and must not keep a batch of texts alive all the while.
            del item, answer, future
