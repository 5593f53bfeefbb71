"""A store on a server: who may write, a server that goes and comes back, and one sentence for whatever is wrong."""

import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.errors import ConfigError, DependencyError, MonitorError, StateError, TransientError
from monitor.ports import Commit
from monitor.storage.history import History
from monitor.storage.postgres import Place
from monitor.storage.postgres_store import PostgresStore
from tests.databases import Database, make_database, run_as_admin
from tests.storage.samples import BANK, full_commit, scored_row
from tools.postgres.server import Server, running_server

pytestmark = [pytest.mark.slow, pytest.mark.real]

DEADLINE_SECONDS = 30.0


def open_store(place: Place, limit_seconds: float = DEADLINE_SECONDS) -> PostgresStore:
    return PostgresStore.open(place, SystemClock(), limit_seconds, random.Random())


def refusal(place: Place, limit_seconds: float = 0.0) -> MonitorError:
    """Why it cannot be opened."""
    with pytest.raises(MonitorError) as caught:
        open_store(place, limit_seconds)
    assert "hush" not in str(caught.value), "a password is in no message"
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def own_server(postgres: Server, tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop; that of the other tests says what is missing, if anything is."""
    with running_server(tmp_path / "server.log") as server:
        yield server


def test_second_process_stands_by_until_the_first_has_gone(database: Database) -> None:
    with open_store(database.place) as first, open_store(database.place) as second:
        assert first.attach() and not second.attach()
        first.commit(full_commit())
        with pytest.raises(TransientError, match="is not ours to write now"):
            second.commit(Commit(positions={"p/0": "9"}))
        first.close()
        assert second.attach()
        second.commit(Commit(positions={"p/0": "9"}))
        assert second.load().positions == {"feeds/news.jsonl/0": "4711", "p/0": "9"}


def test_archives_in_schemas_of_their_own_share_a_database(database: Database) -> None:
    for name in ("one", "two"):
        database.admin(f"CREATE SCHEMA {name} AUTHORIZATION {database.name}")
    places = [Place(f"{database.url}?options=-csearch_path%3D{name}", database.password) for name in ("one", "two")]
    with open_store(places[0]) as one, open_store(places[1]) as two:
        assert one.attach() and two.attach()
        one.commit(full_commit())
        assert (len(one.history.alerts()), len(two.history.alerts())) == (2, 0)


def test_connection_that_the_server_breaks_is_made_again_and_nothing_is_half_written(database: Database) -> None:
    with open_store(database.place) as store:
        store.commit(full_commit())
        break_connections(database)
        with pytest.raises(TransientError, match=r"storage\.url: .*cannot be used now"):
            store.commit(Commit(scored=[scored_row(9)], positions={"p/0": "9"}))
        assert store.attach()
        assert "p/0" not in store.load().positions
        store.commit(Commit(scored=[scored_row(9)], positions={"p/0": "9"}))
        assert store.load().positions["p/0"] == "9"
        assert len(store.history.alerts()) == 2, "readers come back too"


def test_writer_whose_connection_was_broken_cannot_write_beside_the_next(database: Database) -> None:
    with open_store(database.place) as first, open_store(database.place) as second:
        break_connections(database)
        with pytest.raises(TransientError):
            second.attach()  # its own connection, on which it stood by, is broken too
        assert second.attach()
        with pytest.raises(TransientError):
            first.commit(Commit(positions={"p/0": "1"}))
        assert not first.attach()
        second.commit(Commit(positions={"p/0": "2"}))
        assert second.load().positions == {"p/0": "2"}


def break_connections(database: Database) -> None:
    database.admin(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s AND datname = %s",
        database.name,
        database.name,
    )


def test_server_that_is_killed_and_comes_back_has_every_commit_that_returned(own_server: Server) -> None:
    made = make_database(own_server)
    with open_store(made.place) as store:
        for number in range(20):
            store.commit(Commit(scored=[scored_row(number)], positions={"p/0": str(number)}))
        own_server.kill()
        with pytest.raises(TransientError):
            store.commit(Commit(scored=[scored_row(20)], positions={"p/0": "20"}))
        with pytest.raises(TransientError):
            store.attach()
        own_server.restart()
        assert store.attach()
        assert store.load().positions == {"p/0": "19"}
        assert len(store.history.documents(BANK)) == 20


def test_server_that_is_down_is_waited_for_and_then_told_with_the_remedy() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = Place(f"postgresql://monitor@127.0.0.1:{free.getsockname()[1]}/history", "hush")
        told = refusal(place, 1.0)
    assert isinstance(told, DependencyError) and told.exit_code == 3
    assert str(told).startswith("storage.url: postgresql://monitor@127.0.0.1:")
    assert "refused" in str(told)
    assert str(told).endswith("tried for 1 s; start the server, or correct storage.url")


def test_server_that_comes_up_while_it_is_waited_for_is_used(own_server: Server) -> None:
    made = make_database(own_server)
    own_server.stop()

    class Clock(SystemClock):
        """Starts the server at the first pause."""

        def sleep(self, seconds: float) -> None:
            own_server.restart()

    with PostgresStore.open(made.place, Clock(), DEADLINE_SECONDS, random.Random()) as store:
        assert store.attach()


def test_wrong_password_or_user_is_a_fault_of_the_configuration(database: Database) -> None:
    for place in (
        Place(database.url, "hush-not-this-one"),
        Place(database.url.replace(f"{database.name}@", "somebody@"), "hush"),
        Place(database.url),
    ):
        told = refusal(place, DEADLINE_SECONDS)
        assert isinstance(told, ConfigError) and told.exit_code == 2
        assert "refuses the login" in str(told) and "storage.password of secrets_dir" in str(told)


def test_missing_database_is_told_with_the_remedy(database: Database) -> None:
    told = refusal(Place(database.url + "_absent", database.password), DEADLINE_SECONDS)
    assert isinstance(told, DependencyError) and told.exit_code == 3
    assert "is no database yet" in str(told) and "createdb" in str(told)


def test_missing_rights_are_told_with_the_remedy(database: Database) -> None:
    database.admin(f"ALTER DATABASE {database.name} OWNER TO admin")
    told = refusal(database.place, DEADLINE_SECONDS)
    assert isinstance(told, DependencyError) and told.exit_code == 3
    assert "lacks a right (permission denied for schema public)" in str(told) and "docs/history.md" in str(told)
    database.admin(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
    assert "lacks a right" in str(refusal(database.place, DEADLINE_SECONDS))


def test_right_to_write_that_is_taken_away_is_told(database: Database) -> None:
    with open_store(database.place) as store:
        database.admin(f"REVOKE INSERT ON positions FROM {database.name}")
        with pytest.raises(DependencyError, match=r"lacks a right .permission denied for table positions"):
            store.commit(Commit(positions={"p/0": "9"}))


def test_missing_schema_is_a_fault_of_the_configuration(database: Database) -> None:
    told = refusal(Place(f"{database.url}?options=-csearch_path%3Dabsent", database.password))
    assert isinstance(told, ConfigError)
    assert "has no schema of the search_path" in str(told)


def test_database_of_another_encoding_is_refused(database: Database) -> None:
    name = f"{database.name}_latin"
    create = f"CREATE DATABASE {name} OWNER {database.name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    run_as_admin(database.server, "postgres", create)
    try:
        told = refusal(Place(database.url + "_latin", database.password))
        assert isinstance(told, ConfigError)
        assert "has the encoding LATIN1" in str(told) and "ENCODING 'UTF8'" in str(told)
    finally:
        run_as_admin(database.server, "postgres", f"DROP DATABASE {name}")


def test_server_without_tls_where_it_is_demanded_is_told(database: Database) -> None:
    told = refusal(Place(f"{database.url}?sslmode=require", database.password), DEADLINE_SECONDS)
    assert isinstance(told, ConfigError)
    assert "do not agree on TLS" in str(told) and "sslmode" in str(told)


def test_parameter_that_libpq_does_not_know_is_told(database: Database) -> None:
    told = refusal(Place(f"{database.url}?colour=red", database.password))
    assert isinstance(told, ConfigError)
    assert "colour" in str(told)


def test_tables_that_were_changed_by_hand_are_told_as_damage(database: Database) -> None:
    with open_store(database.place) as store:
        database.admin("ALTER TABLE scored DROP COLUMN story")
        with pytest.raises(StateError, match=r"damaged, or not a store of the monitor .*restore the database"):
            store.commit(full_commit())


def test_empty_database_has_no_history_to_read(database: Database) -> None:
    with pytest.raises(StateError, match="it is a database of something else"):
        History.connect(database.place)


def test_driver_that_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    told = refusal(Place("postgresql://monitor@127.0.0.1:1/history"), DEADLINE_SECONDS)
    assert isinstance(told, DependencyError)
    assert "needs the Python package psycopg" in str(told) and "make setup-full" in str(told)
