"""The demo over many stories: how long it takes, and what of the planted is found, missed, left alone or false.

    python -m tests.bench.bench_demo [--seeds 1-20] [--scorer lexicon] [--no-terminal]

Each story is one `monitor demo` in a process of its own, without a terminal and so at full speed. Once, with the first
seed, a pseudo-terminal stands in for somebody who watches: seconds to the first alert's card and to the end, counted
from the start of the process.
"""

import argparse
import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from monitor.config import ScorerKind
from tests.bench.machine import cpu_name
from tests.imports import ROOT

DEMO_SECONDS, FIRST_ALERT_SECONDS = 60.0, 10.0
FALSE_ALERTS = 2
"""In any story. Of twenty stories every incident may be missed in one, and something silent be reported in one."""
SPARED_PART = 1 / 20

FIRST_CARD = b"alerts: 1 so far"
COLUMNS = ("seed", "seconds", "first alert", "found", "missed", "silent", "false alarm", "false", "delay min")


def command(seed: int, summary: Path) -> list[str]:
    """One demo that ends by itself."""
    return [sys.executable, "-m", "monitor", "demo", "--seed", str(seed), "--no-serve", "--summary", str(summary)]


def environment(scorer: str) -> dict[str, str]:
    """Ours, with the product on the path, who judges the texts, and a terminal that can show what the demo draws."""
    ours = {**os.environ, "PYTHONPATH": str(ROOT), "MONITOR_SCORER__KIND": scorer}
    return {**ours, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}


def play(seed: int, scorer: str) -> dict[str, object]:
    """The summary of one story, with the wall time of the whole process."""
    with tempfile.TemporaryDirectory() as name:
        summary = Path(name) / "summary.json"
        started = time.perf_counter()
        subprocess.run(command(seed, summary), cwd=name, env=environment(scorer), capture_output=True, check=True)
        told: dict[str, object] = json.loads(summary.read_text(encoding="utf-8"))
        return {**told, "process_seconds": time.perf_counter() - started}


def watch(seed: int, scorer: str) -> tuple[float, float]:
    """Seconds to the first card and to the end, as somebody at a terminal sees them."""
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = pty.openpty()
        started = time.perf_counter()
        process = subprocess.Popen(
            command(seed, Path(name) / "summary.json"),
            cwd=name,
            env=environment(scorer),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        seen, first = b"", float("nan")
        while chunk := _read(ours):
            seen = (seen + chunk)[-100_000:]
            if first != first and FIRST_CARD in seen:
                first = time.perf_counter() - started
        os.close(ours)
        if process.wait():
            raise RuntimeError(f"the demo ended with exit code {process.returncode}: {seen.decode(errors='replace')}")
        return first, time.perf_counter() - started


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""  # Linux says so when the other end has been closed


def main() -> None:
    """Print a row for each story and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-20", help="a range such as 1-20, or one seed")
    parser.add_argument("--scorer", choices=tuple(ScorerKind), default="model", help="default: %(default)s")
    parser.add_argument("--no-terminal", action="store_true", help="leave out the one that is watched")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    print("".join(f"{column:>12}" for column in COLUMNS))
    stories = []
    for seed in tqdm(seeds, unit=" stories", disable=None):
        told = play(seed, arguments.scorer)
        stories.append(told)
        delay = told["median_delay_seconds"]
        row = [seed, f"{told['process_seconds']:.1f}", f"{_number(told['first_alert_seconds']):.1f}"]
        row += [told[key] for key in ("found", "missed", "silent", "false_alarms", "false")]
        row.append("-" if delay is None else f"{_number(delay) / 60:.0f}")
        tqdm.write("".join(f"{cell!s:>12}" for cell in row))
    card, end = (float("nan"),) * 2 if arguments.no_terminal else watch(seeds[0], arguments.scorer)
    print(f"at a terminal: first card after {card:.1f} s, the end after {end:.1f} s; {cpu_name()}")
    spared = len(seeds) * SPARED_PART
    missing = [told["seed"] for told in stories if told["missed"]]
    disturbed = [told["seed"] for told in stories if told["false_alarms"]]
    noisy = [told["seed"] for told in stories if _number(told["false"]) > FALSE_ALERTS]
    is_quick = arguments.no_terminal or (card <= FIRST_ALERT_SECONDS and end <= DEMO_SECONDS)
    print(
        json.dumps(
            {
                "bench": "demo",
                "scorer": arguments.scorer,
                "cpu": cpu_name(),
                "seeds": arguments.seeds,
                "seconds_median": round(statistics.median(_number(told["process_seconds"]) for told in stories), 2),
                "documents_per_second_median": round(
                    statistics.median(_number(told["documents_per_second"]) for told in stories)
                ),
                "terminal_first_card_seconds": None if arguments.no_terminal else round(card, 2),
                "terminal_seconds": None if arguments.no_terminal else round(end, 2),
                "seeds_with_a_miss": missing,
                "seeds_with_a_false_alarm": disturbed,
                "false_alerts": [told["false"] for told in stories],
                "holds": is_quick and len(missing) <= spared and len(disturbed) <= spared and not noisy,
            }
        )
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


if __name__ == "__main__":
    main()
