"""The roles on a real Kafka broker: what each costs, how fast it is, how late an alert comes, how soon it is back.

    python -m tests.bench.bench_kafka [--quick] [--only PART ...] [--out DIR]

Starts a broker of its own, or uses that of KAFKA_BOOTSTRAP. Each role runs in a process of its own beside a bare loop
of the client library and beside the same stage without a broker, in rounds that take turns. Then: trend on one core,
one, two and four partitions, alerts under half of that load, and kill -9 after an hour of load. Tables, a last line of
JSON, and with --out both as files with a chart. --quick tells whether it works, never how fast.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.machine import cpu_extensions, cpu_name
from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import running_cluster

WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, also where what it needs is not installed, which is said; 1: a process failed; 2: wrong use."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_kafka", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or two: whether it works, not how fast")
    parser.add_argument("--only", nargs="+", metavar="PART", help="of cost, rates, latency, restore")
    parser.add_argument("--rounds", type=int, metavar="N", help="of costs and of trend on one core, instead of 3")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write kafka.json and kafka.png there")
    options = parser.parse_args(arguments)
    try:
        from tests.bench.kafka.job import Failed
        from tests.bench.kafka.measuring import FULL, PARTS, QUICK, measure
    except ModuleNotFoundError as error:
        print(f"SKIPPED: {error.name} is not installed, `make setup-full` does it", file=sys.stderr)
        return 0
    parts = options.only or PARTS
    if options.rounds is not None and options.rounds < 1:
        print("--rounds: at least 1", file=sys.stderr)
        return WRONG_USE
    if unknown := [part for part in parts if part not in PARTS]:
        print(f"--only: there is no {', '.join(unknown)}, only {', '.join(PARTS)}", file=sys.stderr)
        return WRONG_USE
    from tests.bench.kafka.ground import Ground

    plan = QUICK if options.quick else FULL
    plan = replace(plan, rounds=options.rounds or plan.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with _broker(folder) as bootstrap:
                found = measure(Ground(bootstrap), plan, parts, folder)
        except BrokerError as error:
            print(f"SKIPPED: {error}", file=sys.stderr)
            return 0
        except Failed as error:
            print(error, file=sys.stderr)
            return 1
    told = _machine() | {"quick": options.quick} | found.as_json()
    _show(found, told)
    if options.out is not None:
        _save(found, told, options.out)
    print(json.dumps(told))
    return 0


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """Where a broker listens."""
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        yield given
        return
    with running_cluster(folder / "broker") as cluster:
        yield cluster.bootstrap


def _machine() -> dict[str, Any]:
    """What the figures must be read beside."""
    return {
        "bench": "kafka",
        "cpu": cpu_name(),
        "extensions": list(cpu_extensions()),
        "cores": os.cpu_count(),
        "load": [round(one, 2) for one in os.getloadavg()] if hasattr(os, "getloadavg") else [],
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in ("kafka-python", "lz4", "crc32c", "orjson")},
    }


def _show(found: Any, told: dict[str, Any]) -> None:
    from tests.bench.kafka import tables

    libraries = ", ".join(f"{name} {one}" for name, one in told["libraries"].items())
    print(f"{told['cpu']}; {told['cores']} cores, load {told['load']}; {libraries}; one broker on this machine")
    if found.costs:
        print("", *tables.cost_table(found.costs), sep="\n")
    if lines := tables.rate_lines(found.one_core, found.scaled):
        print("", *lines, sep="\n")
    if found.latency is not None:
        print("", *tables.latency_lines(found.latency), sep="\n")
    if found.restored:
        print("", *tables.restore_table(found.restored), sep="\n")
    print("", *tables.bar_table(found.bars()), sep="\n")


def _save(found: Any, told: dict[str, Any], folder: Path) -> None:
    """kafka.json, and kafka.png where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kafka.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    try:
        from tests.bench.kafka.chart import save_chart
    except ModuleNotFoundError as error:
        print(f"no chart: {error.name} is not installed, `make setup-full` does it", file=sys.stderr)
        return
    about = f"{told['cpu']}, {told['cores']} cores, one broker beside it"
    save_chart(found.costs, found.latency, found.restored, about, folder / "kafka.png")


if __name__ == "__main__":
    sys.exit(main())
