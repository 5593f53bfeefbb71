"""What workers tell, as metrics and health: live while every worker turns, ready while each has joined its group.

A broker that is away makes a process not ready, and never not live: restarting everybody would mend nothing.
"""

import logging
from collections.abc import Sequence

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats
from monitor.app.distributed.sinks import NotifySink
from monitor.clock import SECOND_MS, Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import TransientError
from monitor.logs import event
from monitor.metrics import Metrics
from monitor.observe import (
    count_alert,
    count_notifications,
    count_reads,
    count_score,
    count_trend,
    note_of_stopped,
    tell_watermark,
)
from monitor.roles.alert import AlertRole
from monitor.roles.score import ScoreRole
from monitor.roles.trend import TrendRole
from monitor.transports.kafka_membership import Change
from monitor.web.health import Health

logger = logging.getLogger(__name__)


class Observing:
    """The Watch of a process that serves `/livez`, `/readyz` and `/metrics`; ready conditions are the roles' names."""

    def __init__(
        self,
        metrics: Metrics,
        health: Health,
        clock: Clock,
        beats: Beats,
        roles: Sequence[RoleName],
        session_seconds: float,
    ) -> None:
        """`session_seconds`: after which the brokers give up a member that they do not hear."""
        self._silence_seconds = session_seconds / 2
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._beats = beats
        self._owned: dict[RoleName, set[InputPartition]] = {role: set() for role in roles}
        self._stopped: set[InputPartition] = set()
        self._faults: dict[RoleName, str] = {}
        self._silent: set[RoleName] = set()
        self._watermarks: dict[RoleName, int] = {}
        for role in roles:
            self._blame(role, "has not joined its group yet")

    def look(self) -> None:
        """Every worker gave a sign of life lately."""
        self._health.beat()
        now_ms = self._clock.now_ms()
        self._metrics.loop_heartbeat_timestamp_seconds.set(now_ms / SECOND_MS)
        # A delay grows while nothing is read, too.
        for role, watermark_ms in tuple(self._watermarks.items()):
            tell_watermark(self._metrics, role.value, watermark_ms, now_ms)

    def beat(self, role: RoleName) -> None:
        self._beats.beat(role)
        self._metrics.worker_heartbeat_timestamp_seconds.labels(role.value).set(self._clock.now_ms() / SECOND_MS)

    def owns(self, role: RoleName, partitions: Sequence[InputPartition]) -> None:
        for gone in self._owned[role] - set(partitions):
            self._metrics.close_lag(role.value, str(gone))
            if role is RoleName.SCORE:
                self._metrics.hand_over_input(str(gone))
        for new in set(partitions) - self._owned[role]:
            self._metrics.open_lag(role.value, str(new))
            if role is RoleName.SCORE:
                self._metrics.open_input(str(new))
        self._owned[role] = set(partitions)
        if not partitions and self._watermarks.pop(role, None) is not None:
            # Whoever has them now tells how far they are.
            self._metrics.forget_watermark(role.value)
        self._metrics.owned_partitions.labels(role.value).set(len(partitions))
        self._blame(role, "")

    def rebalanced(self, role: RoleName, change: Change, partitions: int) -> None:
        self._metrics.rebalanced_partitions_total.labels(role.value, change.value).inc(partitions)

    def failed(self, role: RoleName, error: TransientError) -> None:
        self._metrics.worker_failures_total.labels(role.value).inc()
        self._metrics.owned_partitions.labels(role.value).set(0)
        self._blame(role, str(error))

    def heard(self, role: RoleName, silent_seconds: float) -> None:
        self._metrics.broker_silence_seconds.labels(role.value).set(silent_seconds)
        is_silent = silent_seconds > self._silence_seconds
        if is_silent != (role in self._silent):
            (self._silent.add if is_silent else self._silent.discard)(role)
            event(
                logger,
                "brokers_silent" if is_silent else "brokers_answer",
                level=logging.WARNING if is_silent else logging.INFO,
                role=role.value,
                silent_seconds=round(silent_seconds, 1),
            )
            self._blame(role, self._faults[role])

    def _blame(self, role: RoleName, fault: str) -> None:
        """Say what keeps a role from its work; "" is nothing of its own."""
        self._faults[role] = fault
        if not fault and role in self._silent:
            fault = "the brokers do not answer its group"
        self._health.set_ready(role.value, not fault, fault)

    def read(self, records: Sequence[FeedRecord]) -> None:
        count_reads(self._metrics, records, self._clock.now_ms())

    def advanced(self, role: RoleName, parts: Sequence[object]) -> None:
        watermarks: list[int] = []
        for part in parts:
            if isinstance(part, ScoreRole):
                count_score(self._metrics, part)
                watermarks += part.watermarks().values()
                stopped = part.stopped()
                self._tell_stopped(stopped)
                states = part.source_states()
                for source, state in ((one, states[one]) for one in self._owned[role] & states.keys()):
                    # To the roles it has ended; whoever looks at the metric must see why.
                    self._metrics.set_input_state(str(source), "paused" if source in stopped else state.value)
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
            self._watermarks[role] = min(watermarks)

    def _tell_stopped(self, stopped: set[InputPartition]) -> None:
        """Inputs that are not read any more, each said once on the log; one that another process has is not ours."""
        for source in sorted(stopped - self._stopped):
            event(logger, "input_stopped", level=logging.ERROR, input=str(source), reason="too many unusable records")
        if stopped != self._stopped:
            self._stopped = set(stopped)
            self._health.set_note(RoleName.SCORE.value, note_of_stopped(stopped))

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
