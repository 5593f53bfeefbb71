"""Starts processes that score, and takes their time: cold start, memory, a single text."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from tests.bench.scoring.rounds import Spread, spread
from tests.imports import ROOT


@dataclass(frozen=True, slots=True)
class Start:
    """What a process of its own needs.

    Attributes:
        scorer: its name, which tells who computes where that rounds.
        cold_seconds: from the start of the interpreter to the first score, several processes; files are in the
            system's cache from the first on.
        resident_mb: millions of bytes with both languages loaded and used; 0 where the system does not tell.
        single_ms: of one text, warm, at the median; single_p99_ms: that 99 in 100 do not exceed.
    """

    scorer: str
    cold_seconds: Spread
    resident_mb: float
    single_ms: float
    single_p99_ms: float

    def as_json(self) -> dict[str, Any]:
        return {
            "scorer": self.scorer,
            "cold_start_seconds": self.cold_seconds.rounded(3),
            "resident_mb": round(self.resident_mb, 1),
            "single_ms": round(self.single_ms, 2),
            "single_ms_p99": round(self.single_p99_ms, 2),
        }


def starts(
    threads: int,
    first: str,
    warm: Mapping[str, Sequence[str]],
    singles: Sequence[str],
    times: int,
    on_step: Callable[[], None],
) -> Start:
    """Start so many processes, the last of which is asked for more than a first score. singles: at least 2.

    Raises: RuntimeError: one ended without an answer.
    """
    cold: list[float] = []
    more: dict[str, Any] = {}
    for number in range(times):
        is_last = number == times - 1
        asked = {"first": first, "warm": dict(warm) if is_last else {}, "singles": list(singles) if is_last else []}
        seconds, more = _start(threads, json.dumps(asked))
        cold.append(seconds)
        on_step()
    milliseconds = [1e3 * one for one in more["seconds"]]
    return Start(
        more["scorer"],
        spread(cold),
        more["resident_kib"] * 1024 / 1e6,
        median(milliseconds),
        quantiles(milliseconds, n=100, method="inclusive")[-1],
    )


def _start(threads: int, asked: str) -> tuple[float, dict[str, Any]]:
    """(seconds to the first score, all that was answered) of one process."""
    command = [sys.executable, "-m", "tests.bench.scoring.fresh", str(threads)]
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(asked)
        process.stdin.close()
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        rest = process.stdout.read()
        told = process.stderr.read()
    if process.returncode or not line or not rest:
        raise RuntimeError(f"a fresh process ended with exit code {process.returncode}: {told.strip()[-400:]}")
    return seconds, {**json.loads(line), **json.loads(rest)}
