"""Trend: what counts as an opinion, what is detected when, and that no cut of the log changes a decision."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import HOUR_MS, MINUTE_MS
from monitor.domain.alerts import Detection, Rule, feed_topic
from monitor.domain.archive import ScoredRow, VolumeRow, WindowRow
from monitor.domain.document import Counted, DocumentId, InputPartition
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.streams import Message, Output, Stream
from monitor.roles.trend import MAX_EVIDENCE, TrendRole
from tests.roles.scenes import (
    BAD,
    GOOD,
    HALDEN,
    LATENESS_MS,
    NORTHWIND,
    PLAIN,
    TESSALY,
    Log,
    clock,
    decided,
    random_documents,
    run_stream,
    text,
    trend,
    values,
)


def after_warming_up() -> Log:
    """A log whose feed has been known for three days, with one plain document of the first day."""
    log = Log(trend())
    log.say(clock(), "wire:first", sentiment=PLAIN)
    log.tell(clock(days=3))
    log.outputs.clear()
    return log


def burst(log: Log, begin_ms: int, count: int, name: str = "wire:burst") -> None:
    """So many bad reports, each in its own words, a minute apart."""
    for number in range(count):
        log.say(begin_ms + number * MINUTE_MS, f"{name}{number}")


def counted(log: Log) -> list[tuple[str, str, Counted]]:
    """Each row of the history: document, its story, how it counted."""
    return [(row.scored.document_id, row.story, row.counted) for row in values(log.outputs, ScoredRow)]


def last_windows(log: Log, size_ms: int = HOUR_MS) -> dict[int, WindowRow]:
    """By begin, the highest revision of each window."""
    return {
        row.window.start_ms: row
        for row in values(log.outputs, WindowRow)
        if row.window.end_ms - row.window.start_ms == size_ms
    }


# ---- copies are not opinions


def test_story_told_forty_times_by_copies_is_one_origin() -> None:
    log = after_warming_up()
    for number in range(40):
        words = f"RT @reader{number}: {text(1)}" if number else text(1)
        log.say(clock(3, seconds=number), f"forum:{number}", words=words, author=f"reader{number}")
    log.tell(clock(3, hours=2))
    assert log.detections() == []
    assert log.role.looks == {"too_few_documents": 1}
    hour = last_windows(log)[clock(3)]
    assert (hour.summary.documents, hour.summary.stories) == (40, 1)
    assert (hour.summary.negative, hour.summary.negative_stories) == (40, 1)
    assert counted(log)[0] == ("forum:0", "forum:0", Counted.COUNTED)
    assert set(counted(log)[1:]) == {(f"forum:{n}", "forum:0", Counted.COPY) for n in range(1, 40)}


def test_three_reports_and_a_story_told_forty_times_are_four_origins_of_forty_three_documents() -> None:
    log = after_warming_up()
    burst(log, clock(3), 2)
    for number in range(40):
        log.say(clock(3, minutes=2, seconds=number), f"forum:{number}", words=text(1), author=f"reader{number}")
    log.say(clock(3, minutes=5), "paper:last")
    log.end()
    found = log.detections()[-1]
    assert (found.documents, found.origins, found.observed) == (43, 4, 4)
    assert [evidence.copies for evidence in found.evidence if evidence.document_id == "forum:0"] == [39]


def test_twelve_posts_of_one_author_are_one_origin() -> None:
    log = after_warming_up()
    for number in range(12):
        log.say(clock(3, seconds=number), f"forum:{number}", author="tin_kettle", source="forum")
    log.end()
    assert log.detections() == []
    assert log.role.looks == {"too_few_documents": 1, "too_few_origins": 11}


def test_one_name_at_two_vendors_is_two_people() -> None:
    log = after_warming_up()
    for source in ("forum", "wire"):
        log.say(clock(3), f"{source}:1", author="editor", source=source)
    log.end()
    assert log.detections()[0].origins == 2


def test_list_of_many_topics_is_news_about_none_of_them() -> None:
    log = after_warming_up()
    for number in range(6):
        log.say(clock(3, seconds=number), f"wire:list{number}", of_topics=5)
    log.tell(clock(3, hours=2))
    assert log.detections() == []
    assert {how for _, _, how in counted(log)} == {Counted.LISTED}
    hour = last_windows(log)[clock(3)]
    assert (hour.summary.documents, hour.summary.listed, hour.summary.negative) == (6, 6, 0)


# ---- the same document again


def test_document_that_is_delivered_again_counts_once() -> None:
    log = after_warming_up()
    for delivery_ms in (clock(3), clock(3), clock(3, minutes=30), clock(4)):
        log.say(delivery_ms, "wire:1", event_ms=clock(3))
    log.end()
    assert counted(log) == [("wire:1", "wire:1", Counted.COUNTED)]
    assert log.role.counts["repeat"] == 3
    assert last_windows(log)[clock(3)].summary.documents == 1


def test_document_that_comes_again_after_the_lateness_horizon_is_archived_only() -> None:
    log = after_warming_up()
    log.say(clock(3), "wire:1")
    log.tell(clock(3, hours=2))
    log.say(clock(4, seconds=1), "wire:1", event_ms=clock(3))
    log.end()
    assert counted(log) == [("wire:1", "wire:1", Counted.COUNTED), ("wire:1", "wire:1", Counted.TOO_LATE)]
    assert {row.summary.documents for row in values(log.outputs, WindowRow)} == {1}
    assert log.role.looks.total() == 1


@pytest.mark.parametrize(("late_ms", "how"), [(LATENESS_MS, Counted.COUNTED), (LATENESS_MS + 1, Counted.TOO_LATE)])
def test_document_counts_in_its_own_minute_up_to_the_horizon(late_ms: int, how: Counted) -> None:
    log = after_warming_up()
    log.say(clock(4), "wire:late", event_ms=clock(4) - late_ms)
    log.end()
    assert counted(log) == [("wire:late", "wire:late", how)]


def test_late_document_counts_where_it_was_said_and_takes_effect_when_it_was_read() -> None:
    """Its window is published again with a higher revision, and the look-back that ends now holds both.

    said     |    2     1  |            the hour of both
    effect   |          1  |  2         at the end of the hour: revision 1; a minute after 2: revision 2
    """
    log = after_warming_up()
    log.say(clock(3, minutes=50), "wire:1")
    log.tell(clock(3, hours=1, minutes=5))
    log.say(clock(3, hours=1, minutes=6), "wire:2", event_ms=clock(3, minutes=20))
    log.tell(clock(3, hours=1, minutes=7))
    hours = [row for row in values(log.outputs, WindowRow) if row.window.end_ms - row.window.start_ms == HOUR_MS]
    assert [(row.window.start_ms, row.revision, row.summary.documents) for row in hours] == [
        (clock(3), 1, 1),
        (clock(3), 2, 2),
    ]
    assert log.detections()[0].at_ms == clock(3, hours=1, minutes=6)
    assert log.detections()[0].observed == 2


# ---- what is detected


def test_burst_is_detected_at_the_effective_time_of_the_document_that_makes_it_one() -> None:
    log = after_warming_up()
    log.say(clock(3, minutes=1), "wire:1")
    log.say(clock(3, minutes=4, seconds=17), "wire:2", risk=RiskKind.FRAUD)
    log.end()
    found = log.detections()[0]
    assert (found.topic_id, found.at_ms, found.episode_start_ms) == (HALDEN, *[clock(3, minutes=4, seconds=17)] * 2)
    assert (found.observed, found.documents, found.origins) == (2, 2, 2)
    assert found.severity > 1.0
    assert found.expected < 0.1
    assert (found.topics_watched, found.scorer, found.watchlist) == (3, "lexicon-1", "w-1")


def test_each_rise_is_told_and_the_end_is_told_when_nothing_is_left_of_it() -> None:
    log = after_warming_up()
    burst(log, clock(3), 5)
    log.tell(clock(3, hours=5))
    found = log.detections()
    rising = [one.severity for one in found[:4]]
    assert rising == sorted(rising)
    assert {one.episode_start_ms for one in found} == {clock(3, minutes=1)}
    # The look-back of four hours holds fewer than two from the moment on at which the fourth has left it.
    assert (found[-1].severity, found[-1].at_ms) == (0.0, clock(3, hours=4, minutes=3))
    assert found[-1].evidence == ()


def test_relapse_soon_after_is_the_same_episode_and_one_the_next_day_another() -> None:
    log = after_warming_up()
    burst(log, clock(3), 3, "wire:a")
    burst(log, clock(3, hours=5), 3, "wire:b")
    burst(log, clock(4), 3, "wire:c")
    log.end()
    starts = list(dict.fromkeys(one.episode_start_ms for one in log.detections()))
    assert starts == [clock(3, minutes=1), clock(4, minutes=1)]


def test_evidence_is_the_heaviest_first_and_its_shares_are_of_the_whole() -> None:
    log = after_warming_up()
    for number in range(12):
        negative = 5_000 + 400 * number
        sentiment = Sentiment(negative, 10_000 - negative, 0)
        log.say(clock(3, seconds=number), f"wire:{number}", sentiment=sentiment, risk=RiskKind.RECALL)
    log.say(clock(3, seconds=20), "wire:last", risk=RiskKind.FRAUD)
    log.end()
    found = max(log.detections(), key=lambda one: one.observed)
    assert len(found.evidence) == MAX_EVIDENCE
    nets = [evidence.net for evidence in found.evidence]
    assert nets == sorted(nets)
    assert found.evidence[0].document_id == "wire:11"
    shares = [evidence.share for evidence in found.evidence]
    assert shares == sorted(shares, reverse=True)
    assert 5_000 < sum(shares) <= 10_000
    assert found.risk is RiskKind.RECALL


def test_topics_are_detected_apart() -> None:
    log = after_warming_up()
    log.say(clock(3), "wire:1", topic=HALDEN)
    log.say(clock(3), "wire:1", topic=NORTHWIND)
    log.say(clock(3), "wire:2", topic=NORTHWIND)
    log.say(clock(3), "wire:3", topic=TESSALY, sentiment=GOOD)
    log.end()
    assert {one.topic_id for one in log.detections()} == {NORTHWIND}


# ---- what is usual


def test_past_days_of_a_topic_raise_what_is_expected_and_the_day_in_hand_does_not() -> None:
    expected = []
    for bad_day in (None, 1, 3):
        log = after_warming_up()
        if bad_day is not None:
            log = Log(trend())
            log.say(clock(), "wire:first", sentiment=PLAIN)
            for number in range(10):
                log.say(clock(bad_day, hours=number), f"wire:past{number}")
            log.tell(clock(max(bad_day + 0.5, 3)))
        burst(log, clock(3, hours=16), 3)
        log.end()
        expected.append(max(one.expected for one in log.detections() if one.at_ms > clock(3, hours=16)))
    without, yesterday, today = expected
    assert yesterday > 1.5 * without
    assert today == without


def test_new_watchlist_starts_warming_up_only_for_topics_without_history() -> None:
    """A topic that was heard of keeps its past; one that is new with the list has none to be unusual against."""
    log = after_warming_up()
    for number in range(3):
        log.say(clock(3, minutes=number), f"wire:old{number}", topic=HALDEN, watchlist="w-2")
        log.say(clock(3, minutes=number), f"wire:new{number}", topic=TESSALY, watchlist="w-2")
    log.tell(clock(3, hours=12))
    assert {one.topic_id for one in log.detections()} == {HALDEN}
    assert log.role.looks["warming_up"] > 0
    burst(log, clock(4, hours=1), 3)
    for number in range(3):
        log.say(clock(4, hours=2, minutes=number), f"wire:later{number}", topic=TESSALY, watchlist="w-2")
    log.end()
    assert {one.topic_id for one in log.detections()} == {HALDEN, TESSALY}
    assert next(one for one in log.detections() if one.topic_id == TESSALY).at_ms > clock(4)


def test_topic_of_the_first_watchlist_that_first_speaks_late_has_been_watched_all_along() -> None:
    log = after_warming_up()
    for number in range(2):
        log.say(clock(3, minutes=number), f"wire:{number}", topic=TESSALY)
    log.end()
    assert {one.topic_id for one in log.detections()} == {TESSALY}


# ---- order and progress


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), first=st.integers(0, 10_000), second=st.integers(0, 10_000))
def test_decisions_do_not_depend_on_where_progress_was_cut(seed: int, first: int, second: int) -> None:
    documents = random_documents(seed)
    found = []
    for cuts in (first, second):
        log = Log(trend())
        run_stream(log, documents, random.Random(cuts))
        log.end()
        found.append(decided(log.outputs))
    assert found[0] == found[1]
    assert values(found[0], Detection)


def test_documents_are_decided_strictly_below_the_watermark() -> None:
    log = after_warming_up()
    log.say(clock(3, minutes=1), "wire:1")
    log.tell(clock(3, minutes=1))
    assert counted(log) == []
    log.tell(clock(3, minutes=1) + 1)
    assert len(counted(log)) == 1


def test_documents_of_one_moment_are_decided_in_order_of_their_ids() -> None:
    log = after_warming_up()
    for name in ("wire:b", "wire:c", "wire:a"):
        log.say(clock(3), name, words=text(7))
    log.end()
    assert [story for _, story, _ in counted(log)] == ["wire:a"] * 3


def test_step_over_many_days_forgets_no_volume_that_is_still_needed() -> None:
    """A slow feed is read days at a time: a decision at its begin needs the minutes before it, however far W leapt."""
    found = []
    for step_minutes in (600, 9_000):
        role = trend()
        log = Log(role)
        log.say(clock(), "wire:first", sentiment=PLAIN)
        burst(log, clock(2), 3)
        log.tell(clock(seconds=1))
        positions = iter(range(10, 1_000))
        position = 10
        for begin in range(1, 9_000, step_minutes):
            minutes = range(clock() // MINUTE_MS + begin, clock() // MINUTE_MS + begin + step_minutes)
            volumes = tuple(("wire", minute, 3) for minute in minutes)
            before, position = position, next(positions) + 1
            watermark_ms = clock(minutes=begin + step_minutes)
            told = SourceProgress(
                InputPartition("feeds.news"), before, position, watermark_ms, 0, SourceState.ACTIVE, volumes
            )
            log.outputs += role.handle([Message(Stream.SCORED, 0, 0, Progress((told.source,), (told,), 0))])
        found.append(log.detections())
    assert found[0] == found[1]
    unusual = [one for one in found[0] if one.severity]
    assert len(unusual) >= 2
    assert [one.volume for one in unusual] == [3 * one.look_back_ms // MINUTE_MS for one in unusual]


def test_progress_names_every_partition_and_announces_what_was_decided() -> None:
    role = trend(partition=1, partitions=3)
    log = Log(role)
    log.say(clock(hours=1), "wire:1")
    made = log.tell(clock(hours=2))
    assert made[-1].stream is Stream.DETECTIONS
    assert made[-1].partition == 0
    (progress,) = values(made, Progress)
    assert progress.known == tuple(InputPartition(Stream.SCORED, number) for number in range(3))
    (told,) = progress.sources
    assert told.source == InputPartition(Stream.SCORED, 1)
    assert (told.watermark_ms, told.state) == (clock(hours=2), SourceState.ACTIVE)
    (ended,) = values(log.end(), Progress)
    assert ended.sources[0].state is SourceState.IDLE
    assert {output.partition for output in log.outputs if output.stream is Stream.TRENDS} == {1}


def test_idle_topics_cost_nothing() -> None:
    """Ten days pass for two hundred topics that said one thing each: nothing is looked at, published or stored."""
    log = Log(trend())
    for number in range(200):
        topic = type(HALDEN)(f"topic{number}")
        log.say(clock(seconds=number), f"wire:{number}", topic=topic, words=text(number))
    log.tell(clock(days=3))
    log.outputs.clear()
    role: TrendRole = log.role
    role.looks.clear()
    role.take_dirty()
    log.tell(clock(days=10))
    # What the feeds said each hour belongs to no topic.
    assert {type(output.value) for output in decided(log.outputs)} == {VolumeRow}
    assert (role.looks.total(), role.take_dirty()) == (0, set())


def test_first_decided_score_of_a_document_counts() -> None:
    """A newer model's score of the same document is no other document, though it waits beside the first."""
    log = after_warming_up()
    log.say(clock(3), "wire:1", sentiment=PLAIN)
    log.say(clock(3), "wire:1", sentiment=BAD)
    log.end()
    (row,) = values(log.outputs, ScoredRow)
    assert (row.scored.document_id, row.scored.sentiment) == (DocumentId("wire:1"), PLAIN)


