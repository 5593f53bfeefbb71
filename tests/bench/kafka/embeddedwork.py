"""The embedded cost of a role's stage: the same records, already decoded, through the role alone, without a broker.

    python -m tests.bench.kafka.embeddedwork PATH

Archive and notify commit to SQLite as they do on Kafka; score polls and cuts as the embedded engine does; trend and
alert encode their state as often as on Kafka, and write it nowhere.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from monitor.app.building import make_alert, make_score, make_trend
from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.run import POLL_RECORDS
from monitor.app.distributed.sinks import ArchiveSink, NotifySink, Sink
from monitor.app.scoring import make_scorer
from monitor.clock import Laps
from monitor.config import Config, load_config
from monitor.domain.document import FeedRecord
from monitor.domain.streams import Message, Stream
from monitor.engine import collect_garbage_seldom
from monitor.roles import alert_snapshot, trend_snapshot
from monitor.roles.alert import AlertRoleState
from monitor.roles.notify import NotifyRole
from monitor.roles.trend import TrendRole, TrendState
from monitor.storage.store import EmbeddedStore
from monitor.tags import LiveTags
from monitor.transports.kafka_codec import decode
from monitor.watchlist import WatchlistFile
from tests.bench.kafka.ground import Row, saved
from tests.bench.kafka.job import Job, Mark, given, tell
from tests.bench.kafka.load import FEED, feed_records, messages

CUT_RECORDS = 1_000
"""Between two progress records: 100 ms of ten thousand records a second."""

Work = Callable[[int, int], None]
"""Does the records from the first number up to the second."""


def main() -> None:
    """Once through everything."""
    job, path = given()
    config = load_config(None, {}, dict(job.options))
    rows = saved(Path(job.inputs))
    do = _work(RoleName(job.role), config, job, rows, path)
    every = config.storage.commit_documents
    del rows
    gc.collect()
    collect_garbage_seldom()
    marks = [Mark(0, time.process_time(), time.time())]
    for first, end in pieces(job.target, POLL_RECORDS):
        do(first, end)
        if end - marks[-1].records >= every or end == job.target:
            marks.append(Mark(end, time.process_time(), time.time()))
    tell(path, ".result", {"marks": marks})


def pieces(count: int, size: int) -> Iterator[tuple[int, int]]:
    """[0, count) in pieces."""
    for first in range(0, count, size):
        yield first, min(count, first + size)


def _work(role: RoleName, config: Config, job: Job, rows: Sequence[Row], path: Path) -> Work:
    match role:
        case RoleName.SCORE:
            return _score(config, job, feed_records([one.value for one in rows]))
        case RoleName.TREND:
            trend = make_trend(config, TrendState(), lambda: _topics(job), Laps())
            return _handling(trend.handle, partial(_encode_trend, trend), _decoded(rows, Stream.SCORED), config)
        case RoleName.ALERT:
            alert = make_alert(config, AlertRoleState())
            encode = partial(alert_snapshot.snapshot, alert.state)
            return _handling(alert.handle, encode, _decoded(rows, Stream.DETECTIONS), config)
        case RoleName.ARCHIVE:
            every = config.storage.commit_documents
            return _sinking(ArchiveSink(), _decoded(rows, Stream.TRENDS), path.with_suffix(".db"), every)
        case RoleName.NOTIFY:
            sink = NotifySink(NotifyRole([], str, config.notify.max_age_ms), {})
            return _sinking(sink, _decoded(rows, Stream.ALERTS), path.with_suffix(".db"), 1)


def _topics(job: Job) -> int:
    with Path(job.watchlist).open(encoding="utf-8") as lines:
        return sum(1 for _ in lines) - 1


def _decoded(rows: Sequence[Row], stream: Stream) -> list[Message]:
    return messages([decode(one.key, one.value, one.headers) for one in rows], stream)


def _encode_trend(role: TrendRole) -> object:
    return trend_snapshot.snapshot(role.state, role.take_dirty())


def _handling(
    handle: Callable[[Sequence[Message]], object], encode: Callable[[], object], read: list[Message], config: Config
) -> Work:
    since = 0

    def work(first: int, end: int) -> None:
        nonlocal since
        handle(read[first:end])
        since += end - first
        # The embedded engine encodes what changed at each commit; this is no more than the role on Kafka does.
        if since >= config.kafka.snapshot_records:
            encode()
            since = 0

    return work


def _sinking(sink: Sink, read: list[Message], path: Path, every: int) -> Work:
    path.unlink(missing_ok=True)
    store = EmbeddedStore.open(path)
    waiting = 0

    def work(first: int, end: int) -> None:
        nonlocal waiting
        sink.handle(read[first:end])
        waiting += end - first
        if waiting >= every or end == len(read):
            store.commit(sink.collect())
            # What may be done only once it is noted, and is noted then: as on Kafka.
            if sink.act(0):
                store.commit(sink.collect())
            waiting = 0

    return work


def _score(config: Config, job: Job, read: list[FeedRecord]) -> Work:
    tags = LiveTags(WatchlistFile(Path(job.watchlist)).current, None)
    role = make_score(config, tags, make_scorer(config), [FEED], {}, Laps())
    since_cut = since_commit = 0

    def work(first: int, end: int) -> None:
        nonlocal since_cut, since_commit
        role.handle(read[first:end], 0)
        since_cut += end - first
        since_commit += end - first
        if since_cut >= CUT_RECORDS:
            role.cut(0)
            since_cut = 0
        if since_commit >= config.storage.commit_documents:
            role.cut(0)
            role.committed()
            since_commit = 0

    return work


if __name__ == "__main__":
    main()
