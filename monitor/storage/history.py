"""The history, read: what was told, on what evidence, what the topics' charts show, and what could not be used.

Reading needs no right to write and does not wait for the monitor that writes; each call sees one moment. Intervals
are half-open, [since, until), in milliseconds of event time.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, Select, select

from monitor.domain.alerts import AlertEvent, AlertId, Detection, Suppression
from monitor.domain.archive import AlertCase, ArchivedDocument, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import Counted, DeadLetter, DeadLetterReason, InputPartition
from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.summary import Summary
from monitor.domain.topics import MatchRole, TopicId
from monitor.domain.windows import Window
from monitor.errors import ConfigError, RecordError, StateError
from monitor.storage import postgres, sqlite
from monitor.storage.faults import Faults
from monitor.storage.schema import (
    SCHEMA_VERSION,
    alert_events,
    dead_letters,
    detections,
    documents,
    scored,
    stored_version,
    suppressed,
    volumes,
    windows,
)
from monitor.wire import decode_alert, decode_detection

BEFORE_ALL_MS = -(2**62)
AFTER_ALL_MS = 2**62


class History:
    """Queries over one store. `EmbeddedStore.history` is one; `open` gives one beside a monitor that runs elsewhere."""

    def __init__(self, engine: Engine, faults: Faults, guard: AbstractContextManager[object] | None = None) -> None:
        """`guard` is held while reading, where readers share the writer's one connection."""
        self._engine = engine
        self._faults = faults
        self._guard: AbstractContextManager[object] = nullcontext() if guard is None else guard

    @classmethod
    def open(cls, path: Path) -> "History":
        """Open the history of a store to read it.

        Raises: ConfigError: there is none, or it may not be read. StateError: it is damaged, or of another release.
        """
        path = path.resolve()
        if not path.is_file():
            raise ConfigError(f"storage.path: there is no store at {path}; name the file that `monitor run` writes")
        history = cls(sqlite.reader_engine(path), sqlite.FileFaults(path))
        history._check(str(path), "`monitor run` migrates an older store when it opens it")
        return history

    @classmethod
    def connect(cls, place: postgres.Place) -> "History":
        """Read the history of an archive in PostgreSQL.

        Raises: ConfigError, DependencyError, TransientError: it cannot be read there, and why. StateError: there is no
            history of ours, or one of another release.
        """
        history = cls(postgres.reader_engine(place), postgres.ServerFaults(place))
        history._check(str(place), "the archive migrates an older store when it starts")
        return history

    def alerts(
        self, since_ms: int = BEFORE_ALL_MS, until_ms: int = AFTER_ALL_MS, topic: str | None = None
    ) -> tuple[AlertEvent, ...]:
        """Every turn of every alert in the interval, in order of time, then id, then revision."""
        query = select(alert_events.c.body).where(alert_events.c.at_ms >= since_ms, alert_events.c.at_ms < until_ms)
        if topic is not None:
            query = query.where(alert_events.c.topic_id == topic)
        query = query.order_by(alert_events.c.at_ms, alert_events.c.alert_id, alert_events.c.revision)
        with self._reading() as connection:
            return tuple(decode_alert(body) for body in connection.scalars(query))

    def evidence(self, alert_id: str, *, limit: int = 10_000) -> AlertCase | None:
        """All that is known of one alert, with at most `limit` documents; None where there is no such alert."""
        life = select(alert_events.c.body).where(alert_events.c.alert_id == alert_id).order_by(alert_events.c.revision)
        with self._reading() as connection:
            events = tuple(decode_alert(body) for body in connection.scalars(life))
            if not events:
                return None
            deciding = [event.detection for event in events]
            first = deciding[0]
            last_ms = max(detection.at_ms for detection in deciding)
            episode = (
                select(detections.c.body)
                .where(
                    detections.c.topic_id == first.topic_id,
                    detections.c.rule == first.rule.value,
                    detections.c.episode_start_ms == first.episode_start_ms,
                )
                .order_by(detections.c.at_ms)
            )
            found: tuple[Detection, ...] = tuple(decode_detection(body) for body in connection.scalars(episode))
            begin_ms = min(detection.at_ms - detection.look_back_ms for detection in (*deciding, *found))
            # A look-back ends where its document takes effect, that document included.
            about = {member for detection in deciding for member in detection.members} or {first.topic_id}
            carried = connection.execute(_documents(about, begin_ms, last_ms + 1, limit + 1)).all()
        return AlertCase(
            AlertId(alert_id),
            events,
            found,
            tuple(_archived(row) for row in carried[:limit]),
            is_complete=len(carried) <= limit,
        )

    def detections(
        self, topic: str | None = None, since_ms: int = BEFORE_ALL_MS, until_ms: int = AFTER_ALL_MS
    ) -> tuple[Detection, ...]:
        """What was unusual about a topic (None: about any), in order of time, whether somebody was told or not."""
        query = select(detections.c.body).where(detections.c.at_ms >= since_ms, detections.c.at_ms < until_ms)
        if topic is not None:
            query = query.where(detections.c.topic_id == topic)
        query = query.order_by(detections.c.at_ms, detections.c.topic_id, detections.c.rule)
        with self._reading() as connection:
            return tuple(decode_detection(body) for body in connection.scalars(query))

    def suppressed(
        self, topic: str | None = None, since_ms: int = BEFORE_ALL_MS, until_ms: int = AFTER_ALL_MS
    ) -> tuple[SuppressedRow, ...]:
        """The detections of a topic (None: of any) that told nobody, and why, in order of time."""
        query = select(suppressed).where(suppressed.c.at_ms >= since_ms, suppressed.c.at_ms < until_ms)
        if topic is not None:
            query = query.where(suppressed.c.topic_id == topic)
        query = query.order_by(suppressed.c.at_ms, suppressed.c.topic_id, suppressed.c.reason)
        with self._reading() as connection:
            return tuple(
                SuppressedRow(row.topic_id, row.at_ms, Suppression(row.reason), row.severity)
                for row in connection.execute(query)
            )

    def windows(
        self, topic: str, size_ms: int, since_ms: int = BEFORE_ALL_MS, until_ms: int = AFTER_ALL_MS
    ) -> tuple[WindowRow, ...]:
        """The windows of one size that start in the interval, in order; where nothing was said there is no row."""
        query = (
            select(windows)
            .where(
                windows.c.topic_id == topic,
                windows.c.size_ms == size_ms,
                windows.c.start_ms >= since_ms,
                windows.c.start_ms < until_ms,
            )
            .order_by(windows.c.start_ms)
        )
        with self._reading() as connection:
            return tuple(
                WindowRow(TopicId(topic_id), Window(start, start + size), revision, Summary(*sums))
                for topic_id, size, start, revision, *sums in connection.execute(query)
            )

    def volumes(
        self, since_ms: int = BEFORE_ALL_MS, until_ms: int = AFTER_ALL_MS, vendor: str | None = None
    ) -> tuple[VolumeRow, ...]:
        """What the vendors' feeds said in the hours that start in the interval, by hour, then vendor."""
        query = select(volumes).where(volumes.c.start_ms >= since_ms, volumes.c.start_ms < until_ms)
        if vendor is not None:
            query = query.where(volumes.c.vendor == vendor)
        query = query.order_by(volumes.c.start_ms, volumes.c.vendor)
        with self._reading() as connection:
            return tuple(
                VolumeRow(row.vendor, Window(row.start_ms, row.start_ms + row.size_ms), row.documents, row.expected)
                for row in connection.execute(query)
            )

    def documents(
        self, topic: str, since_ms: int = BEFORE_ALL_MS, until_ms: int = AFTER_ALL_MS, limit: int = 1_000
    ) -> tuple[ArchivedDocument, ...]:
        """The documents of a topic that took effect in the interval, the newest first, at most `limit`."""
        with self._reading() as connection:
            found = connection.execute(_documents({topic}, since_ms, until_ms, limit))
            return tuple(_archived(row) for row in found)

    def dead_letters(
        self,
        partition: InputPartition | None = None,
        reason: DeadLetterReason | None = None,
        limit: int = 1_000,
    ) -> tuple[DeadLetter, ...]:
        """Records that could not be used, by partition and the greatest offset first, at most `limit`."""
        query = select(dead_letters)
        if partition is not None:
            query = query.where(dead_letters.c.source_partition == str(partition))
        if reason is not None:
            query = query.where(dead_letters.c.reason == reason.value)
        query = query.order_by(dead_letters.c.source_partition, dead_letters.c.offset.desc()).limit(limit)
        with self._reading() as connection:
            return tuple(
                DeadLetter(
                    DeadLetterReason(row.reason), row.detail, _partition(row.source_partition), row.offset, row.value
                )
                for row in connection.execute(query)
            )

    def close(self) -> None:
        self._engine.dispose()

    def _check(self, place: str, how_migrated: str) -> None:
        """Close it unless this release can read it."""
        try:
            with self._reading() as connection:
                try:
                    found = stored_version(connection, elsewhere=self._faults.elsewhere)
                except StateError as exc:
                    raise StateError(f"{place}: {exc}") from exc
            if found != SCHEMA_VERSION:
                raise StateError(
                    f"{place}: it has schema {found}, this release reads {SCHEMA_VERSION}; run both with the same "
                    f"release ({how_migrated})"
                )
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._guard, self._faults.translated(), self._engine.begin() as connection:
            try:
                yield connection
            except RecordError as exc:
                raise StateError(self._faults.damaged(str(exc))) from exc


