"""The embedded store: state, feed positions and history of one process in one SQLite file, moved in one transaction.

What a commit holds is there whole or not at all, whatever kills the process. Every write can be repeated: the same
commit twice leaves the same rows. What was told and how a document first counted is never rewritten; of a window the
highest revision holds; of a detection and a suppression at one moment the last.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect, select

from monitor.errors import DependencyError, StateError
from monitor.ports import Commit
from monitor.storage import retention, rows, schema, sqlite
from monitor.storage.history import History

CHECKSUM_BYTES = 8
"""Damage is caught but for one case in 2^64; it guards against disks and bugs, not against an attacker."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a process starts from: `state` is by role, then by key."""

    meta: dict[str, str]
    positions: dict[str, str]
    state: dict[str, dict[str, bytes]]


_PUT_META = schema.upsert(schema.meta)
_PUT_POSITION = schema.upsert(schema.positions)
_PUT_STATE = schema.upsert(schema.state)
_PUT_DOCUMENT = schema.insert_once(schema.documents)
_PUT_SCORED = schema.insert_once(schema.scored)
_PUT_WINDOW = schema.upsert(schema.windows, newest_by="revision")
_PUT_VOLUME = schema.upsert(schema.volumes)
_PUT_DETECTION = schema.upsert(schema.detections)
_PUT_ALERT = schema.insert_once(schema.alert_events)
_PUT_SUPPRESSED = schema.upsert(schema.suppressed)
_PUT_DEAD_LETTER = schema.insert_once(schema.dead_letters)


class EmbeddedStore:
    """One open store. Any thread may call it; calls take turns. `history` reads beside it."""

    def __init__(self, path: Path | None, engine: Engine, lock: sqlite.FileLock | None) -> None:
        """Use `open`."""
        self._path = path
        self._engine = engine
        self._lock = lock
        self._turn = threading.RLock()
        self._identity = None if path is None else _identity(path)
        # In memory there is one connection for writer and readers, so readers must wait for the end of a commit.
        self.history = History(engine, guard=self._turn) if path is None else History(sqlite.reader_engine(path), path)

    @classmethod
    def open(cls, path: Path | None) -> "EmbeddedStore":
        """Open a store, creating or migrating it where needed; None keeps it in memory.

        Raises:
            ConfigError: `storage.path` names a place where the monitor cannot write.
            StateError: the file is damaged, emptied, of another program or release, or another process has it open.
            DependencyError: the disk is full or fails.
        """
        if path is None:
            engine = sqlite.writer_engine(None)
            with engine.begin() as connection:
                schema.prepare(connection)
            return cls(None, engine, None)
        path = path.resolve()  # Two names of one file must meet at one lock.
        sqlite.check_path(path)
        lock = sqlite.FileLock(path)
        engine = sqlite.writer_engine(path)
        try:
            with sqlite.translated(path):
                _open_file(path, engine, lock)
            return cls(path, engine, lock)
        except BaseException:
            engine.dispose()
            lock.release()
            raise

    def load(self) -> StoredState:
        """All state and positions. Raises: StateError: a value is not what was written; it names role and key."""
        with self._transaction() as connection:
            meta = _pairs(connection, schema.meta)
            positions = _pairs(connection, schema.positions)
            state: dict[str, dict[str, bytes]] = {}
            for role, key, value, checksum in connection.execute(select(schema.state)):
                if _checksum(role, key, value) != checksum:
                    raise StateError(
                        sqlite.damaged(self._path, f"the state of role {role}, key {key}, fails its check")
                    )
                state.setdefault(role, {})[key] = value
        del meta[schema.VERSION_KEY]
        return StoredState(meta, positions, state)

    def commit(self, commit: Commit) -> None:
        """Write it whole and durably, or not at all; it may be repeated.

        Raises: DependencyError: the disk is full or fails, or the file was moved away under us. StateError: damage.
        """
        if schema.VERSION_KEY in commit.meta:
            raise ValueError(f"the meta key {schema.VERSION_KEY} belongs to the store")
        gone = [(role, key) for role, values in commit.state.items() for key, value in values.items() if value is None]
        with self._transaction() as connection:
            _put(connection, _PUT_DOCUMENT, rows.document_rows(commit.scored, commit.documents))
            _put(connection, _PUT_SCORED, rows.scored_rows(commit.scored))
            _put(connection, _PUT_WINDOW, rows.window_rows(commit.windows))
            _put(connection, _PUT_VOLUME, [rows.volume_row(row) for row in commit.volumes])
            _put(connection, _PUT_DETECTION, [rows.detection_row(detection) for detection in commit.detections])
            _put(connection, _PUT_ALERT, [rows.alert_row(event) for event in commit.alert_events])
            _put(connection, _PUT_SUPPRESSED, [rows.suppressed_row(row) for row in commit.suppressed])
            _put(connection, _PUT_DEAD_LETTER, [rows.dead_letter_row(letter) for letter in commit.dead_letters])
            _put(connection, _PUT_STATE, _state_rows(commit.state))
            _put(connection, "DELETE FROM state WHERE role = ? AND key = ?", gone)
            _put(connection, _PUT_META, list(commit.meta.items()))
            _put(connection, _PUT_POSITION, list(commit.positions.items()))
            self._check_still_there()

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

    def close(self) -> None:
        """Give the file back; everything committed is in it. A second call does nothing."""
        with self._turn:
            self.history.close()
            self._engine.dispose()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> "EmbeddedStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._turn, sqlite.translated(self._path), self._engine.begin() as connection:
            yield connection

    def _check_still_there(self) -> None:
        """SQLite goes on writing to a file that was deleted or replaced, and all of it would be lost in silence."""
        if self._path is not None and _identity(self._path) != self._identity:
            raise DependencyError(
                f"{self._path}: the file was moved or deleted while the monitor had it open; "
                "nothing of this commit was kept; put it back and start again"
            )


def _open_file(path: Path, engine: Engine, lock: sqlite.FileLock) -> None:
    """Nothing is written to the file until it is known to be whole and ours, or new."""
    if path.exists():
        with engine.begin() as connection:
            _check_ours(connection, path, lock)
    sqlite.execute(engine, "PRAGMA journal_mode=WAL")
    sqlite.execute(engine, "PRAGMA synchronous=FULL")
    sqlite.execute(engine, f"PRAGMA wal_autocheckpoint={sqlite.CHECKPOINT_PAGES}")
    with engine.begin() as connection, _named(path):
        schema.prepare(connection)
    # Into the file itself: from here on a file without tables is one that lost them.
    sqlite.execute(engine, "PRAGMA wal_checkpoint(TRUNCATE)")
    lock.remember_the_store()


def _check_ours(connection: Connection, path: Path, lock: sqlite.FileLock) -> None:
    sqlite.check_content(connection, path)
    if inspect(connection).get_table_names():
        with _named(path):
            schema.stored_version(connection)
    elif lock.remembers_a_store():
        raise StateError(sqlite.damaged(path, "it is empty, though a store was written here"))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """The schema knows what is wrong with a store, but not which file it is."""
    try:
        yield
    except StateError as exc:
        raise StateError(f"{path}: {exc}") from exc


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _put(connection: Connection, sql: str, values: list[Any]) -> None:
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
