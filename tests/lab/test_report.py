"""The report as a file: what a feed says is harmless in it, nothing is fetched, and each kind of alert has its card."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.config import Config
from monitor.domain.alerts import GROUP_TOPIC, AlertEvent, AlertId, AlertState, Rule, Suppression, feed_topic
from monitor.domain.archive import SuppressedRow, VolumeRow
from monitor.domain.document import Counted
from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.domain.windows import Window
from monitor.errors import ConfigError, DependencyError
from monitor.lab.report import ReportHeading, check_place, heading_of, write_report
from monitor.lab.report.page import render
from monitor.lab.report.words import link, period_words
from monitor.lab.story.planting import PlantedKind
from monitor.lab.verdict import Outcome, Verdict, VerdictRow
from monitor.ports import Commit
from monitor.storage.store import EmbeddedStore
from monitor.watchlist import Watchlist
from tests.storage.samples import BANK, CARRIER, START_MS, alert, detection, full_commit, scored, scored_row, window_row

CONFIG = Config()
HEADING = ReportHeading("Report of one morning", (BANK, CARRIER), "lexicon-1", "w-1", CONFIG)
NAMES = {BANK: "Norvane Bank", CARRIER: "Osterlund Air 奥斯特航空"}
ATTACK = "<script>alert('x')</script> & <img src=x onerror=alert(1)> \"quoted\""


class Page(HTMLParser):
    """What a browser would make of the page: tags with attributes, and the text of each heading and link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag not in ("meta", "link", "path", "rect", "br", "i"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if any(tag in ("h1", "h2", "h3") for tag in self._open):
            self.headings[-1] += data
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]


def name_of(topic: TopicId) -> str:
    return NAMES.get(topic, topic)


def page_of(store: EmbeddedStore, verdict: Verdict | None = None) -> Page:
    return Page(render(store.history, name_of, heading=HEADING, verdict=verdict))


@pytest.fixture
def store() -> Iterator[EmbeddedStore]:
    with EmbeddedStore.open(None) as opened:
        yield opened


@pytest.fixture
def full(store: EmbeddedStore) -> EmbeddedStore:
    store.commit(full_commit())
    return store


def group_alert(state: AlertState = AlertState.FIRING, members: tuple[TopicId, ...] = (BANK, CARRIER)) -> AlertEvent:
    found = replace(detection(5), rule=Rule.GROUP_BURST, topic_id=GROUP_TOPIC, members=members, observed=len(members))
    return replace(alert(0), alert_id=AlertId("group:topics|group_burst|1"), state=state, detection=found)


def feed_alert() -> AlertEvent:
    found = replace(
        detection(5),
        rule=Rule.FEED_SILENT,
        topic_id=feed_topic("wire-a"),
        observed=0,
        expected=23.0,
        look_back_ms=6 * HOUR_MS,
        severity=3.5,
        evidence=(),
        scorer="",
        coverage=0.0,
    )
    return replace(alert(0), alert_id=AlertId("feed:wire-a|feed_silent|1"), detection=found, peak_severity=3.5)


def test_page_of_an_empty_history_says_that_nobody_was_told(store: EmbeddedStore) -> None:
    page = page_of(store)
    assert page.headings[0] == "Report of one morning"
    assert "Nobody was told of anything" in page.text
    assert "Nothing: what was unusual was told." in page.text


def test_card_says_observed_expected_origins_state_and_threshold(full: EmbeddedStore) -> None:
    text = page_of(full).text
    for words in (
        "Norvane Bank",
        "9 negative stories in 15 min where 0.3 are usual",
        "nominally once in 5 months for such a topic",
        "6 independent origins, 11 documents in all, 4 copies not counted",
        "since 14 Nov 22:19",
        "severity 4.1, at least 3.0 needed",
        "▽ resolved",
        "33% of the excess",
        "net −0.75",
        "alert norvane-bank:negative_burst:1700000040000",
    ):
        assert words in text.replace("\N{NO-BREAK SPACE}", " "), words


def test_gates_are_told_only_of_the_configuration_that_decided(store: EmbeddedStore) -> None:
    store.commit(Commit(alert_events=[alert(0)]))
    assert "an earlier configuration" in page_of(store).text
    with EmbeddedStore.open(None) as other:
        other.commit(Commit(alert_events=[replace(alert(0), config=CONFIG.fingerprint)]))
        text = page_of(other).text
        assert "an earlier configuration" not in text
        assert "6 independent origins, at least 2 needed" in text
        assert "2 alerts on a working day" in text


