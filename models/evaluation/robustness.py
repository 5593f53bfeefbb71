"""The same rows in other words: with and without a target, and with another name in the target's place.

What a reader would answer alike a model should answer alike. A set with targets is judged without them; one without
gets the company that its text names; both are judged with an invented name in place of the real one.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from models.corpus.rows import Row
from models.evaluation.answers import LabelledSet
from models.text import find_mentions
from models.training.names import guess, invent

_TICKER_LETTERS = 5


def without_target(row: Row, seed: int) -> Row:
    """The row about its text as a whole."""
    return replace(row, target="")


def with_guessed_target(row: Row, seed: int) -> Row:
    """The row about the company that its text names first; as it is where none is found."""
    return replace(row, target=guess(row.text, row.lang == "zh") or "")


def renamed(row: Row, seed: int) -> Row:
    """The row with an invented name for its target, or for the company that it names; as it is where none is."""
    is_chinese = row.lang == "zh"
    name = row.target or guess(row.text, is_chinese) or ""
    spans = find_mentions(row.text, name)
    if not spans:
        return row
    other = invent(random.Random(f"{seed}/{row.source}/{row.id}"), is_chinese)
    if any(row.text[start] == "$" for start, _ in spans):
        other = other.replace(" ", "")[:_TICKER_LETTERS].upper()
    text = row.text
    for start, end in reversed(spans):
        text = text[:start] + (text[start] if text[start] in "$#" else "") + other + text[end:]
    return replace(row, text=text, target=other if row.target else "")


Change = Callable[[Row, int], Row]


def changes(of: LabelledSet) -> dict[str, Change]:
    """The changes that make sense for a set, by name."""
    first: dict[str, Change] = (
        {"without target": without_target} if of.has_targets else {"guessed target": with_guessed_target}
    )
    return {**first, "renamed": renamed}


def changed(rows: Sequence[Row], change: Change, seed: int) -> list[Row]:
    """Every row, changed; the same for the same seed."""
    return [change(row, seed) for row in rows]