# ---- feeds that fall silent


class TwoFeeds(Log):
    """A wire and a forum, ten documents in every tenth minute of each; the forum is out from day 8.5 to day 9.

    Halden has a burst on the forum in the hour before that.
    """

    def __init__(self, *, is_out: bool = True, partition: int = 0, partitions: int = 1) -> None:
        super().__init__(trend(partition=partition, partitions=partitions))
        self._is_out = is_out

    def volumes(self, minutes: Iterable[int]) -> Iterable[tuple[str, int, int]]:
        for minute in minutes:
            yield "wire", minute, 10
            if not (self._is_out and clock(8.5) <= minute * MINUTE_MS < clock(9)):
                yield "forum", minute, 10

    def run(self, days: float) -> list[Output]:
        for hour in range(round(days * 24)):
            if hour % 24 == 5:
                self.say(clock(hours=hour), f"forum:{hour}", source="forum")
            if hour == 203:
                for one in range(6):
                    self.say(clock(hours=hour, minutes=10 + one), f"forum:burst{one}", source="forum")
            self.tell(clock(hours=hour + 1))
        return self.outputs


def test_silent_feed_is_told_as_a_detection_about_the_feed() -> None:
    outputs = TwoFeeds().run(10)
    feeds = [one for one in values(outputs, Detection) if one.rule is Rule.FEED_SILENT]
    assert {one.topic_id for one in feeds} == {feed_topic("forum")}
    assert {one.episode_start_ms for one in feeds} == {clock(8.5) - 9 * MINUTE_MS}
    assert clock(8.5) < feeds[0].at_ms < clock(8.55)
    assert (feeds[0].observed, feeds[0].evidence) == (0, ())
    assert feeds[-1].severity == 0.0
    assert clock(9) <= feeds[-1].at_ms <= clock(9, minutes=15)


