"""The tables of a store, their version, and the way from an older version to this one.

SQLAlchemy Core, portable types only (times are integers of UTC milliseconds, JSON is text), so that SQLite and
PostgreSQL have the same tables. Rows that are small and read by their key live in it (SQLite's `WITHOUT ROWID`): one
tree to write, not two. Secondary indexes are few on purpose: each costs about a microsecond for every row of the
documents' path.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from monitor.domain.summary import Summary
from monitor.errors import StateError

SCHEMA_VERSION = 2
"""Raised with every change of a table, together with a migration from the version before."""

VERSION_KEY = "schema_version"

ELSEWHERE = "name another file in `storage.path`"
"""What a person does who meant another store: of a file; a server has words of its own."""

METADATA = MetaData()

# By bytes, as SQLite does: the same order everywhere, and no index that a new release of the system's locales breaks.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")

Kind = type[TypeEngine[Any]] | TypeEngine[Any]


def _key(name: str, kind: Kind = TEXT) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _needed(name: str, kind: Kind = TEXT) -> Column[Any]:
    return Column(name, kind, nullable=False)


meta = Table("meta", METADATA, _key("key"), _needed("value"), sqlite_with_rowid=False)

positions = Table("positions", METADATA, _key("source_partition"), _needed("position"), sqlite_with_rowid=False)

state = Table(
    "state",
    METADATA,
    _key("role"),
    _key("key"),
    _needed("value", LargeBinary),
    _needed("checksum", LargeBinary),
)

documents = Table(
    "documents",
    METADATA,
    _key("document_id"),
    _needed("source"),
    _needed("event_time_ms", BigInteger),
    _needed("headline"),
    Column("url", TEXT),
    Column("lang", TEXT),
    Column("author", TEXT),
    Index("documents_by_time", "event_time_ms"),
    sqlite_with_rowid=False,
)

scored = Table(
    "scored",
    METADATA,
    _key("document_id"),
    _key("topic_id"),
    _needed("event_time_ms", BigInteger),
    _needed("effective_ms", BigInteger),
    _needed("role"),
    _needed("of_topics", Integer),
    _needed("negative", Integer),
    _needed("neutral", Integer),
    _needed("positive", Integer),
    _needed("risk"),
    _needed("cues"),
    _needed("story"),
    _needed("counted"),
    _needed("scorer"),
    _needed("watchlist"),
    Index("scored_by_topic", "topic_id", "effective_ms"),
    sqlite_with_rowid=False,
)

windows = Table(
    "windows",
    METADATA,
    _key("topic_id"),
    _key("size_ms", BigInteger),
    _key("start_ms", BigInteger),
    _needed("revision", Integer),
    *(_needed(name, BigInteger) for name in Summary.__dataclass_fields__),
    sqlite_with_rowid=False,
)

volumes = Table(
    "volumes",
    METADATA,
    _key("vendor"),
    _key("size_ms", BigInteger),
    _key("start_ms", BigInteger),
    _needed("documents", BigInteger),
    Column("expected", Double),
    Index("volumes_by_time", "start_ms"),
    sqlite_with_rowid=False,
)

detections = Table(
    "detections",
    METADATA,
    _key("topic_id"),
    _key("rule"),
    _key("at_ms", BigInteger),
    _needed("episode_start_ms", BigInteger),
    _needed("severity", Double),
    _needed("look_back_ms", BigInteger),
    _needed("observed", BigInteger),
    _needed("expected", Double),
    _needed("volume", BigInteger),
    _needed("documents", BigInteger),
    _needed("origins", BigInteger),
    _needed("risk"),
    _needed("body"),
    Index("detections_by_time", "at_ms"),
)

alert_events = Table(
    "alert_events",
    METADATA,
    _key("alert_id"),
    _key("revision", Integer),
    _needed("topic_id"),
    _needed("state"),
    _needed("at_ms", BigInteger),
    _needed("started_ms", BigInteger),
    _needed("peak_severity", Double),
    _needed("threshold", Double),
    _needed("config"),
    _needed("body"),
    Index("alert_events_by_time", "at_ms"),
)

suppressed = Table(
    "suppressed",
    METADATA,
    _key("topic_id"),
    _key("at_ms", BigInteger),
    _key("reason"),
    _needed("severity", Double),
    Index("suppressed_by_time", "at_ms"),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "dead_letters",
    METADATA,
    _key("source_partition"),
    _key("offset", BigInteger),
    _needed("reason"),
    _needed("detail"),
    _needed("value", LargeBinary),
)

Migration = Callable[[Connection], None]


def _add_volumes(connection: Connection) -> None:
    """Version 2 keeps what each vendor's feed said, so that an expectation can be drawn and checked later."""
    volumes.create(connection)


