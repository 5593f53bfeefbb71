"""`monitor run`: without a broker it follows files, URLs and standard input for months. Start, drain, stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from prometheus_client import CollectorRegistry

from monitor import __version__
from monitor.app.building import LIVE
from monitor.app.embedded import join
from monitor.app.polling import WebInput, open_web
from monitor.app.scoring import device_loss_told, make_scorer
from monitor.app.serving import Reload, open_server
from monitor.app.telling import outboxes, plain_channels
from monitor.app.topics import access_of
from monitor.channels.outbox import Outbox
from monitor.clock import Clock, Laps
from monitor.config import Config
from monitor.engine import Engine, Pace
from monitor.errors import ConfigError, DeviceLostError, ExitCode
from monitor.metrics import Metrics
from monitor.observe import RunObserver
from monitor.ports import Channel, Commit, Feed
from monitor.storage.store import EmbeddedStore, StoredState
from monitor.tags import LiveTags
from monitor.transports.addresses import is_url
from monitor.transports.files import FileFeed
from monitor.transports.joined import JoinedFeed
from monitor.watchlist import WatchlistFile
from monitor.web.health import Health
from monitor.web.server import HealthServer

if TYPE_CHECKING:
    from monitor.app.distributed.run import RolesRun


@dataclass(slots=True)
class Run:
    """A long-lived monitor on this machine: `run` until `stop`, which a signal handler may call."""

    engine: Engine
    health: Health
    server: HealthServer | None
    feed: Feed
    web: WebInput
    store: EmbeddedStore | None
    outboxes: Sequence[Outbox] = ()
    is_stopping: bool = False

    def run(self) -> ExitCode:
        """Serve until every input has ended or `stop` is called; what is in hand is finished and committed.

        Raises: DeviceLostError: nothing can be scored any more; it is no longer ready, and nothing more is committed.
        """
        try:
            self.web.start()
            for outbox in self.outboxes:
                outbox.start()
            with device_loss_told(_kept(self.store)):
                is_done = self.engine.run()
            self._drain()
            return ExitCode.DONE if is_done else ExitCode.TOO_MANY_UNUSABLE
        except DeviceLostError as exc:
            # First of all: closing takes a while, and whoever asks meanwhile must not count on this process.
            self.health.set_ready("scorer", False, f"the device is lost: {exc.reason}")
            raise
        finally:
            for outbox in self.outboxes:
                outbox.close()
            if self.server is not None:
                self.server.stop()
            self.web.close()
            self.feed.close()
            if self.store is not None:
                self.store.close()

    def _drain(self) -> None:
        """Give people what can be delivered now; the rest waits in the state for the next start."""
        kept: dict[str, str] = {}
        for outbox in self.outboxes:
            outbox.close()
            kept |= outbox.flush()
        if kept and self.store is not None:
            self.store.commit(Commit(meta=kept))

    def stop(self) -> None:
        """Take no more."""
        self.is_stopping = True
        self.engine.close()


def start_run(config: Config, feeds: Sequence[str], watchlist: Path, out: TextIO, clock: Clock) -> Run:
    """Everything for `monitor run` without a broker, ready to run.

    Raises: ConfigError, StateError, DependencyError: each names what is wrong and the remedy.
    """
    source = WatchlistFile(watchlist)
    tags = LiveTags(source.current, source)
    scorer = make_scorer(config)
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    health = Health(clock)
    server = open_server(config.server, registry, health)
    feed: Feed | None = None
    web: WebInput | None = None
    store: EmbeddedStore | None = None
    try:
        web = open_web(config.feeds, [place for place in feeds if is_url(place)], clock, metrics)
        files = [place for place in feeds if not is_url(place)]
        read = FileFeed(files, follow=True, clock=clock, max_record_bytes=config.feeds.max_record_bytes)
        feed = JoinedFeed([read, *web.feeds]) if web.feeds else read
        if config.storage.url is not None:
            raise ConfigError(
                "storage.url: is for the archive on Kafka; one process without Kafka keeps all in a file, so give "
                "storage.path instead"
            )
        store = EmbeddedStore.open(config.storage.path) if config.storage.path else None
        stored = store.load() if store else StoredState({}, {}, {})
        boxes = outboxes(config.notify, clock, stored.meta)
        channels = [*plain_channels(config.notify, out), *boxes]
        embedded = join(
            config,
            feed,
            tags,
            scorer,
            channels,
            store,
            stored,
            knowledge=LIVE,
            is_live=True,
            max_age_ms=config.notify.max_age_ms,
            laps=Laps(),
        )
        _open_metrics(metrics, feed, channels, tags, scorer.name, config)
        metrics.set_scorer(backend=scorer.backend, checkpoint=scorer.name)
        observer = RunObserver(
            metrics,
            health,
            clock,
            embedded.score,
            embedded.trend,
            embedded.alert,
            embedded.notify,
            embedded.laps,
            scorer.take_work,
        )
        pace = Pace(
            is_live=True,
            poll_records=config.scorer.max_pending,
            progress_every_ms=config.feeds.progress_every_ms,
            commit_every_ms=config.storage.commit_every_ms,
            commit_records=config.storage.commit_documents,
            retention_ms=config.storage.history_retention_ms,
        )
        reload = Reload(tags, metrics, clock, config.watchlist.reload_every_ms)
        engine = embedded.engine(clock, pace, observer, maintenance=reload, meta={})
        for condition in ("scorer", "feeds", "watchlist", "state"):
            health.set_ready(condition, True)
        return Run(engine, health, server, feed, web, store, boxes)
    except BaseException:
        if server is not None:
            server.stop()
        if web is not None:
            web.close()
        if feed is not None:
            feed.close()
        if store is not None:
            store.close()
        raise


def _kept(store: EmbeddedStore | None) -> str:
    """What a run that loses its device leaves."""
    if store is None:
        return "without storage.path nothing is kept but what was told; start the monitor again"
    return "what was committed is kept; start the monitor again and it goes on from there"
def start_roles(config: Config, roles: Sequence[str], watchlist: Path, out: TextIO, clock: Clock) -> "RolesRun":
    """Everything for `monitor run` on Kafka, ready to run; all roles where none is named.

    Raises: ConfigError, StateError, DependencyError: each names what is wrong and the remedy.
    """
    access_of(config.kafka)  # says what is missing, the client among it
    from monitor.app.distributed import run as distributed

    return distributed.start_roles(config, roles, watchlist, out, clock)


def _open_metrics(
    metrics: Metrics, feed: Feed, channels: Sequence[Channel], tags: LiveTags, scorer: str, config: Config
) -> None:
    for source in feed.partitions:
        metrics.open_input(str(source))
    for channel in channels:
        metrics.open_channel(channel.name)
    metrics.topics.set(tags.topics)
    metrics.set_build(version=__version__, scorer=scorer, watchlist=tags.watchlist, config=config.fingerprint)
