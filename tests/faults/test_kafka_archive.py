"""The archive on Kafka, over PostgreSQL: killed at each seam, in the middle of a transaction, and with its server
killed under it: the rows are those of an archive that nobody disturbed, over SQLite.

    Kafka's log   ------------------------------------------->   read from its beginning
    archive       poll | transaction: rows .. positions | poll ..
                       ^ acknowledged     ^ in it       ^ snapshot written, committed
"""

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")
pytest.importorskip("psycopg", reason="needs the full set: make setup-full")

import psycopg

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.worker import Seam
from monitor.storage import schema
from tests.databases import Database, make_database
from tests.faults.decided import Decided, Running, read_up_to, until
from tests.faults.effects import Kind
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, quick_config
from tools.postgres.server import ADMIN, Server, running_server

pytestmark = [pytest.mark.slow, pytest.mark.real]

Rows = dict[str, list[str]]
ARCHIVE = RoleName.ARCHIVE
WAIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def undisturbed(decided: Decided, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What an archive writes into a file, alone and unhurt."""
    folder = tmp_path_factory.mktemp("undisturbed")
    path, ends = folder / "history.db", decided.archived()
    archive = Running(decided.at(folder), quick_config(storage__path=str(path)), (ARCHIVE,))
    store = archive.roster.stores[0]
    until(lambda: read_up_to(store.load().positions, ARCHIVE, ends), "the end of the logs")
    archive.stop()
    with closing(sqlite3.connect(path)) as connection:
        rows = {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in schema.METADATA.tables}
    assert len(rows["scored"]) == decided.expected.count(Kind.PAIR) > 1_000
    assert len(rows["alert_events"]) == decided.expected.count(Kind.ALERT)
    assert rows["dead_letters"] and rows["volumes"] and rows["suppressed"] and len(rows["positions"]) >= 5
    return rows


def rows_of(database: Database) -> Rows:
    return {name: sorted(map(repr, database.admin(f"SELECT * FROM {name}"))) for name in schema.METADATA.tables}


def has_read_all(database: Database, ends: dict[str, int]) -> bool:
    if database.admin("SELECT to_regclass('positions')") == [(None,)]:
        return False
    return read_up_to(dict(database.admin("SELECT source_partition, position FROM positions")), ARCHIVE, ends)


def assert_equal(found: Rows, undisturbed: Rows) -> None:
    different = {name: len(set(found[name]) ^ set(undisturbed[name])) for name in undisturbed}
    assert {name: count for name, count in different.items() if count} == {}
    assert found == undisturbed, "a row stands there twice"


@contextmanager
def locked_positions(database: Database) -> Iterator[None]:
    """The archive's transaction stands still here, its rows written and its positions not."""
    host, _, port = database.server.address.partition(":")
    known = {"host": host, "port": port, "dbname": database.name, "user": ADMIN, "password": database.server.password}
    with psycopg.connect(**known) as connection:
        connection.execute("LOCK TABLE positions IN ACCESS EXCLUSIVE MODE")
        yield


def waits_in_a_transaction(database: Database) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
    return bool(database.admin(query, database.name))


@pytest.fixture
def roles(
    decided: Decided, database: Database, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Roles]:
    """Archives of this database, in processes."""
    monkeypatch.setenv("PGPASSWORD", database.password)
    conditions = Conditions(options={"storage__url": database.url})
    found = Roles(decided.at(tmp_path, conditions), kafka_bootstrap, decided.word)
    yield found
    found.kill()


@pytest.mark.parametrize("seam", [Seam.ACKNOWLEDGED, Seam.SNAPSHOT_WRITTEN, Seam.COMMITTED])
def test_kill_at_a_seam_changes_no_row(
    decided: Decided, undisturbed: Rows, database: Database, roles: Roles, seam: Seam
) -> None:
    ends = decided.archived()
    dying = roles.start("archive", "archive", seam.value, "3")
    assert dying.wait(60.0) == -signal.SIGKILL, roles.log("archive")[-3_000:]
    assert not has_read_all(database, ends), "there was work in hand"
    roles.start("archive")
    until(lambda: has_read_all(database, ends), "the end of the logs", roles.check)
    roles.stop()
    assert_equal(rows_of(database), undisturbed)


def test_kill_in_the_middle_of_a_transaction_changes_no_row(
    decided: Decided, undisturbed: Rows, database: Database, roles: Roles
) -> None:
    ends = decided.archived()
    dying = roles.start("archive")
    until(lambda: database.admin("SELECT to_regclass('positions')") != [(None,)], "the tables", roles.check)
    with locked_positions(database):
        until(lambda: waits_in_a_transaction(database), "a transaction", roles.check)
        dying.kill()
        dying.wait()
    assert not has_read_all(database, ends), "there was work in hand"
    roles.start("archive")
    until(lambda: has_read_all(database, ends), "the end of the logs", roles.check)
    roles.stop()
    assert_equal(rows_of(database), undisturbed)


def test_second_archive_stands_by_and_takes_over(
    decided: Decided, undisturbed: Rows, database: Database, roles: Roles
) -> None:
    ends = decided.archived()
    roles.start("archive", "archive", Seam.SNAPSHOT_WRITTEN.value, "3", name="first")
    until(lambda: database.admin("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"), "the first one's lock")
    roles.start("archive", name="second")
    assert roles.running.pop("first").wait(60.0) == -signal.SIGKILL
    until(lambda: has_read_all(database, ends), "the end of the logs", roles.check)
    roles.stop()
    assert_equal(rows_of(database), undisturbed)


class Pauses:
    """At its Nth passing of a seam, for each such number, a worker stands still until the test lets it go."""

    def __init__(self, seam: Seam, *numbers: int) -> None:
        self._seam, self._numbers, self._passed = seam, numbers, 0
        self._there, self._go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, role: RoleName, seam: Seam) -> None:
        if seam is self._seam:
            self._passed += 1
            if self._passed in self._numbers:
                self._there.release()
                assert self._go.acquire(timeout=WAIT_SECONDS)

    def await_one(self) -> None:
        assert self._there.acquire(timeout=WAIT_SECONDS)

    def let_go(self, times: int = 1) -> None:
        self._go.release(times)


