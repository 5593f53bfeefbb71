"""WebInput: the URLs of a run, each a feed, a poller and a job."""

from collections.abc import Sequence

from monitor import __version__
from monitor.clock import SECOND_MS, Clock
from monitor.config import FeedsConfig
from monitor.errors import ConfigError
from monitor.jobs import Jobs
from monitor.metrics import Metrics
from monitor.transports.addresses import WebAddress, read_address
from monitor.transports.entries import EntryDates
from monitor.transports.fetch import Fetcher, FetchLimits
from monitor.transports.polling import Poller
from monitor.transports.web_feed import WebFeed

USER_AGENT = f"financial-sentiment-monitor/{__version__} (reader of RSS and Atom)"
"""Who asks, so that a publisher who minds can say so, or let it through."""


class WebInput:
    """What follows URLs. Nothing is fetched before `start`, by when every feed has been given its position."""

    def __init__(self, feeds: Sequence[WebFeed], pollers: Sequence[Poller], jobs: Jobs) -> None:
        self.feeds = tuple(feeds)
        self._pollers = tuple(pollers)
        self._jobs = jobs

    def start(self) -> None:
        """Look at every URL now, and from then on as its poller says."""
        if self._pollers:
            for poller in self._pollers:
                self._jobs.add(poller.name, poller.poll)
            self._jobs.start()

    def close(self) -> None:
        """Fetch no more, and wait for nobody."""
        self._jobs.stop()
        for poller in self._pollers:
            poller.close()


def open_web(config: FeedsConfig, urls: Sequence[str], clock: Clock, metrics: Metrics) -> WebInput:
    """Raises: ConfigError: URLs that cannot be followed, all of them together."""
    limits = FetchLimits(total_seconds=config.poll_timeout_ms / SECOND_MS, max_bytes=config.max_feed_bytes)
    dates = EntryDates(config.oldest_ms, config.max_future_ms)
    feeds: list[WebFeed] = []
    pollers: list[Poller] = []
    for address in _addresses(urls):
        feed = WebFeed(address.name, clock, config.max_record_bytes)
        fetcher = Fetcher(limits, clock, USER_AGENT)
        every_seconds = config.poll_every_ms / SECOND_MS
        feeds.append(feed)
        pollers.append(Poller(address, feed, fetcher, clock, metrics, every_seconds=every_seconds, dates=dates))
    return WebInput(feeds, pollers, Jobs(clock))


def _addresses(urls: Sequence[str]) -> list[WebAddress]:
    found: dict[str, WebAddress] = {}
    faults: list[str] = []
    for url in urls:
        try:
            address = read_address(url)
        except ConfigError as exc:
            faults += exc.faults
            continue
        if address.name in found:
            faults.append(f"{address.shown}: it is given twice; name each feed once")
        found[address.name] = address
    if faults:
        raise ConfigError(*faults)
    return list(found.values())
