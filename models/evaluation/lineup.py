"""Which scorers are judged, by the names that the command line gives them."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from models.corpus.rows import DataError
from models.evaluation.answers import LabelledSet
from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.scorer import PairScorer

TRAINED_HERE = "tfidf"
_CLASSIFIER = "ForSequenceClassification"

TrainingSide = Callable[[], Sequence[LabelledSet]]
"""The rows that may be trained on; asked for only by who needs them, because near copies take a while to find."""


def keys(names: Sequence[str]) -> dict[str, str]:
    """Scorers by what they are called in a report: a folder by its last part, where that tells it from the others."""
    short = {name: Path(name).name if Path(name).is_dir() else name for name in names}
    alike = Counter(short.values())
    return {one if alike[one] == 1 else name: name for name, one in short.items()}


def open_scorer(
    name: str, training: TrainingSide, ratio: float | None = None, threads: int | None = None
) -> PairScorer:
    """A scorer by name: lexicon, neutral, tfidf, a shipped checkpoint's name, a folder, or a hub name.

    A folder may hold an exported checkpoint, a training run, a sequence classification model of any make, or an
    encoder without a head, which gets a regression on its features (`models.evaluation.frozen`).
    Args:
        ratio: of the development rows that will be judged; None for all rows.
        threads: of a checkpoint; as many as there are cores if not given.
    Raises: ValueError and its kin: names what is wrong with it, or that it knows the rows that will be judged.
    """
    if name == "lexicon":
        return LexiconScorer()
    if name == "neutral":
        return NeutralScorer()
    if name == TRAINED_HERE:
        from models.evaluation.baselines import TfidfScorer

        return TfidfScorer(training())
    folder = Path(name)
    if (folder / "best.pt").exists():
        from models.evaluation.runs import RunScorer

        run = RunScorer(folder)
        if run.development != ratio:
            raise DataError(f"{name} was trained on what is judged: judge it with --development {run.development}")
        return run
    if is_encoder(folder):
        from models.evaluation.frozen import FrozenScorer

        return FrozenScorer(folder, training())
    from models import shipped

    return shipped.open_scorer(name, threads)


def needs_training_rows(name: str) -> bool:
    """Whether a scorer is trained in place, on rows that must not be judged."""
    return name == TRAINED_HERE or is_encoder(Path(name))


def is_encoder(folder: Path) -> bool:
    """Whether a folder holds a pre-trained encoder without a head. Raises: DataError: its config.json is no JSON."""
    path = folder / "config.json"
    if not path.is_file() or (folder / "checkpoint.json").exists():
        return False
    try:
        architectures = json.loads(path.read_text(encoding="utf-8")).get("architectures") or []
    except (json.JSONDecodeError, AttributeError) as error:
        raise DataError(f"{path} is no JSON object: take the model's own file again") from error
    return not any(_CLASSIFIER in one for one in architectures)
