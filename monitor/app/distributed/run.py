"""`monitor run --roles ...` on Kafka: start, drain, stop."""

import gc
import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from prometheus_client import CollectorRegistry

from monitor import __version__
from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.observing import Observing
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.app.distributed.roster import Builder, Roster
from monitor.app.distributed.worker import OnSeam, Pace, no_seam
from monitor.app.serving import Reload, open_server
from monitor.app.topics import access_of
from monitor.clock import SECOND_MS, Clock
from monitor.config import Config
from monitor.engine import collect_garbage_seldom
from monitor.errors import ConfigError, ExitCode
from monitor.metrics import Metrics
from monitor.tags import LiveTags
from monitor.transports.kafka_access import await_brokers, check_libraries
from monitor.transports.kafka_member import MemberLimits
from monitor.transports.kafka_sender import SenderLimits
from monitor.watchlist import WatchlistFile
from monitor.web.health import Health
from monitor.web.server import HealthServer

POLL_RECORDS = 500
"""What the client gives at once by default: a call's cost is shared, and a drain waits for no more."""

DRAIN_SECONDS = 20.0
"""For what is in hand when the process is told to stop: below the 30 s after which Kubernetes kills."""

LEAST_HANG_SECONDS = 90.0
"""A worker that gives no sign for so long hangs; a restore of 50,000 topics gives none for 20 s."""

COMMIT_SECONDS = 10.0


@dataclass(slots=True)
class RolesRun:
    """Roles at work on Kafka: `run` until `stop`, which a signal handler may call."""

    process: Process
    roster: Roster
    server: HealthServer | None
    is_stopping: bool = False

    def run(self) -> ExitCode:
        """Serve until `stop` is called; what is in hand is finished and committed. Raises: MonitorError."""
        try:
            gc.collect()
            collect_garbage_seldom()
            for outbox in self.roster.outboxes:
                outbox.start()
            self.process.run()
            return ExitCode.DONE
        finally:
            self.roster.close()
            if self.server is not None:
                self.server.stop()

    def stop(self) -> None:
        """Take no more."""
        self.is_stopping = True
        self.process.stop()


def start_roles(
    config: Config,
    roles: Collection[str],
    watchlist: Path,
    out: TextIO,
    clock: Clock,
    on_seam: OnSeam = no_seam,
) -> RolesRun:
    """Everything for `monitor run` on Kafka, ready to run.

    Raises: ConfigError, StateError, DependencyError: each names what is wrong and the remedy.
    """
    names = _names(roles)
    cluster = cluster_of(config)
    source = WatchlistFile(watchlist)
    tags = LiveTags(source.current, source)
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    beats = Beats(clock, names)
    hang_seconds = max(LEAST_HANG_SECONDS, 3 * config.kafka.delivery_timeout_ms / SECOND_MS)
    health = Health(clock, conditions=[role.value for role in names])
    session_seconds = config.kafka.session_timeout_ms / SECOND_MS
    watch = Observing(metrics, health, clock, beats, names, session_seconds)
    server = open_server(config.server, registry, health)
    roster: Roster | None = None
    try:
        check_libraries()
        await_brokers(cluster.access, clock, config.kafka.connect_timeout_ms / SECOND_MS, random.Random())
        cluster.shapes()
        reload = Reload(tags, metrics, clock, config.watchlist.reload_every_ms)
        # Where documents are tagged, the watchlist changes between two of them and never within one.
        tags_here = RoleName.SCORE in names
        builder = Builder(
            config, cluster, pace_of(config), tags, clock, watch, on_seam, reload if tags_here else _nothing
        )

        def on_look() -> None:
            watch.look()
            if not tags_here:
                reload()

        roster = builder.build(names, out)
        for channel in roster.channels:
            metrics.open_channel(channel.name)
        metrics.topics.set(tags.topics)
        metrics.set_build(
            version=__version__, scorer=roster.scorer, watchlist=tags.watchlist, config=config.fingerprint
        )
        process = Process(roster.workers, beats, clock, Patience(DRAIN_SECONDS, hang_seconds), on_look)
        return RolesRun(process, roster, server)
    except BaseException:
        if roster is not None:
            roster.close()
        if server is not None:
            server.stop()
        raise


def _nothing() -> None:
    """Whoever tags nothing looks at the watchlist elsewhere."""


def cluster_of(config: Config) -> Cluster:
    """Where the brokers are, and what is read there. Raises: ConfigError: nobody said so."""
    kafka = config.kafka
    return Cluster(
        access_of(kafka),
        kafka.input_topics,
        MemberLimits(kafka.session_timeout_ms, kafka.poll_interval_ms),
        SenderLimits(kafka.delivery_timeout_ms, kafka.max_record_bytes),
        pattern=kafka.input_pattern,
        prefix=kafka.prefix,
        static_id=kafka.static_id,
    )


def pace_of(config: Config) -> Pace:
    """How workers are paced."""
    kafka, storage = config.kafka, config.storage
    return Pace(
        poll_records=POLL_RECORDS,
        commit_every_ms=storage.commit_every_ms,
        commit_records=storage.commit_documents,
        progress_every_ms=config.feeds.progress_every_ms,
        snapshot_every_ms=kafka.snapshot_every_ms,
        snapshot_records=kafka.snapshot_records,
        commit_timeout_ms=round(COMMIT_SECONDS * SECOND_MS),
        handover_ms=kafka.session_timeout_ms // 3,
    )


def _names(roles: Collection[str]) -> list[RoleName]:
    """The roles in their order of the flow; all where none is named."""
    unknown = sorted(set(roles) - {role.value for role in RoleName})
    if unknown:
        known = ", ".join(role.value for role in RoleName)
        raise ConfigError(f"--roles: {', '.join(unknown)} is no role that runs on Kafka; name some of {known}")
    return [role for role in RoleName if role.value in roles or not roles]
