"""Roles in a process of their own, that a test kills: `python -m tests.faults.kafka_process BOOTSTRAP WORD FOLDER ROLES
[ROLE SEAM N]`. With a seam it kills itself with SIGKILL when that role reaches that seam for the Nth time. What the
folder's options.json says, if there is one, holds too (`Options`).
"""

import io
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats, Patience, Process
from monitor.app.distributed.roster import Builder
from monitor.app.distributed.worker import OnSeam, Seam, no_seam
from monitor.clock import SystemClock
from monitor.domain.document import Document
from monitor.domain.topics import TopicMatch
from monitor.logs import configure
from monitor.options.places import Secret
from monitor.tags import LiveTags
from monitor.watchlist import WatchlistFile
from tests.faults.kafka_world import PACE, cluster_of, quick_config
from tests.faults.watching import BeatingWatch

KILLS_US = b'{"id":"poison","source":"wire","published_at":"1999-01-01T00:00:00Z","text":"the record that kills"}'
"""A record whose reading ends the process, as one would that breaks a library."""


@dataclass(frozen=True)
class Options:
    """What a test wants otherwise.

    Attributes:
        config: options beside the usual ones. slack: the address of a web hook. poll_records: taken at once.
        ago_ms: how far behind the machine's time its clock is.
    """

    config: dict[str, object] = field(default_factory=dict)
    slack: str = ""
    poll_records: int = PACE.poll_records
    ago_ms: int = 0

    def write(self, folder: Path) -> None:
        """For the processes of this folder."""
        (folder / "options.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Options":
        """What was written there."""
        path = folder / "options.json"
        return cls(**json.loads(path.read_text())) if path.exists() else cls()


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


def main(bootstrap: str, word: str, folder: Path, roles: list[RoleName], on_seam: OnSeam) -> None:
    """Run until SIGTERM."""
    configure("info", "console")
    options = Options.read(folder)
    # Few wait, so that few go one by one after deaths.
    usual = {"storage__path": str(folder / "history.db"), "notify__console": False, "scorer__max_pending": 256}
    config = quick_config(**{**usual, **options.config})
    if options.slack:
        config = replace(config, notify=replace(config.notify, slack_webhook_url=Secret(options.slack)))
    clock, pace = PastClock(options.ago_ms), replace(PACE, poll_records=options.poll_records)
    beats = Beats(clock, roles)
    tags = MortalTags(WatchlistFile(folder / "watchlist.csv").current, None)
    builder = Builder(config, cluster_of(bootstrap, word), pace, tags, clock, BeatingWatch(beats), on_seam)
    roster = builder.build(roles, io.StringIO())
    process = Process(roster.workers, beats, clock, Patience(drain=20.0, hang=60.0))
    signal.signal(signal.SIGTERM, lambda number, frame: process.stop())
    for outbox in roster.outboxes:
        outbox.start()
    try:
        process.run()
    finally:
        roster.close()


if __name__ == "__main__":
    given = sys.argv[1:]
    named = [RoleName(name) for name in given[3].split(",")]
    seam = dying_at(RoleName(given[4]), Seam(given[5]), int(given[6])) if len(given) > 4 else no_seam
    main(given[0], given[1], Path(given[2]), named, seam)
