"""Poller, against a real server on loopback: what each answer leads to, in the feed, the metrics and the log."""

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from monitor import metrics as metrics_module
from monitor.clock import ManualClock
from monitor.metrics import Metrics
from monitor.transports.addresses import read_address
from monitor.transports.entries import EntryDates, EntryOutcome
from monitor.transports.fetch import Fetcher, FetchLimits, FetchOutcome
from monitor.transports.polling import MAX_WAIT_SECONDS, Poller
from monitor.transports.web_feed import WebFeed
from tests.feed_server import FeedServer, Handler, Item, page, rss, serving, status

NOW_MS = 1_772_409_600_000
EVERY_SECONDS = 300.0

ONE, TWO, THREE = (
    Item("n1", "Halden Bank opens an office", when="Sun, 01 Mar 2026 10:00:00 GMT"),
    Item("n2", "Northwind Foods recalls soups", when="Sun, 01 Mar 2026 11:00:00 GMT"),
    Item("n3", "Tessaly Motors names a chief", when="Sun, 01 Mar 2026 12:00:00 GMT"),
)


@dataclass
class Bench:
    """A poller, what it works on, and what came of it."""

    site: FeedServer
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW_MS))

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.registry)
        self.start(None)

    def start(self, position: str | None) -> None:
        """A new process, with the position of the one before."""
        address = read_address(self.site.url("/rss?token=hunter2"))
        self.feed = WebFeed(address.name, self.clock)
        if position is not None:
            self.feed.seek(self.feed.partition, position)
        self.poller = Poller(
            address,
            self.feed,
            Fetcher(FetchLimits(total_seconds=10.0), self.clock, "test-monitor/1"),
            self.clock,
            self.metrics,
            every_seconds=EVERY_SECONDS,
            dates=EntryDates(631_152_000_000, 600_000),
        )

    def answer(self, code: int, headers: dict[str, str] | None = None) -> None:
        self.site.answers["/rss"] = status(code, headers)

    def serve(self, *items: Item, etag: str = "") -> None:
        self.site.answers["/rss"] = page(rss(items), {"ETag": etag} if etag else None)

    def ids(self) -> list[str]:
        return [json.loads(record.value)["id"] for record in self.feed.poll(100)]

    def count(self, metric: str, outcome: str) -> float:
        return self.registry.get_sample_value(f"sentiment_poll_{metric}_total", {"outcome": outcome}) or 0.0

    def success_seconds(self) -> float | None:
        labels = {"input": str(self.feed.partition)}
        return self.registry.get_sample_value("sentiment_poll_success_timestamp_seconds", labels)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with serving() as site:
        yield Bench(site)


def assert_usual(wait_seconds: float, of: float = EVERY_SECONDS) -> None:
    assert of <= wait_seconds <= of * 1.1


def test_closed_label_sets_are_those_of_the_polling() -> None:
    assert tuple(FetchOutcome) == metrics_module.POLL_OUTCOMES
    assert tuple(EntryOutcome) == metrics_module.ENTRY_OUTCOMES


def test_entries_are_told_once_and_an_edited_one_not_again(bench: Bench) -> None:
    assert math.isnan(bench.success_seconds() or 0.0)
    bench.serve(TWO, ONE)
    assert_usual(bench.poller.poll())
    assert bench.ids() == ["n1", "n2"]
    bench.serve(THREE, Item("n2", "Northwind Foods recalls soups and sauces", when=TWO.when), ONE)
    bench.poller.poll()
    assert bench.ids() == ["n3"]
    assert (bench.count("fetches", "read"), bench.count("entries", "new"), bench.count("entries", "known")) == (2, 3, 2)
    assert bench.success_seconds() == NOW_MS / 1000


def test_the_server_is_asked_only_for_what_changed(bench: Bench) -> None:
    bench.serve(ONE, etag='"v1"')
    bench.poller.poll()
    bench.answer(304)
    assert_usual(bench.poller.poll())
    assert bench.site.asked[0][1]["If-None-Match"] is None
    assert bench.site.asked[1][1]["If-None-Match"] == '"v1"'
    assert bench.count("fetches", "unchanged") == 1
    assert bench.ids() == ["n1"]


def test_a_restart_before_all_was_taken_asks_for_the_whole_and_loses_and_repeats_nothing(bench: Bench) -> None:
    bench.serve(THREE, TWO, ONE, etag='"v1"')
    bench.poller.poll()
    taken = bench.feed.poll(2)
    bench.start(bench.feed.mark(bench.feed.partition, taken[-1].next_offset))
    bench.poller.poll()
    assert bench.site.asked[1][1]["If-None-Match"] is None
    assert bench.ids() == ["n3"]


