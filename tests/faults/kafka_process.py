"""Roles in a process of their own, that a test kills: `python -m tests.faults.kafka_process BOOTSTRAP WORD FOLDER ROLES
[ROLE SEAM N]`. With a seam it kills itself with SIGKILL when that role reaches that seam for the Nth time.
"""

import io
import logging
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.app.distributed.roster import Builder
from monitor.app.distributed.worker import OnSeam, Seam, no_seam
from monitor.clock import SystemClock
from monitor.domain.document import Document, InputPartition
from monitor.domain.topics import TopicMatch
from monitor.errors import MonitorError, TransientError
from monitor.logs import configure, event
from monitor.tags import LiveTags
from monitor.transports.kafka_access import await_brokers
from monitor.watchlist import WatchlistFile
from tests.faults.kafka_world import PACE, Conditions, cluster_of
from tests.faults.watching import BeatingWatch

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 60.0
"""As kafka.connect_timeout is by default."""

KILLS_US = b'{"id":"poison","source":"wire","published_at":"1999-01-01T00:00:00Z","text":"the record that kills"}'
"""A record whose reading ends the process, as one would that breaks a library."""


class PastClock(SystemClock):
    """The machine's time, some time ago: what happened in a feed then is news."""

    def __init__(self, ago_ms: int) -> None:
        super().__init__()
        self._ago_ms = ago_ms

    def now_ms(self) -> int:
        return super().now_ms() - self._ago_ms


class MortalTags(LiveTags):
    """A tagger that one document is the death of."""

    def tag(self, document: Document) -> tuple[TopicMatch, ...]:
        if document.id == "wire:poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().tag(document)


def dying_at(role: RoleName, seam: Seam, number: int) -> OnSeam:
    """Kills this process at the Nth time."""
    passed = 0

    def on_seam(which: RoleName, reached: Seam) -> None:
        nonlocal passed
        if which is role and reached is seam:
            passed += 1
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)

    return on_seam


class TellingWatch(BeatingWatch):
    """Logs what each role has after a rebalance, so that a test can tell who had what, and when."""

    def owns(self, role: RoleName, partitions: Sequence[InputPartition]) -> None:
        super().owns(role, partitions)
        event(logger, "owns", role=role.value, partitions=[str(one) for one in partitions])

    def failed(self, role: RoleName, error: TransientError) -> None:
        super().failed(role, error)
        event(logger, "owns", role=role.value, partitions=[])


def main(bootstrap: str, word: str, folder: Path, roles: list[RoleName], on_seam: OnSeam) -> None:
    """Run until SIGTERM."""
    configure("info", "json")
    # Few wait, so that few go one by one after deaths.
    conditions = Conditions.of(folder)
    config = conditions.config(
        storage__path=str(folder / "history.db"), notify__console=False, scorer__max_pending=256
    )
    clock, pace = PastClock(conditions.ago_ms), replace(PACE, poll_records=conditions.poll_records)
    beats = Beats(clock, roles)
    tags = MortalTags(WatchlistFile(folder / "watchlist.csv").current, None)
    cluster = cluster_of(bootstrap, word, conditions)
    builder = Builder(config, cluster, pace, tags, clock, TellingWatch(beats), on_seam)
    await_brokers(cluster.access, clock, CONNECT_SECONDS, random.Random())
    roster = builder.build(roles, io.StringIO())
    process = Process(roster.workers, beats, clock, Patience(drain=20.0, hang=60.0))
    signal.signal(signal.SIGTERM, lambda number, frame: process.stop())
    try:
        for outbox in roster.outboxes:
            outbox.start()
        process.run()
    finally:
        roster.close()


if __name__ == "__main__":
    given = sys.argv[1:]
    named = [RoleName(name) for name in given[3].split(",")]
    seam = dying_at(RoleName(given[4]), Seam(given[5]), int(given[6])) if len(given) > 4 else no_seam
    try:
        main(given[0], given[1], Path(given[2]), named, seam)
    except MonitorError as exc:  # as the command line tells it
        print(exc, file=sys.stderr)
        sys.exit(exc.exit_code)
