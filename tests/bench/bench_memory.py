"""Whether memory stays flat: a long synthetic feed through `monitor replay --state`, resident memory sampled.

    python -m tests.bench.bench_memory [--documents 1000000] [--topics 500] [--per-day 20000] [--scorer model]

The feed comes through a pipe, so nothing but the monitor's own state can grow. Growth is the largest resident size in
the run after its first fifth, against the size at the end of that fifth.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tqdm import tqdm

from monitor.config import ScorerKind
from monitor.lab.synthetic import synthetic, watchlist_csv
from tests.bench.machine import cpu_name, resident_kib
from tests.imports import ROOT

BAR = 0.05
SAMPLE_SECONDS = 0.5
SEED = 1


def main() -> None:
    """Print the course of memory and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--topics", type=int, default=500)
    parser.add_argument("--per-day", type=int, default=20_000)
    # A million texts are hours for a trained model, which remembers none of them.
    parser.add_argument("--scorer", choices=tuple(ScorerKind), default="lexicon", help="default: %(default)s")
    arguments = parser.parse_args()
    samples: list[tuple[int, int]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        watchlist = folder / "watchlist.csv"
        watchlist.write_text(watchlist_csv(arguments.topics, SEED), encoding="utf-8")
        command = [sys.executable, "-m", "monitor", "replay", "-", "--watchlist", str(watchlist)]
        command += ["--alerts", str(folder / "alerts.jsonl"), "--state", str(folder / "state.db")]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "MONITOR_SCORER__KIND": arguments.scorer},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=False,
        )
        assert process.stdin is not None
        written = 0
        done = threading.Event()

        def sample() -> None:
            while not done.wait(SAMPLE_SECONDS):
                samples.append((written, resident_kib(process.pid)))

        watcher = threading.Thread(target=sample, daemon=True)
        watcher.start()
        started = time.perf_counter()
        feed = synthetic(arguments.documents, arguments.topics, SEED, arguments.per_day)
        for line in tqdm(feed, total=arguments.documents, unit=" documents", disable=None):
            process.stdin.write(line)
            written += 1
        process.stdin.close()
        summary = process.stdout.read().decode() if process.stdout is not None else ""
        code = process.wait()
        done.set()
        watcher.join()
        seconds = time.perf_counter() - started
    print(summary, end="")
    fifth = arguments.documents // 5
    at_fifth = max((kib for count, kib in samples if fifth * 0.9 <= count <= fifth), default=0)
    after = max((kib for count, kib in samples if count > fifth), default=0)
    growth = after / at_fifth - 1 if at_fifth else float("nan")
    print(f"{'documents':>12}{'resident MiB':>14}")
    for part in range(1, 11):
        limit = arguments.documents * part // 10
        seen = [kib for count, kib in samples if count <= limit]
        print(f"{limit:>12}{(seen[-1] if seen else 0) / 1024:>14.1f}")
    print(f"growth after the first fifth: {growth:.1%}; the bar is {BAR:.0%}; {cpu_name()}")
    print(
        json.dumps(
            {
                "bench": "memory",
                "scorer": arguments.scorer,
                "cpu": cpu_name(),
                "documents": arguments.documents,
                "exit_code": code,
                "seconds": round(seconds, 1),
                "resident_mib_after_a_fifth": round(at_fifth / 1024, 1),
                "resident_mib_greatest_after": round(after / 1024, 1),
                "growth": round(growth, 4),
                "holds": code == 0 and growth < BAR,
            }
        )
    )


if __name__ == "__main__":
    main()
