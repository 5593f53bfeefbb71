"""Leave one source out: what is left of a model on a source that it never saw, beside one that saw it.

For tf-idf here and now. For the network by training runs of its own, one a source: the run's configuration is written
down without that source, so a killed evaluation goes on where it was.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from models.corpus.rows import DataError
from models.evaluation.answers import LabelledSet, RememberingScorer
from models.evaluation.metrics import confusion, measures
from models.scorer import PairScorer

Train = Callable[[Path, Path], int]
"""Trains a configuration in a folder; 0 when it is done."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Weighted F1 and accuracy on a source by one who was trained without it, and by one trained with it."""

    source: str
    texts: int
    weighted_f1: float
    accuracy: float
    weighted_f1_with: float
    accuracy_with: float


def leave_out_tfidf(judged: Sequence[LabelledSet], training: Sequence[LabelledSet]) -> list[LeftOut]:
    """Each set by the tf-idf of the other sets of its language; a set that is alone in its language is passed over."""
    from models.evaluation.baselines import TfidfScorer

    with_all = RememberingScorer(TfidfScorer(training), "tfidf")
    found: list[LeftOut] = []
    for one in judged:
        others = [other for other in training if other.name != one.name and other.lang == one.lang]
        if others and one.rows:
            found.append(_compare(one, TfidfScorer(others), with_all))
    return found


def leave_out_network(
    config: Path, out: Path, judged: Sequence[LabelledSet], ratio: float, train: Train | None = None
) -> list[LeftOut]:
    """Train a run without each source of a configuration, and one with all, in folders of OUT; then judge them.

    `ratio` is that of the judged rows. Raises: DataError: a run failed, fewer than two sources are named, or the
    configuration parts its rows by another ratio.
    """
    from models.evaluation.runs import RunScorer

    train = train or start_training
    raw = yaml.safe_load(config.read_text(encoding="utf-8"))
    raw.pop("soft", None)  # A teacher that saw the source would tell what it says.
    names = sorted(raw.get("sources") or {})
    if len(names) < 2:
        raise DataError(f"{config}: names fewer than two sources, so none can be left out")
    if raw.get("development") != ratio:
        raise DataError(f"{config}: development is not {ratio}, so its runs would be trained on what is judged")
    with_all = RememberingScorer(RunScorer(_run(raw, out / "with_all", train)), "with all")
    found: list[LeftOut] = []
    for one in judged:
        if one.name in names:
            folder = _run(without_source(raw, one.name), out / f"without_{one.name}", train)
            found.append(_compare(one, RunScorer(folder), with_all))
    return found


def start_training(config: Path, folder: Path) -> int:
    """`python -m models.train`, in a process of its own: each run has a log of its own, and gives its memory back."""
    command = [sys.executable, "-m", "models.train", "--config", str(config), "--out", str(folder)]
    return subprocess.run(command, check=False).returncode


def without_source(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A training configuration in which a source takes no part, neither in training nor in the choice of weights."""
    sources = {key: value for key, value in config["sources"].items() if key != name}
    left = {**config, "sources": sources}
    if "selection" in config:
        left["selection"] = [one for one in config["selection"] if one != name] or sorted(sources)
    return left


def _run(raw: Mapping[str, Any], folder: Path, train: Train) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.yaml"  # The run copies it to config.yaml in the same folder.
    path.write_text(yaml.safe_dump(dict(raw), allow_unicode=True, sort_keys=False), encoding="utf-8")
    if train(path, folder) != 0:
        raise DataError(f"{folder}: the training run failed; its message stands above")
    return folder


def _compare(one: LabelledSet, scorer: PairScorer, with_all: RememberingScorer) -> LeftOut:
    without = measures(confusion(one.gold, RememberingScorer(scorer, one.name).answers(one).labels))
    seen = measures(confusion(one.gold, with_all.answers(one).labels))
    figures = [float(table[name]) for table in (without, seen) for name in ("weighted_f1", "accuracy")]
    return LeftOut(one.name, len(one.rows), *figures)
