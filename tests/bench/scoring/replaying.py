"""How much of the engine's own rate is left end to end: `monitor replay` and `monitor demo` beside the engine alone.

    python -m tests.bench.scoring.replaying THREADS DOCUMENTS SEED

A process of its own for each round, which ends with a line of JSON; DOCUMENTS of a generated feed are replayed, 0 is
the demo's story of that seed. The pairs that the engine is asked alone are those that a replay of the same feed asks
the word lists first: what is asked does not depend on who answers. A replay's seconds run from the first record to the
end of the last commit; the opening of the model is left out, that of the files is not. The demo tells its own: those in
which it was at work.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from models.lexicon import LexiconScorer
from models.scorer import Judgement, Pair
from models.serving.threads import usable_cores
from models.shipped import DEFAULT, open_scorer
from monitor.app import ReplayArguments, replay
from monitor.app.embedded import Embedded
from monitor.app.scoring import ModelScorer
from monitor.clock import SystemClock
from monitor.config import ScorerKind, load_config
from monitor.errors import ExitCode
from monitor.lab.synthetic import synthetic, watchlist_csv
from monitor.observe import ProgressBar
from tests.bench.scoring.rounds import Spread, spread
from tests.imports import ROOT

_TOPICS, _PER_DAY = 500, 20_000
_CHUNK = 4_096
"""Pairs in one call of the engine alone: more than a replay has in hand, so that nothing is left to gain by waiting."""


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Rounds of both.

    Attributes:
        pairs: scored in a round. engine, replayed: pairs a second. ratio: of both in one round.
        busy: share of the cores that the replay kept busy, or the demo's whole process, its opening and end included.
    """

    pairs: int
    engine: Spread
    replayed: Spread
    ratio: Spread
    busy: Spread

    def as_json(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "engine_pairs_per_second": self.engine.rounded(1),
            "replay_pairs_per_second": self.replayed.rounded(1),
            "ratio": self.ratio.rounded(3),
            "busy_ratio": self.busy.rounded(3),
        }


class _Recorder:
    """Answers by the word lists, and keeps what it was asked."""

    def __init__(self) -> None:
        self._inner = LexiconScorer()
        self.pairs: list[Pair] = []

    @property
    def name(self) -> str:
        return self._inner.name

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        self.pairs += pairs
        return self._inner.score(pairs)


def end_to_end(threads: int, documents: int, rounds: int, on_step: Callable[[], None]) -> EndToEnd:
    """Rounds, each with a feed of its own; documents: 0 for the demo. Raises: RuntimeError: one of them failed."""
    found: list[dict[str, float]] = []
    for seed in range(1, rounds + 1):
        numbers = [str(one) for one in (threads, documents, seed)]
        command = [sys.executable, "-m", "tests.bench.scoring.replaying", *numbers]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(f"a replay ended with exit code {ended.returncode}: {ended.stderr.strip()[-400:]}")
        found.append(json.loads(ended.stdout.splitlines()[-1]))
        on_step()
    rates = [(one["pairs"] / one["engine_seconds"], one["pairs"] / one["seconds"]) for one in found]
    return EndToEnd(
        round(sum(one["pairs"] for one in found) / rounds),
        spread([alone for alone, _ in rates]),
        spread([whole for _, whole in rates]),
        spread([whole / alone for alone, whole in rates]),
        spread([one["busy_seconds"] / one["wall_seconds"] / threads for one in found]),
    )


def main() -> None:
    """One round."""
    threads, documents, seed = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(_round(Path(name), threads, documents, seed)))


def _round(folder: Path, threads: int, documents: int, seed: int) -> dict[str, float]:
    """Both, in an order that changes with the seed. The demo writes the feed that is asked, so it is always first."""
    told = None if documents else _shown(folder, threads, seed)
    feed, watchlist = folder / "out/demo/feed.jsonl", folder / "out/demo/watchlist.csv"
    if documents:
        feed, watchlist = folder / "feed.jsonl", folder / "watchlist.csv"
        feed.write_bytes(b"".join(synthetic(documents, _TOPICS, seed, _PER_DAY)))
        watchlist.write_text(watchlist_csv(_TOPICS, seed), encoding="utf-8")
    recorder = _Recorder()
    # The application's name for the module is taken by the function.
    with patch.object(import_module("monitor.app.replay"), "make_scorer", lambda *_: ModelScorer(recorder)):
        _replayed(feed, watchlist, "recorded", threads)
    if told is None and not seed % 2:
        told = _replayed(feed, watchlist, "scored", threads)
    alone = _alone(recorder.pairs, threads)
    told = told or _replayed(feed, watchlist, "scored", threads)
    return {"pairs": len(recorder.pairs), "engine_seconds": alone} | told


def _alone(pairs: Sequence[Pair], threads: int) -> float:
    """Seconds of the engine for pairs that it has not seen."""
    scorer = open_scorer(DEFAULT, threads)
    began = time.perf_counter()
    for start in range(0, len(pairs), _CHUNK):
        scorer.score(pairs[start : start + _CHUNK])
    return time.perf_counter() - began


def _replayed(feed: Path, watchlist: Path, name: str, threads: int) -> dict[str, float]:
    """Seconds of the wall and of the processor that the loop of a replay took."""
    began: list[float] = []

    def watch(_: Embedded) -> ProgressBar:
        began.extend((time.perf_counter(), time.process_time()))
        return ProgressBar()

    arguments = ReplayArguments(
        (str(feed),), watchlist, feed.parent / f"{name}.jsonl", None, None, None, None, watch=watch
    )
    config = load_config(None, {}, {"scorer.kind": ScorerKind.MODEL.value, "scorer.threads": threads})
    if replay(config, arguments, SystemClock()) is not ExitCode.DONE:
        raise RuntimeError("the generated feed was refused")
    seconds, busy = time.perf_counter() - began[0], time.process_time() - began[1]
    return {"seconds": seconds, "wall_seconds": seconds, "busy_seconds": busy}


def _shown(folder: Path, threads: int, seed: int) -> dict[str, float]:
    """The demo without a terminal, so that nothing waits; its files stay in `folder`/out/demo."""
    if threads != usable_cores():
        raise RuntimeError(f"the demo takes every core ({usable_cores()}), and cannot be told to take {threads}")
    summary = folder / "summary.json"
    command = [sys.executable, "-m", "monitor", "demo", "--seed", str(seed), "--no-serve", "--summary", str(summary)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MONITOR_SCORER__KIND": ScorerKind.MODEL.value}
    began, before = time.perf_counter(), os.times()
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=sys.stderr, check=True)
    seconds, after = time.perf_counter() - began, os.times()
    told = json.loads(summary.read_text(encoding="utf-8"))
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    worked = told["documents"] / told["documents_per_second"]
    return {"seconds": worked, "wall_seconds": seconds, "busy_seconds": busy}


if __name__ == "__main__":
    main()
