"""Bounded memories of answers: a headline that forty feeds carry is read once, and so is one that differs from another
only in whom it is about, for the target's name is masked before the network reads it.

They change no answer, for an answer does not depend on what else is asked. Deliberately left out: keeping them on disk.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from models.scorer import Judgement, Pair

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MOST_ANSWERS = 8_192
"""Some 10 MB of headlines. A copy mostly comes within the hour; a desk's feeds bring fewer distinct texts in one."""
MOST_CHARACTERS = 1_000
"""Of a text that is remembered: long articles are rarely sent twice to the letter, and would fill the memory."""


class Latest(Generic[Key, Value]):
    """The latest answers, the one that was not asked for longest given up first."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._answers: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()

    def get(self, question: Key) -> Value | None:
        """The answer to this very question, if it is remembered."""
        found = self._answers.get(question)
        if found is not None:
            self._answers.move_to_end(question)
        return found

    def put(self, question: Key, answer: Value) -> None:
        """Remember an answer."""
        self._answers[question] = answer
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)


class ScoreCache(Latest[Pair, Judgement]):
    """Answers to pairs, but for those with long texts."""

    def put(self, question: Pair, answer: Judgement) -> None:
        """Remember an answer, unless its text is long."""
        if len(question.text) <= MOST_CHARACTERS:
            super().put(question, answer)
