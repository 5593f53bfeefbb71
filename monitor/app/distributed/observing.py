"""What workers tell, as metrics and health: live while every worker turns, ready while each has joined its group.

A broker that is away makes a process not ready, and never not live: restarting everybody would mend nothing.
"""

from collections.abc import Sequence

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats
from monitor.app.distributed.sinks import NotifySink
from monitor.clock import SECOND_MS, Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.progress import NO_TIME_MS
from monitor.errors import TransientError
from monitor.metrics import Metrics
from monitor.observe import count_alert, count_notifications, count_reads, count_score, count_trend, tell_watermark
from monitor.roles.alert import AlertRole
from monitor.roles.score import ScoreRole
from monitor.roles.trend import TrendRole
from monitor.transports.kafka_membership import Change
from monitor.web.health import Health


class Observing:
    """The Watch of a process that serves `/livez`, `/readyz` and `/metrics`; ready conditions are the roles' names."""

    def __init__(self, metrics: Metrics, health: Health, clock: Clock, beats: Beats, roles: Sequence[RoleName]) -> None:
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._beats = beats
        self._owned: dict[RoleName, set[InputPartition]] = {role: set() for role in roles}
        for role in roles:
            health.set_ready(role.value, False, "has not joined its group yet")

    def look(self) -> None:
        """Every worker gave a sign of life lately."""
        self._health.beat()
        self._metrics.loop_heartbeat_timestamp_seconds.set(self._clock.now_ms() / SECOND_MS)

    def beat(self, role: RoleName) -> None:
        self._beats.beat(role)
        self._metrics.worker_heartbeat_timestamp_seconds.labels(role.value).set(self._clock.now_ms() / SECOND_MS)

    def owns(self, role: RoleName, partitions: Sequence[InputPartition]) -> None:
        for gone in self._owned[role] - set(partitions):
            self._metrics.close_lag(role.value, str(gone))
        for new in set(partitions) - self._owned[role]:
            self._metrics.open_lag(role.value, str(new))
            if role is RoleName.SCORE:
                self._metrics.open_input(str(new))
        self._owned[role] = set(partitions)
        self._metrics.owned_partitions.labels(role.value).set(len(partitions))
        self._health.set_ready(role.value, True)

    def rebalanced(self, role: RoleName, change: Change, partitions: int) -> None:
        self._metrics.rebalanced_partitions_total.labels(role.value, change.value).inc(partitions)

    def failed(self, role: RoleName, error: TransientError) -> None:
        self._metrics.worker_failures_total.labels(role.value).inc()
        self._metrics.owned_partitions.labels(role.value).set(0)
        self._health.set_ready(role.value, False, str(error))

    def read(self, records: Sequence[FeedRecord]) -> None:
        count_reads(self._metrics, records, self._clock.now_ms())

    def advanced(self, role: RoleName, parts: Sequence[object]) -> None:
        watermarks: list[int] = []
        for part in parts:
            if isinstance(part, ScoreRole):
                count_score(self._metrics, part)
                watermarks += part.watermarks().values()
                for source, state in part.source_states().items():
                    stopped = source in part.stopped()
                    self._metrics.set_input_state(str(source), "paused" if stopped else state.value)
            elif isinstance(part, TrendRole):
                count_trend(self._metrics, part)
                watermarks.append(part.state.merge.watermark_ms)
                self._metrics.held_out_sources.set(len(part.held_out()))
            elif isinstance(part, AlertRole):
                count_alert(self._metrics, part)
                watermarks.append(part.state.merge.watermark_ms)
            elif isinstance(part, NotifySink):
                count_notifications(self._metrics, part.role)
        if watermarks:
            tell_watermark(self._metrics, role.value, min(watermarks, default=NO_TIME_MS), self._clock.now_ms())

    def committed(self, role: RoleName, seconds: float) -> None:
        self._metrics.commits_total.inc()
        self._metrics.commit_seconds.observe(seconds)

    def snapshot(self, role: RoleName, seconds: float, size: int) -> None:
        self._metrics.snapshots_total.labels(role.value).inc()
        self._metrics.snapshot_seconds.observe(seconds)
        self._metrics.state_bytes.set(size)

    def restoring(self, role: RoleName, left: int) -> None:
        self._metrics.restore_records.labels(role.value).set(left)

    def lag(self, role: RoleName, partition: InputPartition, records: int, written_ms: int | None) -> None:
        age_ms = 0 if written_ms is None or not records else max(0, self._clock.now_ms() - written_ms)
        self._metrics.lag_records.labels(role.value, str(partition)).set(records)
        self._metrics.lag_seconds.labels(role.value, str(partition)).set(age_ms / SECOND_MS)
