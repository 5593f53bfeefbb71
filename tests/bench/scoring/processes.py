"""Two processes of half the threads each beside one of all: what the second gains, and what it costs in memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bench.scoring.contenders import ENGINE
from tests.bench.scoring.rounds import Spread, spread
from tests.bench.scoring.texts import Supply
from tests.bench.scoring.workers import Worker


@dataclass(frozen=True, slots=True)
class Processes:
    """Rounds of both.

    Attributes:
        threads: of the one process. one, two: texts a second; ratio: two to one, by round.
        one_mb, two_mb: millions of bytes resident, of one process and of two together.
    """

    threads: int
    one: Spread
    two: Spread
    ratio: Spread
    one_mb: float
    two_mb: float

    def as_json(self) -> dict[str, Any]:
        return {
            "threads": self.threads,
            "one_texts_per_second": self.one.rounded(1),
            "two_texts_per_second": self.two.rounded(1),
            "ratio": self.ratio.rounded(3),
            "one_resident_mb": round(self.one_mb, 1),
            "two_resident_mb": round(self.two_mb, 1),
        }


def two_beside_one(supply: Supply, texts: int, rounds: int, threads: int, on_step: Callable[[], None]) -> Processes:
    """Rounds of the engine on so many new texts, in one process and halved between two. threads: at least 2.

    Raises: Absent: the engine cannot be opened.
    """
    teams = [[Worker(ENGINE, threads)], [Worker(ENGINE, threads // 2) for _ in range(2)]]
    rates: list[list[float]] = [[], []]
    try:
        for worker in (*teams[0], *teams[1]):
            worker.score(supply.of.lang, supply.draw(2))  # Opened and warm.
        for number in range(rounds):
            drawn = supply.draw(texts)
            for which in (0, 1) if number % 2 else (1, 0):
                rates[which].append(texts / _seconds(teams[which], supply.of.lang, drawn))
                on_step()
        one_mb, two_mb = (sum(worker.resident_mb() for worker in team) for team in teams)
    finally:
        for worker in (*teams[0], *teams[1]):
            worker.close()
    ratios = [two / one for one, two in zip(*rates, strict=True)]
    return Processes(threads, spread(rates[0]), spread(rates[1]), spread(ratios), one_mb, two_mb)


def _seconds(team: list[Worker], lang: str, texts: list[str]) -> float:
    """Seconds until all of a team have scored their parts of the texts."""
    began = time.perf_counter()
    for number, worker in enumerate(team):
        worker.begin(lang, texts[number :: len(team)])
    for worker in team:
        worker.end()
    return time.perf_counter() - began
