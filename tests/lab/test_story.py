"""The story as its readers see it: the same for a seed, readable but for what is broken, silent about what it hides."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import pytest

from models.lexicon import LexiconScorer
from models.scorer import Pair
from monitor.clock import DAY_MS, HOUR_MS
from monitor.domain.document import DeadLetter, DeadLetterReason, Document, FeedRecord, InputPartition
from monitor.domain.topics import TopicId
from monitor.errors import ConfigError
from monitor.lab.story import Planted, PlantedKind, Story, StorySettings, tell, watchlist_table
from monitor.lab.story.__main__ import main
from monitor.operators.aliases import ambiguity_report
from monitor.operators.parse import ParseLimits, parse
from monitor.operators.tag import Tagger
from monitor.watchlist import load_watchlist

# Whole stories are told here: a second or so for many of them.
pytestmark = pytest.mark.slow

SETTINGS = StorySettings()
PARTITION = InputPartition("story")
FEED_KEYS = {"id", "source", "published_at", "observed_at", "title", "text", "url", "lang", "symbols", "author"}


class Told:
    """A story, read with the monitor's own parser and tagger."""

    def __init__(self, settings: StorySettings) -> None:
        self.story: Story = tell(settings)
        self.read = [
            parse(FeedRecord(line, PARTITION, number, number + 1), ParseLimits())
            for number, line in enumerate(self.story.records)
        ]
        self.documents = [document for document in self.read if isinstance(document, Document)]
        tagger = Tagger(self.story.watchlist)
        self.tagged = [(document, tagger.tag(document)) for document in self.documents]
        self.planted = {one.kind: one for one in self.story.planted}

    def about(self, topic_id: TopicId, start_ms: int, end_ms: int, of_topics: int = 20) -> list[Document]:
        """Documents that name a topic and at most `of_topics` in all, said in [start, end), each id once."""
        found = {
            document.id: document
            for document, matches in self.tagged
            if start_ms <= document.event_time_ms < end_ms
            and any(match.topic_id == topic_id and match.of_topics <= of_topics for match in matches)
        }
        return list(found.values())

    def during(self, planted: Planted) -> list[Document]:
        """Documents about the first company of an event while it lasts."""
        return self.about(planted.topic_ids[0], planted.start_ms, planted.end_ms)


@pytest.fixture(scope="module")
def told() -> Told:
    return Told(SETTINGS)


def observed_ms(line: bytes) -> int:
    return round(datetime.fromisoformat(json.loads(line)["observed_at"]).timestamp() * 1_000)


def test_same_seed_tells_the_same_story() -> None:
    assert tell(SETTINGS) == tell(SETTINGS)


def test_another_seed_tells_another_story(told: Told) -> None:
    other = tell(replace(SETTINGS, seed=2))
    assert other.records != told.story.records
    assert other.planted != told.story.planted


def test_story_of_the_first_seed_is_the_same_on_every_machine(told: Told) -> None:
    """A change of any word changes this; a change that came by itself means that a draw depends on the machine."""
    digest = blake2b(b"\n".join(told.story.records), digest_size=8).hexdigest()
    assert digest == "de567cca298543d5"


@pytest.mark.parametrize(("documents", "days"), [(2_000, 14), (6_000, 14), (6_500, 30)])
def test_story_has_as_many_records_as_were_asked_for(documents: int, days: int) -> None:
    assert len(tell(StorySettings(seed=3, documents=documents, days=days)).records) == documents


def test_impossible_settings_are_refused_all_together() -> None:
    with pytest.raises(ConfigError) as caught:
        StorySettings(days=9, documents=100, start_ms=SETTINGS.start_ms + 1)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["days", "documents", "start_ms"]


def test_records_come_in_order_of_arrival_and_none_is_seen_before_it_was_said(told: Told) -> None:
    whole = [index for index in range(len(told.story.records)) if index not in told.story.broken]
    arrivals = [observed_ms(told.story.records[index]) for index in whole]
    assert arrivals == sorted(arrivals)
    assert all((document.observed_ms or 0) > document.event_time_ms for document in told.documents)


def test_every_record_is_read_but_the_broken_ones(told: Told) -> None:
    unread = {index for index, read in enumerate(told.read) if isinstance(read, DeadLetter)}
    assert unread == told.story.broken
    assert len(unread) == 48


def test_records_break_in_many_ways(told: Told) -> None:
    reasons = Counter(read.reason for read in told.read if isinstance(read, DeadLetter))
    assert set(reasons) >= {
        DeadLetterReason.NOT_JSON, DeadLetterReason.NOT_UTF8, DeadLetterReason.NOT_AN_OBJECT, DeadLetterReason.NO_TIME,
        DeadLetterReason.NO_TEXT, DeadLetterReason.BAD_TIME, DeadLetterReason.TIME_OUT_OF_RANGE,
        DeadLetterReason.FAR_FUTURE,
    }  # fmt: skip


