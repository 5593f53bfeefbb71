"""Loads: scored documents at an even pace about invented companies, with the progress records of a score role.

Texts, signatures and sentiments are those of a generated feed that the word lists scored once; times, topics and ids
are dealt out anew, so that a load of any length costs little to make.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from monitor.app.building import make_score
from monitor.app.scoring import make_scorer
from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS, Laps
from monitor.config import load_config
from monitor.domain.document import DocumentId, FeedRecord, InputPartition, ScoredDocument
from monitor.domain.partitioning import partition_of
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.sentiment import Sentiment
from monitor.domain.streams import Message, Output, Stream
from monitor.domain.topics import TopicId
from monitor.lab.synthetic import START_MS, synthetic, synthetic_topics, watchlist_csv
from monitor.tags import LiveTags
from monitor.watchlist import WatchlistFile

SEED = 11
FEED = InputPartition("feeds.bench")
FEED_TOPICS, FEED_PER_DAY = 500, 20_000
OUT_OF_ORDER_MS = 2_000
"""As `feeds.max_out_of_orderness`: a document is decided so long after it was said."""

VENDORS = ("fast-wire", "fast-paper", "fast-posts", "fast-forum")
PAST_DAYS = 2
"""Told in one progress record, which may not be larger than others may."""

LAST_SECONDS = 3
"""At the end of a load, in which nothing is planted: the watermark would not pass it."""

VOICES = 4
"""Negative documents of a plant, each of another author: two would do."""

_BAD = Sentiment(9_000, 800, 200)


@dataclass(frozen=True, slots=True)
class Steady:
    """An even load.

    Attributes:
        per_second: documents in a second of event time. tick: documents between two progress records.
        one_voice: what is negative about a topic has one author, so that only what is planted can fire.
        plants: topics, behind the others, about which `VOICES` negative documents come at once; evenly spread.
    """

    topics: int
    documents: int
    per_second: float
    tick: int
    partitions: int = 1
    one_voice: bool = False
    plants: int = 0


def watchlist(folder: Path, topics: int) -> Path:
    """A watchlist of so many invented companies."""
    path = folder / f"watchlist-{topics}.csv"
    path.write_text(watchlist_csv(topics, SEED), encoding="utf-8")
    return path


def feed(documents: int) -> list[bytes]:
    """Records of a generated feed, of which three in five name a topic."""
    return [line.rstrip(b"\n") for line in synthetic(documents, FEED_TOPICS, SEED, FEED_PER_DAY)]


def feed_records(lines: Sequence[bytes]) -> list[FeedRecord]:
    """The same as a feed gives them."""
    return [FeedRecord(line, FEED, number, number + 1) for number, line in enumerate(lines)]


def scored(lines: Sequence[bytes], folder: Path, kind: str, tick: int) -> list[Output]:
    """What the score role says of a feed, a cut after so many records."""
    config = load_config(None, {}, {"scorer.kind": kind})
    tags = LiveTags(WatchlistFile(watchlist(folder, FEED_TOPICS)).current, None)
    role = make_score(config, tags, make_scorer(config), [FEED], {}, Laps())
    outputs: list[Output] = []
    records = feed_records(lines)
    for start in range(0, len(records), tick):
        outputs += role.handle(records[start : start + tick], START_MS)
        outputs += role.cut(START_MS)
        role.committed()
    return outputs


def pool(documents: int, folder: Path) -> list[ScoredDocument]:
    """Scored documents of which loads are made."""
    said = (output.value for output in scored(feed(documents), folder, "lexicon", 1_000))
    return [value for value in said if isinstance(value, ScoredDocument)]


def steady(made: Sequence[ScoredDocument], shape: Steady) -> Iterator[tuple[int, ScoredDocument | Progress]]:
    """(partition, value) in order of time. The first is of two days ago, so that what is usual is known."""
    topics = topic_ids(shape.topics)
    dice = Random(SEED)
    deal = _Dealer(shape, made[0].watchlist)
    yield from deal.past(made[0], topics[0])
    plantable = shape.documents - int(LAST_SECONDS * shape.per_second)
    every = plantable // shape.plants if shape.plants else 0
    watched = shape.topics - shape.plants
    for number in range(shape.documents):
        base = made[number % len(made)]
        topic_id = topics[dice.randrange(watched)]
        if every and number % every < VOICES and number // every < shape.plants:
            topic_id = topics[watched + number // every]
            base = base._replace(sentiment=_BAD, author=f"voice{number % every}", source="fast-wire", of_topics=1)
        elif shape.one_voice and base.sentiment.net < 0:
            base = base._replace(author="one", source="fast-wire")
        yield from deal.next(base, topic_id, number)


class _Dealer:
    """Deals documents out in time, and tells how far it is."""

    def __init__(self, shape: Steady, name: str) -> None:
        self._shape = shape
        self._name = name
        self._offset = 0
        self._told = 0
        self._volumes: Counter[tuple[str, int]] = Counter()
        self._start_ms = START_MS + 12 * HOUR_MS

    def past(self, base: ScoredDocument, topic_id: TopicId) -> Iterator[tuple[int, ScoredDocument | Progress]]:
        """One document long ago, and two days of a feed that is as busy as what follows."""
        start_ms = self._start_ms - PAST_DAYS * DAY_MS
        for partition in range(self._shape.partitions):
            yield partition, self._document(base, topic_id, start_ms)
        # In every minute: a feed as busy as this one would seem to be silent else.
        said = max(1, round(self._shape.per_second * 60 / len(VENDORS)))
        for time_ms in range(start_ms, self._start_ms, MINUTE_MS):
            for vendor in VENDORS:
                self._volumes[vendor, time_ms // MINUTE_MS] += said
        yield from self._progress(start_ms)

    def next(
        self, base: ScoredDocument, topic_id: TopicId, number: int
    ) -> Iterator[tuple[int, ScoredDocument | Progress]]:
        """One document more, and progress where it is due."""
        time_ms = self._start_ms + int(number * 1_000 / self._shape.per_second)
        partition = partition_of(topic_id, self._shape.partitions) if self._shape.partitions > 1 else 0
        yield partition, self._document(base, topic_id, time_ms)
        if (number + 1) % self._shape.tick == 0:
            yield from self._progress(time_ms)

    def _document(self, base: ScoredDocument, topic_id: TopicId, time_ms: int) -> ScoredDocument:
        offset = self._offset
        self._offset += 1
        self._volumes[base.source, time_ms // MINUTE_MS] += 1
        return base._replace(
            document_id=DocumentId(f"bench:{offset}"),
            topic_id=topic_id,
            event_time_ms=time_ms,
            effective_ms=time_ms,
            source_partition=FEED,
            offset=offset,
            watchlist=self._name,
        )

    def _progress(self, time_ms: int) -> Iterator[tuple[int, Progress]]:
        volumes = tuple((vendor, minute, count) for (vendor, minute), count in self._volumes.items())
        told = SourceProgress(
            FEED, self._told, self._offset, time_ms - OUT_OF_ORDER_MS, time_ms, SourceState.ACTIVE, volumes
        )
        self._told = self._offset
        self._volumes.clear()
        progress = Progress((FEED,), (told,), time_ms)
        for partition in range(self._shape.partitions):
            yield partition, progress


@lru_cache(maxsize=4)
def topic_ids(topics: int) -> tuple[TopicId, ...]:
    """The ids of the watchlist's companies."""
    return tuple(topic.id for topic in synthetic_topics(topics, SEED))


def planted(shape: Steady) -> frozenset[TopicId]:
    """The topics that must fire."""
    return frozenset(topic_ids(shape.topics)[shape.topics - shape.plants :])


def messages(values: Sequence[object], stream: Stream) -> list[Message]:
    """Values as a role reads them from partition 0."""
    return [Message(stream, 0, number, value) for number, value in enumerate(values)]
