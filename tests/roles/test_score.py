"""The score role: what a record becomes, what is announced when, and that a crash and a restart change nothing.

records      0    1    2    3    4    5
read         x    x    x    x
cut                             [0, 4)  positions, W and volumes, after everything below 4 was published
committed                       4       the next cut announces [4, ...)
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.domain.document import DeadLetter, DeadLetterReason, Document, FeedRecord, InputPartition, ScoredDocument
from monitor.domain.progress import NO_TIME_MS, Progress, SourceProgress, SourceState
from monitor.domain.sentiment import RiskKind, ScoreMark, Sentiment
from monitor.domain.streams import Output, Stream
from monitor.domain.topics import MatchRole, TopicId, TopicMatch
from monitor.errors import UnscorableError
from monitor.operators.batching import Batcher
from monitor.operators.intake import IntakeGuard, Run
from monitor.operators.merge import MergeByTime, MergeState
from monitor.operators.parse import ParseLimits
from monitor.operators.volume import ALL_VENDORS, FeedVolume, VolumeState
from monitor.operators.watermark import PartitionState
from monitor.ports import Answer, Score, ScoreRequest
from monitor.roles import score_snapshot
from monitor.roles.score import Read, ScoreRole, ScoreSettings

NEWS, POSTS = InputPartition("feeds.news"), InputPartition("feeds.social")
SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000
DAWN_MS = 1_700_000_040_000
OUT_OF_ORDER_MS, LEAP_MS, LEAD_MS, IDLE_MS = 2_000, HOUR_MS, 10 * MINUTE_MS, 30_000
WATCHED = {"orrin": TopicId("orrin-mills"), "pike": TopicId("tallow-pike")}


class WordTags:
    """Tags a document with each watched word that it holds; the surface is written as nobody asks about it."""

    watchlist = "watchlist-1"
    are_themes = False

    def tag(self, document: Document) -> tuple[TopicMatch, ...]:
        """In order of the watchlist."""
        named = [word for word in WATCHED if word in document.text]
        return tuple(
            TopicMatch(WATCHED[word], MatchRole.BODY, word.upper(), len(named), "" if self.are_themes else word)
            for word in named
        )


class NeutralScorer:
    """Finds everything neutral, says about whom it was asked, and marks what is about nobody and what is about pike.

    A text that speaks of poison it cannot read for pike.
    """

    name = "neutral-1"

    def __init__(self) -> None:
        self.forgot = 0

    def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
        """One for each."""
        return partial(self._score_all, list(requests))

    def forget(self) -> None:
        """Counted."""
        self.forgot += 1

    def _score_all(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        poison = [n for n, request in enumerate(requests) if "poison" in request.text and request.target == "pike"]
        if poison:
            # Its words tell what else was in the batch; nothing that is kept may.
            raise UnscorableError(tuple(poison), f"1 of {len(requests)} does not fit")
        return [self._score(request) for request in requests]

    def _score(self, request: ScoreRequest) -> Score:
        marks = {"": (ScoreMark.CUT,), "pike": (ScoreMark.UNSUPPORTED_TARGET, ScoreMark.CUT)}.get(request.target, ())
        return Score(Sentiment(0, 10_000, 0), RiskKind.NONE, (request.target,), marks)


def role(
    known: Iterable[InputPartition] = (NEWS, POSTS),
    stored: dict[str, bytes] | None = None,
    *,
    batch: int = 3,
    partitions: int = 2,
    as_of_ms: int | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    are_themes: bool = False,
    ahead: int = 0,
    window: int = 1_000,
    forgets: bool = False,
    scorer: NeutralScorer | None = None,
) -> ScoreRole:
    tags = WordTags()
    tags.are_themes = are_themes
    settings = ScoreSettings(
        limits=ParseLimits(max_future_ms=5 * SECOND_MS),
        max_out_of_orderness_ms=OUT_OF_ORDER_MS,
        max_leap_ms=LEAP_MS,
        max_lead_ms=LEAD_MS,
        idle_after_ms=IDLE_MS,
        as_of_ms=as_of_ms,
        from_ms=from_ms,
        to_ms=to_ms,
        partitions=partitions,
        partition_of=lambda topic_id: list(WATCHED.values()).index(topic_id) % partitions,
        forgets_at_commits=forgets,
    )
    batcher: Batcher[Read] = Batcher(scorer or NeutralScorer(), batch, 100, ahead)
    return ScoreRole(
        batcher,
        tags,
        NeutralScorer.name,
        settings,
        IntakeGuard(0.5, window),
        known,
        score_snapshot.restore(stored or {}),
    )


def record(
    offset: int,
    event_ms: int = DAWN_MS,
    text: str = "orrin",
    *,
    arrival_ms: int | None = None,
    source: InputPartition = NEWS,
    vendor: str = "harbour-wire",
) -> FeedRecord:
    value = {"id": f"{source.kafka_topic}-{offset}", "source": vendor, "published_at": event_ms, "text": f"{text} said"}
    return FeedRecord(json.dumps(value).encode(), source, offset, offset + 1, arrival_ms)


def garbage(offset: int, source: InputPartition = NEWS) -> FeedRecord:
    return FeedRecord(b"{", source, offset, offset + 1)


def steady(count: int, start: int = 0) -> list[FeedRecord]:
    """One document a second with known arrival, so that no date has to be judged."""
    return [record(n, DAWN_MS + n * SECOND_MS, arrival_ms=DAWN_MS + n * SECOND_MS) for n in range(start, start + count)]


def scored(outputs: Iterable[Output]) -> list[ScoredDocument]:
    return [output.value for output in outputs if isinstance(output.value, ScoredDocument)]


def dead(outputs: Iterable[Output]) -> list[DeadLetter]:
    return [output.value for output in outputs if isinstance(output.value, DeadLetter)]


def announced(outputs: Iterable[Output], source: InputPartition = NEWS) -> SourceProgress:
    (progress,) = [o.value for o in outputs if isinstance(o.value, Progress) and o.partition == 0]
    return next(told for told in progress.sources if told.source == source)


# ---- what a record becomes


def test_document_is_published_once_for_each_topic_in_the_partition_of_that_topic() -> None:
    score = role()
    outputs = score.handle([record(0, text="orrin pike", arrival_ms=DAWN_MS)], 0) + score.cut(0)
    found = [(o.partition, o.value.topic_id, o.value.cues) for o in outputs if isinstance(o.value, ScoredDocument)]
    assert found == [(0, "orrin-mills", ("orrin",)), (1, "tallow-pike", ("pike",))]
    made_by = {(one.of_topics, one.scorer, one.watchlist) for one in scored(outputs)}
    assert made_by == {(2, "neutral-1", "watchlist-1")}


def test_scorer_is_asked_about_what_the_match_says_and_about_nothing_for_a_theme() -> None:
    score = role(are_themes=True)
    outputs = score.handle([record(0, text="orrin pike", arrival_ms=DAWN_MS)], 0) + score.cut(0)
    assert [value.cues for value in scored(outputs)] == [("",), ("",)]


def test_what_the_scorer_marked_is_counted_for_each_pair() -> None:
    score = role()
    score.handle([record(n, text="orrin pike", arrival_ms=DAWN_MS) for n in range(2)], 0)
    score.cut(0)
    assert score.marks == {"unsupported_target": 2, "cut": 2}


def test_document_that_names_nobody_watched_counts_in_the_feeds_volume_only() -> None:
    score = role()
    outputs = score.handle([record(0, text="nobody", arrival_ms=DAWN_MS)], 0) + score.cut(0)
    assert scored(outputs) == []
    assert announced(outputs).volumes == (("harbour-wire", DAWN_MS // MINUTE_MS, 1),)
    assert score.counts["unwatched"] == 1


def test_unusable_record_is_dead_lettered_and_counts_in_no_volume_but_in_the_position() -> None:
    score = role()
    outputs = score.handle([garbage(0), *steady(1, start=1)], 0) + score.cut(0)
    assert [(letter.reason, letter.offset) for letter in dead(outputs)] == [(DeadLetterReason.NOT_JSON, 0)]
    assert (announced(outputs).to_position, sum(n for _, _, n in announced(outputs).volumes)) == (2, 1)
    assert score.states[NEWS].run == Run(records=2, unusable=1)


def test_late_document_keeps_its_event_time_and_takes_effect_at_the_watermark() -> None:
    score = role()
    late = record(1, DAWN_MS - 5 * MINUTE_MS, arrival_ms=DAWN_MS)
    outputs = score.handle([record(0, arrival_ms=DAWN_MS), late], 0) + score.cut(0)
    assert [(one.event_time_ms, one.effective_ms) for one in scored(outputs)] == [
        (DAWN_MS, DAWN_MS),
        (DAWN_MS - 5 * MINUTE_MS, DAWN_MS - OUT_OF_ORDER_MS),
    ]
    assert score.counts["late"] == 1


def test_documents_outside_the_asked_time_are_left_out_and_counted() -> None:
    score = role(from_ms=DAWN_MS + SECOND_MS, to_ms=DAWN_MS + 3 * SECOND_MS)
    outputs = score.handle(steady(5), 0) + score.cut(0)
    assert [one.offset for one in scored(outputs)] == [1, 2]
    assert (score.counts["outside"], announced(outputs).to_position) == (3, 5)


def test_what_arrived_after_the_moment_of_knowledge_is_not_known_yet() -> None:
    score = role(as_of_ms=DAWN_MS + 2 * SECOND_MS)
    outputs = score.handle(steady(5), 0) + score.cut(0)
    assert [one.offset for one in scored(outputs)] == [0, 1, 2]


def test_without_an_arrival_nothing_can_have_been_said_after_the_moment_of_knowledge() -> None:
    score = role(as_of_ms=DAWN_MS)
    outputs = score.handle([record(0), record(1, DAWN_MS + HOUR_MS), record(2)], 0) + score.cut(0)
    assert [letter.reason for letter in dead(outputs)] == [DeadLetterReason.FAR_FUTURE]
    assert [one.offset for one in scored(outputs)] == [0, 2]


# ---- what cannot be scored


def poison(offset: int, text: str = "orrin pike poison") -> FeedRecord:
    at_ms = DAWN_MS + offset * SECOND_MS
    return record(offset, at_ms, text, arrival_ms=at_ms)


def test_document_of_which_one_pair_cannot_be_scored_is_dead_lettered_and_the_others_go_on_in_order() -> None:
    score = role(batch=100)
    outputs = score.handle([*steady(2), poison(2), *steady(2, start=3)], 0) + score.cut(0)
    assert [one.offset for one in scored(outputs)] == [0, 1, 3, 4]
    (letter,) = dead(outputs)
    assert (letter.reason, letter.offset, letter.source_partition) == (DeadLetterReason.POISON, 2, NEWS)
    assert letter.detail == "text: the scorer cannot read it for the target 'pike'; the log says why"
    assert json.loads(letter.value)["id"] == "feeds.news-2"
    assert (score.dead, score.counts["scored"], score.counts["pairs"]) == ({DeadLetterReason.POISON: 1}, 4, 4)


def test_document_that_cannot_be_scored_counts_in_no_volume_and_as_unusable_but_in_position_and_watermark() -> None:
    score = role(batch=100)
    told = announced(score.handle([*steady(2), poison(2)], 0) + score.cut(0))
    assert (told.to_position, sum(n for _, _, n in told.volumes)) == (3, 2)
    assert told.watermark_ms == DAWN_MS + 2 * SECOND_MS - OUT_OF_ORDER_MS
    assert score.states[NEWS].run == Run(records=3, unusable=1)


def test_minute_of_nothing_but_poison_is_not_told() -> None:
    score = role()
    assert announced(score.handle([poison(0)], 0) + score.cut(0)).volumes == ()


KINDS = st.lists(st.sampled_from("ogpun"), max_size=60)
"""o: about orrin, g: garbage, p: poison, u: names nobody, n: poison to pike only, about whom nobody asks here."""


def of_kind(offset: int, kind: str) -> FeedRecord:
    at_ms = DAWN_MS + offset * SECOND_MS
    if kind == "g":
        return garbage(offset)
    text = {"o": "orrin", "p": "orrin pike poison", "u": "nobody", "n": "orrin poison"}[kind]
    return record(offset, at_ms, text, arrival_ms=at_ms)


@example(list("uupuogguo"), 4, 3, 0, 20, 9).via("poison of a run that was judged before")
@given(KINDS, st.integers(1, 12), st.integers(1, 9), st.integers(0, 2), st.integers(1, 20), st.integers(1, 9))
def test_poison_loses_and_repeats_nothing_and_stops_an_input_at_the_same_record_whatever_the_batches(
    kinds: list[str], window: int, batch: int, ahead: int, together: int, commit_every: int
) -> None:
    """Against a plain account of the feed: records are judged one by one, each run by all that is bad in it.

    feed     o p o p | p p o g | o ...      runs of four: the second has three bad ones, so the input stops behind it
    """
    expected: dict[int, str] = {}
    for first in range(0, len(kinds), window):
        one_run = kinds[first : first + window]
        expected.update(enumerate(one_run, first))
        if len(one_run) == window and sum(kind in "gp" for kind in one_run) > 0.5 * window:
            break
    records = [of_kind(offset, kind) for offset, kind in enumerate(kinds)]
    score = role([NEWS], batch=batch, ahead=ahead, window=window)
    outputs: list[Output] = []
    for number, first in enumerate(range(0, len(records), together)):
        outputs += score.handle(records[first : first + together], 0)
        if number % commit_every == 0:
            outputs += score.cut(0)
            stored = {key: value for key, value in score_snapshot.snapshot(score.states).items() if value is not None}
            # Whoever goes on from a commit stops at the same record.
            score = role([NEWS], stored, batch=batch, ahead=ahead, window=window)
    outputs += score.cut(0)
    assert [one.offset for one in scored(outputs)] == [n for n, kind in expected.items() if kind in "on"]
    found = sorted((letter.offset, letter.reason) for letter in dead(outputs))
    reasons = {"g": DeadLetterReason.NOT_JSON, "p": DeadLetterReason.POISON}
    assert found == [(n, reasons[kind]) for n, kind in expected.items() if kind in "gp"]
    assert announced(outputs[-2:]).to_position == len(expected)
    assert (score.stopped() == {NEWS}) == (len(expected) < len(kinds) or _ends_badly(kinds, window))


def _ends_badly(kinds: Sequence[str], window: int) -> bool:
    last = kinds[-window:]
    return len(kinds) % window == 0 and sum(kind in "gp" for kind in last) > 0.5 * window


def test_scorer_forgets_with_each_commit_of_a_replay_and_never_of_a_live_run() -> None:
    for forgets, times in ((True, 2), (False, 0)):
        scorer = NeutralScorer()
        score = role(forgets=forgets, scorer=scorer)
        for offset in range(2):
            score.handle([record(offset, arrival_ms=DAWN_MS)], 0)
            score.cut(0)
            score.committed()
        assert scorer.forgot == times


def test_document_keeps_the_watchlist_that_tagged_it() -> None:
    """Its batch may come back after the watchlist was loaded again."""
    tags, score = WordTags(), role(batch=100)
    score._tags = tags
    score.handle([record(0, arrival_ms=DAWN_MS)], 0)
    tags.watchlist = "watchlist-2"
    score.handle([record(1, arrival_ms=DAWN_MS)], 0)
    assert [one.watchlist for one in scored(score.cut(0))] == ["watchlist-1", "watchlist-2"]


# ---- what is announced


def test_cut_announces_to_every_partition_after_everything_that_it_covers() -> None:
    score = role(batch=100)
    outputs = score.handle(steady(5), 0) + score.cut(0)
    kinds = [isinstance(output.value, Progress) for output in outputs]
    assert kinds == [False] * 5 + [True] * 2
    assert [output.partition for output in outputs[-2:]] == [0, 1]
    assert all(output.stream is Stream.SCORED for output in outputs)


def test_progress_names_every_input_that_exists_whether_it_spoke_or_not() -> None:
    score = role()
    (progress, _) = [output.value for output in score.cut(77)]
    assert isinstance(progress, Progress)
    assert progress.known == (NEWS, POSTS)
    assert progress.written_ms == 77
    assert [told.watermark_ms for told in progress.sources] == [NO_TIME_MS, NO_TIME_MS]


def test_position_stays_at_a_record_whose_date_is_not_judged_yet() -> None:
    score = role()
    outputs = score.handle([record(0), record(1), record(2, DAWN_MS + 9 * HOUR_MS), record(3)], 0) + score.cut(0)
    assert announced(outputs).to_position == 2
    assert score.positions()[NEWS] == 2
    assert [one.offset for one in scored(outputs)] == [0, 1]


def test_record_with_a_known_arrival_does_not_overtake_one_whose_date_is_not_judged_yet() -> None:
    # Announced and committed would be 2 while 3 had its effect already; after a crash its volume would count twice.
    score = role()
    leap, observed = record(2, DAWN_MS + 9 * HOUR_MS), record(3, arrival_ms=DAWN_MS)
    outputs = score.handle([record(0), record(1), leap, observed], 0) + score.cut(0)
    assert announced(outputs).to_position == 2
    assert [one.offset for one in scored(outputs)] == [0, 1]
    score.end(NEWS)
    outputs = score.cut(0)
    assert [one.offset for one in scored(outputs)] == [3]
    assert [letter.offset for letter in dead(outputs)] == [2]
    assert announced(outputs).to_position == 4


def test_volumes_are_told_from_the_last_commit_on() -> None:
    score = role()
    score.handle(steady(3), 0)
    assert announced(score.cut(0)).from_position == 0
    score.committed()
    score.handle(steady(2, start=3), 0)
    told = announced(score.cut(0))
    assert (told.from_position, told.to_position, sum(n for _, _, n in told.volumes)) == (3, 5, 2)


def test_input_that_gives_nothing_for_a_while_is_told_idle_and_wakes_with_its_next_record() -> None:
    score = role(known=[NEWS])
    score.handle(steady(1), now_ms=1_000)
    assert announced(score.cut(1_000 + IDLE_MS - 1)).state is SourceState.ACTIVE
    assert announced(score.cut(1_000 + IDLE_MS)).state is SourceState.IDLE
    score.handle(steady(1, start=1), now_ms=2_000 + IDLE_MS)
    assert announced(score.cut(2_000 + IDLE_MS)).state is SourceState.ACTIVE


def test_input_that_is_known_to_hold_more_is_not_idle_however_long_it_gave_nothing() -> None:
    score = role(known=(NEWS,))
    score.handle(steady(1), 0)
    assert announced(score.cut(IDLE_MS * 2, behind={NEWS})).state is SourceState.ACTIVE
    assert announced(score.cut(IDLE_MS * 3 - 1)).state is SourceState.ACTIVE
    assert announced(score.cut(IDLE_MS * 3)).state is SourceState.IDLE


def test_role_speaks_only_of_the_partitions_that_it_has_and_names_all_that_exist() -> None:
    score = role(known=())
    score.know([NEWS, POSTS])
    (before,) = {output.value for output in score.cut(0)}
    assert isinstance(before, Progress)
    assert (before.known, before.sources) == ((NEWS, POSTS), ())
    score.assign(NEWS, PartitionState(committed_position=7, position=7, read_position=7, greatest_ms=DAWN_MS))
    assert announced(score.cut(0)).to_position == 7
    score.handle(steady(2, start=7), 0)
    assert announced(score.cut(0)).to_position == 9
    score.revoke(NEWS)
    assert score.positions() == {}
    assert [output.value.sources for output in score.cut(0) if isinstance(output.value, Progress)] == [(), ()]


def test_commit_of_some_partitions_leaves_the_volumes_of_the_others() -> None:
    score = role(known=(NEWS, POSTS))
    score.handle([*steady(2), record(0, arrival_ms=DAWN_MS, source=POSTS)], 0)
    score.cut(0)
    score.committed([POSTS])
    outputs = score.cut(0)
    assert (announced(outputs).from_position, announced(outputs, POSTS).from_position) == (0, 1)
    assert [count for _, _, count in announced(outputs).volumes] == [2]
    assert announced(outputs, POSTS).volumes == ()


def test_ended_input_is_told_once_as_news_and_then_holds_nobody_back() -> None:
    score = role()
    score.handle([record(0)], 0)
    assert score.end(NEWS)
    assert not score.end(NEWS)
    outputs = score.cut(0)
    assert announced(outputs).state is SourceState.ENDED
    assert (announced(outputs).to_position, len(scored(outputs))) == (1, 1)


def test_input_far_ahead_of_the_slowest_is_named_for_a_pause() -> None:
    score = role()
    score.handle([record(0, arrival_ms=DAWN_MS, source=POSTS)], 0)
    ahead_ms = DAWN_MS + LEAD_MS
    score.handle([record(0, ahead_ms, arrival_ms=ahead_ms)], 0)
    assert score.running_ahead() == set()
    score.handle([record(1, ahead_ms + 1, arrival_ms=ahead_ms + 1)], 0)
    assert score.running_ahead() == {NEWS}
    score.end(POSTS)
    assert score.running_ahead() == set(), "who has ended is waited for by nobody"


def test_input_that_is_paused_for_running_ahead_is_not_idle() -> None:
    score = role()
    score.handle([record(0, arrival_ms=DAWN_MS, source=POSTS)], 0)
    score.handle([record(0, DAWN_MS + HOUR_MS, arrival_ms=DAWN_MS + HOUR_MS)], 0)
    for seconds in range(1, 100):
        # Posts drain their backlog all the while, news may not be read.
        said = record(seconds, DAWN_MS + seconds, arrival_ms=DAWN_MS + seconds, source=POSTS)
        score.handle([said], seconds * SECOND_MS)
        assert announced(score.cut(seconds * SECOND_MS)).state is SourceState.ACTIVE
    silent_since = 99 * SECOND_MS
    assert announced(score.cut(silent_since + IDLE_MS), POSTS).state is SourceState.IDLE
    assert announced(score.cut(silent_since + 2 * IDLE_MS)).state is SourceState.IDLE, "now it may speak, and does not"


# ---- crash and restart


@dataclass
class Outcome:
    """What a reader of `sentiment.scored` made of it: the decided order, final volumes, and what was dead-lettered."""

    decided: list[tuple[int, str, int]] = field(default_factory=list)
    volumes: dict[int, int] = field(default_factory=dict)
    dead: set[tuple[InputPartition, int, DeadLetterReason]] = field(default_factory=set)


class ReaderOfScored:
    """Merges and counts what score publishes, and outlives its crashes, as trend does on Kafka."""

    def __init__(self) -> None:
        self.merge: MergeByTime[ScoredDocument] = MergeByTime(HOUR_MS, MergeState())
        self.volume = FeedVolume(HOUR_MS, 86_400_000, VolumeState())
        self.outcome = Outcome()

    def take(self, outputs: Iterable[Output]) -> None:
        """In order."""
        for output in outputs:
            value = output.value
            if isinstance(value, ScoredDocument):
                item_id = f"{value.document_id}|{value.topic_id}"
                self.merge.add(value.effective_ms, item_id, value.source_partition, value.offset, value)
            elif isinstance(value, DeadLetter):
                self.outcome.dead.add((value.source_partition, value.offset, value.reason))
            elif isinstance(value, Progress):
                self.merge.progress(value)
                for told in value.sources:
                    self.volume.told(told)
                self.volume.advance(self.merge.watermark_ms)
                self.outcome.decided += [(ms, one.document_id, one.offset) for ms, one in self.merge.release()]

    def finish(self) -> Outcome:
        """Everything was said: the last minutes are over too."""
        self.volume.advance(DAWN_MS + 1_000 * HOUR_MS)
        first = DAWN_MS // MINUTE_MS - 60
        minutes = range(first, first + 600)
        self.outcome.volumes = {m: count for m in minutes if (count := self.volume.count(ALL_VENDORS, m, m + 1))}
        return self.outcome


@st.composite
def feeds(draw: st.DrawFn) -> dict[InputPartition, list[FeedRecord]]:
    """Two inputs of ordinary, late, far-future and unusable records, with and without a known arrival."""
    made: dict[InputPartition, list[FeedRecord]] = {}
    for source in (NEWS, POSTS):
        made[source] = []
        now_ms = DAWN_MS
        for offset in range(draw(st.integers(0, 12))):
            now_ms += draw(st.integers(0, 40)) * SECOND_MS
            kind = draw(st.sampled_from(["on time", "observed", "observed", "late", "far", "garbage"]))
            event_ms = now_ms - 20 * MINUTE_MS if kind == "late" else now_ms + 5 * HOUR_MS if kind == "far" else now_ms
            arrival_ms = now_ms if kind == "observed" else None
            text = draw(st.sampled_from(["orrin", "nobody", "pike", "pike poison", "orrin pike poison"]))
            one = record(offset, event_ms, text, arrival_ms=arrival_ms, source=source)
            made[source].append(garbage(offset, source) if kind == "garbage" else one)
    return made


READ, CUT, COMMIT, CRASH = range(4)
STEPS = st.lists(
    st.tuples(st.sampled_from([READ, READ, CUT, COMMIT, CRASH]), st.sampled_from([NEWS, POSTS]), st.integers(1, 5)),
    min_size=4,
    max_size=30,
)


def run(
    feed: dict[InputPartition, list[FeedRecord]],
    steps: Sequence[tuple[int, InputPartition, int]],
    batch: int,
    ahead: int = 0,
) -> Outcome:
    """Let score read the feed in these steps; what was not committed when it crashes is read again."""
    reader, score = ReaderOfScored(), role(batch=batch, partitions=1, ahead=ahead)
    stored: dict[str, bytes] = {}
    at = dict.fromkeys(feed, 0)

    def read(source: InputPartition, count: int) -> None:
        records = feed[source][at[source] : at[source] + count]
        at[source] += len(records)
        reader.take(score.handle(records, 0))

    for kind, source, count in steps:
        if kind == READ:
            read(source, count)
        elif kind == CUT:
            reader.take(score.cut(0))
        elif kind == COMMIT:
            reader.take(score.cut(0))
            stored = {key: value for key, value in score_snapshot.snapshot(score.states).items() if value is not None}
            score.committed()
        else:
            score = role(stored=stored, batch=batch, partitions=1, ahead=ahead)
            at = {one: score.positions()[one] for one in feed}
    for source in feed:
        read(source, len(feed[source]))
        score.end(source)
    reader.take(score.cut(0))
    return reader.finish()


@pytest.mark.slow
@settings(max_examples=150)
@given(feeds(), STEPS, st.integers(1, 8), st.integers(0, 2))
def test_any_cuts_commits_and_crashes_give_the_reader_the_same_order_and_the_same_minutes(
    feed: dict[InputPartition, list[FeedRecord]], steps: list[tuple[int, InputPartition, int]], batch: int, ahead: int
) -> None:
    whole = run(feed, [], batch=100)
    assert run(feed, steps, batch, ahead) == whole
    usable = sum(map(len, feed.values())) - len(whole.dead)
    assert sum(whole.volumes.values()) == usable, "every valid document is in the volume, once"


def test_restored_role_knows_its_watermark_and_where_it_stands() -> None:
    score = role()
    score.handle(steady(5), 0)
    score.cut(0)
    stored = {key: value for key, value in score_snapshot.snapshot(score.states).items() if value is not None}
    restored = role(stored=stored)
    assert restored.positions() == {NEWS: 5, POSTS: 0}
    assert restored.watermarks() == score.watermarks()
    late = restored.handle([record(5, DAWN_MS, arrival_ms=DAWN_MS)], 0) + restored.cut(0)
    assert scored(late)[0].effective_ms == DAWN_MS + 4 * SECOND_MS - OUT_OF_ORDER_MS


@pytest.mark.parametrize("batch", [1, 2, 7, 100])
def test_size_of_a_batch_changes_neither_scores_nor_their_order(batch: int) -> None:
    score = role(batch=batch)
    outputs = score.handle(steady(20), 0) + score.cut(0)
    assert [one.offset for one in scored(outputs)] == list(range(20))
    assert Counter(one.topic_id for one in scored(outputs)) == {"orrin-mills": 20}