def test_what_a_feed_says_cannot_become_markup(store: EmbeddedStore) -> None:
    harmful = replace(detection(5).evidence[0], headline=ATTACK, source=ATTACK, cues=(ATTACK,))
    event = replace(alert(0), detection=replace(detection(5), evidence=(harmful,)))
    rows = [scored_row(0), scored_row(1)._replace(counted=Counted.COPY, story="wire-a:0")]
    rows = [row._replace(scored=row.scored._replace(headline=ATTACK)) for row in rows]
    store.commit(Commit(scored=rows, alert_events=[event], windows=[window_row(0)]))
    NAMES[BANK] = ATTACK
    try:
        page = page_of(store)
    finally:
        NAMES[BANK] = "Norvane Bank"
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "iframe", "object"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "<script>alert('x')</script>" in page.text


def test_words_that_turn_round_what_follows_are_taken_out(store: EmbeddedStore) -> None:
    harmful = replace(detection(5).evidence[0], headline="safe \u202egnp.exe\u2066 name")
    store.commit(Commit(alert_events=[replace(alert(0), detection=replace(detection(5), evidence=(harmful,)))]))
    assert "safe gnp.exe name" in page_of(store).text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "javascript://news.example/%0aalert(1)",
        "ftp://news.example/1",
        "data:text/html,<script>1</script>",
        "file:///etc/hostname",
        "//news.example/1",
        "https://",
        "https://news.example:port/",
        "https://news.example/\u202e1",
        "https://news.example/a b",
        None,
    ],
)
def test_address_that_is_no_plain_web_address_is_no_link(store: EmbeddedStore, url: str | None) -> None:
    assert link(url) is None
    carried = replace(detection(5).evidence[0], url=url)
    store.commit(Commit(alert_events=[replace(alert(0), detection=replace(detection(5), evidence=(carried,)))]))
    assert [target for target in page_of(store).links() if not target.startswith("#")] == []


def test_web_address_is_a_link_that_tells_nobody_where_the_reader_came_from(full: EmbeddedStore) -> None:
    page = page_of(full)
    found = [
        attributes for tag, attributes in page.tags if tag == "a" and not (attributes["href"] or "").startswith("#")
    ]
    assert [(one["href"], one["rel"]) for one in found] == [("https://news.example/5", "noopener noreferrer")]
    assert ("meta", {"name": "referrer", "content": "no-referrer"}) in page.tags


def test_page_fetches_nothing_and_forbids_the_browser_to(full: EmbeddedStore) -> None:
    text = render(full.history, name_of, heading=HEADING)
    page = Page(text)
    fetching = [
        (tag, attributes)
        for tag, attributes in page.tags
        if tag in ("script", "img", "iframe", "object", "embed", "video", "audio", "source", "form", "base", "use")
        or any(name in ("src", "srcset", "action", "background", "poster", "xlink:href") for name in attributes)
    ]
    assert fetching == []
    assert [one for one in page.tags if one[0] == "link"] == [("link", {"rel": "icon", "href": "data:,"})]
    assert not re.search(r"url\(|@import|@font-face", text)
    policy = next(one["content"] for tag, one in page.tags if tag == "meta" and "http-equiv" in one)
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_each_link_within_the_page_leads_to_something(full: EmbeddedStore) -> None:
    full.commit(Commit(alert_events=[group_alert(), feed_alert()]))
    page = page_of(full)
    anchors = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    inside = [target for target in page.links() if target.startswith("#")]
    assert len(inside) == 6  # each alert in the timeline and in the index
    assert set(inside) <= anchors


def test_charts_speak_to_those_who_cannot_see_them(full: EmbeddedStore) -> None:
    drawings = [attributes for tag, attributes in page_of(full).tags if tag == "svg"]
    assert len(drawings) == 4  # the timeline, the alert, and two topics
    assert all(one["role"] == "img" and one["aria-label"] for one in drawings)


def test_tables_say_which_cells_are_headings(full: EmbeddedStore) -> None:
    headings = [attributes for tag, attributes in page_of(full).tags if tag == "th"]
    assert headings and all(one.get("scope") in ("col", "row") for one in headings)


