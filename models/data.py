"""Labelled texts for fitting and judging scorers: gzipped JSON lines with text, label, entity, lang, source and id.

The data sets are no part of the project; they are read from a folder that the caller names.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.labels import LABELS
from models.scorer import Pair


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled pair; `label` is an index into `labels.LABELS`."""

    pair: Pair
    label: int


def data_files(folder: Path) -> list[Path]:
    """The data files of a folder by name. Raises: FileNotFoundError: there are none."""
    files = sorted(folder.glob("*.jsonl.gz"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no *.jsonl.gz file: name the folder of the data sets with --data")
    return files


def read_examples(path: Path) -> Iterator[Example]:
    """The labelled examples of one file; rows without a label are passed over."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["label"] is not None:
                yield Example(Pair(row["text"], row["entity"] or "", row["lang"]), LABELS.index(row["label"]))


def is_held_out(text: str) -> bool:
    """Whether a text belongs to the fifth that no constant is fitted on; equal texts fall on one side."""
    return hashlib.blake2b("".join(text.lower().split()).encode(), digest_size=2).digest()[0] < 51
