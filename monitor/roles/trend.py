"""Trend: from scored documents in any order to windows, stories and detections, each topic in one place.

Order of events, for one partition of `sentiment.scored`:
    merge by time -> the same document again? -> too late? -> which story -> windows -> look-back -> look -> episode
Timed work (looks at feeds, windows that end, checks of open episodes) happens at whole minutes, before the documents
of that minute.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS, Laps
from monitor.domain.alerts import Detection, Evidence, Rule, Silence, feed_topic
from monitor.domain.archive import ScoredRow, VolumeRow
from monitor.domain.document import Counted, InputPartition, ScoredDocument
from monitor.domain.progress import NO_TIME_MS, Progress, SourceProgress, SourceState
from monitor.domain.sentiment import RiskKind
from monitor.domain.streams import Message, Output, Stream
from monitor.domain.topics import TopicId
from monitor.domain.windows import Window
from monitor.operators.aggregate import TopicWindows, WindowAggregator
from monitor.operators.baseline import Baseline, HistoryState
from monitor.operators.copies import SeenDocuments, Stories, StoryState
from monitor.operators.coverage import STEP_MS, Coverage, CoverageState, FeedHour, FeedTurn
from monitor.operators.detect import Detector, Finding
from monitor.operators.episode import EpisodeState, turn
from monitor.operators.lookback import Carrier, LookBack, LookBackState
from monitor.operators.merge import MergeByTime, MergeState
from monitor.operators.volume import FeedVolume, VolumeState

MAX_EVIDENCE = 8
"""Documents shown with a detection: as many as a person reads before deciding."""

LONG_AFTER_MS = 2**62
"""After everything: when nothing is due."""

BLIND_BELOW = 0.8
"""With less of a topic's usual evidence coming in than this, that it seems to calm down means nothing."""


@dataclass(slots=True)
class TopicState:
    """Everything trend remembers of one topic: plain data."""

    history: HistoryState
    seen: dict[int, int] = field(default_factory=dict)
    stories: StoryState = field(default_factory=StoryState)
    look_back: LookBackState = field(default_factory=LookBackState)
    episode: EpisodeState | None = None


@dataclass(slots=True)
class TrendState:
    """The state of one scored partition. `watched_since_day`: when the watchlist now in force first spoke here."""

    merge: MergeState[ScoredDocument] = field(default_factory=MergeState)
    volume: VolumeState = field(default_factory=VolumeState)
    coverage: CoverageState = field(default_factory=CoverageState)
    topics: dict[TopicId, TopicState] = field(default_factory=dict)
    windows: dict[TopicId, TopicWindows] = field(default_factory=dict)
    watchlist: str = ""
    watched_since_day: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class TrendOperators:
    """The operators of one partition, built by the composition root; `aggregator` holds the state's windows."""

    merge: MergeByTime[ScoredDocument]
    volume: FeedVolume
    coverage: Coverage
    seen: SeenDocuments
    stories: Stories
    aggregator: WindowAggregator
    look_back: LookBack
    baseline: Baseline
    detector: Detector


