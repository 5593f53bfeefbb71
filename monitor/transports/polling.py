"""Poller: one look at one URL, what it tells the feed, the metrics and the log, and when the next look is due.

A URL that fails is asked less and less often, down to once an hour; the log hears of it when it begins and when it is
over, the metrics each time. How far two looks are apart varies by a tenth, so that many URLs of one server spread out.
"""

import logging
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from monitor.clock import SECOND_MS, Clock
from monitor.logs import event
from monitor.metrics import Metrics
from monitor.transports.addresses import WebAddress
from monitor.transports.entries import Entries, EntryDates, EntryOutcome, read_entries
from monitor.transports.fetch import FetchError, FetchOutcome, Page, Validators
from monitor.transports.web_feed import WebFeed

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 3_600.0
"""Between two looks at a URL that fails: a feed that is back is heard again within the hour. A server that asks for
more, or a desk that looks less often, is obeyed."""

JITTER_RATIO = 0.1


class Web(Protocol):
    """Where pages come from; `Fetcher` is one."""

    def fetch(self, url: str, validators: Validators) -> Page | None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Health:
    """How a URL fares. `failures`: in a row. `looks`: ever, which spreads the next one."""

    failures: int = 0
    looks: int = 0


class Poller:
    """Looks at one URL; `poll` is for one thread at a time."""

    def __init__(
        self,
        address: WebAddress,
        feed: WebFeed,
        web: Web,
        clock: Clock,
        metrics: Metrics,
        *,
        every_seconds: float,
        dates: EntryDates,
    ) -> None:
        self.name = str(feed.partition)
        self._address = address
        self._feed = feed
        self._web = web
        self._clock = clock
        self._metrics = metrics
        self._every_seconds = every_seconds
        self._dates = dates
        self._health = Health()
        self._is_closed = False
        self._has_told_flaw = False
        metrics.open_poll(self.name)

    def poll(self) -> float:
        """Look once. Returns: seconds until the next look."""
        self._health.looks += 1
        retry_after_seconds = 0.0
        try:
            outcome = self._look()
        except FetchError as exc:
            if self._is_closed:
                return self._wait_seconds(0.0)
            outcome, retry_after_seconds = exc.outcome, exc.retry_after_seconds
            self._health.failures += 1
            wait_seconds = self._wait_seconds(retry_after_seconds)
            self._tell_failure(exc, wait_seconds)
        else:
            wait_seconds = self._every_seconds * self._spread()
            if outcome is not FetchOutcome.HELD:
                self._tell_success()
        self._metrics.poll_fetches_total.labels(outcome).inc()
        return wait_seconds

    def close(self) -> None:
        """Look no more; a look that is under way ends soon and changes nothing."""
        self._is_closed = True
        self._feed.close()
        self._web.close()

    def _look(self) -> FetchOutcome:
        turn = self._feed.begin()
        if turn is None:
            return FetchOutcome.HELD
        page = self._web.fetch(self._address.url, turn.validators)
        if page is None:
            return FetchOutcome.UNCHANGED
        found = read_entries(page, self._address, self._clock.now_ms(), self._dates)
        # A document that was cut is fetched again whole, so the server must not be told that we have it.
        validators = Validators() if found.is_cut else page.validators
        new = self._feed.admit(turn, found.entries, validators)
        self._count(found, [entry.outcome for entry in new])
        if found.is_broken:
            self._tell_flaw(found)
        return FetchOutcome.BROKEN if found.is_broken else FetchOutcome.READ

    def _count(self, found: Entries, new: list[EntryOutcome]) -> None:
        total = self._metrics.poll_entries_total
        for outcome in set(new):
            total.labels(outcome).inc(new.count(outcome))
        total.labels(EntryOutcome.KNOWN).inc(len(found.entries) - len(new))
        total.labels(EntryOutcome.LEFT_OUT).inc(found.left_out)

    def _tell_failure(self, error: FetchError, wait_seconds: float) -> None:
        if self._health.failures == 1:
            event(
                logger,
                "feed_failing",
                level=logging.WARNING,
                input=self.name,
                url=self._address.shown,
                outcome=error.outcome,
                reason=str(error),
                next_look_seconds=round(wait_seconds),
            )

    def _tell_success(self) -> None:
        self._metrics.poll_success_timestamp_seconds.labels(self.name).set(self._clock.now_ms() / SECOND_MS)
        if self._health.failures:
            event(logger, "feed_recovered", input=self.name, failures=self._health.failures)
        self._health.failures = 0

    def _tell_flaw(self, found: Entries) -> None:
        """Once in a run: a feed whose XML is broken stays so for years, and is read all the same."""
        if not self._has_told_flaw:
            self._has_told_flaw = True
            event(
                logger,
                "feed_broken",
                level=logging.WARNING,
                input=self.name,
                url=self._address.shown,
                entries=len(found.entries),
                left_out=found.left_out,
            )

    def _wait_seconds(self, retry_after_seconds: float) -> float:
        doublings = min(max(self._health.failures - 1, 0), 16)
        backed_off = min(self._every_seconds * float(1 << doublings), max(MAX_WAIT_SECONDS, self._every_seconds))
        return max(backed_off, retry_after_seconds) * self._spread()

    def _spread(self) -> float:
        """1 to 1.1, the same in every run: never sooner than was asked for."""
        drawn = blake2b(f"{self.name} {self._health.looks}".encode(), digest_size=4).digest()
        return 1 + JITTER_RATIO * int.from_bytes(drawn) / 2**32
