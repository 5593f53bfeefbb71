"""Contenders in processes of their own, asked one at a time.

    python -m tests.bench.scoring.workers NAME THREADS DESCRIPTOR

In one process a contender would find the threads of the one before it still spinning, share its memory and count it as
its own; and one that dies would end the bench. Seconds are taken inside, around the scoring alone.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any

from models.scorer import Pair
from tests.bench.machine import resident_kib
from tests.bench.scoring.contenders import ENGINE, Contender, FloatArray, Judge, open_contender
from tests.imports import ROOT

_END_SECONDS = 10.0
"""For a process to end once nobody can ask it any more; then it is killed."""


class Absent(Exception):
    """A contender that cannot take part; the message says why."""


class Worker:
    """A contender in a process of its own. Raises, from every question: Absent: it could not answer."""

    def __init__(self, name: str, threads: int) -> None:
        """Start the process; it opens a language's checkpoint when it is first asked about it."""
        self.name = name
        self._ours, theirs = Pipe()
        descriptor = theirs.fileno()
        command = [sys.executable, "-m", "tests.bench.scoring.workers", name, str(threads), str(descriptor)]
        # The threads of tokenizers and of torch's own libraries, which read them before anybody can tell them.
        limits = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS"), str(threads))
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **limits}, pass_fds=(descriptor,), stdout=subprocess.DEVNULL
        )
        theirs.close()

    def about(self, lang: str) -> str:
        """What it says of itself: see `Contender.about`."""
        return str(self._ask("about", lang, None))

    def score(self, lang: str, texts: Sequence[str]) -> FloatArray:
        """Probabilities of texts, shape (n_texts, n_labels)."""
        found: FloatArray = self._ask("score", lang, list(texts))
        return found

    def judge(self, lang: str, pairs: Sequence[Pair]) -> FloatArray:
        """Probabilities of pairs as the product gives them, shape (n_pairs, n_labels)."""
        found: FloatArray = self._ask("judge", lang, list(pairs))
        return found

    def time(self, lang: str, texts: Sequence[str]) -> float:
        """Seconds to score some texts, handed over in one call."""
        self.begin(lang, texts)
        return self.end()

    def begin(self, lang: str, texts: Sequence[str]) -> None:
        """Let it score without waiting for it; `end` waits."""
        self._send("time", lang, list(texts))

    def end(self) -> float:
        """Seconds that the scoring took which `begin` began."""
        return float(self._receive())

    def resident_mb(self) -> float:
        """Memory of its process now, in millions of bytes; 0 where the system does not tell."""
        return resident_kib(self._process.pid) * 1024 / 1e6

    def close(self) -> None:
        """End the process."""
        self._ours.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, *question: Any) -> Any:
        self._send(*question)
        return self._receive()

    def _send(self, *question: Any) -> None:
        try:
            self._ours.send(question)
        except OSError as error:
            raise self._ended() from error

    def _receive(self) -> Any:
        try:
            is_good, answer = self._ours.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if not is_good:
            raise Absent(answer)
        return answer

    def _ended(self) -> Absent:
        return Absent(f"its process ended with exit code {self._process.wait(_END_SECONDS)}")


def main() -> None:
    """The process: answers questions until nobody can ask any more."""
    name, threads = sys.argv[1], int(sys.argv[2])
    opened: dict[str, Contender] = {}
    with Connection(int(sys.argv[3])) as connection:
        while True:
            try:
                what, lang, asked = connection.recv()
            except (EOFError, OSError):
                return
            try:
                key = ENGINE if name == ENGINE else lang  # The engine reads every language.
                if key not in opened:
                    opened[key] = open_contender(name, lang, threads)
                connection.send((True, _answer(opened[key], what, asked)))
            except Exception as error:  # Whatever a library raises: it is told, and the others go on.
                first = str(error).strip().partition("\n")[0]
                connection.send((False, f"{type(error).__name__}: {first}"))


def _answer(contender: Contender, what: str, asked: Any) -> Any:
    if what == "about":
        return contender.about
    if what == "score":
        return contender.score(asked)
    if what == "judge":
        if not isinstance(contender, Judge):
            raise TypeError(f"{type(contender).__name__} knows no targets")
        return contender.judge(asked)
    began = time.perf_counter()
    contender.score(asked)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
