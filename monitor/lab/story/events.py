"""Events: writes what the plan has cast, each with the number of voices, wordings and copies that its kind asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from monitor.clock import HOUR_MS, MINUTE_MS
from monitor.lab.story import events_chinese as zh
from monitor.lab.story import events_english as en
from monitor.lab.story.companies import Company, Sector
from monitor.lab.story.items import Item
from monitor.lab.story.pen import Pen
from monitor.lab.story.planting import Plan, Planted, PlantedKind, burst, take
from monitor.lab.story.sources import FORUM, MICROBLOG, NEWSWIRE_ZH, PRESS, Source

COPIES = 40
ANGRY_POSTS = 12
LISTS = 14
LIST_NAMES = 20
SHOCK_DOCUMENTS = 6
"""Of each company: with ten of them sixty documents, and none that a rule for single companies could miss."""

EventItems = tuple[Planted, list[Item]]


@dataclass(frozen=True, slots=True)
class Voices:
    """Wordings for one event: English press and posts, Chinese press and posts."""

    news: Sequence[str]
    posts: Sequence[str]
    news_zh: Sequence[str]
    posts_zh: Sequence[str]


RECALL = Voices(en.RECALL_NEWS, en.RECALL_POSTS, zh.RECALL_NEWS, zh.RECALL_POSTS)
LIQUIDITY = Voices(en.LIQUIDITY_NEWS, en.LIQUIDITY_POSTS, zh.LIQUIDITY_NEWS, zh.LIQUIDITY_POSTS)
FRAUD = Voices(en.FRAUD_NEWS, en.FRAUD_POSTS, zh.FRAUD_NEWS, zh.FRAUD_POSTS)
GOOD = Voices(en.GOOD_NEWS, en.GOOD_POSTS, zh.GOOD_NEWS, zh.GOOD_POSTS)
NEUTRAL = Voices(en.NEUTRAL_NEWS, en.NEUTRAL_POSTS, zh.NEUTRAL_NEWS, zh.NEUTRAL_POSTS)
SHOCKS = {
    Sector.CHIPS: Voices(en.CHIPS_SHOCK_NEWS, en.CHIPS_SHOCK_POSTS, zh.CHIPS_SHOCK_NEWS, zh.CHIPS_SHOCK_POSTS),
    Sector.CARS: Voices(en.CARS_SHOCK_NEWS, en.CARS_SHOCK_POSTS, zh.CARS_SHOCK_NEWS, zh.CARS_SHOCK_POSTS),
}


def write_events(plan: Plan, pen: Pen, rng: Random) -> list[EventItems]:
    """Every event with its documents, in the order of `PlantedKind`."""
    writer = _Writer(pen, rng)
    victims, shock_ms = plan.shock
    outage = plan.outage
    sector = victims[0].sector
    shocked = [item for one in victims for item in writer.shock(one, SHOCKS[sector], shock_ms)]
    return [
        _event(PlantedKind.RECALL, "a food recall", writer.talk(plan.recall, RECALL, 30, 38)),
        _event(PlantedKind.LIQUIDITY, "a rumour that spreads from one post", writer.rumour(plan.liquidity)),
        _event(PlantedKind.SECTOR_SHOCK, f"a shock to all of {sector}", shocked),
        _event(PlantedKind.FRAUD, "an investigation of accounting fraud", writer.talk(plan.fraud, FRAUD, 30, 38)),
        _event(PlantedKind.GOOD_NEWS, "a takeover bid at a premium", writer.talk(plan.good, GOOD, 30, 36)),
        _event(PlantedKind.NEUTRAL_TALK, "talk about a new logo", writer.talk(plan.neutral, NEUTRAL, 30, 36)),
        _event(PlantedKind.COPIES, "one bad report, forty times", writer.copies(*plan.copies)),
        _event(PlantedKind.ANGRY_AUTHOR, "twelve posts of one account", writer.angry(*plan.angry)),
        _event(PlantedKind.LISTS, "lists of twenty names", writer.lists(*plan.lists)),
        (
            Planted(
                PlantedKind.OUTAGE, (), outage.start_ms, outage.end_ms, False, False,
                f"{outage.source.name} delivers nothing", source=outage.source.name,
            ),
            [],
        ),
    ]  # fmt: skip


def _event(kind: PlantedKind, note: str, items: list[Item]) -> EventItems:
    topics = dict.fromkeys(topic for item in items for topic in item.about)
    is_bad = kind in (PlantedKind.RECALL, PlantedKind.LIQUIDITY, PlantedKind.SECTOR_SHOCK, PlantedKind.FRAUD)
    said = [item.said_ms for item in items]
    planted = Planted(
        kind, tuple(topics), min(said), max(said) + 1, is_bad, kind is PlantedKind.SECTOR_SHOCK, note,
        documents=len(items),
    )  # fmt: skip
    return planted, items


class _Writer:
    """Writes the documents of one event after the other; within an event no author speaks twice unless told to."""

    def __init__(self, pen: Pen, rng: Random) -> None:
        self._pen = pen
        self._rng = rng

    def talk(self, cast: tuple[Company, int], voices: Voices, least: int, most: int) -> list[Item]:
        """A burst of different people in different words. A Chinese company is talked of in Chinese above all."""
        company, start_ms = cast
        rng = self._rng
        lines = self._lines(company, voices)
        chosen = lines[: min(rng.randrange(least, most + 1), len(lines))]
        return self._tell(company, chosen, burst(start_ms, len(chosen), rng))

    def shock(self, company: Company, voices: Voices, start_ms: int) -> list[Item]:
        """A few documents about one victim; it is hit within minutes of the others."""
        begin_ms = start_ms + self._rng.randrange(25 * MINUTE_MS)
        lines = self._lines(company, voices)[:SHOCK_DOCUMENTS]
        return self._tell(company, lines, burst(begin_ms, len(lines), self._rng))

    def rumour(self, cast: tuple[Company, int]) -> list[Item]:
        """One post, its retweets, then posts in other words, and the press only after half an hour."""
        company, start_ms = cast
        rng, pen = self._rng, self._pen
        first = self._spoken(pen.write(en.LIQUIDITY_FIRST, company, MICROBLOG, start_ms), set())
        authors = {first.author}
        shares = [
            self._spoken(retweet(first, start_ms + rng.randrange(MINUTE_MS, 50 * MINUTE_MS), rng), authors)
            for _ in range(rng.randrange(6, 10))
        ]
        posts = [*take(LIQUIDITY.posts, rng.randrange(20, 25), rng)]
        if company.is_chinese or rng.random() < 0.5:
            posts += LIQUIDITY.posts_zh
            rng.shuffle(posts)
        posted = self._tell(company, posts, burst(start_ms + 3 * MINUTE_MS, len(posts), rng), authors)
        reports = [*take(LIQUIDITY.news, 8, rng), *take(LIQUIDITY.news_zh, 3, rng)]
        told = self._tell(company, reports, burst(start_ms + 35 * MINUTE_MS, len(reports), rng), authors)
        return [first, *shares, *posted, *told]

    def copies(self, company: Company, start_ms: int) -> list[Item]:
        """One text: printed by one, then word for word by many, and shared by as many accounts."""
        rng = self._rng
        line = rng.choice(en.COPIED)
        words = self._pen.write(line, company, MICROBLOG, start_ms)
        authors: set[str | None] = set()
        items = []
        for said_ms in burst(start_ms, COPIES, rng):
            source = rng.choice((*PRESS, MICROBLOG, MICROBLOG, MICROBLOG))
            author = source.author(rng) if source.names_authors else None
            seen_ms = said_ms + rng.randrange(200, source.delay_ms)
            copy = Item(source, said_ms, seen_ms, "", words.text, author, about=words.about)
            items.append(self._spoken(copy, authors))
        return items

    def angry(self, company: Company, start_ms: int) -> list[Item]:
        """One account that cannot stop; its posts are about a quarter of an hour apart."""
        rng = self._rng
        author = MICROBLOG.author(rng)
        said_ms, items = start_ms, []
        for line in take(en.ANGRY_POSTS, ANGRY_POSTS, rng):
            written = self._pen.write(line, company, MICROBLOG, said_ms)
            items.append(replace(written, author=author, symbols=()))
            said_ms += rng.randrange(3 * MINUTE_MS, 25 * MINUTE_MS)
        return items

    def lists(self, companies: Sequence[Company], start_ms: int) -> list[Item]:
        """Posts that name twenty companies each, by ticker or by name, with gloomy words above."""
        rng = self._rng
        authors: set[str | None] = set()
        items = []
        for _ in range(LISTS):
            said_ms = start_ms + rng.randrange(5 * HOUR_MS)
            source = rng.choice((MICROBLOG, MICROBLOG, FORUM))
            named = rng.sample(companies, LIST_NAMES)
            if source is FORUM:
                text = rng.choice(zh.LISTS).format(names="、".join(one.zh for one in named))
            elif rng.random() < 0.7:
                text = rng.choice(en.LISTS).format(names=" ".join(f"${one.ticker}" for one in named))
            else:
                text = rng.choice(en.LISTS).format(names=", ".join(one.name for one in named))
            symbols = tuple(one.ticker for one in named) if "$" in text else ()
            seen_ms = said_ms + rng.randrange(200, source.delay_ms)
            about = tuple(one.id for one in named)
            item = Item(source, said_ms, seen_ms, "", text, source.author(rng), symbols, about)
            items.append(self._spoken(item, authors))
        return items

    def _lines(self, company: Company, voices: Voices) -> list[str]:
        """The wordings in random order; of the language that fewer use only a part."""
        rng = self._rng
        english, chinese = [*voices.news, *voices.posts], [*voices.news_zh, *voices.posts_zh]
        if company.is_chinese and len(chinese) < len(english):
            english = rng.sample(english, max(len(english) * 2 // 3, SHOCK_DOCUMENTS))
        elif not company.is_chinese:
            chinese = rng.sample(chinese, len(chinese) // 2)
        lines = [*english, *chinese]
        rng.shuffle(lines)
        return lines

    def _tell(
        self, company: Company, lines: Iterable[str], times: Sequence[int], authors: set[str | None] | None = None
    ) -> list[Item]:
        spoken = set() if authors is None else authors
        items = []
        for line, said_ms in zip(lines, times, strict=True):
            source = self._source_for(line)
            items.append(self._spoken(self._pen.write(line, company, source, said_ms), spoken))
        return items

    def _source_for(self, line: str) -> Source:
        """Where a wording can stand: by its language, and by whether it has a headline."""
        is_news = " | " in line
        if any("\u4e00" <= character <= "\u9fff" for character in line):
            return NEWSWIRE_ZH if is_news else FORUM
        return self._rng.choice(PRESS) if is_news else MICROBLOG

    def _spoken(self, item: Item, authors: set[str | None]) -> Item:
        """The item with an author who has not spoken yet; remembers who has."""
        while item.author is not None and item.author in authors:
            item = replace(item, author=item.source.author(self._rng))
        authors.add(item.author)
        return item


def retweet(first: Item, said_ms: int, rng: Random) -> Item:
    """Somebody else passes a post on, as old programs do."""
    source = first.source
    author = source.author(rng)
    while author == first.author:
        author = source.author(rng)
    seen_ms = said_ms + rng.randrange(200, source.delay_ms)
    return replace(first, said_ms=said_ms, seen_ms=seen_ms, text=f"RT @{first.author}: {first.text}", author=author)
