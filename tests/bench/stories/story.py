"""The story: background talk, fifteen incidents, a sector's shock and twelve decoys, as records and as truth.

Order of events: attention and the calendar of planted events are drawn, planted documents are written, then chatter
fills the weeks, then copies are made, an outage swallows what it swallows, and everything becomes records in order of
arrival. All randomness comes from one seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.bench.stories import chatter, decoys, incidents_chinese, incidents_english
from tests.bench.stories.chatter import Tone
from tests.bench.stories.firms import FIRMS, Firm
from tests.bench.stories.kinds import SECTORS, Decoy, Kind
from tests.bench.stories.outlets import (
    DAILY,
    FORUM_ZH,
    OUTLETS,
    PINBOARD,
    WIRE,
    Item,
    Outlet,
    Rhythm,
    broken,
    encode,
    fields_of,
    pick_outlet,
    usual_delay,
    weekday_of,
)
from tests.bench.stories.truth import SHOCK, Planted
from tests.bench.stories.wording import (
    Words,
    draw_facts,
    draw_small_facts,
    is_news,
    mention,
    take,
    word_article,
    word_post,
)

START_MS = 1_788_739_200_000
"""Monday, 7 September 2026, 00:00 UTC."""
DAYS = 42
FIRST_DAY = 7
"""Nothing is planted in the first week: that is when a monitor learns what is usual."""
CHATTER = 18_000
"""Documents of background talk, before copies and replies: some 20,000 in all."""
SIZES = (5, 8, 15)
PER_SIZE = 5
CHINESE_INCIDENTS = 5
SHOCK_FIRMS = 10
SHOCK_DOCUMENTS = 5
SHOCK_MS = 40 * MINUTE_MS
BROKEN_RATIO = 0.005
_BAD, _GOOD = 0.12, 0.2
"""Parts of chatter that speak against and for a company; the rest is neutral."""
_ELSEWHERE = 0.06
"""How much less a company is talked of in the other language."""
_RESULTS_TONES = ((0.06, 0.5), (0.15, 0.25), (0.35, 0.1))
"""(bad, good) parts of the talk on a company's results day: well received, mixed, and not."""