MIGRATIONS: Mapping[int, Migration] = {1: _add_volumes}
"""By the version that each starts from; it leaves the store at the next one. All that are due share a transaction."""


def insert_once(table: Table, dialect: Dialect) -> str:
    """SQL that inserts rows, in the order of the columns; a row whose key is there already is left as it is."""
    return _compiled(_insert(table, dialect).on_conflict_do_nothing(), dialect)


def upsert(table: Table, dialect: Dialect, *, newest_by: str | None = None) -> str:
    """SQL that inserts rows or replaces those of the same key; with `newest_by`, never by one of a lower value."""
    statement = _insert(table, dialect)
    incoming = statement.excluded
    return _compiled(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={column.name: incoming[column.name] for column in table.columns if not column.primary_key},
            where=None if newest_by is None else incoming[newest_by] >= table.c[newest_by],
        ),
        dialect,
    )


def delete_by_key(table: Table, dialect: Dialect) -> str:
    """SQL that deletes rows by their key, in the order of its columns."""
    statement = delete(table).where(*(column == bindparam(column.name) for column in table.primary_key.columns))
    return str(statement.compile(dialect=dialect))


def prepare(
    connection: Connection,
    *,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    elsewhere: str = ELSEWHERE,
) -> None:
    """Bring a store to this version inside the caller's transaction: create what is new, migrate what is older.

    Args: elsewhere: the remedy of a person who meant another store.
    Raises: StateError: it holds the tables of something else, or a version that there is no way from.
    """
    existing = set(inspect(connection).get_table_names())
    if not existing:
        METADATA.create_all(connection)
    elif (found := stored_version(connection, elsewhere=elsewhere)) != version:
        if found > version:
            raise StateError(
                f"it was written by a newer release (schema {found}, this one reads {version}); "
                f"run that release, or {elsewhere}"
            )
        for step in range(found, version):
            if step not in migrations:
                raise StateError(
                    f"it has schema {found}, which this release (schema {version}) cannot migrate; open it once with "
                    f"the release before, or {elsewhere} and replay the feeds into that"
                )
            migrations[step](connection)
    connection.exec_driver_sql(upsert(meta, connection.dialect), [(VERSION_KEY, str(version))])


def stored_version(connection: Connection, *, elsewhere: str = ELSEWHERE) -> int:
    """The version of a store that has tables. Raises: StateError: they are not the monitor's."""
    if "meta" in inspect(connection).get_table_names():
        columns = {column["name"] for column in inspect(connection).get_columns("meta")}
        if columns >= {"key", "value"}:
            found = connection.execute(select(meta.c.value).where(meta.c.key == VERSION_KEY)).scalar()
            if isinstance(found, str) and found.isdecimal():
                return int(found)
    raise StateError(f"it is a database of something else; {elsewhere}")


def _insert(table: Table, dialect: Dialect) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def _compiled(statement: sqlite.Insert | postgresql.Insert, dialect: Dialect) -> str:
    """For a dialect whose placeholders go by position, because rows are tuples."""
    return str(statement.compile(dialect=dialect))