def _documents(topics: Collection[str], since_ms: int, until_ms: int, limit: int) -> Select[Any]:
    """The latest scores of the topics, each with its document; the id breaks ties, so that the order is fixed."""
    return (
        select(scored, documents.c.source, documents.c.headline, documents.c.url, documents.c.lang, documents.c.author)
        .join(documents, documents.c.document_id == scored.c.document_id)
        .where(
            scored.c.topic_id.in_(sorted(topics)), scored.c.effective_ms >= since_ms, scored.c.effective_ms < until_ms
        )
        .order_by(scored.c.effective_ms.desc(), scored.c.document_id.desc(), scored.c.topic_id)
        .limit(limit)
    )


def _archived(row: Row[Any]) -> ArchivedDocument:
    return ArchivedDocument(
        document_id=row.document_id,
        topic_id=row.topic_id,
        source=row.source,
        event_time_ms=row.event_time_ms,
        effective_ms=row.effective_ms,
        headline=row.headline,
        url=row.url,
        lang=row.lang,
        author=row.author,
        role=MatchRole(row.role),
        of_topics=row.of_topics,
        sentiment=Sentiment(row.negative, row.neutral, row.positive),
        risk=RiskKind(row.risk),
        cues=tuple(orjson.loads(row.cues)),
        story=row.story,
        counted=Counted(row.counted),
        scorer=row.scorer,
        watchlist=row.watchlist,
    )


def _partition(text: str) -> InputPartition:
    """The partition that `str` was asked of; a file's name may hold slashes itself."""
    kafka_topic, _, partition = text.rpartition("/")
    return InputPartition(kafka_topic, int(partition))