def test_a_restart_after_all_was_taken_asks_only_for_what_changed(bench: Bench) -> None:
    bench.serve(TWO, ONE, etag='"v1"')
    bench.poller.poll()
    taken = bench.feed.poll(10)
    bench.start(bench.feed.mark(bench.feed.partition, taken[-1].next_offset))
    bench.serve(THREE, TWO, ONE, etag='"v2"')
    bench.poller.poll()
    assert bench.site.asked[1][1]["If-None-Match"] == '"v1"'
    assert bench.ids() == ["n3"]


@pytest.mark.parametrize(("code", "outcome"), [(404, "refused"), (410, "refused"), (500, "failed")])
def test_a_url_that_fails_is_asked_less_and_less_and_as_usual_when_it_is_back(
    bench: Bench, code: int, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench.answer(code)
    waits = [bench.poller.poll() for _ in range(12)]
    for wait, expected in zip(waits, [300, 600, 1200, 2400, *[MAX_WAIT_SECONDS] * 8], strict=True):
        assert_usual(wait, expected)
    bench.serve(ONE)
    assert_usual(bench.poller.poll())
    assert bench.ids() == ["n1"]
    assert bench.count("fetches", outcome) == 12
    assert [record.message for record in caplog.records] == ["feed_failing", "feed_recovered"]
    bench.answer(code)
    assert_usual(bench.poller.poll())
    assert [record.message for record in caplog.records][2:] == ["feed_failing"]


def test_a_throttling_server_is_left_alone_as_long_as_it_asks(bench: Bench) -> None:
    bench.answer(429, {"Retry-After": "7200"})
    assert_usual(bench.poller.poll(), 7_200)
    bench.answer(429, {"Retry-After": "10"})
    assert_usual(bench.poller.poll(), 600)
    assert bench.count("fetches", "throttled") == 2


def test_waits_differ_from_look_to_look_and_are_the_same_in_every_run(bench: Bench) -> None:
    bench.serve(ONE)
    first = [bench.poller.poll() for _ in range(5)]
    bench.start(None)
    assert [bench.poller.poll() for _ in range(5)] == first
    assert len(set(first)) == 5


def test_no_token_gets_into_the_log_or_the_metrics(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench.serve(ONE)
    bench.poller.poll()
    bench.answer(500)
    bench.poller.poll()
    bench.site.answers["/rss"] = lambda handler: handler.connection.close()
    bench.poller.poll()
    assert "hunter2" in bench.site.asked[0][0]
    assert "hunter2" not in caplog.text + str([vars(record) for record in caplog.records])
    names = [sample.labels for family in bench.registry.collect() for sample in family.samples]
    assert "hunter2" not in str(names)


def test_a_login_page_counts_as_a_failure_and_nothing_is_forgotten(bench: Bench) -> None:
    bench.serve(ONE)
    bench.poller.poll()
    bench.site.answers["/rss"] = page(b"<html><body>Please log in</body></html>", {"ETag": '"login"'})
    bench.poller.poll()
    bench.serve(ONE)
    bench.poller.poll()
    assert bench.site.asked[2][1]["If-None-Match"] is None
    assert bench.ids() == ["n1"]
    assert bench.count("fetches", "not_a_feed") == 1


def test_broken_xml_is_read_and_told_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    broken = rss([TWO, ONE]).replace(b"recalls", b"recalls & <")
    bench.site.answers["/rss"] = page(broken, {"ETag": '"v1"'})
    bench.poller.poll()
    bench.poller.poll()
    assert bench.ids() == ["n1", "n2"]
    assert bench.count("fetches", "broken") == 2
    assert [record.message for record in caplog.records] == ["feed_broken"]
    assert bench.site.asked[1][1]["If-None-Match"] == '"v1"'


def test_a_document_that_was_cut_is_fetched_whole_the_next_time(bench: Bench) -> None:
    whole = rss([TWO, ONE])
    bench.site.answers["/rss"] = page(whole[: whole.index(b"Halden") + 8], {"ETag": '"v1"'})
    bench.poller.poll()
    bench.site.answers["/rss"] = page(whole, {"ETag": '"v1"'})
    bench.poller.poll()
    assert bench.site.asked[1][1]["If-None-Match"] is None
    texts = [json.loads(record.value)["title"] for record in bench.feed.poll(10)]
    assert texts == [TWO.title, ONE.title]


def test_nothing_is_fetched_while_much_waits(bench: Bench) -> None:
    bench.serve(ONE)
    bench.feed._queue_bytes = 1
    bench.poller.poll()
    assert_usual(bench.poller.poll())
    assert len(bench.site.asked) == 1
    assert bench.count("fetches", "held") == 1
    assert bench.ids() == ["n1"]


def test_closing_during_a_look_says_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def close_meanwhile(handler: Handler) -> None:
        bench.poller.close()
        handler.reply(200, rss([ONE]))

    bench.site.answers["/rss"] = close_meanwhile
    bench.poller.poll()
    assert bench.ids() == []
    assert caplog.records == []