class TrendRole:
    """Follows the trend of every topic of one scored partition."""

    def __init__(
        self,
        partition: int,
        operators: TrendOperators,
        state: TrendState,
        *,
        lateness_horizon_ms: int,
        max_topics_per_document: int,
        episode_gap_ms: int,
        topics_watched: Callable[[], int],
        laps: Laps,
        least_probability: int,
        partitions: int = 1,
    ) -> None:
        self._partition = partition
        self._partitions = tuple(InputPartition(Stream.SCORED, number) for number in range(partitions))
        self._op = operators
        self.state = state
        self._lateness_horizon_ms = lateness_horizon_ms
        self._max_topics_per_document = max_topics_per_document
        self._episode_gap_ms = episode_gap_ms
        self._topics_watched = topics_watched
        self._laps = laps
        self._fine = laps.lap if laps.is_fine else None
        self._least_probability = least_probability
        self._outputs: list[Output] = []
        self._checks = [
            (topic.episode.next_check_ms, topic_id)
            for topic_id, topic in state.topics.items()
            if topic.episode is not None and topic.episode.next_check_ms is not None
        ]
        heapq.heapify(self._checks)
        self._dirty: set[TopicId] = set()
        self.counts: Counter[str] = Counter()
        """What happened since it was last read and cleared, by outcome; for the metrics."""
        self.looks: Counter[str] = Counter()

    def handle(self, messages: Sequence[Message]) -> list[Output]:
        """Take messages of `sentiment.scored`; give what could be decided by them."""
        self._laps.start()
        for message in messages:
            value = message.value
            self.state.position = message.offset + 1
            if isinstance(value, ScoredDocument):
                item_id = f"{value.document_id}|{value.topic_id}"
                if not self._op.merge.add(value.effective_ms, item_id, value.source_partition, value.offset, value):
                    self.counts["repeat"] += 1
            elif isinstance(value, Progress):
                self._op.merge.progress(value, self._op.volume.is_outdated)
                for told in value.sources:
                    self._op.volume.told(told)
                self._laps.lap("merge", len(messages))
                self._decide()
                self._outputs.append(Output(Stream.DETECTIONS, self._own_progress(value.written_ms)))
        outputs, self._outputs = self._outputs, []
        return outputs

    def _own_progress(self, written_ms: int) -> Progress:
        """This partition's word to the alert role: everything strictly below its watermark has been decided.

        Positions stay 0: a detection is known as a repeat by its time, which lies below a watermark already announced.
        """
        source = self._partitions[self._partition]
        merge = self._op.merge.state
        active = any(v.state is SourceState.ACTIVE for v in merge.sources.values())
        told = SourceProgress(
            source=source,
            from_position=0,
            to_position=0,
            watermark_ms=merge.watermark_ms,
            greatest_effective_ms=merge.watermark_ms - 1 if merge.watermark_ms != NO_TIME_MS else NO_TIME_MS,
            state=SourceState.ACTIVE if active else SourceState.IDLE,
            volumes=(),
        )
        return Progress(self._partitions, (told,), written_ms)

    def _decide(self) -> None:
        watermark_ms = self._op.merge.watermark_ms
        self._op.volume.advance(watermark_ms)
        decided = 0
        for effective_ms, scored in self._op.merge.release():
            self._timed_work(effective_ms)
            self._document(scored, effective_ms)
            decided += 1
        self._timed_work(watermark_ms)
        self._laps.lap("decide", decided)

    def _timed_work(self, until_ms: int) -> None:
        """What is due by `until_ms`, in order of time; at one time feeds come before windows, and these before checks.

        In order, because a check must know the feeds as they were at its own time, wherever progress was cut.
        """
        coverage, aggregator, checks = self.state.coverage, self._op.aggregator, self._checks
        feeds_are_done = has_published = False
        while True:
            feeds_ms = LONG_AFTER_MS if feeds_are_done else coverage.next_ms
            if feeds_ms is None:
                feeds_ms = until_ms
            windows_ms = LONG_AFTER_MS if aggregator.next_due_ms is None else aggregator.next_due_ms
            check_ms = checks[0][0] if checks else LONG_AFTER_MS
            if feeds_ms > until_ms < windows_ms and check_ms > until_ms:
                break
            if feeds_ms <= windows_ms and feeds_ms <= check_ms:
                before_ms = coverage.next_ms
                self._look_at_feeds(feeds_ms)
                # While every feed is silent for long, looks wait for a word that may not have come yet.
                feeds_are_done = coverage.next_ms == before_ms
            elif windows_ms <= check_ms:
                self._publish_windows(windows_ms)
                has_published = True
            else:
                self._check(*heapq.heappop(checks))
        if has_published:
            # Nothing is due any more, but windows may go that no late document can reach.
            self._publish_windows(until_ms)

    def _publish_windows(self, until_ms: int) -> None:
        if self._fine:
            self._fine("decide")
        rows = [Output(Stream.TRENDS, row, self._partition) for row in self._op.aggregator.advance(until_ms)]
        self._outputs += rows
        self.counts["window"] += len(rows)
        if self._fine:
            self._fine("window")

    def _check(self, check_ms: int, topic_id: TopicId) -> None:
        """Look at an open episode again, unless it was looked at since."""
        topic = self.state.topics[topic_id]
        if topic.episode is not None and topic.episode.next_check_ms == check_ms:
            self._look(topic_id, topic, check_ms)

    def _look_at_feeds(self, until_ms: int) -> None:
        """Tell what the feeds said each hour, and which of them fell silent; of several partitions the first tells."""
        for told in self._op.coverage.advance(until_ms):
            if self._partition:
                continue
            if isinstance(told, FeedHour):
                window = Window(told.start_ms, told.start_ms + HOUR_MS)
                row = VolumeRow(told.vendor, window, told.documents, told.expected)
                self._outputs.append(Output(Stream.TRENDS, row, self._partition))
            else:
                self._outputs.append(Output(Stream.DETECTIONS, self._feed_detection(told)))
                self.counts["detection"] += 1

    def _feed_detection(self, told: FeedTurn) -> Detection:
        return Detection(
            partition=self._partition,
            topic_id=feed_topic(told.vendor),
            rule=Rule.FEED_SILENT,
            at_ms=told.at_ms,
            episode_start_ms=told.silent_from_ms,
            severity=told.severity,
            look_back_ms=told.at_ms - told.silent_from_ms,
            observed=0,
            expected=told.due,
            volume=0,
            documents=0,
            origins=0,
            risk=RiskKind.NONE,
            evidence=(),
            topics_watched=self._topics_watched(),
            scorer="",
            watchlist=self.state.watchlist,
            coverage=0.0 if told.severity else 1.0,
        )

    def _document(self, scored: ScoredDocument, at_ms: int) -> None:
        op, topic_id, sentiment = self._op, scored.topic_id, scored.sentiment
        topic = self.state.topics.get(topic_id)
        if topic is None or scored.watchlist != self.state.watchlist:
            topic = self._topic(scored, at_ms)
        self._dirty.add(topic_id)
        if not op.seen.is_first(topic.seen, scored.document_id, at_ms):
            self.counts["repeat"] += 1
            return
        if scored.event_time_ms < at_ms - self._lateness_horizon_ms:
            self._count(scored, scored.document_id, Counted.TOO_LATE)
            return
        if self._fine:
            self._fine("decide")
        if scored.of_topics > self._max_topics_per_document:
            # A list is no news about any of its names, whoever copies it: it needs no story.
            counted, story_id = Counted.LISTED, str(scored.document_id)
        else:
            story, is_story = op.stories.assign(topic.stories, scored.document_id, scored.signature, at_ms)
            counted, story_id = Counted.COUNTED if is_story else Counted.COPY, story.first_id
        if self._fine:
            self._fine("copies", 1)
        is_negative = sentiment.leans_negative(self._least_probability)
        is_positive = sentiment.leans_positive(self._least_probability)
        is_story = counted is Counted.COUNTED
        op.aggregator.add(
            topic_id,
            scored.event_time_ms,
            at_ms,
            net=sentiment.positive - sentiment.negative,
            is_negative=is_negative,
            is_positive=is_positive,
            is_story=is_story,
            is_listed=counted is Counted.LISTED,
        )
        self._count(scored, story_id, counted)
        if self._fine:
            self._fine("window", 1)
        is_carrier = is_story and is_negative
        op.look_back.add(
            topic.look_back,
            at_ms,
            is_positive_story=is_story and is_positive,
            carrier=_carrier(scored, at_ms) if is_carrier else None,
        )
        if is_carrier:
            op.baseline.add(topic.history, scored.source, at_ms)
            self._look(topic_id, topic, at_ms)
        if self._fine:
            self._fine("detect", 1)

    def _count(self, scored: ScoredDocument, story_id: str, counted: Counted) -> None:
        """Say how a document counted. By value, because an enum's hash is a Python function."""
        self.counts[counted._value_] += 1
        self._outputs.append(Output(Stream.TRENDS, ScoredRow(scored, story_id, counted), self._partition))

    def _topic(self, scored: ScoredDocument, at_ms: int) -> TopicState:
        """The topic's state; a topic without one counts as watched since the watchlist in force came into force."""
        state = self.state
        if scored.watchlist != state.watchlist:
            state.watchlist, state.watched_since_day = scored.watchlist, at_ms // DAY_MS
        topic = state.topics.get(scored.topic_id)
        if topic is None:
            topic = state.topics[scored.topic_id] = TopicState(HistoryState(state.watched_since_day))
        return topic

    def _look(
        self,
        topic_id: TopicId,
        topic: TopicState,
        at_ms: int,
    ) -> None:
        op = self._op
        self._dirty.add(topic_id)
        found = op.detector.look(topic.look_back, topic.history, op.baseline, op.volume, at_ms)
        self.looks[found.value if isinstance(found, Silence) else "fired"] += 1
        if topic.episode is not None and topic.episode.told_severity > 0.0 and self._is_blind(topic, found, at_ms):
            topic.episode.next_check_ms = at_ms - at_ms % STEP_MS + STEP_MS
            heapq.heappush(self._checks, (topic.episode.next_check_ms, topic_id))
            return
        told = turn(topic.episode, found, at_ms, self._episode_gap_ms)
        topic.episode = told.episode
        if told.episode is None:
            return
        if told.tell is not None or told.is_over:
            detection = self._detection(topic_id, topic, told.episode, told.tell, at_ms)
            self._outputs.append(Output(Stream.DETECTIONS, detection))
            self.counts["detection"] += 1
        next_ms = op.detector.next_change_ms(topic.look_back, at_ms)
        if next_ms is None:
            next_ms = -(-(told.episode.unusual_ms + self._episode_gap_ms + 1) // MINUTE_MS) * MINUTE_MS
            next_ms = max(next_ms, at_ms - at_ms % MINUTE_MS + MINUTE_MS)
        told.episode.next_check_ms = next_ms
        heapq.heappush(self._checks, (next_ms, topic_id))

    def _is_blind(self, topic: TopicState, found: Finding | Silence, at_ms: int) -> bool:
        """Whether a topic seems calmer only because a feed that would tell of it is silent: blind is not quiet."""
        if isinstance(found, Finding) and topic.episode is not None and found.severity > topic.episode.told_severity:
            return False
        if not self._op.coverage.silent():
            return False
        rates = self._op.baseline.usual(topic.history, self._op.volume, at_ms).rates
        return self._op.coverage.seen(rates, at_ms - HOUR_MS, at_ms) < BLIND_BELOW

    def _detection(
        self, topic_id: TopicId, topic: TopicState, episode: EpisodeState, found: Finding | None, at_ms: int
    ) -> Detection:
        carriers = topic.look_back.carriers
        if found is None:
            found = Finding(0.0, 0, 0, 0.0, 0, 0, 0)
        shown = [c for c in carriers if c.effective_ms > at_ms - found.look_back_ms] if found.look_back_ms else []
        evidence = _evidence(shown, topic.stories)
        usual = self._op.baseline.usual(topic.history, self._op.volume, at_ms)
        return Detection(
            partition=self._partition,
            topic_id=topic_id,
            rule=Rule.NEGATIVE_BURST,
            at_ms=at_ms,
            episode_start_ms=episode.start_ms,
            severity=found.severity,
            look_back_ms=found.look_back_ms,
            observed=found.observed,
            expected=found.expected,
            volume=found.volume,
            documents=found.documents,
            origins=found.origins,
            risk=_leading_risk(shown),
            evidence=evidence,
            topics_watched=self._topics_watched(),
            scorer=carriers[-1].scorer if carriers else "",
            watchlist=self.state.watchlist,
            rates=tuple((vendor, float(f"{rate:.6g}")) for vendor, rate in usual.rates),
            dispersion=round(usual.dispersion, 4),
            coverage=self._op.coverage.seen(usual.rates, at_ms - found.look_back_ms, at_ms),
        )

    def take_dirty(self) -> set[TopicId]:
        """Topics whose state changed since the last call."""
        dirty = self._dirty | self._op.aggregator.touched
        self._dirty, self._op.aggregator.touched = set(), set()
        return dirty

    def held_out(self) -> list[InputPartition]:
        """Sources that the watermark no longer waits for."""
        return self._op.merge.held_out


def _carrier(scored: ScoredDocument, at_ms: int) -> Carrier:
    return Carrier(
        document_id=scored.document_id,
        effective_ms=at_ms,
        origin=f"{scored.source}@{scored.author}" if scored.author else scored.document_id,
        source=scored.source,
        headline=scored.headline,
        url=scored.url,
        net=scored.sentiment.net,
        risk=scored.risk,
        cues=scored.cues,
        scorer=scored.scorer,
    )


def _leading_risk(carriers: Sequence[Carrier]) -> RiskKind:
    """The kind of risk most carriers name; a tie goes to the name that sorts first, none only when nobody names one."""
    named = Counter(carrier.risk for carrier in carriers if carrier.risk is not RiskKind.NONE)
    return min(named, key=lambda risk: (-named[risk], risk)) if named else RiskKind.NONE


def _evidence(carriers: Sequence[Carrier], stories: StoryState) -> tuple[Evidence, ...]:
    """The carriers that weigh most: the most negative first, each with its part of all negative weight."""
    total = sum(-carrier.net for carrier in carriers if carrier.net < 0) or 1
    heaviest = sorted(carriers, key=lambda c: (c.net, c.effective_ms, c.document_id))[:MAX_EVIDENCE]
    return tuple(
        Evidence(
            document_id=carrier.document_id,
            effective_ms=carrier.effective_ms,
            source=carrier.source,
            headline=carrier.headline,
            url=carrier.url,
            net=carrier.net,
            risk=carrier.risk,
            cues=carrier.cues,
            copies=stories.stories[carrier.document_id].copies if carrier.document_id in stories.stories else 0,
            share=max(0, -carrier.net) * 10_000 // total,
        )
        for carrier in heaviest
    )
