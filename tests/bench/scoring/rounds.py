"""Rounds: every contender scores the same new texts, one after the other, and each begins a round in its turn.

A machine's speed drifts by more than what is compared, so ratios are taken within a round, and told as their median
with their range.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench.scoring.contenders import ENGINE, PIPELINE, TORCH_SORTED
from tests.bench.scoring.reading import count_tokens
from tests.bench.scoring.texts import Supply
from tests.bench.scoring.workers import Absent, Worker

BATCHES = (1, 4, 16, 64, 256)
"""Texts in a batch, for throughput against latency."""
SPAN = 96
"""Texts in all batches of one size, as far as these are asked often enough, and not too often."""
_LEAST_TIMES, _MOST_TIMES = 3, 24
"""How often a batch of one size is asked: the median of fewer says nothing, more take long."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Some figures: their median, least and greatest."""

    median: float
    least: float
    most: float

    def rounded(self, digits: int) -> dict[str, float]:
        """As it stands in the JSON."""
        return {name: round(getattr(self, name), digits) for name in ("median", "least", "most")}


def spread(values: Sequence[float]) -> Spread:
    """Raises: ValueError: there are none."""
    return Spread(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast one contender was on one set of texts, by round.

    Attributes:
        texts, tokens: a second; tokens without padding, as many as it reads. against: ratio of tokens a second to
            those of each contender to compare with that took part.
    """

    texts: Spread
    tokens: Spread
    against: Mapping[str, Spread]

    def as_json(self) -> dict[str, Any]:
        return {
            "texts_per_second": self.texts.rounded(1),
            "tokens_per_second": self.tokens.rounded(0),
            "times": {other: one.rounded(3) for other, one in self.against.items()},
        }


@dataclass(frozen=True, slots=True)
class Point:
    """One size of batch: seconds until it is answered, at the median."""

    batch: int
    seconds: float

    @property
    def texts_per_second(self) -> float:
        """At the median."""
        return self.batch / self.seconds

    def as_json(self) -> dict[str, float]:
        return {
            "batch": self.batch,
            "milliseconds": round(1e3 * self.seconds, 3),
            "texts_per_second": round(self.texts_per_second, 1),
        }


@dataclass(frozen=True, slots=True)
class Race:
    """What rounds on one set of texts came to.

    Attributes:
        texts: of a round. tokens: of a text, at the mean, as far as a contender that cuts reads it.
        absent: who could not take part, and why.
    """

    texts: int
    rounds: int
    tokens: float
    speeds: Mapping[str, Speed]
    absent: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {
            "texts": self.texts,
            "rounds": self.rounds,
            "tokens_mean": round(self.tokens, 1),
            "contenders": {name: one.as_json() for name, one in self.speeds.items()},
            "absent": dict(self.absent),
        }


def race(workers: Sequence[Worker], supply: Supply, texts: int, rounds: int, on_step: Callable[[], None]) -> Race:
    """Let all score the same rounds of new texts; who fails in one is out."""
    seconds: dict[str, list[float]] = {worker.name: [] for worker in workers}
    counts: list[tuple[int, int]] = []
    absent: dict[str, str] = {}
    lang = supply.of.lang
    for number in range(rounds):
        drawn = supply.draw(texts)
        counts.append(count_tokens(lang, drawn))
        for worker in in_turn(workers, number):
            if worker.name not in absent:
                try:
                    seconds[worker.name].append(worker.time(lang, drawn))
                except Absent as error:
                    absent[worker.name] = str(error)
            on_step()
    speeds = speeds_of({name: found for name, found in seconds.items() if name not in absent}, texts, counts)
    return Race(texts, rounds, sum(cut for cut, _ in counts) / texts / rounds, speeds, absent)


def in_turn(workers: Sequence[Worker], number: int) -> list[Worker]:
    """Everyone, beginning with another one in each round: the first finds the machine as texts were drawn."""
    first = number % len(workers) if workers else 0
    return [*workers[first:], *workers[:first]]


def speeds_of(
    seconds: Mapping[str, Sequence[float]], texts: int, counts: Sequence[tuple[int, int]]
) -> dict[str, Speed]:
    """Speeds from the seconds of each round. counts: tokens of each round's texts, cut and whole."""
    rates = {
        name: [(whole if name == ENGINE else cut) / one for one, (cut, whole) in zip(found, counts, strict=True)]
        for name, found in seconds.items()
    }
    return {
        name: Speed(
            spread([texts / one for one in seconds[name]]),
            spread(rates[name]),
            {
                other: spread([one / its for one, its in zip(rates[name], rates[other], strict=True)])
                for other in (PIPELINE, TORCH_SORTED)
                if other in rates
            },
        )
        for name in seconds
    }


def curves(
    workers: Sequence[Worker], supply: Supply, batches: Sequence[int], span: int, on_step: Callable[[], None]
) -> dict[str, list[Point]]:
    """Seconds by size of batch, each batch of new texts; who fails is left out."""
    found: dict[str, list[Point]] = {worker.name: [] for worker in workers}
    for batch in batches:
        seconds: dict[str, list[float]] = {name: [] for name in found}
        for number in range(repeats(batch, span)):
            drawn = supply.draw(batch)
            for worker in in_turn(workers, number):
                if worker.name in found:
                    try:
                        seconds[worker.name].append(worker.time(supply.of.lang, drawn))
                    except Absent:
                        del found[worker.name]
                on_step()
        for name, points in found.items():
            points.append(Point(batch, median(seconds[name])))
    return found


def repeats(batch: int, span: int = SPAN) -> int:
    """How often a batch of this size is asked."""
    return max(_LEAST_TIMES, min(_MOST_TIMES, span // batch))
