"""The pen: fills a wording with a company, numbers, people and places, and lays it out as its source would."""

from collections.abc import Sequence
from random import Random

from monitor.lab.story import everyday_chinese, everyday_english
from monitor.lab.story.companies import BROKERS, CITIES, DAYS, MONTHS, PEOPLE, TRADES, Company
from monitor.lab.story.items import Item
from monitor.lab.story.sources import BLOGS, WIRE, Source

CASHTAG_SHARE = 0.75
"""Posts that write the ticker rather than the name, as far as a wording leaves the choice."""

Words = dict[str, str]


class Pen:
    """Writes items; every choice comes from one random generator."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def write(self, line: str, company: Company, source: Source, said_ms: int, other: Company | None = None) -> Item:
        """One document about a company (and another one, where the wording has room for it)."""
        rng, zh = self._rng, source.is_chinese
        words = self._words(company, zh)
        if other is not None:
            words["other"] = other.zh if zh else other.name
        headline, bar, lead = line.partition(" | ")
        author = source.author(rng) if source.names_authors else None
        seen_ms = said_ms + rng.randrange(200, source.delay_ms)
        about = (company.id,) if other is None else (company.id, other.id)
        if source.is_social or not bar:
            tag_share = 0.0 if zh else CASHTAG_SHARE
            words["tag"] = f"${company.ticker}" if rng.random() < tag_share else words["co"]
            text = line.replace(" | ", " ").format_map(words)
            symbols: tuple[str, ...] = (
                (company.ticker,) if f"${company.ticker}" in text or rng.random() < tag_share / 2 else ()
            )
            return Item(source, said_ms, seen_ms, "", text, author, symbols, about)
        pieces = [lead, *self._context(zh)]
        if source is BLOGS:
            pieces.insert(0, rng.choice(everyday_english.BLOG_OPENINGS))
        text = ("" if zh else " ").join(pieces).format_map(words)
        symbols = about if source is WIRE else ()
        return Item(source, said_ms, seen_ms, headline.format_map(words), text, author, symbols, about)

    def write_plain(self, line: str, name: str, source: Source, said_ms: int) -> Item:
        """One document about somebody whom nobody watches."""
        rng = self._rng
        words = self._words(None, source.is_chinese) | {"co": name, "tag": name}
        headline, bar, lead = line.partition(" | ")
        author = source.author(rng) if source.names_authors else None
        seen_ms = said_ms + rng.randrange(200, source.delay_ms)
        title = headline.format_map(words) if bar and not source.is_social else ""
        text = (lead if title else line.replace(" | ", " ")).format_map(words)
        return Item(source, said_ms, seen_ms, title, text, author)

    def _context(self, zh: bool) -> Sequence[str]:
        sentences = everyday_chinese.CONTEXT if zh else everyday_english.CONTEXT
        return self._rng.sample(sentences, self._rng.randrange(3))

    def _words(self, company: Company | None, zh: bool) -> Words:
        rng, language = self._rng, int(zh)
        trade = TRADES[company.sector] if company else rng.choice(list(TRADES.values()))
        tenths, thousands = rng.randrange(11, 990), rng.randrange(10, 190)
        return {
            "co": "" if company is None else company.zh if zh else company.name,
            "pct": f"{rng.randrange(3, 24)}%",
            "m": f"{tenths // 10}.{tenths % 10}亿元" if zh else f"${tenths} million",
            "k": f"{thousands // 10}.{thousands % 10}万" if zh else f"{thousands},000",
            "n": str(rng.randrange(2, 10)),
            "city": rng.choice(CITIES)[language],
            "boss": rng.choice(PEOPLE)[language],
            "broker": rng.choice(BROKERS)[language],
            "product": rng.choice(trade.products)[language],
            "site": rng.choice(trade.sites)[language],
            "people": trade.customers[language],
            "month": rng.choice(MONTHS)[language],
            "day": rng.choice(DAYS)[language],
        }
