"""The archive's store in PostgreSQL: rows and positions in one transaction, and one process that writes.

Who writes holds an advisory lock of the server, as long as its connection lives. Another process stands by until the
lock is free; a connection that breaks gives lock and place up, and whoever has the lock next reads the positions again.
So a commit whose answer was lost is no question: the positions say whether it was written.
"""

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from monitor.clock import Clock
from monitor.errors import ConfigError, DependencyError, StateError, TransientError
from monitor.logs import event
from monitor.storage import schema
from monitor.storage.history import History
from monitor.storage.postgres import Place, ServerFaults, reader_engine, writer_engine
from monitor.storage.sql_store import SqlStore

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0
"""Between attempts of a start, doubling: a server that restarts is met soon, an outage is not hammered."""

LOCK_TIMEOUT = "30s"
"""How long a commit waits for a table that somebody has locked; below the time after which a worker counts as hung."""

# Of the schema, so that several archives can share a database; the number is that of the words, everywhere the same.
_TAKE_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended('sentiment-monitor archive ' || current_schema(), 0))")


class PostgresStore(SqlStore):
    """One open store. It may stand by: only after `attach` has said yes does it read and write."""

    def __init__(self, place: Place) -> None:
        """Use `open`."""
        self._place = place
        self._engine = writer_engine(place)
        super().__init__(self._engine.dialect, ServerFaults(place))
        self._connection: Connection | None = None
        self._has_lock = False
        self.history = History(reader_engine(place), self.faults)

    @classmethod
    def open(cls, place: Place, clock: Clock, limit_seconds: float, dice: random.Random) -> "PostgresStore":
        """Make contact, waiting for a server that is not there; create or migrate the tables where nobody else writes.

        Args:
            limit_seconds: after which waiting ends; 0 is one attempt.
            dice: for the jitter of the waiting.
        Raises:
            ConfigError: wrong user or password, or a database that cannot hold our texts.
            DependencyError: no server, no such database, a right that is missing, or no driver.
            StateError: it is a database of something else or of another release.
        """
        store = cls(place)
        try:
            store._await_server(clock, limit_seconds, dice)
        except BaseException:
            store.close()
            raise
        return store

    def attach(self) -> bool:
        """Be the one that writes; False while another process is. Raises: as `open`, and TransientError at once."""
        with self._turn:
            if not self._has_lock:
                try:
                    with self.faults.translated():
                        self._has_lock = self._take_lock()
                except BaseException:
                    self._let_go()
                    raise
            return self._has_lock

    def close(self) -> None:
        """Give lock and connections back. A second call does nothing."""
        with self._turn:
            self._let_go()
            self.history.close()
            self._engine.dispose()

    def _take_lock(self) -> bool:
        """On one connection, however often it is tried; who gets the lock brings the tables to this release."""
        if self._connection is None:
            self._connection = self._engine.connect()
            with self._connection.begin():
                self._check(self._connection)
                self._connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        with self._connection.begin():
            has_lock = bool(self._connection.scalar(_TAKE_LOCK))
        if has_lock:
            with self._connection.begin():
                self._prepare(self._connection)
        return has_lock

    def _prepare(self, connection: Connection) -> None:
        try:
            schema.prepare(connection, elsewhere=self.faults.elsewhere)
        except StateError as exc:
            raise StateError(f"{self._place}: {exc}") from exc

    def _check(self, connection: Connection) -> None:
        encoding = connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise ConfigError(
                f"storage.url: {self._place} has the encoding {encoding}, which does not hold every text; make a "
                "database with ENCODING 'UTF8'"
            )
        if connection.scalar(text("SELECT current_schema()")) is None:
            raise ConfigError(
                f"storage.url: {self._place} has no schema of the search_path that it is given; create it, or correct "
                "the options in storage.url"
            )

    def _await_server(self, clock: Clock, limit_seconds: float, dice: random.Random) -> None:
        started, wait = clock.monotonic_seconds(), FIRST_WAIT_SECONDS
        while True:
            try:
                if not self.attach():
                    event(logger, "store_is_taken", level=logging.WARNING, place=str(self._place), does="stands by")
                return
            except TransientError as exc:
                waited = clock.monotonic_seconds() - started
                if waited >= limit_seconds:
                    raise DependencyError(
                        f"{exc}, tried for {waited:.0f} s; start the server, or correct storage.url"
                    ) from exc
                pause = min(wait, limit_seconds - waited) * dice.uniform(0.5, 1.0)
                logger.warning("%s; trying again in %.1f s", exc, pause)
                clock.sleep(pause)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._turn:
            connection = self._connection
            if connection is None or not self._has_lock:
                raise TransientError(f"storage.url: {self._place} is not ours to write now")
            try:
                with self.faults.translated(), connection.begin():
                    yield connection
            except TransientError:
                self._let_go()
                raise

    def _let_go(self) -> None:
        connection, self._connection, self._has_lock = self._connection, None, False
        if connection is not None:
            # Even a connection that is broken is closed without an error.
            connection.close()
