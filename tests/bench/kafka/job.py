"""Jobs: what a process of the bench is told to do, and how it answers.

    PATH.job in    PATH.state while it works, as far as somebody waits for it    PATH.result at its end

Files and no pipes: several processes are waited for at once, and what one said last stays readable when it is killed.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from monitor.app.distributed.run import POLL_RECORDS
from monitor.config import load_config
from tests.imports import ROOT

END_SECONDS = 30.0
"""For a process to end after it was told to; then it is killed."""

LOOK_SECONDS = 0.02
HANG_SECONDS = 115.0
"""Below every limit that a process has for its whole job."""
_LOG_END = 8_000


COMMIT_RECORDS = load_config(None, {}, {}).storage.commit_documents
"""After which the product commits."""


class Failed(Exception):
    """A process of the bench failed; the message ends with the end of its log."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process does.

    Attributes:
        module: of tests.bench.kafka that does it. role, reads: whose work, and the Kafka topic that it begins with.
        count: records that there are. target: it ends by itself once it has done so many; 0: at SIGTERM.
        options: of the configuration. inputs, outputs: files of rows.
        core: the one core on which it may run; None: any. static_id: its place in its group.
        gate: it reads nothing until this file is there; empty: at once.
        snapshot_records: instead of the configuration's; 0: never but the first.
        profile: a file for what each thread of its worker spent where; empty: not asked.
    """

    module: str
    bootstrap: str = ""
    prefix: str = ""
    role: str = ""
    reads: str = ""
    count: int = 0
    target: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    watchlist: str = ""
    inputs: str = ""
    outputs: str = ""
    core: int | None = None
    static_id: str | None = None
    gate: str = ""
    snapshot_records: int | None = None
    profile: str = ""


class Mark(NamedTuple):
    """So many records were done when the process had used so much of a processor, at this time of day; seconds."""

    records: int
    cpu: float
    wall: float


def target_of(count: int, commit_records: int = COMMIT_RECORDS) -> int:
    """How many of so many records are to be done, so that no commit waits until its time has come for want of more."""
    return count - commit_records - POLL_RECORDS if count > 4 * (commit_records + POLL_RECORDS) else count


def cpu_between(marks: list[Mark], warm: int) -> float:
    """Seconds of a processor for each record between the first mark from `warm` on and the last.

    Raises: ValueError: there are not two marks.
    """
    first, last = _stretch(marks, warm)
    return (last.cpu - first.cpu) / (last.records - first.records)


def rate_between(marks: list[Mark], warm: int) -> float:
    """Records a second of the wall in the same stretch. Raises: ValueError."""
    first, last = _stretch(marks, warm)
    return (last.records - first.records) / (last.wall - first.wall)


def _stretch(marks: list[Mark], warm: int) -> tuple[Mark, Mark]:
    # A run so short that it commits once behind its warm beginning counts from its start.
    stretch = [mark for mark in marks if mark.records >= warm]
    first = stretch[0] if len(stretch) > 1 and stretch[-1].records > stretch[0].records else marks[0]
    if first.records >= marks[-1].records:
        raise ValueError(f"{len(marks)} marks up to {marks[-1].records:,} records tell nothing")
    return first, marks[-1]


class Child:
    """A process with a job."""

    def __init__(self, job: Job, path: Path) -> None:
        self.began = time.time()
        self._base = path
        path.with_suffix(".job").write_text(json.dumps(asdict(job)), encoding="utf-8")
        for suffix in (".state", ".result"):
            path.with_suffix(suffix).unlink(missing_ok=True)
        command = [sys.executable, "-m", f"tests.bench.kafka.{job.module}", str(path)]
        with path.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def state(self) -> dict[str, Any]:
        """What it said last; empty while it has said nothing. Raises: Failed: it has ended badly."""
        if self.process.poll() not in (None, 0):
            raise self._failed()
        return _read(self._base.with_suffix(".state"))

    def until(self, condition: Callable[[dict[str, Any]], object], seconds: float) -> dict[str, Any]:
        """Wait until it holds for what the process says. Raises: Failed: it ended, or it took too long."""
        deadline = time.monotonic() + seconds
        while not condition(state := self.state()):
            if time.monotonic() > deadline:
                raise self._failed()
            time.sleep(LOOK_SECONDS)  # between two looks
        return state

    def result(self, seconds: float) -> dict[str, Any]:
        """What it found, once it has ended by itself. Raises: Failed."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failed() from None
        if code:
            raise self._failed()
        return _read(self._base.with_suffix(".result"))

    def stop(self) -> dict[str, Any]:
        """Tell it to end well; what it found."""
        self.process.send_signal(signal.SIGTERM)
        return self.result(END_SECONDS)

    def kill(self) -> None:
        """kill -9, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _failed(self) -> Failed:
        said = self._base.with_suffix(".log").read_text("utf-8", errors="replace")[-_LOG_END:]
        return Failed(f"{self._base.name} ended with {self.process.poll()}: {said}")


def given() -> tuple[Job, Path]:
    """The job of this process, and where it answers; it keeps to its core from here on."""
    path = Path(sys.argv[1])
    # Whoever waits too long for this process reads in its log where it hangs.
    faulthandler.dump_traceback_later(HANG_SECONDS)
    job = Job(**json.loads(path.with_suffix(".job").read_text("utf-8")))
    if job.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job.core})
    return job, path


def tell(path: Path, suffix: str, what: Mapping[str, object]) -> None:
    """Say something that is there whole or not at all."""
    written = path.with_suffix(f"{suffix}.new")
    written.write_text(json.dumps(what), encoding="utf-8")
    written.replace(path.with_suffix(suffix))


def marks_of(result: Mapping[str, Any]) -> list[Mark]:
    """The marks in what a process found."""
    return [Mark(*one) for one in result["marks"]]


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found
