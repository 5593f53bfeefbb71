"""Telling: settings in, the whole story out: records in order of arrival, the watchlist, and what was planted.

Order of events: draw the plan, write the events, fill up with chatter, copies of it, late arrivals, repeated and broken
records, give ids, sort by arrival. One seeded generator draws everything, by operations that give the same on every
machine (no logarithm or sine of the C library), so that a seed names a story for good.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.topics import Topic
from monitor.errors import ConfigError
from monitor.lab.story import everyday_chinese as zh
from monitor.lab.story import everyday_english as en
from monitor.lab.story.companies import COMPANIES, UNWATCHED, Company
from monitor.lab.story.events import retweet, write_events
from monitor.lab.story.items import BROKEN_KINDS, Item, break_record, encode, fields_of, format_time
from monitor.lab.story.pen import Pen
from monitor.lab.story.planting import LEARNING_DAYS, Plan, Planted, draw_plan
from monitor.lab.story.sources import PRESS, SOURCES, Source

BAD_SHARE, GOOD_SHARE = 0.06, 0.22
"""Of the chatter about a company: about one bad document in two days for each, so that "usual" is not zero."""
UNWATCHED_SHARE, PAIR_SHARE = 0.08, 0.03
COPY_SHARE, LATE_SHARE, REPEAT_SHARE, BROKEN_SHARE = 0.06, 0.03, 0.007, 0.008
"""Of all records. Copies: half of them retweets or reprints word for word, some lightly edited."""

AT_HOME = 7
"""How much more a feed speaks of companies from its own side of the world."""

LEAST_DOCUMENTS = 2_000
"""Events take up to some 350 documents; with less chatter around them nothing would be usual."""
LEAST_DAYS = 14
"""Eight to learn, and six that always hold four working days."""

_EDITS_EN = (("said", "stated"), ("company", "firm"), ("about", "around"), ("analysts", "observers"))
_EDITS_ZH = (("公司", "该公司"), ("将", "拟"), ("表示", "称"))


@dataclass(frozen=True, slots=True)
class StorySettings:
    """Which story. `documents` is the number of records, `start_ms` a midnight in UTC (2026-03-02, a Monday)."""

    seed: int = 1
    days: int = 14
    documents: int = 6_000
    start_ms: int = 1_772_409_600_000

    def __post_init__(self) -> None:
        faults = []
        if self.days < LEAST_DAYS:
            faults.append(
                f"days: {self.days} is too few; a story needs {LEAST_DAYS}, of which {LEARNING_DAYS} to learn"
            )
        if self.documents < LEAST_DOCUMENTS:
            faults.append(f"documents: {self.documents} is too few; a story needs {LEAST_DOCUMENTS}")
        if self.start_ms % DAY_MS:
            faults.append(f"start_ms: {self.start_ms} is no midnight in UTC; give a multiple of {DAY_MS}")
        if faults:
            raise ConfigError(*faults)


@dataclass(frozen=True, slots=True)
class Story:
    """A story. `broken` are the indices of records that no reader can use; only summaries and tests look at it."""

    records: list[bytes]
    watchlist: list[Topic]
    planted: list[Planted]
    broken: frozenset[int]


@dataclass(slots=True)
class Draft:
    """An item on its way to a record: whether it breaks, and when after its arrival it is delivered again, 0 if not."""

    item: Item
    is_broken: bool = False
    repeat_after_ms: int = 0


def tell(settings: StorySettings) -> Story:
    """The story of a seed: the same bytes on every machine."""
    rng = Random(settings.seed)
    pen = Pen(rng)
    plan = draw_plan(settings.start_ms, settings.days, rng)
    events = write_events(plan, pen, rng)
    told = [item for _, written in events for item in written]
    copies, repeats, broken = (int(settings.documents * share) for share in (COPY_SHARE, REPEAT_SHARE, BROKEN_SHARE))
    chatter = _Chatter(settings, plan, pen, rng).write(settings.documents - len(told) - copies - repeats - broken)
    everyday = _delay([*chatter, *_copy(chatter, copies, settings, plan, rng)], settings, plan, rng)
    drafts = [Draft(item) for item in told]
    drafts += [Draft(item) for item in everyday]
    drafts += [Draft(item, is_broken=True) for item in rng.sample(chatter, broken)]
    for draft in rng.sample(drafts[len(told) : len(told) + len(everyday)], repeats):
        draft.repeat_after_ms = rng.randrange(1_000, 20 * MINUTE_MS)
    records = write_records(drafts, plan, rng)
    return Story(
        records=[line for _, line, _ in records],
        watchlist=[company.topic for company in COMPANIES],
        planted=[planted for planted, _ in events],
        broken=frozenset(index for index, (_, _, is_broken) in enumerate(records) if is_broken),
    )


class _Chatter:
    """What is said when nothing happens."""

    def __init__(self, settings: StorySettings, plan: Plan, pen: Pen, rng: Random) -> None:
        self._plan = plan
        self._pen = pen
        self._rng = rng
        self._hours = range(settings.start_ms, settings.start_ms + settings.days * DAY_MS, HOUR_MS)
        self._sources = list(accumulate(source.weight for source in SOURCES))
        self._when = {source.name: list(accumulate(map(source.hour_weight, self._hours))) for source in SOURCES}
        # A few companies are on everybody's lips: the k-th of a shuffled cast has about a k-th of the first one's fame.
        fame = [60 // (rank + 4) + 3 for rank in range(len(COMPANIES))]
        rng.shuffle(fame)
        self._who = {
            home: list(
                accumulate(
                    weight * (AT_HOME if one.is_chinese is home else 1)
                    for weight, one in zip(fame, COMPANIES, strict=True)
                )
            )
            for home in (False, True)
        }

    def write(self, count: int) -> list[Item]:
        """So many documents, in no order."""
        return [self._one() for _ in range(count)]

    def _one(self) -> Item:
        rng = self._rng
        source = rng.choices(SOURCES, cum_weights=self._sources)[0]
        said_ms = self._moment(source)
        while self._plan.outage.swallows(source, said_ms) or self._plan.outage.swallows(source, said_ms + MINUTE_MS):
            said_ms = self._moment(source)
        book = zh if source.is_chinese else en
        if rng.random() < UNWATCHED_SHARE:
            line = rng.choice(book.POST_NEUTRAL if source.is_social else book.NEWS_NEUTRAL)
            return self._pen.write_plain(line, rng.choice(UNWATCHED)[source.is_chinese], source, said_ms)
        company = self._company(source)
        if not source.is_social and rng.random() < PAIR_SHARE:
            other = self._company(source)
            if other is not company:
                return self._pen.write(rng.choice(book.PAIR_NEUTRAL), company, source, said_ms, other)
        mood = rng.random()
        if mood < BAD_SHARE and not self._plan.is_spared(company, said_ms):
            lines = book.POST_BAD if source.is_social else book.NEWS_BAD
        elif mood > 1.0 - GOOD_SHARE:
            lines = book.POST_GOOD if source.is_social else book.NEWS_GOOD
        else:
            lines = book.POST_NEUTRAL if source.is_social else book.NEWS_NEUTRAL
        return self._pen.write(rng.choice(lines), company, source, said_ms)

    def _moment(self, source: Source) -> int:
        hour_ms = self._rng.choices(self._hours, cum_weights=self._when[source.name])[0]
        return hour_ms + self._rng.randrange(HOUR_MS)

    def _company(self, source: Source) -> Company:
        return self._rng.choices(COMPANIES, cum_weights=self._who[source.is_chinese])[0]


def _copy(chatter: list[Item], count: int, settings: StorySettings, plan: Plan, rng: Random) -> list[Item]:
    """Retweets, reprints word for word and reprints with a few words changed, within two hours of the original."""
    end_ms = settings.start_ms + settings.days * DAY_MS
    copies: list[Item] = []
    while len(copies) < count:
        first = rng.choice(chatter)
        said_ms = first.said_ms + rng.randrange(MINUTE_MS, 2 * HOUR_MS)
        if first.source.is_social:
            copy = retweet(first, said_ms, rng)
        elif first.source.is_chinese:
            copy = _edit(replace(first, author=first.source.author(rng)).at(said_ms, said_ms + 1_500), rng)
        else:
            source = rng.choice([one for one in PRESS if one is not first.source])
            author = source.author(rng) if source.names_authors else None
            seen_ms = said_ms + rng.randrange(200, source.delay_ms)
            copy = replace(first, source=source, said_ms=said_ms, seen_ms=seen_ms, author=author, symbols=())
            copy = _edit(copy, rng) if rng.random() < 0.4 else copy
        is_out = plan.outage.swallows(copy.source, copy.said_ms) or plan.outage.swallows(copy.source, copy.seen_ms)
        if said_ms < end_ms and not is_out:
            copies.append(copy)
    return copies


def _edit(item: Item, rng: Random) -> Item:
    """What a subeditor does to an agency's text: a word here, a mark in front."""
    is_chinese = item.source.is_chinese
    old, new = rng.choice(_EDITS_ZH if is_chinese else _EDITS_EN)
    mark = rng.choice(("快讯：", "【转载】") if is_chinese else ("UPDATE 1: ", "CORRECTED: "))
    title = f"{mark}{item.title}" if item.title else ""
    return replace(item, title=title, text=item.text.replace(old, new, 1))


