"""Windows that were asked again are counted by difference: scorers of two languages count in one place."""

from collections.abc import Sequence

import numpy as np

from models.serving.backend import FloatArray
from models.serving.engine import ScoringEngine
from models.serving.rechecked import RecheckedBackend
from models.serving.stats import ScoringStats
from models.text import Window


class Undecided:
    """Finds all labels equally likely, so that every window is asked again."""

    name = "undecided-float32"
    padding_tokens = 0

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        return np.zeros((len(windows), 3), np.float32)

    def close(self) -> None:
        """Nothing is held."""


def test_two_engines_that_count_in_one_place_add_up() -> None:
    stats = ScoringStats()
    shifts = {"target": 0.0, "text": 0.0}
    engines = [ScoringEngine(RecheckedBackend(Undecided(), Undecided, shifts), stats) for _ in range(2)]
    windows = [Window((number,), ()) for number in range(5)]
    seen = [stats.rechecked]
    for engine, count in ((engines[0], 5), (engines[1], 2), (engines[0], 1)):
        engine.forget()
        engine.answer(windows[:count])
        seen.append(stats.rechecked)
    assert seen == [0, 5, 7, 8]