def halden(outputs: list[Output]) -> list[Detection]:
    return [one for one in values(outputs, Detection) if one.topic_id == HALDEN]


def test_open_episode_does_not_end_while_the_feed_that_told_of_it_is_silent() -> None:
    """Blind is not quiet: the burst has left every look-back (4 h) long before the forum speaks again."""
    with_outage = [one.at_ms for one in halden(TwoFeeds().run(10)) if one.severity == 0.0]
    without = [one.at_ms for one in halden(TwoFeeds(is_out=False).run(10)) if one.severity == 0.0]
    assert clock(8.5) < without[0] < clock(8.7)
    assert clock(9) <= with_outage[0] <= clock(9, minutes=30)


def test_detection_gives_the_rates_from_which_its_expectation_follows() -> None:
    first = halden(TwoFeeds().run(10))[0]
    minutes = first.look_back_ms // MINUTE_MS
    assert dict(first.rates).keys() == {"", "forum"}
    # Ten documents of each feed in every tenth minute.
    whole, forum = (dict(first.rates)[vendor] for vendor in ("", "forum"))
    assert first.expected == pytest.approx(whole * 2 * minutes + forum * minutes, rel=0.35)
    assert 0.4 < first.dispersion < 0.6
    assert first.coverage == 1.0


def test_detection_made_half_blind_says_so() -> None:
    log = TwoFeeds()
    log.run(8.75)
    for one in range(4):
        log.say(clock(8.75, minutes=one), f"wire:late{one}", source="wire")
    log.tell(clock(8.8))
    last = halden(log.outputs)[-1]
    assert last.severity > 0.0
    assert last.coverage < 0.8


def test_what_the_feeds_said_is_told_by_the_first_partition_alone() -> None:
    outputs = TwoFeeds().run(3)
    rows = values(outputs, VolumeRow)
    assert {(row.vendor, row.documents) for row in rows} == {("wire", 60), ("forum", 60)}
    assert rows[0].expected is None
    second = TwoFeeds(partition=1, partitions=2)
    second.run(3)
    assert values(second.outputs, VolumeRow) == []
    assert second.role.state.coverage.vendors.keys() == {"wire", "forum"}
