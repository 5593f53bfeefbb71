"""A bounded memory of answers: a headline that forty feeds carry is read once.

It changes no answer, for an answer does not depend on what else is asked. Deliberately left out: keeping it anywhere.
"""

from collections import OrderedDict

from models.scorer import Judgement, Pair

MOST_ANSWERS = 8_192
"""Some 10 MB of headlines. A copy mostly comes within the hour; a desk's feeds bring fewer distinct texts in one."""
MOST_CHARACTERS = 1_000
"""Of a text that is remembered: long articles are rarely sent twice to the letter, and would fill the memory."""


class ScoreCache:
    """The latest answers, the one that was not asked for longest given up first."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._answers: OrderedDict[Pair, Judgement] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()

    def get(self, pair: Pair) -> Judgement | None:
        """The answer to this very question, if it is remembered."""
        found = self._answers.get(pair)
        if found is not None:
            self._answers.move_to_end(pair)
        return found

    def put(self, pair: Pair, answer: Judgement) -> None:
        """Remember an answer, unless its text is long."""
        if len(pair.text) > MOST_CHARACTERS:
            return
        self._answers[pair] = answer
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
