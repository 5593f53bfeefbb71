"""Retention: what history may go, in steps that each touch a bounded number of rows. State never goes here.

No table has an index only for this. Documents lead: those whose event time is old go, and their scored rows with
them. Windows are found topic by topic through their key. An alert goes when it has ended and its last event is old.
"""

from collections.abc import Callable, Iterator

from sqlalchemy import Column, Connection, bindparam, delete, func, select, tuple_

from monitor.domain.alerts import AlertState
from monitor.storage.schema import (
    alert_events,
    dead_letters,
    detections,
    documents,
    scored,
    suppressed,
    volumes,
    windows,
)

STEP_ROWS = 1_000
"""Rows in one step, documents or windows: some 30 ms between two turns of the loop. Fewer would only add fsyncs."""

STEP_KEYS = 50
"""Pairs of topic and size looked at in one step, for the same reason: each costs three statements."""

DEAD_LETTERS_KEPT = 100_000
"""For each input partition, the newest. They carry no time; at 4 KiB each this bounds a bad vendor to 400 MB."""

Step = Callable[[Connection], tuple[int, bool]]
"""One bounded deletion; gives the number of rows and whether it has more to do."""


def steps(before_ms: int) -> Iterator[Step]:
    """Every step; each is to be called, in a transaction of its own, until it has no more to do."""
    yield lambda connection: _documents(connection, before_ms)
    yield _Windows(before_ms)
    yield lambda connection: _by_time(connection, before_ms, detections.c.at_ms)
    yield lambda connection: _by_time(connection, before_ms, suppressed.c.at_ms)
    yield lambda connection: _by_time(connection, before_ms, volumes.c.start_ms)
    yield lambda connection: _alerts(connection, before_ms)
    yield _dead_letters


def _documents(connection: Connection, before_ms: int) -> tuple[int, bool]:
    old = select(documents.c.document_id).where(documents.c.event_time_ms < before_ms)
    ids = [{"old_id": id} for id in connection.scalars(old.order_by(documents.c.event_time_ms).limit(STEP_ROWS))]
    if not ids:
        return 0, False
    of_them = connection.execute(delete(scored).where(scored.c.document_id == bindparam("old_id")), ids).rowcount
    connection.execute(delete(documents).where(documents.c.document_id == bindparam("old_id")), ids)
    return len(ids) + of_them, len(ids) == STEP_ROWS


class _Windows:
    """Goes through the keys (topic, size) in order; a window is old when it ended by then."""

    def __init__(self, before_ms: int) -> None:
        self._before_ms = before_ms
        self._topic = ""
        self._size = -1

    def __call__(self, connection: Connection) -> tuple[int, bool]:
        deleted = 0
        for _ in range(STEP_KEYS):
            # A comparison of pairs is a seek in the key; the same written with "or" reads the key from its beginning.
            following = connection.execute(
                select(windows.c.topic_id, windows.c.size_ms)
                .where(tuple_(windows.c.topic_id, windows.c.size_ms) > (self._topic, self._size))
                .order_by(windows.c.topic_id, windows.c.size_ms)
                .limit(1)
            ).first()
            if following is None:
                return deleted, False
            topic, size = following
            mine = (windows.c.topic_id == topic) & (windows.c.size_ms == size)
            old = mine & (windows.c.start_ms <= self._before_ms - size)
            starts = select(windows.c.start_ms).where(old).order_by(windows.c.start_ms)
            last = connection.scalar(starts.limit(1).offset(STEP_ROWS - 1))
            bound = old if last is None else mine & (windows.c.start_ms <= last)
            deleted += connection.execute(delete(windows).where(bound)).rowcount
            if last is None:
                self._topic, self._size = topic, size
            if deleted >= STEP_ROWS:
                break
        return deleted, True


def _by_time(connection: Connection, before_ms: int, time: Column[int]) -> tuple[int, bool]:
    old = time < before_ms
    last = connection.scalar(select(time).where(old).order_by(time).limit(1).offset(STEP_ROWS - 1))
    bound = old if last is None else time <= last
    return connection.execute(delete(time.table).where(bound)).rowcount, last is not None


def _alerts(connection: Connection, before_ms: int) -> tuple[int, bool]:
    later = alert_events.alias("later")
    ended = select(alert_events.c.alert_id).where(
        alert_events.c.at_ms < before_ms,
        alert_events.c.state.in_([AlertState.RESOLVED.value, AlertState.RETRACTED.value]),
        ~select(later.c.alert_id)
        .where(later.c.alert_id == alert_events.c.alert_id, later.c.revision > alert_events.c.revision)
        .exists(),
    )
    ids = [{"old_id": id} for id in connection.scalars(ended.limit(STEP_KEYS))]
    if not ids:
        return 0, False
    gone = connection.execute(delete(alert_events).where(alert_events.c.alert_id == bindparam("old_id")), ids).rowcount
    return gone, len(ids) == STEP_KEYS


def _dead_letters(connection: Connection) -> tuple[int, bool]:
    deleted = 0
    partition = connection.scalar(select(func.min(dead_letters.c.source_partition)))
    while partition is not None and deleted < STEP_ROWS:
        mine = dead_letters.c.source_partition == partition
        offsets = select(dead_letters.c.offset).where(mine)
        newest_gone = connection.scalar(
            offsets.order_by(dead_letters.c.offset.desc()).limit(1).offset(DEAD_LETTERS_KEPT)
        )
        if newest_gone is not None:
            old = mine & (dead_letters.c.offset <= newest_gone)
            last = connection.scalar(offsets.where(old).order_by(dead_letters.c.offset).limit(1).offset(STEP_ROWS - 1))
            bound = old if last is None else mine & (dead_letters.c.offset <= last)
            deleted += connection.execute(delete(dead_letters).where(bound)).rowcount
        partition = connection.scalar(
            select(func.min(dead_letters.c.source_partition)).where(dead_letters.c.source_partition > partition)
        )
    return deleted, deleted >= STEP_ROWS
