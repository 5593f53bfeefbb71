"""Observers: what the roles counted reaches the metrics once, and a stopped input stays visible as such."""

import io
import logging
import math

import pytest
from prometheus_client import CollectorRegistry

from monitor.clock import Laps, ManualClock
from monitor.domain.alerts import AlertEvent, AlertState
from monitor.domain.document import FeedRecord, InputPartition, ScoredDocument
from monitor.domain.progress import Progress
from monitor.domain.streams import Message, Stream
from monitor.metrics import Metrics
from monitor.observe import ProgressBar, RunObserver
from monitor.operators.lifecycle import alert_id
from monitor.ports import ScoringWork
from monitor.roles.notify import NotifyRole
from monitor.web.health import Health
from tests.roles.scenes import HALDEN, START_MS, clock, detection, trend
from tests.roles.test_alert import alert, hear, told
from tests.roles.test_notify import Sheet
from tests.roles.test_score import DAWN_MS, NEWS, POSTS, garbage, record, role


class Watched:
    """A run's roles, small, and the observer that watches them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.clock = ManualClock(START_MS)
        self.health = Health(self.clock, stall_after_seconds=60)
        self.score, self.trend, self.alert = role(), trend(), alert()
        self.pager = Sheet("pager", tells_people=True)
        self.notify = NotifyRole([self.pager], str, 3_600_000)
        self._nanoseconds = 0
        self.laps = Laps(lambda: self._nanoseconds)
        self.scoring = ScoringWork()
        self.observer = RunObserver(
            self.metrics,
            self.health,
            self.clock,
            self.score,
            self.trend,
            self.alert,
            self.notify,
            self.laps,
            self._take_work,
        )
        for source in (NEWS, POSTS):
            self.metrics.open_input(str(source))

    def _take_work(self) -> ScoringWork:
        taken, self.scoring = self.scoring, ScoringWork()
        return taken

    def work(self, seconds: int) -> None:
        """Time passes for the stopwatch."""
        self._nanoseconds += seconds * 1_000_000_000

    def value(self, name: str, **labels: str) -> float:
        """One sample, as a scrape would show it."""
        found = self.registry.get_sample_value(f"sentiment_{name}", labels)
        assert found is not None, f"{name}{labels} is not exposed"
        return found

    def read(self, *records: FeedRecord) -> None:
        """A step of the loop: read, score, cut, trend, told to the observer."""
        self.observer.read(records)
        outputs = self.score.handle(records, 0) + self.score.cut(0)
        values = [o.value for o in outputs if isinstance(o.value, (ScoredDocument, Progress)) and o.partition == 0]
        first = self.trend.state.position
        self.trend.handle([Message(Stream.SCORED, 0, first + n, value) for n, value in enumerate(values)])
        self.observer.advanced()


def good(offset: int, source: InputPartition = NEWS, words: str = "orrin") -> FeedRecord:
    at_ms = DAWN_MS + offset * 1_000
    return record(offset, at_ms, words, arrival_ms=at_ms, source=source)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_records_are_counted_by_input_with_the_time_of_the_last(watched: Watched) -> None:
    watched.clock.advance(seconds=12)
    watched.read(good(0), good(1), good(0, POSTS))
    assert watched.value("records_read_total", input=str(NEWS)) == 2
    assert watched.value("records_read_total", input=str(POSTS)) == 1
    assert watched.value("last_record_timestamp_seconds", input=str(POSTS)) == START_MS / 1000 + 12


def test_every_record_leaves_score_in_one_way(watched: Watched) -> None:
    watched.read(good(0), good(1, words="orrin pike"), good(2, words="nobody"), garbage(3))
    outcomes = ("scored", "unwatched", "dead_letter")
    assert [watched.value("documents_total", outcome=outcome) for outcome in outcomes] == [2, 1, 1]
    assert watched.value("dead_letters_total", reason="not_json") == 1
    assert watched.value("scored_pairs_total") == 3
    assert watched.value("matches_total", role="body") == 3
    assert watched.value("batch_pairs_sum") == 3
    assert watched.value("score_marks_total", mark="unsupported_target") == 1
    assert watched.value("score_marks_total", mark="untrained_language") == 0


def test_what_the_scorer_computed_is_carried_over_once(watched: Watched) -> None:
    watched.scoring = ScoringWork(2, 300, 9_000, 1_000, 0.5, 40, 260, 1, 7, {"backend_disagrees": 1})
    watched.observer.advanced()
    watched.observer.advanced()
    names = ("runs", "windows", "tokens", "padding_tokens", "seconds", "halvings", "rechecked")
    assert [watched.value(f"scoring_{name}_total") for name in names] == [2, 300, 9_000, 1_000, 0.5, 1, 7]
    assert [watched.value("scoring_cache_total", outcome=one) for one in ("hit", "miss")] == [40, 260]
    assert watched.value("scoring_fallbacks_total", reason="backend_disagrees") == 1
    assert watched.value("scoring_fallbacks_total", reason="backend_unavailable") == 0


def test_document_that_cannot_be_scored_is_counted_as_a_dead_letter(watched: Watched) -> None:
    watched.read(good(0), good(1, words="pike poison"))
    assert watched.value("dead_letters_total", reason="poison") == 1
    assert [watched.value("documents_total", outcome=one) for one in ("scored", "dead_letter")] == [1, 1]


def test_what_was_counted_is_carried_over_once(watched: Watched) -> None:
    watched.read(good(0), garbage(1))
    watched.observer.advanced()
    watched.observer.advanced()
    assert watched.value("documents_total", outcome="scored") == 1
    assert watched.value("dead_letters_total", reason="not_json") == 1
    watched.read(good(2, words="pike"))
    watched.observer.advanced()
    assert watched.value("documents_total", outcome="scored") == 2
    assert watched.value("score_marks_total", mark="cut") == 1


def test_what_trend_and_alert_decided_is_counted_by_name(watched: Watched) -> None:
    watched.trend.counts.update({"repeat": 2, "too_late": 3, "copy": 5, "window": 7, "detection": 11})
    watched.trend.looks.update({"fired": 11, "warming_up": 13, "too_few_origins": 1})
    hear(watched.alert, detection(HALDEN, clock(1), 4.0), detection(HALDEN, clock(1, minutes=1), 4.1), told(clock(2)))
    watched.observer.advanced()
    names = ("repeats", "too_late_documents", "copies", "windows_published", "detections")
    assert [watched.value(f"{name}_total") for name in names] == [2, 3, 5, 7, 11]
    assert watched.value("looks_total", silence="fired") == 11
    assert watched.value("looks_total", silence="warming_up") == 13
    assert watched.value("alerts_total", state="firing") == 1
    assert watched.value("suppressed_total", reason="no_rise") == 1
    assert (watched.trend.counts, watched.trend.looks, watched.alert.suppressed) == ({}, {}, {})


def test_alert_that_was_too_old_to_page_anyone_is_counted_as_such(watched: Watched) -> None:
    found = detection(HALDEN, clock(1), 4.0)
    event = AlertEvent(alert_id(found), 1, AlertState.FIRING, clock(1), clock(1), 4.0, 3.0, found, "config-1")
    watched.notify.handle([Message(Stream.ALERTS, 0, 0, event)], clock(9))
    watched.observer.advanced()
    assert watched.value("notifications_total", channel="pager", outcome="ledger_only") == 1
    assert watched.pager.sent == []


def test_input_that_was_stopped_is_shown_as_paused_and_not_as_ended(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """To the roles it has ended: nobody waits for it. Whoever looks at the metric must see that something is wrong."""
    watched.observer.paused(NEWS)
    watched.score.end(NEWS)
    watched.score.end(POSTS)
    watched.observer.advanced()
    assert watched.value("input_state", input=str(NEWS), state="paused") == 1
    assert watched.value("input_state", input=str(NEWS), state="ended") == 0
    assert watched.value("input_state", input=str(POSTS), state="ended") == 1
    assert [(one.getMessage(), one.levelno) for one in caplog.records] == [("input_stopped", logging.ERROR)]


def test_time_is_told_once_it_is_known(watched: Watched) -> None:
    watched.observer.advanced()
    assert math.isnan(watched.value("watermark_seconds", stage="score"))
    watched.read(good(0), good(0, POSTS))
    assert watched.value("watermark_seconds", stage="score") == DAWN_MS / 1000 - 2
    assert watched.value("watermark_delay_seconds", stage="score") == (START_MS - DAWN_MS) / 1000 + 2
    assert watched.value("watermark_seconds", stage="trend") == DAWN_MS / 1000 - 2
    assert math.isnan(watched.value("watermark_seconds", stage="alert"))


def test_stages_take_the_time_that_was_booked(watched: Watched) -> None:
    watched.laps.start()
    watched.work(2)
    watched.laps.lap("tag", 10)
    watched.work(3)
    watched.laps.lap("sign", 4)
    watched.observer.advanced()
    assert watched.value("stage_seconds_total", stage="tag") == 2
    assert watched.value("stage_items_total", stage="tag") == 10
    assert watched.value("stage_seconds_total", stage="sign") == 3


def test_beat_keeps_the_process_alive_and_shows_when(watched: Watched) -> None:
    watched.clock.advance(seconds=59)
    watched.observer.beat()
    watched.clock.advance(seconds=59)
    assert watched.health.live().ok
    assert watched.value("loop_heartbeat_timestamp_seconds") == START_MS / 1000 + 59
    watched.clock.advance(seconds=2)
    assert not watched.health.live().ok


def test_commit_is_counted_with_its_time_and_size(watched: Watched) -> None:
    watched.observer.committed(0.02, 4_096)
    watched.observer.committed(0.03, 128)
    assert watched.value("commits_total") == 2
    assert watched.value("commit_seconds_sum") == pytest.approx(0.05)
    assert watched.value("state_bytes") == 128


def test_progress_bar_is_silent_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    bar = ProgressBar()
    bar.read([good(n) for n in range(100)])
    bar.beat()
    bar.advanced()
    bar.committed(0.1, 1)
    bar.paused(NEWS)
    bar.close()
    assert out.getvalue() == ""
    assert [one.getMessage() for one in caplog.records] == ["input_stopped"], "a stopped input is no matter of progress"