def test_some_documents_are_delivered_twice_with_the_same_words(told: Told) -> None:
    first: dict[str, Document] = {}
    repeats = 0
    for document in told.documents:
        earlier = first.setdefault(document.id, document)
        if earlier is not document:
            repeats += 1
            assert (document.title, document.text) == (earlier.title, earlier.text)
            assert (document.observed_ms or 0) > (earlier.observed_ms or 0)
    assert repeats == 42


def test_some_documents_arrive_minutes_to_hours_late(told: Told) -> None:
    delays = [(document.observed_ms or 0) - document.event_time_ms for document in told.documents]
    late = [delay for delay in delays if delay >= 5 * 60_000]
    assert 0.02 < len(late) / len(delays) < 0.05
    assert max(late) > 4 * HOUR_MS
    assert sorted(delays)[len(delays) // 2] < 10_000


def test_feed_speaks_two_languages_in_many_sources_with_authors_addresses_and_cashtags(told: Told) -> None:
    assert {document.lang for document in told.documents} == {"en", "zh"}
    by_source = Counter(document.source for document in told.documents)
    assert len(by_source) == 7
    assert min(by_source.values()) > 200
    posts = [document for document in told.documents if document.source in ("chirrup", "chaosheng-forum")]
    articles = [document for document in told.documents if document.source not in ("chirrup", "chaosheng-forum")]
    assert all(document.author for document in posts)
    assert sum("$" in document.text and bool(document.symbols) for document in posts) > 500
    assert all(document.url and ".example/" in document.url and document.title for document in articles[:100])
    assert len({document.author for document in posts}) > 1_000


def test_some_documents_name_nobody_who_is_watched(told: Told) -> None:
    unwatched = sum(not matches for _, matches in told.tagged)
    assert 0.04 < unwatched / len(told.tagged) < 0.15


def test_weekend_is_quieter_than_the_week(told: Told) -> None:
    first_week = Counter(
        (document.event_time_ms - SETTINGS.start_ms) // DAY_MS
        for document in told.documents
        if document.event_time_ms < SETTINGS.start_ms + 7 * DAY_MS
    )
    assert max(first_week[5], first_week[6]) < 0.6 * min(first_week[day] for day in range(5))


@pytest.mark.parametrize(("source", "busy", "quiet"), [("chirrup", 14, 3), ("chaosheng-forum", 2, 18)])
def test_trading_hours_are_busier_than_the_night(told: Told, source: str, busy: int, quiet: int) -> None:
    hours = Counter(document.event_time_ms // HOUR_MS % 24 for document in told.documents if document.source == source)
    assert hours[busy] > 4 * hours[quiet]


def test_watchlist_is_read_back_as_it_was_and_holds_nothing_ambiguous(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "watchlist.csv"
    path.write_text(watchlist_table(told.story.watchlist), encoding="utf-8")
    assert list(load_watchlist(path).topics) == told.story.watchlist
    assert ambiguity_report(told.story.watchlist) == []
    assert len(told.story.watchlist) >= 40
    assert all(topic.aliases_zh and topic.tickers for topic in told.story.watchlist)


def test_every_event_is_planted_once_and_only_bad_news_must_alert(told: Told) -> None:
    assert [one.kind for one in told.story.planted] == list(PlantedKind)
    assert [one.kind for one in told.story.planted if one.must_alert] == list(PlantedKind)[:4]
    assert [one.kind for one in told.story.planted if one.group] == [PlantedKind.SECTOR_SHOCK]
    assert len(told.planted[PlantedKind.SECTOR_SHOCK].topic_ids) == 10


@pytest.mark.parametrize("kind", [kind for kind in PlantedKind if kind is not PlantedKind.OUTAGE])
def test_tagger_finds_the_companies_of_each_event_in_its_documents(told: Told, kind: PlantedKind) -> None:
    planted = told.planted[kind]
    named = [told.about(topic_id, planted.start_ms, planted.end_ms) for topic_id in planted.topic_ids]
    least = {PlantedKind.SECTOR_SHOCK: 6, PlantedKind.LISTS: 5}.get(kind, planted.documents)
    assert min(len(documents) for documents in named) >= least


@pytest.mark.parametrize("kind", [PlantedKind.RECALL, PlantedKind.LIQUIDITY, PlantedKind.FRAUD])
def test_incident_stands_out_from_the_usual_of_its_company(told: Told, kind: PlantedKind) -> None:
    planted = told.planted[kind]
    topic = planted.topic_ids[0]
    usual = len(told.about(topic, planted.start_ms - 7 * DAY_MS, planted.start_ms)) / (7 * DAY_MS)
    assert planted.documents > 4 * usual * (planted.end_ms - planted.start_ms)


def test_copied_report_is_one_text_forty_times(told: Told) -> None:
    texts = Counter(document.text for document in told.during(told.planted[PlantedKind.COPIES]))
    assert texts.most_common(1)[0][1] == 40


def test_angry_author_writes_twelve_different_posts(told: Told) -> None:
    by_author: dict[str | None, set[str]] = {}
    for document in told.during(told.planted[PlantedKind.ANGRY_AUTHOR]):
        by_author.setdefault(document.author, set()).add(document.text)
    assert max(len(texts) for texts in by_author.values()) == 12


def test_lists_name_twenty_companies_each(told: Told) -> None:
    planted = told.planted[PlantedKind.LISTS]
    lists = [
        matches
        for document, matches in told.tagged
        if planted.start_ms <= document.event_time_ms < planted.end_ms and len(matches) > 2
    ]
    assert len(lists) == planted.documents == 14
    assert {match.of_topics for matches in lists for match in matches} == {20}


@pytest.mark.parametrize("seed", range(1, 7))
def test_silent_feed_delivers_nothing_for_hours_in_which_it_usually_speaks(seed: int) -> None:
    story = tell(replace(SETTINGS, seed=seed))
    (outage,) = (one for one in story.planted if one.kind is PlantedKind.OUTAGE)
    assert outage.end_ms - outage.start_ms >= 6 * HOUR_MS
    seen, said = [], []
    for index, line in enumerate(story.records):
        if index not in story.broken and f'"source":"{outage.source}"'.encode() in line:
            seen.append(observed_ms(line))
            said.append(round(datetime.fromisoformat(json.loads(line)["published_at"]).timestamp() * 1_000))

    def count(times: list[int], shift_ms: int) -> int:
        return sum(outage.start_ms - shift_ms <= time < outage.end_ms - shift_ms for time in times)

    assert count(seen, 0) == count(said, 0) == 0
    assert min(count(seen, 7 * DAY_MS), count(said, 7 * DAY_MS)) > 20


def test_truth_never_enters_the_feed(told: Told) -> None:
    for index, line in enumerate(told.story.records):
        if index not in told.story.broken:
            assert set(json.loads(line)) <= FEED_KEYS
    feed = b"\n".join(told.story.records)
    for planted in told.story.planted:
        for tell_tale in (planted.note, "planted", "must_alert", str(planted.start_ms), "angry_author", "sector_shock"):
            assert tell_tale.encode() not in feed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ordinary_bad_news_stays_away_from_what_must_be_silent(seed: int) -> None:
    told = Told(replace(SETTINGS, seed=seed))
    scorer = LexiconScorer()
    for kind in (PlantedKind.GOOD_NEWS, PlantedKind.NEUTRAL_TALK, PlantedKind.COPIES, PlantedKind.ANGRY_AUTHOR):
        planted = told.planted[kind]
        day_before = told.about(planted.topic_ids[0], planted.start_ms - DAY_MS, planted.start_ms, of_topics=2)
        judged = scorer.score([Pair(document.reading, "", None) for document in day_before])
        assert sum(one.negative > max(one.neutral, one.positive) for one in judged) == 0, kind


def test_each_side_of_the_world_has_bad_news_on_ordinary_days(told: Told) -> None:
    """Without a usual background there is nothing that a surge could be measured against."""
    scorer = LexiconScorer()
    first_week = [
        (document, matches)
        for document, matches in told.tagged
        if document.event_time_ms < SETTINGS.start_ms + 7 * DAY_MS and matches
    ]
    judged = scorer.score([Pair(document.reading, "", None) for document, _ in first_week])
    bad = Counter(
        match.topic_id
        for (_, matches), one in zip(first_week, judged, strict=True)
        if one.negative > max(one.neutral, one.positive)
        for match in matches
    )
    assert 0.03 < bad.total() / len(first_week) < 0.10
    assert len(bad) > 0.7 * len(told.story.watchlist)


def test_command_writes_feed_watchlist_and_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feed, watchlist, truth = tmp_path / "feed.jsonl", tmp_path / "watchlist.csv", tmp_path / "truth.json"
    wanted = ["--seed", "5", "--documents", "2500", "--feed", str(feed), "--watchlist", str(watchlist)]
    assert main([*wanted, "--truth", str(truth)]) == 0
    story = tell(StorySettings(seed=5, documents=2_500))
    assert feed.read_bytes().split(b"\n") == [*story.records, b""]
    assert list(load_watchlist(watchlist).topics) == story.watchlist
    written = json.loads(truth.read_text(encoding="utf-8"))
    assert [(one["kind"], one["start_ms"]) for one in written] == [(one.kind, one.start_ms) for one in story.planted]
    assert "2,500 records about 43 companies" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "sentence"), [(["--days", "3"], "days: 3 is too few"), (["--documents", "7"], "documents: 7 is too few")]
)
def test_command_refuses_an_impossible_story(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], sentence: str
) -> None:
    wanted = ["--feed", str(tmp_path / "feed.jsonl"), "--watchlist", str(tmp_path / "watchlist.csv")]
    assert main([*wanted, *extra]) == 2
    assert capsys.readouterr().err.startswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_command_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing" / "feed.jsonl"
    assert main(["--feed", str(missing), "--watchlist", str(tmp_path / "watchlist.csv")]) == 2
    assert capsys.readouterr().err.startswith(f"{missing}: cannot be written")
