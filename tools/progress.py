"""A sign of life while pip works: one line that moves on a terminal, a line every ten seconds in a log."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

_TERMINAL_EVERY_SECONDS = 0.5
_LOG_EVERY_SECONDS = 10.0
_STEP = re.compile(rb"(Collecting|Downloading|Installing collected packages|Building) ?(\S*)")


def current_step(log: bytes) -> str:
    """What pip is doing, in its own words, from the tail of its output."""
    steps = _STEP.findall(log)
    if not steps:
        return "starting"
    verb, what = steps[-1]
    return "installing" if verb == b"Installing collected packages" else f"{verb.decode().lower()} {what.decode()}"


def run_with_progress(command: list[str], log: Path) -> str:
    """Run a command with its output in `log`, showing progress on standard error; returns the output.

    Raises: CalledProcessError: it failed; `output` is what it printed. KeyboardInterrupt: passed on, the child ended.
    """
    started = time.monotonic()
    with log.open("ab") as sink:
        begin = sink.tell()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT)
        finished = threading.Event()
        reporter = threading.Thread(target=_report, args=(log, begin, started, finished), daemon=True)
        try:
            reporter.start()
            code = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
        finally:
            finished.set()
            reporter.join()
    output = _read_from(log, begin).decode(errors="replace")
    if code:
        raise subprocess.CalledProcessError(code, command, output)
    return output


def _read_from(log: Path, begin: int) -> bytes:
    with log.open("rb") as source:
        source.seek(begin)
        return source.read()


def _report(log: Path, begin: int, started: float, finished: threading.Event) -> None:
    on_terminal = sys.stderr.isatty()
    while not finished.wait(_TERMINAL_EVERY_SECONDS if on_terminal else _LOG_EVERY_SECONDS):
        line = f"  {time.monotonic() - started:4.0f} s  {current_step(_read_from(log, begin))}"
        sys.stderr.write(f"\r\x1b[K{line[:79]}" if on_terminal else line + "\n")
        sys.stderr.flush()
    if on_terminal:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