def _delay(items: list[Item], settings: StorySettings, plan: Plan, rng: Random) -> list[Item]:
    """Some documents reach the crawler minutes to hours after they were published, most of them rather sooner."""
    late = set(rng.sample(range(len(items)), int(settings.documents * LATE_SHARE)))
    delayed = []
    for index, item in enumerate(items):
        if index in late:
            spread = rng.random()
            seen_ms = item.said_ms + 5 * MINUTE_MS + int(8 * HOUR_MS * spread * spread)
            if not plan.outage.swallows(item.source, seen_ms):
                item = item.at(item.said_ms, seen_ms)
        delayed.append(item)
    return delayed


def write_records(drafts: list[Draft], plan: Plan, rng: Random) -> list[tuple[int, bytes, bool]]:
    """(arrival, line, is broken) in order of arrival. Ids count a source's documents in order of publication."""
    drafts.sort(key=lambda draft: draft.item.said_ms)
    numbers: Counter[str] = Counter()
    lines: list[tuple[int, bytes, bool]] = []
    ways = _ways(rng)
    for draft in drafts:
        item = draft.item
        numbers[item.source.name] += 1
        fields = fields_of(item, numbers[item.source.name])
        line = break_record(fields, next(ways), rng) if draft.is_broken else encode(fields)
        lines.append((item.seen_ms, line, draft.is_broken))
        if draft.repeat_after_ms:
            # A crawler that was restarted delivers the same document once more.
            again_ms = item.seen_ms + draft.repeat_after_ms
            if plan.outage.swallows(item.source, again_ms):
                again_ms = plan.outage.end_ms
            lines.append((again_ms, encode({**fields, "observed_at": format_time(again_ms)}), False))
    lines.sort(key=lambda line: line[0])
    return lines


def _ways(rng: Random) -> Iterator[int]:
    """The ways to break a record, each equally often, in random order."""
    while True:
        yield from rng.sample(range(BROKEN_KINDS), BROKEN_KINDS)
