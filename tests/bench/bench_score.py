"""The scoring engine beside every backend of this machine and beside what people write: same weights, same texts.

    python -m tests.bench.bench_score [--quick] [--contenders NAME ...] [--data DIR] [--out DIR] [--threads N]

Contenders are `transformers.pipeline` as people run it (single precision, 32 texts a batch in order of arrival),
`torch-sorted` (single precision, sorted by length), the product's `engine`, and each backend alone; all begin with
texts, each in a process of its own, in rounds that take turns. Then: throughput against latency, agreement with full
precision on development rows, cold start, memory, a single text, two processes beside one, a replay and the demo end to
end. A table, a last line of JSON, and with --out both as files with a chart. --quick tells whether it works, never how
fast.
"""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.checkpoint import load_manifest
from models.serving.threads import usable_cores
from tests.bench.machine import cpu_extensions, cpu_name
from tests.bench.scoring.contenders import TORCH_SORTED, contender_names
from tests.bench.scoring.measuring import FULL, QUICK, Measured, WrongAnswer, measure
from tests.bench.scoring.reading import LANGUAGES, folder_of
from tests.bench.scoring.tables import agreement_table, alone_lines, bar_table, curve_table, race_table
from tests.imports import ROOT

DATA = ROOT.parent / "shared" / "data"
WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and a last line of JSON. Exit code 0; 1 for contenders that disagree; 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_score", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: whether it works, not how fast")
    parser.add_argument("--contenders", nargs="+", metavar="NAME", help="some instead of all; `list` shows them")
    parser.add_argument("--threads", type=int, default=usable_cores(), metavar="N", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"instead of {FULL.rounds}")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the labelled sets; default: beside this one")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write score.json and score.png there")
    options = parser.parse_args(arguments)
    if options.threads < 1 or (options.rounds is not None and options.rounds < 1):
        print("--threads and --rounds: at least 1", file=sys.stderr)
        return WRONG_USE
    known = contender_names(options.threads)
    if options.contenders == ["list"]:
        print("\n".join(known))
        return 0
    if unknown := [name for name in options.contenders or () if name not in known]:
        print(f"--contenders: there is no {', '.join(unknown)} here, only {', '.join(known)}", file=sys.stderr)
        return WRONG_USE
    chosen = options.contenders or (quick_names(known) if options.quick else known)
    names = [name for name in known if name in chosen]
    plan = QUICK if options.quick else FULL
    try:
        found = measure(names, plan.with_rounds(options.rounds), options.threads, options.data)
    except WrongAnswer as error:
        print(error, file=sys.stderr)
        return 1
    told = machine(options.threads) | {"quick": options.quick} | found.as_json(cpu_extensions())
    show(found, told)
    if options.out is not None:
        save(found, told, options.out)
    print(json.dumps(told))
    return 0


def quick_names(known: Sequence[str]) -> list[str]:
    """Those who take part in a quick run: torch loads for seconds, and without special instructions is slow."""
    return [name for name in known if name == TORCH_SORTED or not name.startswith("torch-")]


def machine(threads: int) -> dict[str, Any]:
    """What the figures must be read beside."""
    return {
        "bench": "score",
        "cpu": cpu_name(),
        "extensions": list(cpu_extensions()),
        "cores": usable_cores(),
        "threads": threads,
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in ("onnxruntime", "tokenizers", "torch", "transformers")},
        "checkpoints": {lang: load_manifest(folder_of(lang)).version for lang in LANGUAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def show(found: Measured, told: dict[str, Any]) -> None:
    """The tables."""
    print(f"{told['cpu']}, {', '.join(told['extensions']) or 'extensions unknown'}; {told['threads']} threads")
    print(", ".join(f"{name} {one}" for name, one in told["libraries"].items() if one))
    if found.about:
        print(f"engine: {found.about}")
    for name, race in found.races.items():
        print("", *race_table(name, race), sep="\n")
    for name, curve in found.curves.items():
        print("", *curve_table(name, curve), sep="\n")
    for lang, agreement in found.agreements.items():
        print("", *agreement_table(lang, agreement), sep="\n")
    whole = {"replay": found.end_to_end, "demo": found.demo}
    print("", *alone_lines(found.start, found.processes, whole), sep="\n")
    print("", *bar_table(found.bars(told["extensions"])), sep="\n")
    for note in found.notes:
        print(f"NOTE: {note}")


def save(found: Measured, told: dict[str, Any], folder: Path) -> None:
    """score.json, and score.png where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "score.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    try:
        from tests.bench.scoring.chart import save_chart
    except ModuleNotFoundError as error:
        print(f"no chart: {error.name} is not installed, `make setup-full` does it", file=sys.stderr)
        return
    save_chart(found.curves, f"{told['cpu']}, {told['threads']} threads", folder / "score.png")


if __name__ == "__main__":
    sys.exit(main())
