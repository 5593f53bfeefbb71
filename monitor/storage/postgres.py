"""PostgreSQL under a store: how it is reached, and what its errors mean.

The driver is psycopg 3, of the full set; it is loaded when a connection is made. A server says of a login that it
refuses nothing but a sentence, so those are told apart by its words; in another language than English they count as a
server that is away, and its words are in what is told at the end of patience.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from monitor.errors import ConfigError, DependencyError, MonitorError, StateError, TransientError

DEFAULTS = {
    # Of one attempt; a server that lives answers in milliseconds.
    "connect_timeout": 5,
    # A server that vanished without a word is noticed after half a minute, not after the kernel's two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
    "application_name": "sentiment-monitor",
}
"""What `storage.url` may say otherwise, by libpq's names."""

READERS = 1
MORE_READERS = 4

_REFUSED_LOGIN = re.compile(
    r"authentication failed|role \".*\" does not exist|no pg_hba\.conf entry|no password supplied|not permitted to log"
)
_REFUSED_TLS = re.compile(r"server does not support SSL|certificate|sslmode|SSL error")
_NO_DATABASE = re.compile(r"database \".*\" does not exist")
_NO_RIGHT = re.compile(r"permission denied")

# Classes and codes of PostgreSQL's appendix A.
_AWAY = ("08", "53", "57", "58")
"""Connection exceptions, insufficient resources, operator intervention, errors of its system: it may come back."""
_TRY_AGAIN = ("40001", "40P01", "55P03", "25006")
"""Serialization, deadlock, a lock that another holds for too long, a standby that takes no writes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database on a server.

    Attributes:
        url: as `storage.url` has it, without a password. password: None leaves it to PGPASSWORD and ~/.pgpass.
    """

    url: str
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self._plain().partition("?")[0]

    def connect(self) -> Any:
        """A new connection of psycopg. Raises: ConfigError: the url is none."""
        # Here, because the slim set has no driver.
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            given = conninfo_to_dict(self._plain())
        except psycopg.ProgrammingError as exc:
            raise ConfigError(f"storage.url: {_first_line(str(exc))}; docs/history.md shows the form") from exc
        if self.password is not None:
            given["password"] = self.password
        return psycopg.connect(**{**DEFAULTS, **given})

    def _plain(self) -> str:
        """As libpq takes it; SQLAlchemy's form names the driver too."""
        return re.sub(r"^postgres(ql)?(\+psycopg)?:", "postgresql:", self.url)


def writer_engine(place: Place) -> Engine:
    """An engine whose connections are closed when they are given back, and with them the lock that they hold.

    Raises: DependencyError: the driver is not installed.
    """
    return _engine(place, poolclass=NullPool, paramstyle="format")


def reader_engine(place: Place) -> Engine:
    """An engine that only reads, each transaction at one moment; it outlives a restart of the server.

    Raises: DependencyError: the driver is not installed.
    """
    return _engine(
        place,
        pool_size=READERS,
        max_overflow=MORE_READERS,
        pool_pre_ping=True,
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    )


def _engine(place: Place, **options: Any) -> Engine:
    try:
        return create_engine("postgresql+psycopg://", creator=place.connect, **options)
    except ImportError as exc:
        raise DependencyError(
            f"storage.url: PostgreSQL needs the Python package psycopg ({exc}): install the whole product with "
            "make setup-full"
        ) from exc


@dataclass(frozen=True, slots=True)
class ServerFaults:
    """The Faults of a store on a server."""

    place: Place
    elsewhere: str = "name another database, or a schema of its own, in `storage.url`"

    def damaged(self, what: str) -> str:
        """What an operator reads when a store cannot be used."""
        return (
            f"{self.place}: damaged, or not a store of the monitor ({what}); restore the database from a backup, or "
            "drop its tables, and the archive reads again what Kafka still has"
        )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the server's errors into ours. Raises: TransientError, ConfigError, DependencyError, StateError."""
        try:
            yield
        except DBAPIError as exc:
            raise self._translation(exc) or exc from exc

    def _translation(self, exc: DBAPIError) -> MonitorError | None:
        """Ours for one of the server's; None for a bug, or for a value that it does not take."""
        code = getattr(exc.orig, "sqlstate", None) or ""
        said = _first_line(str(exc.orig))
        if not code and not _is_operational(exc):
            return None
        if code.startswith("28") or (not code and _REFUSED_LOGIN.search(said)):
            return ConfigError(
                f"storage.url: {self.place} refuses the login ({said}); correct the user in storage.url, or its "
                "password in the file storage.password of secrets_dir, in PGPASSWORD or in ~/.pgpass"
            )
        if code == "3D000" or (not code and _NO_DATABASE.search(said)):
            return DependencyError(
                f"storage.url: {self.place} is no database yet ({said}); make it with createdb, or name another"
            )
        if code == "42501" or (not code and _NO_RIGHT.search(said)):
            return DependencyError(
                f"storage.url: the user of {self.place} lacks a right ({said}); grant it as docs/history.md shows"
            )
        if code in ("3F000", "42P01", "42703") or code.startswith("XX"):
            return StateError(self.damaged(said))
        if not code and _REFUSED_TLS.search(said):
            return ConfigError(
                f"storage.url: {self.place} and we do not agree on TLS ({said}); correct sslmode or sslrootcert there"
            )
        if not code or code[:2] in _AWAY or code in _TRY_AGAIN:
            return TransientError(f"storage.url: {self.place} cannot be used now ({said})")
        return None


def _is_operational(exc: DBAPIError) -> bool:
    """Whether the connection failed: psycopg has no code of the server's then."""
    return exc.connection_invalidated or type(exc.orig).__name__ in ("OperationalError", "ConnectionTimeout")


def _first_line(said: str) -> str:
    """Without what libpq says in more lines; where several addresses were tried, of the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line]
    return (fatal or lines or ["it said nothing"])[-1 if fatal else 0]
