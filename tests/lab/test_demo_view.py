"""The live view: what a frame says, that it fits any terminal to the column, and how fast the story's hours pass."""

from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from monitor.domain.alerts import AlertState, feed_topic
from monitor.domain.archive import VolumeRow, WindowRow
from monitor.domain.streams import Output, Stream
from monitor.domain.summary import Summary
from monitor.domain.topics import TopicId
from monitor.domain.windows import Window
from monitor.lab.demo.card import card_lines, fitted, moment
from monitor.lab.demo.course import BIN_MS, Course
from monitor.lab.demo.pace import FRAME_SECONDS, Pace, seconds_until
from monitor.lab.demo.view import LEVELS, Frame, Plot, sparkline
from monitor.lab.story import StorySettings
from monitor.transports.bus import Bus
from tests.lab.telling import START_MS, event, group

BAKERY, BANK = TopicId("BAKE"), TopicId("BANK")
NAMES = {BAKERY: "Crumbleton Bakeries plc", BANK: "松石海港储蓄银行股份有限公司与兄弟联合控股集团"}
PLOT = Plot(StorySettings().start_ms, 14, 6_000, 43)
SIZES = [(60, 20), (80, 24), (120, 40), (200, 60), (40, 12)]


class Desk:
    """A course and the bus that it listens to."""

    def __init__(self) -> None:
        self.bus = Bus(1_000)
        self.course = Course(self.bus, lambda topic: NAMES.get(topic, topic))
        self.course.now_ms = START_MS + 12 * HOUR_MS

    def publish(self, stream: Stream, *values: object) -> None:
        self.bus.publish([Output(stream, value) for value in values])
        self.course.take()

    def said(self, topic: TopicId, hours: float, summary: Summary, revision: int = 1) -> None:
        """A window of a minute, so many hours after START_MS."""
        start_ms = START_MS + round(hours * HOUR_MS)
        self.publish(Stream.TRENDS, WindowRow(topic, Window(start_ms, start_ms + MINUTE_MS), revision, summary))

    def heard(self, vendor: str, hours: float, documents: int) -> None:
        start_ms = START_MS + round(hours * HOUR_MS)
        self.publish(Stream.TRENDS, VolumeRow(vendor, Window(start_ms, start_ms + HOUR_MS), documents, None))

    def frame(self, width: int = 100, height: int = 40) -> list[str]:
        return [line.plain for line in Frame(self.course, PLOT, 1_234.0).lines(width, height)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def line_of(lines: list[str], text: str) -> str:
    (line,) = [line for line in lines if text in line]
    return line


# ---- what is gathered


def test_a_window_that_is_published_again_replaces_what_it_said(desk: Desk) -> None:
    desk.said(BAKERY, 11, Summary(documents=3, negative=2, negative_stories=1, net_sum=-9_000))
    desk.said(BAKERY, 11, Summary(documents=5, negative=3, negative_stories=2, net_sum=-20_000), revision=2)
    day = desk.course.day(desk.course.topics[BAKERY])
    assert (day.documents, day.negative, day.negative_stories, day.net) == (5, 3, 2, -0.4)


def test_a_summary_that_goes_on_counting_changes_nothing_that_was_taken(desk: Desk) -> None:
    lent = Summary(documents=1, negative=1)
    desk.said(BAKERY, 11, lent)
    lent.documents = 7
    desk.said(BAKERY, 11, Summary(documents=8, negative=1), revision=2)
    assert desk.course.day(desk.course.topics[BAKERY]).documents == 8


def test_a_longer_window_does_not_count_the_same_documents_again(desk: Desk) -> None:
    desk.said(BAKERY, 11, Summary(documents=1))
    window = Window(START_MS + 10 * HOUR_MS, START_MS + 12 * HOUR_MS)
    desk.publish(Stream.TRENDS, WindowRow(BAKERY, window, 1, Summary(documents=1)))
    assert desk.course.day(desk.course.topics[BAKERY]).documents == 1


def test_the_last_day_forgets_what_was_said_the_day_before(desk: Desk) -> None:
    desk.said(BAKERY, -13, Summary(documents=4))
    desk.said(BAKERY, 1, Summary(documents=2))
    day = desk.course.day(desk.course.topics[BAKERY])
    assert (day.documents, day.net) == (2, 0.0)


# ---- what a frame says


def test_the_topic_with_most_bad_news_comes_first_and_says_how_many_stories_it_is(desk: Desk) -> None:
    desk.said(BAKERY, 11, Summary(documents=9, negative=1, negative_stories=1, net_sum=9_000))
    desk.said(BANK, 11, Summary(documents=41, negative=40, negative_stories=1, net_sum=-328_000))
    lines = desk.frame()
    assert lines.index(line_of(lines, "松石")) < lines.index(line_of(lines, "Crumbleton"))
    assert line_of(lines, "松石").split()[-4:] == ["41", "40", "1", "-0.80"]


def test_an_open_alert_marks_its_company_and_a_group_each_of_its_members(desk: Desk) -> None:
    desk.said(BAKERY, 11, Summary(documents=1))
    desk.said(BANK, 11, Summary(documents=1))
    desk.publish(Stream.ALERTS, event(BAKERY, 60))
    assert line_of(desk.frame(), "Crumbleton Bakeries plc     ").startswith("▲ Crumbleton")
    assert line_of(desk.frame(), "松石").startswith("  松石")
    desk.publish(Stream.ALERTS, group(90, BANK))
    assert any(line.startswith("▲ 松石") for line in desk.frame())


def test_an_alert_that_is_over_marks_nobody_and_says_how_long_it_took(desk: Desk) -> None:
    desk.said(BAKERY, 11, Summary(documents=1))
    first = event(BAKERY, 60, alert_id="a")
    desk.publish(Stream.ALERTS, first)
    over = event(BAKERY, 300, AlertState.RESOLVED, revision=2, alert_id="a")
    desk.publish(Stream.ALERTS, over)
    lines = desk.frame()
    assert not any(line.startswith("▲") for line in lines)
    assert line_of(lines, "▽").startswith("▽ Tue 10 Mar 01:00  Crumbleton Bakeries plc · recall · over after")


def test_a_feed_whose_silence_is_told_says_silent_and_the_others_their_documents(desk: Desk) -> None:
    desk.heard("chirper", 2, 30)
    desk.heard("harbour-wire", 2, 7)
    desk.publish(Stream.ALERTS, event(feed_topic("chirper"), 300))
    lines = desk.frame()
    assert [line.split()[-1] for line in lines if "harbour-wire" in line] == ["7"]
    assert line_of(lines, "▲ chirper").split()[-1] == "silent"


def test_the_newest_alert_comes_first_and_every_alert_keeps_its_first_line_where_room_is_short(desk: Desk) -> None:
    for number in range(4):
        topic = TopicId(f"T{number}")
        desk.publish(Stream.ALERTS, event(topic, number * 60, headlines=("Ovens recalled",), alert_id=topic))
        if number < 3:
            desk.publish(Stream.ALERTS, event(topic, 400, AlertState.RESOLVED, revision=2, alert_id=topic))
    lines = desk.frame(80, 19)
    at = lines.index(line_of(lines, "alerts: 4 so far"))
    assert [line.split()[5] for line in lines[at + 1 :] if line[0] in "▲▽"] == ["T3", "T2", "T1", "T0"]
    assert "5 negative stories in 1 h" in lines[at + 2]


def test_a_frame_says_whether_it_is_still_learning(desk: Desk) -> None:
    desk.course.now_ms = PLOT.start_ms + 6 * DAY_MS
    assert "day 7 of 14 · learning what is usual" in desk.frame()[2]
    desk.course.now_ms = PLOT.start_ms + 7 * DAY_MS
    assert "day 8 of 14 · a week is known" in desk.frame()[2]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_line_is_exactly_as_wide_as_the_terminal_and_the_frame_as_high(
    desk: Desk, width: int, height: int
) -> None:
    for number in range(30):
        desk.said(TopicId(f"松{number}"), 11, Summary(documents=number, negative=number))
    desk.said(BANK, 11, Summary(documents=100, negative=90, net_sum=-1))
    for vendor in ("chirper", "潮声财经论坛网", "a-vendor-with-a-name-that-does-not-end", "w1", "w2", "w3", "w4"):
        desk.heard(vendor, 3, 5)
    for number in range(9):
        headline = "松石海港储蓄银行暂停取款，储户在网点外排队，监管机构称正在密切关注事态发展并要求提交报告" * 2
        desk.publish(Stream.ALERTS, event(BANK, number, headlines=(headline,), alert_id=str(number)))
    console = Console(
        width=width, height=height, record=True, force_terminal=True, color_system=None, legacy_windows=False
    )
    with console.capture() as drawn:
        console.print(Frame(desk.course, PLOT, 1_234.0), end="")
    lines = drawn.get().splitlines()
    assert len(lines) == height
    assert {cell_len(line) for line in lines} == {width}


def test_foreign_text_cannot_drive_the_terminal(desk: Desk) -> None:
    hostile = TopicId("\x1b[2J\x1b]0;title\x07evil\nname\u202e")
    desk.said(hostile, 11, Summary(documents=1, negative=1))
    desk.heard("\x1b[31mred", 2, 5)
    desk.publish(Stream.ALERTS, event(hostile, 60, headlines=("\x1b[8m\rhidden\u2066 text",)))
    text = "".join(desk.frame())
    assert "evil" in text and "red" in text and "hidden" in text
    assert [char for char in text if ord(char) < 32 or char in "\u202e\u2066"] == []


# ---- pieces


def test_a_single_document_can_be_seen_and_the_largest_bin_is_full(desk: Desk) -> None:
    desk.said(BAKERY, 0, Summary(documents=20, negative=20))
    desk.said(BAKERY, 3, Summary(documents=1, negative=1))
    trend = desk.course.topics[BAKERY]
    first = START_MS // BIN_MS
    assert sparkline(trend, trend.negative, first + 2, 4) == f" {LEVELS[8]}{LEVELS[1]} "


def test_one_negative_post_does_not_look_like_a_crash(desk: Desk) -> None:
    desk.said(BAKERY, 0, Summary(documents=1, negative=1))
    trend = desk.course.topics[BAKERY]
    assert sparkline(trend, trend.negative, START_MS // BIN_MS, 1) == LEVELS[2]


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("bank", 6, "bank  "),
        ("bank", 4, "bank"),
        ("banker", 4, "ban…"),
        ("松石银行", 5, "松石…"),
        ("松石银行", 6, "松石… "),
        ("x", 0, ""),
    ],
)
def test_text_is_fitted_by_columns_with_an_ellipsis_where_it_is_cut(text: str, columns: int, shown: str) -> None:
    assert fitted(text, columns) == shown
    assert cell_len(shown) == columns


