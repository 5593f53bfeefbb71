"""What every store promises, in a file of SQLite and on a server of PostgreSQL alike."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from monitor.domain.alerts import AlertState
from monitor.domain.archive import ScoredRow
from monitor.domain.document import Counted, DocumentId
from monitor.domain.topics import TopicId
from monitor.errors import DependencyError, StateError
from monitor.ports import Commit
from monitor.storage import schema
from monitor.storage.sql_store import SqlStore
from monitor.storage.storable import storable
from tests.storage.rooms import Room
from tests.storage.samples import BANK, MINUTE_MS, alert, detection, full_commit, scored, scored_row, window_row


@pytest.fixture
def written(room: Room) -> Room:
    """A store with something in every table."""
    with room.open() as store:
        store.commit(full_commit())
    return room


def test_new_store_is_empty(room: Room) -> None:
    with room.open() as store:
        stored = store.load()
    assert (stored.meta, stored.positions, stored.state) == ({}, {}, {})


def test_what_was_committed_is_loaded(store: SqlStore) -> None:
    commit = full_commit()
    store.commit(commit)
    stored = store.load()
    assert stored.state == commit.state
    assert stored.positions == commit.positions
    assert stored.meta == commit.meta


def test_state_and_positions_survive_a_restart(written: Room) -> None:
    with written.open() as store:
        stored = store.load()
    assert stored.state["trend"] == {"norvane-bank": b"\x00state\xff"}
    assert stored.positions == {"feeds/news.jsonl/0": "4711"}


def test_every_table_receives_its_rows(written: Room) -> None:
    counts = {name: len(rows) for name, rows in written.contents().items()}
    assert counts == {
        "meta": 2,
        "positions": 1,
        "state": 2,
        "documents": 4,
        "scored": 4,
        "windows": 3,
        "volumes": 2,
        "detections": 2,
        "alert_events": 2,
        "suppressed": 1,
        "dead_letters": 2,
    }


def test_same_commit_twice_leaves_the_same_rows(written: Room) -> None:
    before = written.contents()
    with written.open() as store:
        store.commit(full_commit())
    assert written.contents() == before


def test_key_that_a_commit_does_not_name_keeps_its_value(store: SqlStore) -> None:
    store.commit(Commit(state={"trend": {"a": b"1", "b": b"2"}}, positions={"p/0": "1"}, meta={"m": "1"}))
    store.commit(Commit(state={"trend": {"b": b"3"}}, positions={"p/1": "2"}))
    stored = store.load()
    assert stored.state == {"trend": {"a": b"1", "b": b"3"}}
    assert stored.positions == {"p/0": "1", "p/1": "2"}
    assert stored.meta == {"m": "1"}


def test_none_deletes_a_key_of_its_role_only(store: SqlStore) -> None:
    store.commit(Commit(state={"trend": {"a": b"1", "b": b"2"}, "alert": {"a": b"3"}}))
    store.commit(Commit(state={"trend": {"a": None}}))
    assert store.load().state == {"trend": {"b": b"2"}, "alert": {"a": b"3"}}


@pytest.mark.parametrize("revisions", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize("together", [True, False])
def test_highest_revision_of_a_window_holds_in_whatever_order(
    store: SqlStore, revisions: tuple[int, ...], together: bool
) -> None:
    rows = [window_row(revision=revision, documents=10 * revision) for revision in revisions]
    for commit in [rows] if together else [[row] for row in rows]:
        store.commit(Commit(windows=commit))
    assert store.history.windows(BANK, MINUTE_MS) == (window_row(revision=3, documents=30),)


def test_last_detection_of_one_moment_holds(store: SqlStore) -> None:
    again = replace(detection(5), severity=6.5)
    store.commit(Commit(detections=[detection(5)]))
    store.commit(Commit(detections=[again]))
    assert store.history.detections(BANK) == (again,)


def test_how_a_document_first_counted_is_never_rewritten(store: SqlStore) -> None:
    store.commit(Commit(scored=[scored_row(1)]))
    store.commit(Commit(scored=[ScoredRow(scored_row(1).scored, "wire-a:1", Counted.TOO_LATE)]))
    assert [(row.story, row.counted) for row in store.history.documents(BANK)] == [("wire-a:0", Counted.COUNTED)]


def test_what_was_told_is_never_rewritten(store: SqlStore) -> None:
    store.commit(Commit(alert_events=[alert()]))
    store.commit(Commit(alert_events=[replace(alert(), state=AlertState.RETRACTED)]))
    assert store.history.alerts() == (alert(),)


def test_commit_cannot_overwrite_the_version_of_the_store(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="schema_version"):
        store.commit(Commit(meta={"schema_version": "9"}))


def test_row_that_cannot_be_written_undoes_the_whole_commit(written: Room) -> None:
    before = written.contents()
    bad = replace(alert(2), peak_severity=float("inf"))
    with written.open() as store, pytest.raises(ValueError, match="peak_severity"):
        store.commit(Commit(scored=[scored_row(7)], positions={"p/0": "9"}, alert_events=[bad]))
    assert written.contents() == before


UNSTORABLE = {
    "nul": ("wire-a:a\x00b", "wire-a:a\ufffdb"),
    "half a pair": ("wire-a:a\ud83db", "wire-a:a\ufffdb"),
    "both halves, the wrong way round": ("wire-a:\udc00\ud800", "wire-a:\ufffd\ufffd"),
}


@pytest.mark.parametrize(("given", "kept"), UNSTORABLE.values(), ids=UNSTORABLE)
def test_text_that_no_database_takes_is_mended_and_its_row_is_kept(
    store: SqlStore, given: str, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    if "\x00" in given:
        given += "\ud800"  # SQLite would take the NUL as it is
        kept += "\ufffd"
    bad = scored(1)._replace(document_id=DocumentId(given))
    store.commit(Commit(scored=[scored_row(0), ScoredRow(bad, given, Counted.COUNTED)], positions={"p/0": "9"}))
    assert [row.document_id for row in store.history.documents(BANK)] == [kept, "wire-a:0"]
    assert store.load().positions == {"p/0": "9"}
    assert "texts_mended" in caplog.text


def test_nul_in_a_text_costs_no_row(store: SqlStore) -> None:
    store.commit(Commit(scored=[ScoredRow(scored(1)._replace(headline="a\x00b"), "s\x00", Counted.COUNTED)]))
    ((headline, story),) = [(row.headline, row.story) for row in store.history.documents(BANK)]
    assert headline in ("a\x00b", "a\ufffdb")
    assert story in ("s\x00", "s\ufffd")


def test_only_what_is_unstorable_is_changed() -> None:
    rows = [("a\x00", 1, b"\x00", None, "b\ud800c"), ("fine 🙂", 2, b"", "x", "y")]
    assert storable(rows) == ([("a\ufffd", 1, b"\x00", None, "b\ufffdc"), rows[1]], 2)


def test_texts_are_sorted_by_their_bytes(store: SqlStore) -> None:
    """A database that sorts as in English has another order of its own: the history's answers do not depend on it."""
    topics = [TopicId(name) for name in ("Zeta", "alpha", "Beta", "beta", "a-z", "ab", "é")]
    store.commit(Commit(detections=[replace(detection(5), topic_id=topic) for topic in topics]))
    assert [found.topic_id for found in store.history.detections()] == sorted(topics)


