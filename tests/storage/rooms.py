"""The places where a store can be, for the tests that say the same of each: a file, and a database on a server."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monitor.clock import SystemClock
from monitor.storage import schema
from monitor.storage.history import History
from monitor.storage.postgres_store import PostgresStore
from monitor.storage.sql_store import SqlStore
from monitor.storage.store import EmbeddedStore
from tests.databases import Database

Contents = dict[str, list[tuple[object, ...]]]


class Room(Protocol):
    """One place; what is stored there can be opened again, and looked into past the store."""

    def open(self) -> SqlStore: ...
    def beside(self) -> History:
        """A reader of its own, as another process has one."""
        ...

    def contents(self) -> Contents:
        """Every row of every table."""
        ...

    def alter(self, statement: str) -> None:
        """Change it as something other than the monitor would."""
        ...


@dataclass(frozen=True)
class FileRoom:
    """A file of SQLite."""

    path: Path

    def open(self) -> SqlStore:
        return EmbeddedStore.open(self.path)

    def beside(self) -> History:
        return History.open(self.path)

    def contents(self) -> Contents:
        with closing(sqlite3.connect(self.path)) as connection:
            return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in _TABLES}

    def alter(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(statement)
            connection.commit()


@dataclass(frozen=True)
class ServerRoom:
    """A database of PostgreSQL."""

    database: Database

    def open(self) -> SqlStore:
        return PostgresStore.open(self.database.place, SystemClock(), 30.0, random.Random())

    def beside(self) -> History:
        return History.connect(self.database.place)

    def contents(self) -> Contents:
        return {name: sorted(self.database.admin(f"SELECT * FROM {name}"), key=repr) for name in _TABLES}

    def alter(self, statement: str) -> None:
        self.database.admin(statement)


_TABLES = tuple(schema.METADATA.tables)
