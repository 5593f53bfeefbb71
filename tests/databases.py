"""A real PostgreSQL for the tests that need one: started once in each worker, when the first of them asks.

Each test has a database of its own, whose owner is a user of its own with a password, as an archive has. Its texts are
sorted as in English, not by bytes, so that an order that leans on the database's is found out.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.storage.postgres import Place
from tests.parts import started
from tools.postgres.server import ADMIN, Server, ServerError, running_server

FULL_SET = "needs the full set: make setup-full"


@dataclass(frozen=True)
class Database:
    """A database, and the user who owns it: both have one name."""

    server: Server
    name: str
    password: str

    @property
    def url(self) -> str:
        """As `storage.url` has it."""
        return f"postgresql+psycopg://{self.name}@{self.server.address}/{self.name}"

    @property
    def place(self) -> Place:
        return Place(self.url, self.password)

    def admin(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What its admin gets for a statement in this database, past the store."""
        return run_as_admin(self.server, self.name, statement, *values)


def run_as_admin(server: Server, database: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a statement, if it has any; it is outside a transaction, as CREATE DATABASE needs it."""
    import psycopg

    host, _, port = server.address.partition(":")
    known = {"host": host, "port": port, "dbname": database, "user": ADMIN, "password": server.password}
    with psycopg.connect(**known, autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description is not None else []


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of our own. Its log lies in pytest's folder, which outlives a failure."""
    pytest.importorskip("psycopg", reason=FULL_SET)
    log: Path = tmp_path_factory.mktemp("postgres") / "server.log"
    with started(running_server(log), ServerError) as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[Database]:
    """A database that no other test used."""
    made = make_database(postgres)
    yield made
    drop_database(made)


def make_database(server: Server) -> Database:
    """A new database with an owner of its own."""
    word = uuid.uuid4().hex
    made = Database(server, f"monitor_{word[:8]}", f"hush-{word[8:16]}")
    run_as_admin(server, "postgres", f"CREATE ROLE {made.name} LOGIN PASSWORD '{made.password}'")
    sorted_as = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8' TEMPLATE template0"
    run_as_admin(server, "postgres", f"CREATE DATABASE {made.name} OWNER {made.name} ENCODING 'UTF8' {sorted_as}")
    return made


def drop_database(made: Database) -> None:
    """Remove it, whoever is still connected."""
    run_as_admin(made.server, "postgres", f"DROP DATABASE IF EXISTS {made.name} WITH (FORCE)")
    run_as_admin(made.server, "postgres", f"DROP ROLE IF EXISTS {made.name}")