def test_history_is_read_beside_the_store_that_writes(room: Room) -> None:
    with room.open() as store:
        beside = room.beside()
        try:
            store.commit(full_commit())
            assert beside.alerts() == store.history.alerts() == (alert(0), alert(1, AlertState.RESOLVED, 8))
        finally:
            beside.close()


def test_state_that_changed_on_disk_is_refused_by_role_and_key(written: Room) -> None:
    written.alter("UPDATE state SET value = checksum WHERE role = 'trend'")
    with (
        written.open() as store,
        pytest.raises(StateError, match=r"role trend, key norvane-bank.*restore the (file|database)"),
    ):
        store.load()


def test_state_that_moved_to_another_key_is_refused(written: Room) -> None:
    written.alter("UPDATE state SET key = 'osterlund-air' WHERE role = 'trend'")
    with written.open() as store, pytest.raises(StateError, match="key osterlund-air"):
        store.load()


def test_damaged_body_is_told_as_damage(written: Room) -> None:
    written.alter("UPDATE alert_events SET body = substr(body, 1, 50)")
    with written.open() as store, pytest.raises(StateError, match=r"alert event.*restore the (file|database)"):
        store.history.alerts()


def test_database_of_another_program_is_refused_and_left_alone(room: Room) -> None:
    room.alter("CREATE TABLE meta (key TEXT, colour TEXT)")
    with pytest.raises(StateError, match=r": it is a database of something else; name another (file|database)"):
        room.open()
    room.alter("INSERT INTO meta (key, colour) VALUES ('left', 'alone')")


def test_store_of_a_newer_release_is_refused_with_the_remedy(written: Room) -> None:
    written.alter("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(StateError, match=r": it was written by a newer release \(schema 99.*run that release"):
        written.open()


def test_store_of_an_older_version_without_a_way_is_refused_with_the_remedy(written: Room) -> None:
    written.alter("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    with pytest.raises(StateError, match=r"has schema 0, which this release.*open it once with the release before"):
        written.open()


def test_store_of_an_older_version_goes_through_every_migration_in_order(store: SqlStore) -> None:
    def add_colour(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE documents ADD COLUMN colour TEXT")

    def paint(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE documents SET colour = 'red'")

    store.commit(full_commit())
    with store._transaction() as connection:
        schema.prepare(connection, version=4, migrations={3: paint, 2: add_colour})
        assert schema.stored_version(connection) == 4
        assert connection.exec_driver_sql("SELECT DISTINCT colour FROM documents").all() == [("red",)]


def test_store_of_the_first_release_gets_the_table_of_volumes(written: Room) -> None:
    written.alter("DROP TABLE volumes")
    written.alter("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    with written.open() as store:
        assert store.history.volumes() == ()
        store.commit(full_commit())
        assert len(store.history.volumes()) == 2


def test_migration_that_fails_leaves_the_older_store_whole(written: Room) -> None:
    def break_off(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TABLE documents")
        raise DependencyError("the power went")

    before = written.contents()
    with written.open() as store, pytest.raises(DependencyError), store._transaction() as connection:
        schema.prepare(connection, version=3, migrations={2: break_off})
    assert written.contents() == before


def test_open_that_failed_leaves_no_lock(written: Room) -> None:
    written.alter("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(StateError, match="schema 99"):
        written.open()
    written.alter(f"UPDATE meta SET value = '{schema.SCHEMA_VERSION}' WHERE key = 'schema_version'")
    with written.open() as store:
        assert store.attach()


def test_closing_twice_is_harmless(room: Room) -> None:
    store = room.open()
    store.close()
    store.close()
    room.open().close()


def test_history_of_another_schema_is_refused_with_the_remedy(written: Room) -> None:
    written.alter("UPDATE meta SET value = '9' WHERE key = 'schema_version'")
    with pytest.raises(StateError, match=r"schema 9, this release reads 2; run both with the same release"):
        written.beside()


def test_reader_beside_a_writer_cannot_write(written: Room) -> None:
    beside = written.beside()
    try:
        # Each database has an error of its own for it.
        with pytest.raises(DBAPIError, match=r"read-?only"), beside._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM meta")
    finally:
        beside.close()