def test_a_long_list_of_names_gives_way_to_the_kind_of_risk(desk: Desk) -> None:
    desk.publish(Stream.ALERTS, group(60, *(TopicId(f"A rather long name {number}") for number in range(5))))
    (told,) = desk.course.alerts.values()
    text, _ = next(card_lines(told, 60))
    assert cell_len(text) <= 60
    assert text.endswith("… · recall")


def test_a_moment_reads_the_same_in_every_locale() -> None:
    assert moment(START_MS + 62 * MINUTE_MS) == "Tue 10 Mar 01:02"


# ---- pace


def test_the_week_of_learning_passes_in_three_seconds_and_the_whole_in_less_than_thirty() -> None:
    start_ms = PLOT.start_ms
    assert 2.0 < seconds_until(start_ms + 7 * DAY_MS, start_ms) <= 3.0
    assert 15.0 < seconds_until(start_ms + 14 * DAY_MS, start_ms) < 25.0


def test_a_working_day_passes_more_slowly_than_one_of_the_week_end_and_time_never_jumps() -> None:
    start_ms = PLOT.start_ms
    days = [
        seconds_until(start_ms + (day + 1) * DAY_MS, start_ms) - seconds_until(start_ms + day * DAY_MS, start_ms)
        for day in range(14)
    ]
    assert min(days[7:12]) > 2 * max(days[12:])
    hours = [seconds_until(start_ms + hour * HOUR_MS, start_ms) for hour in range(-1, 14 * 24)]
    assert hours[0] == hours[1] == 0.0
    assert all(0.0 < later - earlier < 0.2 for earlier, later in pairwise(hours[1:]))


def test_it_waits_until_the_hour_is_due_and_draws_all_the_while() -> None:
    clock, drawn = ManualClock(), []
    pace = Pace(clock, PLOT.start_ms)
    due = seconds_until(PLOT.start_ms + 3 * DAY_MS, PLOT.start_ms)
    pace.wait_for(PLOT.start_ms + 3 * DAY_MS, lambda: drawn.append(clock.monotonic_seconds()))
    assert clock.monotonic_seconds() == pytest.approx(due, abs=0.002)
    assert pace.shown_seconds == pytest.approx(due, abs=0.002)
    assert len(drawn) > due / FRAME_SECONDS


def test_a_machine_that_is_late_is_not_held_back_but_still_draws() -> None:
    clock, drawn = ManualClock(), []
    pace = Pace(clock, PLOT.start_ms)
    clock.advance(seconds=100)
    pace.wait_for(PLOT.start_ms + 3 * DAY_MS, lambda: drawn.append(True))
    assert (clock.monotonic_seconds(), drawn) == (100.0, [True])
