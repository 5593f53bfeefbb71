"""Synthetic feed: any number of short documents about any number of invented topics, fast, for benchmarks.

The texts are word salad in the shape of headlines: enough for a tagger, a lexicon and a copy detector to do their usual
work, nothing that a person would read (`story` is for people). About 60 % of the documents name a watched topic, about
15 % are negative, and hardly any two are near copies. The same seed gives the same bytes on every machine.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from monitor.clock import DAY_MS
from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.lab.story.table import watchlist_table

START_MS = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday."""

WATCHED_SHARE, NEGATIVE_SHARE, POSITIVE_SHARE = 0.60, 0.15, 0.15
_SOURCES = ("fast-wire", "fast-paper", "fast-posts", "fast-forum")
_AUTHORS = 5_000

MOST_TOPICS = 400_000
"""The tickers of five letters that begin with an X are not many more."""
_ONE_MIDDLE_UP_TO = 20_000
"""Names with one syllable in the middle: there are 94,500; drawing more than a part of them takes ever longer."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_HEADS = _words(
    """
    Al Bre Cor Dun El Fen Gar Hol Is Jor Kel Lun Mar Nor Os Pel Quen Ros Sel Tor Ul Ver Wes Xan Yor Zel Bram Clev Drun
    Esk Fal Grim Hest Ivo Kand Lors
    """
)
_MIDDLES = _words("ba de fi go lu ma ne ri so tu va wen xi yo za")
_ENDS = _words("bourne croft dale field gate ham ley mere more nor quist ridge stead ton vick wold worth zen")
_TRADES = ("Foods", "Motors", "Energy", "Airways", "Pharma", "Devices", "Stores", "Capital", "Media", "Marine")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_BAD = (
    "shares plunge after profit warning", "faces fraud investigation", "recalls defective products",
    "misses debt payment", "cuts outlook as losses mount", "sued over data breach", "to close plants and cut jobs",
    "downgraded on liquidity fears", "fined for misleading clients", "halts production after fire",
)  # fmt: skip
_GOOD = (
    "reports record profit", "wins a large order", "raises its dividend", "upgraded after a strong quarter",
    "beats expectations again", "shares jump to a new high", "returns to growth", "praised for strong cash flow",
)  # fmt: skip
_PLAIN = (
    "to publish figures next week", "opens an office", "holds its annual meeting", "names a new board member",
    "shows a new logo", "moves to another building", "updates its website", "signs the usual contract",
    "talks about its calendar", "answers a letter",
)  # fmt: skip
_NOBODY = ("the village council", "a local club", "the harbour office", "our neighbours", "the choir", "the museum")
_ADJECTIVES = _words(
    """
    brisk calm distant foggy green hollow joint kindred lengthy modern narrow paper quiet rural silver tidy velvet
    western yellow northern damp crowded painted wooden
    """
)
_NOUNS = _words(
    """
    bridge canal desk evening forest garden harbour island journal kitchen ladder market notebook orchard platform
    quarry river station tower umbrella valley window yard bakery clock drum engine ferry anchor
    """
)
_VERBS = _words(
    """
    crosses describes enters follows greets hears includes joins keeps lists meets notes offers passes reaches shares
    takes uses visits watches
    """
)
_MUSINGS = 4_096
"""Clauses prepared in advance: two drawn at random, with a number between, repeat about once in a billion."""


def synthetic_topics(topics: int, seed: int) -> list[Topic]:
    """Invented companies with names and tickers of their own, the same for the same seed. Raises: ValueError."""
    if not 1 <= topics <= MOST_TOPICS:
        raise ValueError(f"topics must be between 1 and {MOST_TOPICS:,}")
    rng = Random(seed)
    names: dict[str, str] = {}
    while len(names) < topics:
        middle = rng.choice(_MIDDLES) + (rng.choice(_MIDDLES) if topics > _ONE_MIDDLE_UP_TO else "")
        name = f"{rng.choice(_HEADS)}{middle}{rng.choice(_ENDS)} {rng.choice(_TRADES)}"
        names.setdefault(name, _ticker(len(names)))
    return [
        Topic(TopicId(ticker), name, TopicKind.COMPANY, tickers=(ticker,), aliases_en=(name,))
        for name, ticker in names.items()
    ]


def watchlist_csv(topics: int, seed: int) -> str:
    """The watchlist of `synthetic` with the same arguments, as CSV."""
    return watchlist_table(synthetic_topics(topics, seed))


def synthetic(documents: int, topics: int, seed: int, per_day: int) -> Iterator[bytes]:
    """JSON lines, each with its line end, in order of time, `per_day` of them evenly spread over a day.

    Args:
        topics: how many companies are watched and named, each about as often as any other.
    Raises: ValueError: `documents` below 0, `per_day` below 1, or `topics` out of range.
    """
    if documents < 0 or per_day < 1:
        raise ValueError("documents must be 0 or more, per_day 1 or more")
    watched = [topic.name for topic in synthetic_topics(topics, seed)]
    return _lines(documents, watched, Random(seed + 1), per_day)


def _lines(documents: int, watched: list[str], rng: Random, per_day: int) -> Iterator[bytes]:
    random, shares = rng.random, (NEGATIVE_SHARE, NEGATIVE_SHARE + POSITIVE_SHARE)
    musings = [
        f"the {rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)} {rng.choice(_VERBS)} a {rng.choice(_ADJECTIVES)} "
        f"{rng.choice(_NOUNS)}"
        for _ in range(_MUSINGS)
    ]
    day_texts: dict[int, str] = {}
    for number in range(documents):
        day, in_day_ms = divmod(START_MS + number * DAY_MS // per_day, DAY_MS)
        if day not in day_texts:
            day_texts = {day: (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()}
        seconds, fraction_ms = divmod(in_day_ms, 1_000)
        minutes, second = divmod(seconds, 60)
        time = f"{day_texts[day]}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{fraction_ms:03}Z"
        name = _pick(watched, random()) if random() < WATCHED_SHARE else _pick(_NOBODY, random())
        mood = random()
        moods = _BAD if mood < shares[0] else _GOOD if mood < shares[1] else _PLAIN
        first, second_musing = _pick(musings, random()), _pick(musings, random())
        text = f"{name} {_pick(moods, random())}; {first}, {number % 9_973} times {second_musing}"
        # Written by hand: every value is known to need no escapes, and json.dumps would take half of the time.
        yield (
            f'{{"id":"{number}","source":"{_pick(_SOURCES, random())}","published_at":"{time}","text":"{text}",'
            f'"lang":"en","author":"w{int(random() * _AUTHORS)}"}}\n'
        ).encode()


def _pick(items: Sequence[str], share: float) -> str:
    return items[int(share * len(items))]


def _ticker(number: int) -> str:
    """Five letters, different for each number; the first is an X, so that they spell no word."""
    letters = ""
    for _ in range(4):
        number, letter = divmod(number, len(_LETTERS))
        letters += _LETTERS[letter]
    return "X" + letters
