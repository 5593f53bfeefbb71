"""The workers of a process: each role that it is given, built as the configuration wants it."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from monitor.app.building import make_alert, make_score, make_trend
from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.ends import EndWorker
from monitor.app.distributed.intake import ScoreWorker
from monitor.app.distributed.sinks import ArchiveSink, NotifySink, Sink
from monitor.app.distributed.stateful import StatefulRole, StatefulWorker
from monitor.app.distributed.units import Made
from monitor.app.distributed.worker import OnSeam, Pace, Watch, Worker
from monitor.app.scoring import make_scorer
from monitor.app.telling import outboxes, plain_channels
from monitor.channels.outbox import Outbox
from monitor.clock import SECOND_MS, Clock, Laps
from monitor.config import Config
from monitor.delivery.chunks import Versions
from monitor.domain.partitioning import partition_of
from monitor.domain.streams import Stream
from monitor.ports import Channel, Commit
from monitor.roles import alert_snapshot, trend_snapshot
from monitor.roles.notify import NotifyRole
from monitor.roles.score import ScoreRole
from monitor.storage.postgres import Place
from monitor.storage.postgres_store import PostgresStore
from monitor.storage.sql_store import SqlStore
from monitor.storage.store import EmbeddedStore
from monitor.tags import LiveTags

STATE_VERSION = 1
"""Of the form in which trend and alert write their state; raised when an older form cannot be read any more."""

RULES = "negative_burst/1"
"""Of the rule that decides; raised when state that was learned under the older one means something else."""

ARCHIVED = (Stream.TRENDS, Stream.DETECTIONS, Stream.ALERTS, Stream.DEAD_LETTER)


@dataclass(slots=True)
class Roster:
    """The workers, and what must be closed after them."""

    workers: list[Worker] = field(default_factory=list)
    stores: list[SqlStore] = field(default_factory=list)
    ledger: SqlStore | None = None
    outboxes: list[Outbox] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    scorer: str = ""

    def close(self) -> None:
        """What is still in an outbox is tried once more, and what is left is kept; then the stores are given back."""
        try:
            kept: dict[str, str] = {}
            for outbox in self.outboxes:
                outbox.close()
                kept |= outbox.flush()
            if kept and self.ledger is not None:
                self.ledger.commit(Commit(meta=kept))
        finally:
            for store in self.stores:
                store.close()


class Builder:
    """Builds workers.

    Args:
        maintain: is called after each cut of score, in its scoring thread.
    Raises: ConfigError, StateError, DependencyError: each names what is wrong and the remedy.
    """

    def __init__(
        self,
        config: Config,
        cluster: Cluster,
        pace: Pace,
        tags: LiveTags,
        clock: Clock,
        watch: Watch,
        on_seam: OnSeam,
        maintain: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._cluster = cluster
        self._pace = pace
        self._tags = tags
        self._clock = clock
        self._watch = watch
        self._on_seam = on_seam
        self._maintain = maintain

    def build(self, roles: Collection[RoleName], out: TextIO) -> Roster:
        """The workers of these roles, ready to run."""
        roster = Roster()
        try:
            if RoleName.SCORE in roles:
                roster.workers.append(self._score(roster))
            if RoleName.TREND in roles:
                roster.workers.append(self._stateful(self._trend_role()))
            if RoleName.ALERT in roles:
                roster.workers.append(self._stateful(self._alert_role()))
            if RoleName.NOTIFY in roles:
                roster.workers.append(self._notify(roster, out))
            if RoleName.ARCHIVE in roles:
                roster.workers.append(self._archive(roster))
        except BaseException:
            roster.close()
            raise
        return roster

    def _score(self, roster: Roster) -> ScoreWorker:
        config = self._config
        scorer = make_scorer(config)
        roster.scorer = scorer.name
        self._tags.prepare()

        def make(partitions: int) -> ScoreRole:
            return make_score(
                config,
                self._tags,
                scorer,
                (),
                {},
                Laps(),
                partitions=partitions,
                partition_of=lambda topic_id: partition_of(topic_id, partitions),
            )

        return ScoreWorker(
            self._cluster,
            make,
            self._pace,
            self._clock,
            self._watch,
            self._on_seam,
            max_record_bytes=config.feeds.max_record_bytes,
            max_pending=config.scorer.max_pending,
            maintain=self._maintain,
        )

    def _stateful(self, role: StatefulRole) -> StatefulWorker:
        return StatefulWorker(self._cluster, role, self._pace, self._clock, self._watch, self._on_seam)

    def _trend_role(self) -> StatefulRole:
        config, tags = self._config, self._tags

        def make(partition: int, partitions: int, stored: Mapping[str, bytes]) -> Made:
            state = trend_snapshot.restore(stored)
            role = make_trend(config, state, lambda: tags.topics, Laps(), partition=partition, partitions=partitions)
            return Made(role, lambda: trend_snapshot.snapshot(role.state, role.take_dirty()))

        trend = config.trend
        windows = ",".join(f"{window.size_ms}/{window.hop_ms}" for window in trend.windows)
        looks = ",".join(map(str, config.detection.look_backs_ms))
        versions = Versions(STATE_VERSION, RULES, f"{windows};{trend.lateness_horizon_ms};{looks}")
        return StatefulRole(RoleName.TREND, Stream.SCORED, versions, make)

    def _alert_role(self) -> StatefulRole:
        config = self._config

        def make(partition: int, partitions: int, stored: Mapping[str, bytes]) -> Made:
            role = make_alert(config, alert_snapshot.restore(stored))
            return Made(role, lambda: alert_snapshot.snapshot(role.state))

        return StatefulRole(RoleName.ALERT, Stream.DETECTIONS, Versions(STATE_VERSION, RULES, ""), make)

    def _notify(self, roster: Roster, out: TextIO) -> EndWorker:
        notify, path = self._config.notify, self._config.storage.path
        # A file of its own beside the history, which another process may be writing.
        store = EmbeddedStore.open(None if path is None else path.with_name(f"{path.name}.notify"))
        roster.stores.append(store)
        roster.ledger = store
        roster.outboxes += outboxes(notify, self._clock, store.load().meta)
        channels = [*plain_channels(notify, out), *roster.outboxes]
        roster.channels += channels
        role = NotifyRole(channels, self._tags.name_of, notify.max_age_ms)
        return self._end(
            RoleName.NOTIFY,
            (Stream.ALERTS,),
            lambda: NotifySink(role, store.load().meta),
            store,
            falls_back=path is None,
        )

    def _archive(self, roster: Roster) -> EndWorker:
        storage = self._config.storage
        store: SqlStore
        if storage.url is None:
            store = EmbeddedStore.open(storage.path)
        else:
            place = Place(storage.url, None if storage.password is None else storage.password.reveal())
            limit_seconds = storage.connect_timeout_ms / SECOND_MS
            store = PostgresStore.open(place, self._clock, limit_seconds, random.Random())
        roster.stores.append(store)
        return self._end(
            RoleName.ARCHIVE, ARCHIVED, ArchiveSink, store, retention_ms=storage.history_retention_ms
        )

    def _end(
        self,
        role: RoleName,
        streams: Sequence[Stream],
        make: Callable[[], Sink],
        store: SqlStore,
        *,
        falls_back: bool = False,
        retention_ms: int = 0,
    ) -> EndWorker:
        return EndWorker(
            self._cluster,
            role,
            tuple(streams),
            make,
            store,
            self._pace,
            self._clock,
            self._watch,
            self._on_seam,
            falls_back=falls_back,
            retention_ms=retention_ms,
        )
