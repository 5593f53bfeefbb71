"""From the one line of configuration that names a model to the scorer: shipped ones, own folders, other people's.

What it imports is imported when it is needed: who uses the lexicon pays neither for onnxruntime nor for torch.
"""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from models.checkpoint import MANIFEST, CheckpointError
from models.plain import check_plain
from models.routed import CHINESE, ENGLISH, RoutedScorer
from models.scorer import PairScorer
from models.serving.stats import ScoringStats
from models.serving.wanted import ANYTHING, Wanted

FOLDERS: Final = {"default": "en", "commercial": "en-commercial", "chinese": "zh"}
"""Shipped checkpoints: name -> folder under `models/checkpoints`."""
DEFAULT, COMMERCIAL = "default", "commercial"

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_CONFIG = "config.json"


def shipped(name: str) -> Path:
    """The folder of a shipped checkpoint: `default`, `commercial` (English both), `chinese`. Raises: KeyError."""
    return Path(__file__).resolve().parent / "checkpoints" / FOLDERS[name]


def open_scorer(checkpoint: str, threads: int | None = None, wanted: Wanted = ANYTHING) -> PairScorer:
    """The scorer that `checkpoint` names, checked on plain sentences, which warms it up too.

    Args:
        checkpoint: `default` or `commercial` (English, beside the shipped Chinese one); a folder with a checkpoint.json
            (in place of the shipped one of its language); a folder with a config.json, or a hub name: a
            sequence-classification model of any make, alone.
        threads: as many as there are cores if not given. wanted: who computes; a model of another make is run by torch
            on the CPU whatever is wanted.
    Raises: CheckpointError: there is no such model, it is damaged, calls plain disasters positive, or what is wanted
        is not to be had here.
    """
    if checkpoint in (DEFAULT, COMMERCIAL):
        return _beside_chinese(shipped(checkpoint), threads, wanted)
    folder = Path(os.path.expanduser(checkpoint))
    found = _kind_of(folder) if checkpoint else None
    if found == MANIFEST:
        return _beside_chinese(folder, threads, wanted)
    if found == _CONFIG:
        return _foreign(str(folder), threads)
    if found is not None:
        raise CheckpointError(
            f"{checkpoint} holds neither {MANIFEST}, as a checkpoint of ours does, nor {_CONFIG}, as others do: name "
            "the folder in which one of them lies"
        )
    if _HUB_NAME.fullmatch(checkpoint):
        return _foreign(checkpoint, threads)
    raise CheckpointError(
        f"{checkpoint} is no folder here and no hub name: use {DEFAULT}, {COMMERCIAL}, a folder, or a name such as "
        "organisation/model"
    )


def _kind_of(folder: Path) -> str | None:
    """The file that tells what a folder is, empty for one that holds neither; None where there is nothing."""
    try:
        for name in (MANIFEST, _CONFIG):
            if (folder / name).exists():
                return name
        return "" if folder.exists() else None
    except PermissionError as error:
        raise CheckpointError(f"{folder} cannot be looked into ({error.strerror}): see to its permissions") from error
    except (OSError, ValueError):
        return None  # No file can have such a name.


def _beside_chinese(folder: Path, threads: int | None, wanted: Wanted) -> PairScorer:
    """A checkpoint of ours, with the shipped Chinese one unless it reads Chinese itself."""
    from models.transformer import TransformerScorer

    stats = ScoringStats()

    def opened(path: Path, wanted: Wanted) -> tuple[TransformerScorer, set[str]]:
        scorer = TransformerScorer(path, threads, wanted, stats)
        languages = {tag.partition("-")[0].lower() for tag in scorer.manifest.languages}
        check_plain(scorer, sorted(languages))
        return scorer, languages

    first, languages = opened(folder, wanted)
    if languages == {CHINESE}:
        return RoutedScorer({CHINESE: first}, CHINESE, stats)
    scorers: dict[str, PairScorer] = dict.fromkeys((ENGLISH, *sorted(languages)), first)
    if CHINESE not in scorers:
        # As the first one: whoever goes on with an earlier run must need to know one precision only.
        scorers[CHINESE], _ = opened(shipped("chinese"), replace(wanted, precision=first.precision))
    return RoutedScorer(scorers, ENGLISH, stats)


def _foreign(name: str, threads: int | None) -> PairScorer:
    from models.huggingface import HuggingFaceScorer

    scorer = HuggingFaceScorer(name, threads)
    check_plain(scorer)
    return scorer
