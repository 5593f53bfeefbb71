"""How much of the engine's own rate is left end to end: `monitor replay` of a generated feed beside the engine alone.

    python -m tests.bench.scoring.replaying THREADS DOCUMENTS SEED

A process of its own for each round, which ends with a line of JSON. The pairs that the engine is asked alone are those
that the same replay asks the word lists first: what is asked does not depend on who answers. The replay's seconds run
from the first record to the end of the last commit; the opening of the model is left out, that of the files is not.
"""

import json
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
        busy: share of the cores that the replay kept busy.
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
    """Rounds, each with a feed of its own. Raises: RuntimeError: one of them failed."""
    found: list[dict[str, float]] = []
    for seed in range(1, rounds + 1):
        numbers = [str(one) for one in (threads, documents, seed)]
        command = [sys.executable, "-m", "tests.bench.scoring.replaying", *numbers]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(f"a replay ended with exit code {ended.returncode}: {ended.stderr.strip()[-400:]}")
        found.append(json.loads(ended.stdout.splitlines()[-1]))
        on_step()
    rates = [(one["pairs"] / one["engine_seconds"], one["pairs"] / one["replay_seconds"]) for one in found]
    return EndToEnd(
        round(sum(one["pairs"] for one in found) / rounds),
        spread([alone for alone, _ in rates]),
        spread([whole for _, whole in rates]),
        spread([whole / alone for alone, whole in rates]),
        spread([one["replay_cpu_seconds"] / one["replay_seconds"] / threads for one in found]),
    )


def main() -> None:
    """One round."""
    threads, documents, seed = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feed.jsonl").write_bytes(b"".join(synthetic(documents, _TOPICS, seed, _PER_DAY)))
        (folder / "watchlist.csv").write_text(watchlist_csv(_TOPICS, seed), encoding="utf-8")
        recorder = _Recorder()
        # The application's name for the module is taken by the function.
        with patch.object(import_module("monitor.app.replay"), "make_scorer", lambda *_: ModelScorer(recorder)):
            _replayed(folder, "recorded", threads)
        if seed % 2:
            alone = _alone(recorder.pairs, threads)
            seconds, cpu_seconds = _replayed(folder, "scored", threads)
        else:
            seconds, cpu_seconds = _replayed(folder, "scored", threads)
            alone = _alone(recorder.pairs, threads)
    told = {"pairs": len(recorder.pairs), "engine_seconds": alone}
    print(json.dumps({**told, "replay_seconds": seconds, "replay_cpu_seconds": cpu_seconds}))


def _alone(pairs: Sequence[Pair], threads: int) -> float:
    """Seconds of the engine for pairs that it has not seen."""
    scorer = open_scorer(DEFAULT, threads)
    began = time.perf_counter()
    for start in range(0, len(pairs), _CHUNK):
        scorer.score(pairs[start : start + _CHUNK])
    return time.perf_counter() - began


def _replayed(folder: Path, name: str, threads: int) -> tuple[float, float]:
    """Seconds of the wall and of the processor that the loop of a replay took."""
    began: list[float] = []

    def watch(_: Embedded) -> ProgressBar:
        began.extend((time.perf_counter(), time.process_time()))
        return ProgressBar()

    arguments = ReplayArguments(
        (str(folder / "feed.jsonl"),), folder / "watchlist.csv", folder / f"{name}.jsonl", None, None, None, None,
        watch=watch,
    )  # fmt: skip
    config = load_config(None, {}, {"scorer.kind": ScorerKind.MODEL.value, "scorer.threads": threads})
    if replay(config, arguments, SystemClock()) is not ExitCode.DONE:
        raise RuntimeError("the generated feed was refused")
    return time.perf_counter() - began[0], time.process_time() - began[1]


if __name__ == "__main__":
    main()
