"""What every store does, whatever database lies under it: whole commits, state that is checked, retention.

Every write can be repeated: the same commit twice leaves the same rows. What was told and how a document first counted
is never rewritten; of a window the highest revision holds; of a detection and a suppression at one moment the last.
"""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Dialect, Table, select
from sqlalchemy.exc import DataError

from monitor.errors import StateError
from monitor.logs import event
from monitor.ports import Commit
from monitor.storage import retention, rows, schema
from monitor.storage.faults import Faults
from monitor.storage.history import History
from monitor.storage.storable import storable

logger = logging.getLogger(__name__)

CHECKSUM_BYTES = 8
"""Damage is caught but for one case in 2^64; it guards against disks and bugs, not against an attacker."""

Batch = tuple[str, list[Any]]
"""A statement, and the rows that it is run with."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a process starts from: `state` is by role, then by key."""

    meta: dict[str, str]
    positions: dict[str, str]
    state: dict[str, dict[str, bytes]]


class Statements:
    """The writes of a commit, in the words of one database."""

    def __init__(self, dialect: Dialect) -> None:
        self.meta = schema.upsert(schema.meta, dialect)
        self.position = schema.upsert(schema.positions, dialect)
        self.state = schema.upsert(schema.state, dialect)
        self.forget_state = schema.delete_by_key(schema.state, dialect)
        self.document = schema.insert_once(schema.documents, dialect)
        self.scored = schema.insert_once(schema.scored, dialect)
        self.window = schema.upsert(schema.windows, dialect, newest_by="revision")
        self.volume = schema.upsert(schema.volumes, dialect)
        self.detection = schema.upsert(schema.detections, dialect)
        self.alert = schema.insert_once(schema.alert_events, dialect)
        self.suppressed = schema.upsert(schema.suppressed, dialect)
        self.dead_letter = schema.insert_once(schema.dead_letters, dialect)

    def batches(self, commit: Commit) -> list[Batch]:
        """All that a commit writes, in order."""
        gone = [(role, key) for role, values in commit.state.items() for key, value in values.items() if value is None]
        return [
            (self.document, rows.document_rows(commit.scored, commit.documents)),
            (self.scored, rows.scored_rows(commit.scored)),
            (self.window, rows.window_rows(commit.windows)),
            (self.volume, [rows.volume_row(row) for row in commit.volumes]),
            (self.detection, [rows.detection_row(detection) for detection in commit.detections]),
            (self.alert, [rows.alert_row(event) for event in commit.alert_events]),
            (self.suppressed, [rows.suppressed_row(row) for row in commit.suppressed]),
            (self.dead_letter, [rows.dead_letter_row(letter) for letter in commit.dead_letters]),
            (self.state, _state_rows(commit.state)),
            (self.forget_state, gone),
            (self.meta, list(commit.meta.items())),
            (self.position, list(commit.positions.items())),
        ]


class SqlStore(ABC):
    """One open store. Any thread may call it; calls take turns. `history` reads beside it."""

    history: History

    def __init__(self, dialect: Dialect, faults: Faults) -> None:
        """`dialect`: one whose placeholders go by position."""
        self.faults = faults
        self._turn = threading.RLock()
        self._statements = Statements(dialect)

    @abstractmethod
    def attach(self) -> bool:
        """Be the one that writes; False while another process is. To be called before each life of a worker.

        Raises: TransientError: the database is away. ConfigError, DependencyError, StateError: no waiting mends it.
        """

    def load(self) -> StoredState:
        """All state and positions. Raises: StateError: a value is not what was written; it names role and key."""
        with self._transaction() as connection:
            meta = _pairs(connection, schema.meta)
            positions = _pairs(connection, schema.positions)
            state: dict[str, dict[str, bytes]] = {}
            for role, key, value, checksum in connection.execute(select(schema.state)):
                if _checksum(role, key, value) != checksum:
                    raise StateError(self.faults.damaged(f"the state of role {role}, key {key}, fails its check"))
                state.setdefault(role, {})[key] = value
        del meta[schema.VERSION_KEY]
        return StoredState(meta, positions, state)

    def commit(self, commit: Commit) -> None:
        """Write it whole and durably, or not at all; it may be repeated. A text that no database takes is mended.

        Raises: DependencyError: the disk is full or fails, or the file was moved away under us. StateError: damage.
            TransientError: the database is away; whether it was written is not known until positions are loaded again.
        """
        if schema.VERSION_KEY in commit.meta:
            raise ValueError(f"the meta key {schema.VERSION_KEY} belongs to the store")
        batches = self._statements.batches(commit)
        try:
            self._write(batches)
        except (UnicodeEncodeError, DataError):
            # Looked for only now: looking at every text of every row would cost more than writing it.
            mended = [(sql, *storable(values)) for sql, values in batches]
            changed = sum(count for _, _, count in mended)
            if not changed:
                raise
            self._write([(sql, values) for sql, values, _ in mended])
            event(logger, "texts_mended", level=logging.WARNING, texts=changed, reason="a NUL, or half a surrogate")

    def prune(self, before_ms: int) -> int:
        """Delete the history that is older than this, in many small transactions; the number of rows that went."""
        return sum(self.prune_steps(before_ms))

    def prune_steps(self, before_ms: int) -> Iterator[int]:
        """The same, one bounded transaction for each item taken, so that a loop can go on with its work in between."""
        for step in retention.steps(before_ms):
            more = True
            while more:
                with self._transaction() as connection:
                    deleted, more = step(connection)
                yield deleted

    @abstractmethod
    def close(self) -> None:
        """Give the database back; everything committed is in it. A second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Connection]:
        """Everything in it happens, or nothing."""

    def _write(self, batches: Sequence[Batch]) -> None:
        with self._transaction() as connection:
            for sql, values in batches:
                if values:
                    connection.exec_driver_sql(sql, values)


def _pairs(connection: Connection, table: Table) -> dict[str, str]:
    return {key: value for key, value in connection.execute(select(table))}


def _state_rows(state: dict[str, dict[str, bytes | None]]) -> list[tuple[str, str, bytes, bytes]]:
    return [
        (role, key, value, _checksum(role, key, value))
        for role, values in state.items()
        for key, value in values.items()
        if value is not None
    ]


def _checksum(role: str, key: str, value: bytes) -> bytes:
    """Over the names too: a value that moved to another key is as wrong as one that changed."""
    digest = blake2b(f"{role}\0{key}\0".encode(), digest_size=CHECKSUM_BYTES)
    digest.update(value)
    return digest.digest()