def has_at_least(found: list[str], count: int) -> bool:
    return len(found) >= count


@pytest.fixture
def own_server(postgres: Server, tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill; that of the other tests says what is missing, if anything is."""
    with running_server(tmp_path / "server.log") as server:
        yield server


@pytest.mark.parametrize("seam", [Seam.ACKNOWLEDGED, Seam.SNAPSHOT_WRITTEN])
def test_server_that_is_killed_and_comes_back_changes_no_row(
    decided: Decided,
    undisturbed: Rows,
    own_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seam: Seam,
) -> None:
    """Three times; the archive stays the same process, and says that it began anew."""
    database, ends = make_database(own_server), decided.archived()
    monkeypatch.setenv("PGPASSWORD", database.password)
    pauses = Pauses(seam, 2, 4, 6)
    archive = Running(decided.at(tmp_path), quick_config(storage__url=database.url), (ARCHIVE,), pauses)
    failures = archive.watch.failures
    try:
        for _ in range(3):
            pauses.await_one()
            before = len(failures)
            own_server.kill()
            pauses.let_go()
            # One is that the connection broke, the next that there is no server.
            until(partial(has_at_least, failures, before + 2), "a failure that was noticed")
            own_server.restart()
        until(lambda: has_read_all(database, ends), "the end of the logs")
        assert archive.is_alive()
    finally:
        pauses.let_go(9)
        archive.stop()
    assert all("storage.url: " in failure for failure in failures)
    assert_equal(rows_of(database), undisturbed)


def test_server_that_is_killed_in_the_middle_of_a_transaction_changes_no_row(
    decided: Decided, undisturbed: Rows, own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, ends = make_database(own_server), decided.archived()
    monkeypatch.setenv("PGPASSWORD", database.password)
    pauses = Pauses(Seam.SNAPSHOT_WRITTEN, 2)
    archive = Running(decided.at(tmp_path), quick_config(storage__url=database.url), (ARCHIVE,), pauses)
    try:
        pauses.await_one()
        with pytest.raises(psycopg.OperationalError), locked_positions(database):
            pauses.let_go()
            until(lambda: waits_in_a_transaction(database), "a transaction")
            own_server.kill()
        until(lambda: archive.watch.failures, "a failure that was noticed")
        own_server.restart()
        until(lambda: has_read_all(database, ends), "the end of the logs")
    finally:
        pauses.let_go(9)
        archive.stop()
    assert_equal(rows_of(database), undisturbed)


def test_history_that_is_old_is_deleted_on_kafka_too(
    decided: Decided, undisturbed: Rows, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept for ten days, and said long before: it goes, and how far was read stays."""
    monkeypatch.setenv("PGPASSWORD", database.password)
    for more in ({"storage__history_retention": "0"}, {"storage__history_retention": "10d"}):
        is_kept = more["storage__history_retention"] == "0"
        archive = Running(decided.at(tmp_path), quick_config(storage__url=database.url, **more), (ARCHIVE,))
        try:
            until(lambda: has_read_all(database, decided.archived()), "the end of the logs")
            if is_kept:
                assert rows_of(database) == undisturbed
            else:
                until(lambda: not any(map(len, kept_for_days(database))), "the end of what is old")
        finally:
            archive.stop()
    assert rows_of(database)["positions"] == undisturbed["positions"]
    assert rows_of(database)["dead_letters"] == undisturbed["dead_letters"]


def kept_for_days(database: Database) -> list[list[str]]:
    found = rows_of(database)
    return [found[name] for name in ("documents", "scored", "windows", "volumes", "detections", "suppressed")]
