"""Augmentation: what keeps a model from learning who is named, or that a target means another labelling habit.

A row that is read with a target never shows the name (`models.text`). What is left to do: rows whose target may go
lose it now and then and then see another name; rows without a target get the company that they name as one.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.corpus.rows import Row, text_key
from models.text import find_mentions
from models.training.names import guess, invent

_TICKER = 5
"""Letters of an invented ticker: as many as a real one has at most."""


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Shares of rows, each in [0, 1].

    Attributes:
        drop: of rows with a target whose text has one label only, those that lose the target.
        insert: of rows without a target that name somebody, those that get the name as target.
        rename: of shown names, those that are replaced by an invented one.
    """

    drop: float = 0.3
    insert: float = 0.4
    rename: float = 0.5


class Augmenter:
    """Makes one form of a row each time it is asked; the same for the same seed, epoch and row."""

    def __init__(self, rows: Sequence[Row], settings: AugmentSettings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        labels: dict[tuple[str, str], set[int]] = {}
        self._named: dict[str, list[str]] = {}
        for row in rows:
            labels.setdefault((row.source, text_key(row.text)), set()).add(row.label)
            if row.target:
                self._named.setdefault(text_key(row.text), []).append(row.target)
        self._agreeing = {key for key, found in labels.items() if len(found) == 1}

    def is_agreeing(self, row: Row) -> bool:
        """Whether the row's text has one label for all its targets, in its set."""
        return (row.source, text_key(row.text)) in self._agreeing

    def form(self, row: Row, epoch: int) -> Row:
        """The row as it is read in an epoch."""
        chance = random.Random(f"{self._seed}/{epoch}/{row.source}/{row.id}/{row.target}")
        text, target, is_chinese = row.text, row.target, row.lang == "zh"
        if target:
            if self.is_agreeing(row) and chance.random() < self._settings.drop:
                target = ""
        elif chance.random() < self._settings.insert:
            target = guess(text, is_chinese) or ""
        shown = {*self._named.get(text_key(row.text), ()), *filter(None, [guess(text, is_chinese)])}
        for name in sorted(shown - {target}):
            if len(name) > 1 and chance.random() < self._settings.rename:
                text = _renamed(text, name, invent(chance, is_chinese), target)
        return replace(row, text=text, target=target)


def _renamed(text: str, name: str, other: str, target: str) -> str:
    """The text with another name, unless that would take from or add to the target's own mentions."""
    if target and (name.lower() in target.lower() or target.lower() in name.lower()):
        return text
    renamed = text
    for start, end in reversed(find_mentions(text, name)):
        kept = "$" if text[start] == "$" else ""
        shown = other.replace(" ", "")[:_TICKER].upper() if kept else other
        renamed = renamed[:start] + kept + shown + renamed[end:]
    # A name may be found by its first word, which two companies share; and an invented one may be called "... Bank".
    if target and len(find_mentions(renamed, target)) != len(find_mentions(text, target)):
        return text
    return renamed