def test_companies_come_before_feeds_and_the_most_severe_first(full: EmbeddedStore) -> None:
    worse = replace(
        alert(0), alert_id=AlertId("b"), peak_severity=9.0, detection=replace(detection(5), topic_id=CARRIER)
    )
    silent = replace(feed_alert(), peak_severity=99.0)
    full.commit(Commit(alert_events=[worse, silent]))
    cards = [heading for heading in page_of(full).headings if re.match(r"\d ", heading)]
    assert cards == ["1 Osterlund Air 奥斯特航空", "2 Norvane Bank", "3 feed wire-a"]


def test_group_alert_lists_its_members_with_the_count_of_each(store: EmbeddedStore) -> None:
    told = [group_alert(), replace(group_alert(AlertState.AMENDED, (BANK, CARRIER, TopicId("late-one"))), revision=1)]
    told[1] = replace(told[1], detection=replace(told[1].detection, severity=1.0))
    store.commit(Commit(alert_events=told, detections=[detection(4)], windows=[window_row(0)]))
    text = page_of(store).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "2 topics: Norvane Bank and Osterlund Air 奥斯特航空" in text
    assert "1 joined later" in text
    assert "Norvane Bank 9 in 15 min 0.3" in text
    assert "late-one" in text
    assert "its topic’s excess" in text


def test_feed_alert_shows_its_volume_against_the_usual_and_no_scorer(store: EmbeddedStore) -> None:
    hour = START_MS - START_MS % HOUR_MS
    volumes = [
        VolumeRow("wire-a", Window(hour - n * HOUR_MS, hour - (n - 1) * HOUR_MS), 0 if n < 4 else 9, 10.0)
        for n in range(8)
    ]
    store.commit(Commit(alert_events=[feed_alert()], volumes=volumes))
    text = page_of(store).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "no document in 6 h where 23 are usual" in text
    assert "Documents by the hour: 36 in 8 h, usual at the feed’s volume: 80." in text
    assert "The feed wire-a was silent from 14 Nov 19:00 to 14 Nov 23:00." in text
    assert "scorer ·" not in text and "half blind" not in text


def test_half_blind_alert_says_so(store: EmbeddedStore) -> None:
    event = replace(alert(0), config=CONFIG.fingerprint, detection=replace(detection(5), coverage=0.42))
    store.commit(Commit(alert_events=[event]))
    assert "half blind: only 42% of the feed’s usual volume was there" in page_of(store).text


def test_untold_episode_names_its_reason_and_what_it_lacked(store: EmbeddedStore) -> None:
    weak = replace(detection(5, severity=2.25), topic_id=CARRIER)
    rows = [SuppressedRow(CARRIER, weak.at_ms, Suppression.BELOW_THRESHOLD, 2.25)]
    store.commit(Commit(detections=[weak], suppressed=rows, alert_events=[alert(0)]))
    text = page_of(store).text
    assert "not unusual enough for the budget severity 2.2 of about 3.0" in text


def test_detections_of_an_alert_and_of_a_group_are_no_untold_episodes(store: EmbeddedStore) -> None:
    of_alert, of_group = detection(4), replace(detection(4), topic_id=CARRIER, episode_start_ms=START_MS - 1)
    rows = [
        SuppressedRow(one.topic_id, one.at_ms, Suppression.BELOW_THRESHOLD, one.severity)
        for one in (of_alert, of_group)
    ]
    store.commit(Commit(detections=[of_alert, of_group], suppressed=rows, alert_events=[alert(0)]))
    assert "1 more detection belonged to an alert" in page_of(store).text
    store.commit(Commit(alert_events=[group_alert()]))
    text = page_of(store).text
    assert "2 more detections belonged to an alert" in text
    assert "Nothing: what was unusual was told." in text


def test_copies_lists_late_documents_and_dead_letters_are_counted(full: EmbeddedStore) -> None:
    copies = [
        scored_row(number)._replace(counted=Counted.COPY, story="wire-a:0", scored=scored(number))
        for number in (10, 11)
    ]
    late = scored(12)._replace(event_time_ms=scored(12).effective_ms - 2 * HOUR_MS)
    full.commit(Commit(scored=[*copies, scored_row(12)._replace(scored=late, counted=Counted.LISTED)]))
    text = page_of(full).text
    assert "Norvane Bank 2 copies of: Norvane Bank freezes withdrawals, report 0 诺万银行 2 1 0" in text
    assert "6 documents came behind the feed’s time, by up to 2 h" in text
    assert "not JSON 1 line is not JSON: mend the crawler" in text
    assert "no time of publication 1" in text


