"""Planting: which events are hidden in the story, where and when, and what a monitor should make of each.

Bad events must alert; everything else is there to be left alone. Companies, days and sizes follow the seed. Bad events
lie on four working days from the ninth day on, because a week is needed to learn what is usual. The truth about it all
is a list of `Planted`; nothing of it enters the feed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.topics import TopicId
from monitor.lab.story.companies import COMPANIES, Company, Sector
from monitor.lab.story.sources import FORUM, MICROBLOG, Source, weekday_of

LEARNING_DAYS = 8
"""Whole days before the first event. A baseline takes seven; one more, so that no event hangs on its first hour."""


class PlantedKind(StrEnum):
    """What was planted: the first four must alert."""

    RECALL = "recall"
    LIQUIDITY = "liquidity"
    SECTOR_SHOCK = "sector_shock"
    FRAUD = "fraud"
    GOOD_NEWS = "good_news"
    NEUTRAL_TALK = "neutral_talk"
    COPIES = "copies"
    ANGRY_AUTHOR = "angry_author"
    LISTS = "lists"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted event, for the generator and for a summary of what was found.

    Attributes:
        topic_ids: the companies it is about; none for an outage, where no company may be alerted on.
        start_ms, end_ms: event time of the first document, and of the last one plus 1; of an outage its bounds.
        must_alert: whether it is bad news of each of `topic_ids`. group: whether one alert should name them all.
        note: a sentence for people. source: the feed that falls silent, empty otherwise. documents: how many carry it.
    """

    kind: PlantedKind
    topic_ids: tuple[TopicId, ...]
    start_ms: int
    end_ms: int
    must_alert: bool
    group: bool
    note: str
    source: str = ""
    documents: int = 0

    def __post_init__(self) -> None:
        if self.end_ms <= self.start_ms:
            raise ValueError(f"{self.kind} ends before it begins")


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which one source delivers nothing."""

    source: Source
    start_ms: int
    end_ms: int

    def swallows(self, source: Source, at_ms: int) -> bool:
        """Whether the source is out at that time."""
        return source is self.source and self.start_ms <= at_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is hit by what, and when it begins; drawn before a single document is written."""

    recall: tuple[Company, int]
    liquidity: tuple[Company, int]
    shock: tuple[tuple[Company, ...], int]
    fraud: tuple[Company, int]
    good: tuple[Company, int]
    neutral: tuple[Company, int]
    copies: tuple[Company, int]
    angry: tuple[Company, int]
    lists: tuple[tuple[Company, ...], int]
    outage: Outage

    def is_spared(self, company: Company, at_ms: int) -> bool:
        """Whether ordinary bad news would blur an event: what must stay silent is a clean experiment for a day before
        and after, and a bad event begins where nothing else is going on, so that its delay can be told."""
        silent = (self.good, self.neutral, self.copies, self.angry)
        bad = (self.recall, self.liquidity, self.fraud, *((one, self.shock[1]) for one in self.shock[0]))
        return any(company is one and abs(at_ms - start_ms) < DAY_MS for one, start_ms in silent) or any(
            company is one and -DAY_MS < at_ms - start_ms < 0 for one, start_ms in bad
        )


def draw_plan(start_ms: int, days: int, rng: Random) -> Plan:
    """Cast the events: no company in two of them (but for the lists, which name anybody)."""
    free = list(COMPANIES)

    def cast(*sectors: Sector, is_chinese: bool | None = None) -> Company:
        fitting = [one for one in free if one.sector in sectors and is_chinese in (None, one.is_chinese)]
        chosen = rng.choice(fitting)
        free.remove(chosen)
        return chosen

    shocked = rng.choice((Sector.CHIPS, Sector.CARS))
    victims = tuple(one for one in COMPANIES if one.sector is shocked)
    free = [one for one in free if one.sector is not shocked]
    quiet = (Sector.PHARMA, Sector.RETAIL, Sector.AIRLINE, Sector.ENERGY, Sector.FOOD)
    recall, liquidity = cast(Sector.FOOD), cast(Sector.BANK)
    fraud = cast(Sector.PROPERTY, Sector.PHARMA, Sector.ENERGY, Sector.RETAIL, Sector.AIRLINE, is_chinese=True)
    angry = cast(Sector.RETAIL, Sector.AIRLINE, is_chinese=False)

    working = [day for day in range(LEARNING_DAYS, days) if weekday_of(start_ms + day * DAY_MS) < 5]
    bad_days = rng.sample(working, 4)
    # The outage has a working day of its own, or it would swallow what an event says. Seven days hold five of them.
    outage_day = rng.choice(
        [
            day
            for day in range(LEARNING_DAYS - 1, days)
            if weekday_of(start_ms + day * DAY_MS) < 5 and day not in bad_days
        ]
    )
    other_days = [day for day in working if day != outage_day]

    def moment(day: int, first_hour: int, last_hour: int) -> int:
        return start_ms + day * DAY_MS + rng.randrange(first_hour * HOUR_MS, last_hour * HOUR_MS)

    source, first_hour = rng.choice(((MICROBLOG, 9), (FORUM, 1)))
    outage_ms = moment(outage_day, first_hour, first_hour + 2)
    return Plan(
        recall=(recall, moment(bad_days[0], 9, 14)),
        liquidity=(liquidity, moment(bad_days[1], 8, 14)),
        shock=(victims, moment(bad_days[2], 7, 13)),
        fraud=(fraud, moment(bad_days[3], 1, 5)),
        good=(cast(*quiet), moment(rng.choice(other_days), 7, 13)),
        neutral=(cast(*quiet), moment(rng.choice(other_days), 7, 13)),
        copies=(cast(*quiet), moment(rng.choice(other_days), 8, 15)),
        angry=(angry, moment(rng.choice(other_days), 9, 16)),
        lists=(tuple(rng.sample(COMPANIES, 24)), moment(rng.choice(other_days), 8, 13)),
        outage=Outage(source, outage_ms, outage_ms + rng.randrange(390, 540) * MINUTE_MS),
    )


def burst(start_ms: int, documents: int, rng: Random) -> list[int]:
    """Times of a burst in ascending order: one, then more and more within minutes to an hour, then a tail of hours."""
    ramp_ms = rng.randrange(15 * MINUTE_MS, HOUR_MS)
    tail_ms = rng.randrange(3 * HOUR_MS, 7 * HOUR_MS)

    def later() -> int:
        if rng.random() < 0.55:
            return int(ramp_ms * max(rng.random(), rng.random()))
        return ramp_ms + int(tail_ms * min(rng.random(), rng.random()))

    return [start_ms, *sorted(start_ms + 1 + later() for _ in range(documents - 1))]


def take(lines: Sequence[str], count: int, rng: Random) -> Iterator[str]:
    """`count` wordings in random order, none twice while there are others."""
    while count > 0:
        batch = rng.sample(lines, min(count, len(lines)))
        count -= len(batch)
        yield from batch