@dataclass(frozen=True, slots=True)
class Story:
    """Records in order of arrival, what was planted, and for each planted event the ids of its documents."""

    records: tuple[bytes, ...]
    truth: tuple[Planted, ...]
    documents: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which an outlet delivers nothing."""

    outlet: Outlet
    start_ms: int
    end_ms: int

    def swallows(self, item: Item) -> bool:
        """Whether this document never arrives."""
        return item.outlet is self.outlet and self.start_ms <= item.said_ms < self.end_ms


class Narrator:
    """Writes one story; `write` is all there is to call."""

    def __init__(self, seed: int, chatter_documents: int = CHATTER) -> None:
        self._rng = Random(f"second story {seed}")
        self._chatter = chatter_documents
        self._items: list[Item] = []
        self._truth: list[Planted] = []
        self._outages: list[Outage] = []
        ranked = self._rng.sample(FIRMS, len(FIRMS))
        # Attention falls with the rank: the first is talked of 120 times as much as the last.
        self._attention = {firm.id: 1 / rank for rank, firm in enumerate(ranked, 1)}
        self._rhythms = {language: Rhythm(START_MS, DAYS, language) for language in (False, True)}
        self._cumulative = {
            language: list(
                accumulate(self._attention[f.id] * (1 if f.is_chinese is language else _ELSEWHERE) for f in FIRMS)
            )
            for language in (False, True)
        }

    def write(self) -> Story:
        """The whole story."""
        rng = self._rng
        free = list(FIRMS)
        days = rng.sample(range(FIRST_DAY, DAYS), 15 + 1)
        self._plant_incidents(free, days[:15])
        self._plant_shock(free, days[15])
        self._plant_decoys(free)
        self._plant_outages(days)
        self._talk()
        self._report_results()
        self._copy()
        return self._publish()

    def _moment(self, day: int, is_chinese: bool) -> int:
        """A time of that day at which its people are awake."""
        return Rhythm(START_MS + day * DAY_MS, 1, is_chinese).draw(self._rng)

    def _draw_firm(self, free: list[Firm], sectors: frozenset[str] | None, is_chinese: bool) -> Firm:
        """A company that nothing has happened to yet; any, whatever its fame."""
        fitting = [one for one in free if one.is_chinese is is_chinese and (sectors is None or one.sector in sectors)]
        firm = self._rng.choice(fitting)
        free.remove(firm)
        return firm

    def _add(
        self, template: str, firm: Firm, facts: dict[str, str], at_ms: int, is_chinese: bool, planted: int | None = None
    ) -> Item:
        """One document from a template, said at a time by somebody."""
        rng = self._rng
        is_post = not is_news(template)
        outlet = pick_outlet(is_chinese, is_post, rng)
        words = (word_post if is_post else word_article)(template, firm, facts, is_chinese, rng)
        item = Item(outlet, at_ms, at_ms + usual_delay(outlet, rng), words, outlet.author(rng), planted)
        self._items.append(item)
        return item

    def _plant(self, kind: str, firms: Sequence[Firm], times: Sequence[int], documents: int, outlet: str = "") -> int:
        """Enter an event into the truth; gives its place there."""
        self._truth.append(Planted(kind, tuple(f.id for f in firms), min(times), max(times), documents, outlet))
        return len(self._truth) - 1

    def _spread(self, start_ms: int, documents: int, spread_ms: int) -> list[int]:
        """Times from a first one over a spread, denser at its beginning."""
        rng = self._rng
        return [start_ms, *sorted(start_ms + int(spread_ms * rng.betavariate(1, 1.6)) for _ in range(documents - 1))]

    def _plant_incidents(self, free: list[Firm], days: Sequence[int]) -> None:
        rng = self._rng
        sizes = rng.sample(SIZES * PER_SIZE, len(SIZES) * PER_SIZE)
        chinese = set(rng.sample(sorted(incidents_chinese.NEWS), CHINESE_INCIDENTS))
        # Kinds with the fewest companies choose first.
        for kind, size, day in zip(sorted(Kind, key=lambda k: len(SECTORS.get(k, FIRMS))), sizes, days, strict=True):
            is_chinese = kind in chinese
            firm = self._draw_firm(free, SECTORS.get(kind), is_chinese)
            texts = incidents_chinese if is_chinese else incidents_english
            # Within what both lists hold, so that no wording comes twice.
            most = len(texts.NEWS[kind])
            news = min(most, max(size - len(texts.POSTS[kind]), round(size * rng.uniform(0.3, 0.6))))
            templates = take(texts.NEWS[kind], news, rng) + take(texts.POSTS[kind], size - news, rng)
            rng.shuffle(templates)
            times = self._spread(self._moment(day, is_chinese), size, rng.randrange(HOUR_MS, 6 * HOUR_MS))
            facts = draw_facts(firm, is_chinese, rng)
            planted = self._plant(kind, [firm], times, size)
            for template, at_ms in zip(templates, times, strict=True):
                self._add(template, firm, facts, at_ms, is_chinese, planted)

    def _plant_shock(self, free: list[Firm], day: int) -> None:
        """Bad news of a whole sector at once: ten companies, five documents each, within forty minutes."""
        rng = self._rng
        by_sector: dict[str, list[Firm]] = {}
        for firm in free:
            by_sector.setdefault(firm.sector, []).append(firm)
        sector = rng.choice(
            [firms for firms in by_sector.values() if len(firms) >= SHOCK_FIRMS] or [max(by_sector.values(), key=len)]
        )
        firms = rng.sample(sector, min(SHOCK_FIRMS, len(sector)))
        start_ms = self._moment(day, False)
        planted = self._plant(SHOCK, firms, (start_ms, start_ms + SHOCK_MS), SHOCK_DOCUMENTS)
        for firm in firms:
            free.remove(firm)
            texts = incidents_chinese.SHOCK if firm.is_chinese else incidents_english.SHOCK
            facts = draw_facts(firm, firm.is_chinese, rng)
            for template in take(texts, SHOCK_DOCUMENTS, rng):
                self._add(template, firm, facts, start_ms + rng.randrange(SHOCK_MS), firm.is_chinese, planted)

    def _plant_decoys(self, free: list[Firm]) -> None:
        """Two of each, one English and one Chinese."""
        rng = self._rng
        for is_chinese in (False, True):
            bursts = (
                (Decoy.GOOD_NEWS, decoys.GOOD_CHINESE if is_chinese else decoys.GOOD_ENGLISH),
                (Decoy.NEUTRAL_TALK, decoys.NEUTRAL_CHINESE if is_chinese else decoys.NEUTRAL_ENGLISH),
            )
            for kind, texts in bursts:
                firm = self._draw_firm(free, None, is_chinese)
                facts = draw_facts(firm, is_chinese, rng)
                times = self._spread(self._decoy_moment(is_chinese), 15, rng.randrange(HOUR_MS, 6 * HOUR_MS))
                planted = self._plant(kind, [firm], times, 15)
                for template, at_ms in zip(take(texts, 15, rng), times, strict=True):
                    self._add(template, firm, facts, at_ms, is_chinese, planted)
            self._plant_copies(self._draw_firm(free, None, is_chinese), is_chinese)
            self._plant_angry_author(
                self._draw_firm(free, frozenset({"retail", "transport", "software", "food", "bank"}), is_chinese),
                is_chinese,
            )
            self._plant_lists(free, is_chinese)

    def _decoy_moment(self, is_chinese: bool) -> int:
        return self._moment(self._rng.randrange(FIRST_DAY, DAYS), is_chinese)

    def _plant_copies(self, firm: Firm, is_chinese: bool) -> None:
        """Forty tellings of one text; every few are edited a little, as people do who pass something on."""
        rng = self._rng
        template = rng.choice(decoys.COPIED_CHINESE if is_chinese else decoys.COPIED_ENGLISH)
        facts = draw_facts(firm, is_chinese, rng)
        text = template.format_map({**facts, "n": firm.name, "s": firm.short})
        times = self._spread(self._decoy_moment(is_chinese), 40, rng.randrange(2 * HOUR_MS, 5 * HOUR_MS))
        planted = self._plant(Decoy.COPIES, [firm], times, 40)
        for at_ms in times:
            outlet = pick_outlet(is_chinese, rng.random() < 0.75, rng)
            words = Words("", _edited(text, is_chinese, rng))
            if not outlet.is_social:
                words = Words("读者来信" if is_chinese else "From our readers", words.text)
            self._items.append(
                Item(outlet, at_ms, at_ms + usual_delay(outlet, rng), words, outlet.author(rng), planted)
            )

    def _plant_angry_author(self, firm: Firm, is_chinese: bool) -> None:
        rng = self._rng
        outlet = FORUM_ZH if is_chinese else PINBOARD
        author = "不服气的老张" if is_chinese else "fed_up_of_fenwick"
        times = self._spread(self._decoy_moment(is_chinese), 12, 8 * HOUR_MS)
        planted = self._plant(Decoy.ANGRY_AUTHOR, [firm], times, 12)
        facts = draw_facts(firm, is_chinese, rng)
        for template, at_ms in zip(
            take(decoys.ANGRY_CHINESE if is_chinese else decoys.ANGRY_ENGLISH, 12, rng), times, strict=True
        ):
            words = word_post(template, firm, facts, is_chinese, rng)
            self._items.append(Item(outlet, at_ms, at_ms + usual_delay(outlet, rng), words, author, planted))

    def _plant_lists(self, free: Sequence[Firm], is_chinese: bool) -> None:
        """Ten lists of twenty out of twenty-four companies to which nothing else happens."""
        rng = self._rng
        named = rng.sample(free, 24)
        times = self._spread(self._decoy_moment(is_chinese), 10, 2 * HOUR_MS)
        planted = self._plant(Decoy.LISTS, named, times, 10)
        for template, at_ms in zip(
            take(decoys.LISTS_CHINESE if is_chinese else decoys.LISTS_ENGLISH, 10, rng), times, strict=True
        ):
            called = [mention(firm, is_chinese, rng) for firm in rng.sample(named, 20)]
            outlet = pick_outlet(is_chinese, True, rng)
            words = Words("", template.format(names=("、" if is_chinese else " ").join(called)))
            self._items.append(
                Item(outlet, at_ms, at_ms + usual_delay(outlet, rng), words, outlet.author(rng), planted)
            )

    def _plant_outages(self, taken: Sequence[int]) -> None:
        """A working day each of the largest English and the largest Chinese feed, where no incident needs them."""
        rng = self._rng
        days = [day for day in range(FIRST_DAY, DAYS) if day not in taken and weekday_of(START_MS + day * DAY_MS) < 5]
        for outlet, first_hour, day in zip((PINBOARD, FORUM_ZH), (9, 1), rng.sample(days, 2), strict=True):
            start_ms = START_MS + day * DAY_MS + first_hour * HOUR_MS + rng.randrange(HOUR_MS)
            end_ms = start_ms + rng.randrange(8 * HOUR_MS, 10 * HOUR_MS)
            own = [firm for firm in FIRMS if firm.is_chinese is outlet.is_chinese]
            loudest = sorted(own, key=lambda firm: -self._attention[firm.id])[:10]
            self._plant(Decoy.OUTAGE, loudest, (start_ms, end_ms), 0, outlet.name)
            self._outages.append(Outage(outlet, start_ms, end_ms))

    def _talk(self) -> None:
        """Background: each document by an outlet, about a company, in a tone; some posts are answered."""
        rng = self._rng
        weights = [one.weight for one in OUTLETS]
        for outlet in rng.choices(OUTLETS, weights, k=self._chatter):
            is_chinese = outlet.is_chinese
            firm = rng.choices(FIRMS, cum_weights=self._cumulative[is_chinese])[0]
            at_ms = self._rhythms[is_chinese].draw(rng)
            tone = self._tone(_BAD, _GOOD)
            self._chat(firm, tone, at_ms, is_chinese, outlet.is_social)
            if outlet.is_social and rng.random() < 0.08:
                # Answers lean to the tone of what they answer.
                answer = tone if rng.random() < 0.4 else self._tone(_BAD, _GOOD)
                self._chat(firm, answer, at_ms + rng.randrange(MINUTE_MS, 40 * MINUTE_MS), is_chinese, True)

    def _tone(self, bad: float, good: float) -> Tone:
        drawn = self._rng.random()
        return Tone.BAD if drawn < bad else Tone.GOOD if drawn < bad + good else Tone.NEUTRAL

    def _chat(self, firm: Firm, tone: Tone, at_ms: int, is_chinese: bool, is_social: bool) -> None:
        if is_social:
            texts = chatter.POSTS_CHINESE if is_chinese else chatter.POSTS_ENGLISH
        else:
            texts = chatter.NEWS_CHINESE if is_chinese else chatter.NEWS_ENGLISH
        facts = draw_small_facts(firm, is_chinese, self._rng)
        self._add(self._rng.choice(texts[tone]), firm, facts, at_ms, is_chinese)

    def _report_results(self) -> None:
        """Each company reports once in the six weeks, on a working day, and is talked of more than usual."""
        rng = self._rng
        working = [day for day in range(DAYS) if weekday_of(START_MS + day * DAY_MS) < 5]
        total = sum(self._attention.values())
        for firm in FIRMS:
            day = rng.choice(working)
            usual = self._chatter / DAYS * self._attention[firm.id] / total
            bad, good = rng.choices(_RESULTS_TONES, (4, 4, 2))[0]
            for _ in range(min(60, round(1 + 2 * usual))):
                at_ms = self._moment(day, firm.is_chinese)
                self._chat(firm, self._tone(bad, good), at_ms, firm.is_chinese, rng.random() < 0.7)

    def _copy(self) -> None:
        """Papers reprint the wire, and posts are passed on; never what was planted, whose size is the experiment."""
        rng = self._rng
        for item in [one for one in self._items if one.planted is None]:
            if item.outlet is WIRE and rng.random() < 0.25:
                at_ms = item.said_ms + rng.randrange(5 * MINUTE_MS, 90 * MINUTE_MS)
                copy = replace(item, outlet=DAILY, said_ms=at_ms, seen_ms=at_ms + usual_delay(DAILY, rng))
            elif item.outlet is PINBOARD and rng.random() < 0.06:
                at_ms = item.said_ms + rng.randrange(30 * SECOND_MS, 120 * MINUTE_MS)
                words = replace(item.words, text=f"RT @{item.author}: {item.words.text}")
                copy = Item(PINBOARD, at_ms, at_ms + usual_delay(PINBOARD, rng), words, PINBOARD.author(rng))
            else:
                continue
            self._items.append(copy)

    def _publish(self) -> Story:
        """Number the documents by outlet in order of saying, and give their records in order of arrival."""
        rng = self._rng
        end_ms = START_MS + DAYS * DAY_MS
        said = [
            item
            for item in sorted(self._items, key=lambda one: one.said_ms)
            if item.said_ms < end_ms and not any(outage.swallows(item) for outage in self._outages)
        ]
        numbers = dict.fromkeys((outlet.name for outlet in OUTLETS), 100_000)
        documents: list[list[str]] = [[] for _ in self._truth]
        arrivals: list[tuple[int, int, bytes]] = []
        for place, item in enumerate(said):
            numbers[item.outlet.name] += 1
            number = numbers[item.outlet.name]
            fields = fields_of(item, number)
            if item.planted is not None:
                documents[item.planted].append(f"{item.outlet.name}:a{number}")
            elif rng.random() < BROKEN_RATIO:
                arrivals.append((item.seen_ms, place, broken(fields, rng)))
                continue
            arrivals.append((item.seen_ms, place, encode(fields)))
        return Story(
            tuple(line for _, _, line in sorted(arrivals)), tuple(self._truth), tuple(tuple(ids) for ids in documents)
        )


def _edited(text: str, is_chinese: bool, rng: Random) -> str:
    """A text as it is passed on: mostly untouched, sometimes with a word before it, or its end cut off."""
    choice = rng.randrange(6)
    if choice == 0:
        return ("转：" if is_chinese else "pls share: ") + text
    if choice == 1:
        return text[: -rng.randrange(4, 12)]
    if choice == 2:
        return text + ("！！" if is_chinese else " (via a friend)")
    return text


def tell(seed: int, chatter_documents: int = CHATTER) -> Story:
    """The story of a seed; fewer documents of chatter make a shorter one with the same plan."""
    return Narrator(seed, chatter_documents).write()
