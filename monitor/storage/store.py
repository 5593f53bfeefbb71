"""The embedded store: state, feed positions and history of one process in one SQLite file, moved in one transaction.

What a commit holds is there whole or not at all, whatever kills the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from monitor.errors import DependencyError, StateError
from monitor.storage import schema, sqlite
from monitor.storage.history import History
from monitor.storage.sql_store import SqlStore, StoredState

# What a store gives is looked for where stores are.
__all__ = ["EmbeddedStore", "StoredState"]


class EmbeddedStore(SqlStore):
    """A store in a file of which this process has the lock, or in memory."""

    def __init__(self, path: Path | None, engine: Engine, lock: sqlite.FileLock | None) -> None:
        """Use `open`."""
        super().__init__(engine.dialect, sqlite.FileFaults(path))
        self._path = path
        self._engine = engine
        self._lock = lock
        self._identity = None if path is None else _identity(path)
        # In memory there is one connection for writer and readers, so readers must wait for the end of a commit.
        readers, guard = (engine, self._turn) if path is None else (sqlite.reader_engine(path), None)
        self.history = History(readers, self.faults, guard)

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
            with sqlite.FileFaults(path).translated():
                _open_file(path, engine, lock)
            return cls(path, engine, lock)
        except BaseException:
            engine.dispose()
            lock.release()
            raise

    def attach(self) -> bool:
        """It is, since it was opened."""
        return True

    def close(self) -> None:
        """Give the file back; everything committed is in it. A second call does nothing."""
        with self._turn:
            self.history.close()
            self._engine.dispose()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._turn, self.faults.translated(), self._engine.begin() as connection:
            yield connection
            self._check_still_there()

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
        raise StateError(sqlite.FileFaults(path).damaged("it is empty, though a store was written here"))


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