def test_verdict_comes_first_and_leads_to_the_alert_that_found_it(full: EmbeddedStore) -> None:
    rows = (
        VerdictRow(PlantedKind.GOOD_NEWS, "a bid", (CARRIER,), START_MS, Outcome.FALSE_ALARM),
        VerdictRow(
            PlantedKind.RECALL, "a recall", (BANK,), START_MS, Outcome.FOUND, 5 * MINUTE_MS, alert(0).alert_id, 2
        ),
    )
    page = page_of(full, Verdict(rows, (), 1))
    assert page.headings[1].startswith("Planted against found 1 of 2 as it should be, 0 false alerts")
    text = page.text
    assert text.index("recall Norvane Bank") < text.index("good news Osterlund Air")
    assert "✓ found alert 1 + 2 others 5 min" in text and "✗ false alarm" in text
    assert page.links()[0] == "#alert-1"


def test_history_without_charts_of_windows_still_gives_a_page(full: EmbeddedStore) -> None:
    trend = replace(CONFIG.trend, windows=tuple(replace(one, size_ms=2 * HOUR_MS) for one in CONFIG.trend.windows))
    heading = replace(HEADING, config=replace(CONFIG, trend=trend))
    text = Page(render(full.history, name_of, heading=heading)).text
    assert "The configuration keeps no windows" in text


@pytest.mark.parametrize(
    ("end_ms", "words"),
    [
        (START_MS + 1, "14 Nov 2023"),
        (START_MS + DAY_MS, "14 Nov to 15 Nov 2023"),
        (START_MS + 60 * DAY_MS, "14 Nov 2023 to 13 Jan 2024"),
    ],
)
def test_period_names_its_days_and_each_year_once(end_ms: int, words: str) -> None:
    assert period_words(START_MS, end_ms) == words


def test_report_replaces_an_older_one_whole_and_leaves_nothing_beside_it(full: EmbeddedStore, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older report")
    write_report(full.history, name_of, out, heading=HEADING)
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [out]


def test_report_that_cannot_be_written_says_where(full: EmbeddedStore, tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"gone/report\.html cannot be written"):
        write_report(full.history, name_of, tmp_path / "gone" / "report.html", heading=HEADING)


def test_place_of_no_report_is_refused_before_anything_runs(tmp_path: Path) -> None:
    check_place(tmp_path / "new.html")
    for place, words in ((tmp_path, "is a folder"), (tmp_path / "gone" / "r.html", "there is no folder")):
        with pytest.raises(ConfigError, match=words):
            check_place(place)


def test_heading_takes_topics_and_versions_from_what_decided() -> None:
    watchlist = Watchlist((Topic(BANK, "Norvane Bank", TopicKind.COMPANY),), "w-9")
    heading = heading_of(CONFIG, watchlist, "lexicon-2")
    assert (heading.topics, heading.watchlist, heading.scorer) == ((BANK,), "w-9", "lexicon-2")


def test_replay_writes_a_report_without_keeping_a_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feed, watchlist, out = tmp_path / "feed.jsonl", tmp_path / "watchlist.csv", tmp_path / "report.html"
    record = '{{"id":"{0}","source":"wire-a","published_at":"2026-03-02T{0}:00:00Z","text":"Norvane Bank defaults"}}\n'
    feed.write_text(record.format("09") + record.format("11"))
    watchlist.write_text("id,name\nnorvane-bank,Norvane Bank\n")
    command = ["replay", str(feed), "--watchlist", str(watchlist), "--alerts", str(tmp_path / "alerts.jsonl")]
    assert main([*command, "--report", str(out)]) == 0
    assert f"The report is in {out}." in capsys.readouterr().out
    assert "2 Mar 2026" in Page(out.read_text(encoding="utf-8")).text
    assert main([*command, "--report", str(tmp_path)]) == 2
    assert "--report" in capsys.readouterr().err
