"""Scenes for the tests of trend and alert: invented documents, the feed they are part of, and the roles that read them.

log of `sentiment.scored`    d0 d1 d2 [progress]  d3 d4 [progress] ...      what was said up to W, then W itself
"""

import random
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeVar

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS, Laps
from monitor.domain.alerts import Detection, Rule
from monitor.domain.document import DocumentId, InputPartition, ScoredDocument
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.streams import Message, Output, Stream
from monitor.domain.topics import MatchRole, TopicId
from monitor.domain.windows import WindowSpec
from monitor.operators.aggregate import WindowAggregator
from monitor.operators.baseline import Baseline
from monitor.operators.copies import SeenDocuments, Stories
from monitor.operators.coverage import Coverage
from monitor.operators.detect import Detector
from monitor.operators.lookback import LookBack
from monitor.operators.merge import MergeByTime
from monitor.operators.signature import signatures
from monitor.operators.volume import FeedVolume
from monitor.roles.trend import TrendOperators, TrendRole, TrendState

START_MS = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a whole day."""

NEWS = InputPartition("feeds.news")
HALDEN, NORTHWIND, TESSALY = TopicId("halden"), TopicId("northwind"), TopicId("tessaly")
NAMES = {HALDEN: "Halden Bank", NORTHWIND: "Northwind Foods", TESSALY: "Tessaly Motors"}
LATENESS_MS, STORY_MS, EPISODE_GAP_MS = DAY_MS, 2 * DAY_MS, 2 * HOUR_MS
LOOK_BACKS_MS = (15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS)
BAD, PLAIN, GOOD = Sentiment(8_000, 1_500, 500), Sentiment(1_000, 8_000, 1_000), Sentiment(500, 1_500, 8_000)

Value = TypeVar("Value")


def clock(days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> int:
    """So long after the start."""
    return START_MS + round(days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1_000)


def trend(
    state: TrendState | None = None, *, partition: int = 0, partitions: int = 1, min_history_days: float = 1
) -> TrendRole:
    """A trend role that knows what is usual after a day."""
    state = TrendState() if state is None else state
    volume = FeedVolume(LOOK_BACKS_MS[-1], 60 * DAY_MS, state.volume)
    operators = TrendOperators(
        merge=MergeByTime(5 * MINUTE_MS, state.merge),
        volume=volume,
        coverage=Coverage(3.0, volume, state.coverage),
        seen=SeenDocuments(LATENESS_MS),
        stories=Stories(STORY_MS, 0.6, 200),
        aggregator=WindowAggregator(
            [WindowSpec(MINUTE_MS, MINUTE_MS), WindowSpec(HOUR_MS, HOUR_MS)], LATENESS_MS, state.windows
        ),
        look_back=LookBack(LOOK_BACKS_MS[-1], 1_000),
        baseline=Baseline(60 * DAY_MS, 2.0, 0.5, 3.0, 2),
        detector=Detector(LOOK_BACKS_MS, 1.0, 2, 2, 0.5, round(min_history_days * DAY_MS)),
    )
    return TrendRole(
        partition,
        operators,
        state,
        lateness_horizon_ms=LATENESS_MS,
        max_topics_per_document=4,
        episode_gap_ms=EPISODE_GAP_MS,
        topics_watched=lambda: len(NAMES),
        laps=Laps(),
        least_probability=3_000,
        partitions=partitions,
    )


@cache
def text(number: int, topic: TopicId = HALDEN) -> str:
    """A report in words of its own, so that two numbers are two stories."""
    rng = random.Random(number)
    return " ".join([NAMES[topic], *("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(12))])


@cache
def signature(words: str) -> bytes:
    """The near-copy signature of a text."""
    return signatures([words])[0]


class Log:
    """The log of one partition of `sentiment.scored`, written by one score role over one input."""

    def __init__(self, role: TrendRole) -> None:
        self.role = role
        self.outputs: list[Output] = []
        self._next_offset = role.state.position
        self._next_position = 0
        self._told_minute = START_MS // MINUTE_MS
        self._told_position = 0
        self._greatest_ms = START_MS

    def say(
        self,
        at_ms: int,
        name: str,
        *,
        topic: TopicId = HALDEN,
        sentiment: Sentiment = BAD,
        words: str | None = None,
        author: str | None = None,
        source: str = "wire",
        event_ms: int | None = None,
        of_topics: int = 1,
        risk: RiskKind = RiskKind.LIQUIDITY,
        watchlist: str = "w-1",
    ) -> None:
        """One scored document that takes effect at `at_ms`; without `words` it tells a story of its own."""
        words = text(hash_of(name), topic) if words is None else words
        self.put(
            ScoredDocument(
                DocumentId(name),
                topic,
                at_ms if event_ms is None else event_ms,
                at_ms,
                source,
                author,
                None,
                words,
                "en",
                MatchRole.TITLE,
                of_topics,
                sentiment,
                risk,
                ("cue",),
                signature(words),
                "lexicon-1",
                watchlist,
                NEWS,
                self._next_position,
            )
        )

    def put(self, scored: ScoredDocument) -> None:
        """One scored document as it is."""
        self._next_position = max(self._next_position, scored.offset + 1)
        self._greatest_ms = max(self._greatest_ms, scored.effective_ms)
        self._take(scored)

    def tell(self, watermark_ms: int, *, state: SourceState = SourceState.ACTIVE) -> list[Output]:
        """A progress record; the feed says ten documents in every tenth minute, whatever it is about."""
        until = max(self._told_minute, watermark_ms // MINUTE_MS + 1)
        volumes = tuple(self.volumes(range(-(-self._told_minute // 10) * 10, until, 10)))
        told = SourceProgress(
            NEWS, self._told_position, self._next_position, watermark_ms, self._greatest_ms, state, volumes
        )
        self._told_minute, self._told_position = until, self._next_position
        made = self._take(Progress((NEWS,), (told,), 0))
        self.outputs += made
        return made

    def volumes(self, minutes: Iterable[int]) -> Iterable[tuple[str, int, int]]:
        """What the feed says in each of these minutes."""
        return (("wire", minute, 10) for minute in minutes)

    def end(self) -> list[Output]:
        """The input has ended: everything that was said is decided."""
        return self.tell(self._greatest_ms, state=SourceState.ENDED)

    def _take(self, value: object) -> list[Output]:
        message = Message(Stream.SCORED, 0, self._next_offset, value)
        self._next_offset += 1
        return self.role.handle([message])

    def detections(self) -> list[Detection]:
        """What was detected so far."""
        return values(self.outputs, Detection)


def values(outputs: Iterable[Output], kind: type[Value]) -> list[Value]:
    """The values of one kind, in order."""
    return [output.value for output in outputs if isinstance(output.value, kind)]


def decided(outputs: Sequence[Output]) -> list[Output]:
    """All but progress, which says only how far it was read."""
    return [output for output in outputs if not isinstance(output.value, Progress)]


def hash_of(name: str) -> int:
    """A small number for a name, the same in every run."""
    return zlib.crc32(name.encode())


def random_documents(seed: int, count: int = 150, days: float = 4) -> list[ScoredDocument]:
    """Documents in order of arrival, at most two seconds out of order: bursts, copies, repeats, late, too late, lists.

    Half way through, the watchlist changes.
    """
    rng = random.Random(seed)
    moments = [rng.uniform(0, days * 24) for _ in range(count)]
    for _ in range(3):
        begin = rng.uniform(days * 10, days * 23)
        moments += [begin + rng.uniform(0, 0.7) for _ in range(8)]
    made: list[ScoredDocument] = []
    topics = list(NAMES)
    for number, hours in enumerate(sorted(moments)):
        at_ms, topic = clock(hours=hours), rng.choice(topics)
        event_ms = at_ms
        if rng.random() < 0.15:
            event_ms -= rng.choice([MINUTE_MS, 5 * HOUR_MS, 30 * HOUR_MS])
        words = text(rng.randrange(number + 1) if rng.random() < 0.2 else number, topic)
        one = ScoredDocument(
            DocumentId(f"wire:{number}"),
            topic,
            event_ms,
            at_ms,
            rng.choice(["wire", "forum"]),
            rng.choice([None, "lindqvist", "tin_kettle"]),
            None,
            words,
            "en",
            MatchRole.LEAD,
            rng.choice([1, 1, 1, 2, 9]),
            rng.choice([BAD, BAD, BAD, PLAIN, GOOD]),
            rng.choice(list(RiskKind)),
            (),
            signature(words),
            "lexicon-1",
            "w-1" if hours < days * 12 else "w-2",
            NEWS,
            0,
        )
        made.append(one)
        if rng.random() < 0.1:
            made.append(one._replace(effective_ms=at_ms + rng.choice([0, HOUR_MS, 30 * HOUR_MS])))
    made.sort(key=lambda scored: scored.effective_ms + rng.randrange(1_900))
    return [scored._replace(offset=offset) for offset, scored in enumerate(made)]


def run_stream(log: Log, documents: Sequence[ScoredDocument], cuts: random.Random) -> None:
    """Write these documents, with progress here and there as they come."""
    greatest_ms = START_MS
    for scored in documents:
        log.put(scored)
        greatest_ms = max(greatest_ms, scored.effective_ms)
        if cuts.random() < 0.15:
            log.tell(greatest_ms - 2_000)


def detection(
    topic: TopicId, at_ms: int, severity: float, *, episode_ms: int | None = None, partition: int = 0, topics: int = 3
) -> Detection:
    """What trend says of a topic; severity 0 is that it is usual again."""
    return Detection(
        partition=partition,
        topic_id=topic,
        rule=Rule.NEGATIVE_BURST,
        at_ms=at_ms,
        episode_start_ms=at_ms if episode_ms is None else episode_ms,
        severity=severity,
        look_back_ms=HOUR_MS,
        observed=4,
        expected=0.2,
        volume=60,
        documents=9,
        origins=4,
        risk=RiskKind.FRAUD,
        evidence=(),
        topics_watched=topics,
        scorer="lexicon-1",
        watchlist="w-1",
    )
