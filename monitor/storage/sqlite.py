"""The SQLite file under a store: how it is opened, who may write it, and what its errors mean.

One process writes (an exclusive lock on `<file>.lock`, which the kernel releases when the process dies, however it
dies); any number read beside it. WAL with synchronous=FULL: what `commit` returned from survives a power cut.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from monitor.errors import ConfigError, DependencyError, MonitorError, StateError
from monitor.storage.schema import ELSEWHERE

BUSY_TIMEOUT_SECONDS = 10.0
"""How long a commit waits for a reader that locks the whole file (a backup, say); longer than any sane one holds it."""

CACHE_KIB = 16_384
"""Pages kept in memory. SQLite's own 2 MiB reads the window tree from disk again and again; more only costs memory."""

CHECKPOINT_PAGES = 4_000
"""WAL pages (16 MiB) before they are copied into the file. The default 1,000 copies the same pages at each commit."""

WHOLE_CHECK_BYTES = 64 * 2**20
"""Files up to this size are checked whole when opened (below 0.2 s), larger ones only in the tables of state."""

STATE_TABLES = ("meta", "positions", "state")

_CREATED = "a store was created here"


class FileLock:
    """The exclusive right to write one store, held until `release` or the end of the process.

    The lock file stays behind, because removing it would let two processes lock two files of one name. It also
    remembers that the store was created, so that a store emptied by accident is not taken for a new one.
    """

    def __init__(self, store_path: Path) -> None:
        """Take it. Raises: StateError: another process has it. ConfigError: the directory cannot be written."""
        self.path = store_path.with_name(store_path.name + ".lock")
        try:
            # flock, not lockf: POSIX locks vanish when any other handle of the process on the file is closed.
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise ConfigError(
                f"storage.path: cannot write {self.path} ({exc.strerror}); the store needs a directory that the "
                "monitor may write"
            ) from exc
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(self._handle)
            raise StateError(
                f"{store_path}: another process has this store open; stop that one, or name another file in "
                "`storage.path`"
            ) from exc

    def remembers_a_store(self) -> bool:
        return os.pread(self._handle, 100, 0).startswith(_CREATED.encode())

    def remember_the_store(self) -> None:
        os.pwrite(self._handle, f"{_CREATED}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._handle)


def writer_engine(path: Path | None) -> Engine:
    """An engine of one connection whose transactions hold the write lock from their first statement on."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=BUSY_TIMEOUT_SECONDS,
            # The driver's own transactions begin too late (at the first write): SQLAlchemy's event begins ours.
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(path: Path) -> Engine:
    """An engine that can only read, beside a writer in this process or another; each transaction sees one moment."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=4)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def execute(engine: Engine, pragma: str) -> None:
    """Run a statement that SQLite only takes outside a transaction."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute(pragma).fetchall()
    finally:
        connection.close()


def check_path(path: Path) -> None:
    """Raises: ConfigError: no store can be there, with the reason and the remedy."""
    if path.is_dir():
        raise ConfigError(f"storage.path: {path} is a directory; name a file in it")
    if not path.parent.is_dir():
        raise ConfigError(f"storage.path: the directory {path.parent} does not exist; create it, or name another file")
    if path.exists():
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        except OSError as exc:
            raise ConfigError(
                f"storage.path: cannot write {path} ({exc.strerror}); give the monitor's user the right to, or name "
                "another file"
            ) from exc


def check_content(connection: Connection, path: Path) -> None:
    """Look for damage before anything is written. Raises: StateError: there is some."""
    size = path.stat().st_size
    scopes = [""] if size <= WHOLE_CHECK_BYTES else [f"('{table}')" for table in STATE_TABLES]
    for scope in scopes:
        verdict = connection.exec_driver_sql(f"PRAGMA quick_check{scope}").scalar()
        if verdict != "ok":
            raise StateError(FileFaults(path).damaged(str(verdict)))


@dataclass(frozen=True, slots=True)
class FileFaults:
    """The Faults of a store in a file, or in memory where there is no path."""

    path: Path | None
    elsewhere: str = ELSEWHERE

    def damaged(self, what: str) -> str:
        """What an operator reads when a store cannot be used."""
        return (
            f"{self.path or 'the store in memory'}: damaged, or not a store of the monitor ({what}); restore the file "
            "from a backup, or move it away together with its -wal and .lock and replay the feeds"
        )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn SQLite's errors into ours. Raises: StateError, ConfigError, DependencyError."""
        try:
            yield
        except DBAPIError as exc:
            fault = exc.orig if isinstance(exc.orig, sqlite3.Error) else None
            raise _translation(fault, self.path) or exc from exc
        except sqlite3.Error as exc:
            raise _translation(exc, self.path) or exc from exc


def _translation(fault: sqlite3.Error | None, path: Path | None) -> MonitorError | None:
    """Ours for one of SQLite's; None for a bug. The low byte of a code is its kind, the rest says where it happened."""
    place = path or "the store in memory"
    match getattr(fault, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return StateError(FileFaults(path).damaged(str(fault)))
        case sqlite3.SQLITE_FULL:
            return DependencyError(f"{place}: {fault}; nothing of this commit was kept; make room and start again")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_NOMEM:
            return DependencyError(f"{place}: {fault}; nothing of this commit was kept; check the disk and start again")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return DependencyError(
                f"{place}: another program has locked it for more than {BUSY_TIMEOUT_SECONDS:.0f} s; stop that one"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return ConfigError(f"storage.path: cannot use {place} ({fault}); give the monitor's user the right to")
    return None
