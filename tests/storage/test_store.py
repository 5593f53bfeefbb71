"""The embedded store: whole commits, the same twice, and one clear sentence for whatever is wrong with the file."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from monitor.errors import ConfigError, DependencyError, StateError
from monitor.ports import Commit
from monitor.storage import schema, sqlite
from monitor.storage.store import EmbeddedStore
from tests.imports import ROOT
from tests.storage.samples import full_commit, scored_row

NOBODY = 65_534


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, read past the store."""
    with closing(sqlite3.connect(path)) as connection:
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in schema.METADATA.tables}


def alter(path: Path, statement: str, *values: object) -> None:
    """Change the file as something other than the monitor would."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """A file system that takes no more, as the kernel shows it to this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def without_privileges() -> Iterator[None]:
    """Permissions do not bind root: a test that runs as root steps down for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def written(path: Path) -> Path:
    """A store with something in every table."""
    with EmbeddedStore.open(path) as store:
        store.commit(full_commit())
    return path


def test_full_disk_undoes_the_whole_commit_and_exits_3(written: Path) -> None:
    before = contents(written)
    large = Commit(scored=[scored_row(7)], positions={"p/0": "9"}, state={"trend": {"big": bytes(3_000_000)}})
    with EmbeddedStore.open(written) as store:
        with files_no_larger_than(1_000_000), pytest.raises(DependencyError, match=r"monitor\.db") as caught:
            store.commit(large)
        assert caught.value.exit_code == 3
        assert contents(written) == before
        # With room again, the same store goes on.
        store.commit(large)
        assert store.load().positions["p/0"] == "9"


def test_database_that_can_grow_no_more_undoes_the_whole_commit_and_exits_3(written: Path) -> None:
    """What SQLite says when the kernel says that no space is left."""
    before = contents(written)
    with EmbeddedStore.open(written) as store:
        sqlite.execute(store._engine, "PRAGMA max_page_count = 1")
        with pytest.raises(DependencyError, match=r"monitor\.db: .*full; nothing of this commit was kept") as caught:
            store.commit(Commit(positions={"p/0": "9"}, state={"trend": {"big": bytes(3_000_000)}}))
    assert caught.value.exit_code == 3
    assert contents(written) == before


def test_store_that_another_program_keeps_locked_is_a_dependency_that_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.0)
    with EmbeddedStore.open(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DependencyError, match="another program has locked it"):
            store.commit(Commit(positions={"p/0": "9"}))
        other.execute("ROLLBACK")
        store.commit(Commit(positions={"p/0": "9"}))


def test_full_disk_while_opening_exits_3(path: Path) -> None:
    with files_no_larger_than(8_000), pytest.raises(DependencyError, match=r"monitor\.db"):
        EmbeddedStore.open(path)


def test_file_deleted_under_the_store_is_not_written_in_silence(written: Path) -> None:
    with EmbeddedStore.open(written) as store:
        written.unlink()
        with pytest.raises(DependencyError, match="moved or deleted"):
            store.commit(Commit(positions={"p/0": "9"}))


def test_store_is_open_once_only(path: Path, tmp_path: Path) -> None:
    other_name = tmp_path / "link.db"
    with EmbeddedStore.open(path):
        other_name.symlink_to(path)
        for name in (path, other_name):
            with pytest.raises(StateError, match=r"another process has this store open.*`storage\.path`"):
                EmbeddedStore.open(name)
    with EmbeddedStore.open(path) as store:
        assert store.load().positions == {}


def test_process_killed_with_minus_9_leaves_whole_commits_and_no_lock(path: Path) -> None:
    script = """
import sys
from pathlib import Path
from monitor.ports import Commit
from monitor.storage.store import EmbeddedStore
store = EmbeddedStore.open(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    store.commit(Commit(positions={"p/0": str(number)}, state={"trend": {"a": b"%d" % number}}))
    if number == 20:
        print("ready", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"ready\n"
        with pytest.raises(StateError, match="another process"):
            EmbeddedStore.open(path)
        child.send_signal(signal.SIGKILL)
        child.wait()
    with EmbeddedStore.open(path) as store:
        stored = store.load()
    assert int(stored.positions["p/0"]) >= 20
    assert stored.state == {"trend": {"a": stored.positions["p/0"].encode()}}


@pytest.mark.parametrize(
    "noise", [b"this is no database, but a text that is long enough" * 40, b"SQLite format 3\0" * 99]
)
def test_file_that_is_no_database_is_refused_and_left_alone(path: Path, noise: bytes) -> None:
    path.write_bytes(noise)
    with pytest.raises(StateError, match=r"monitor\.db: damaged, or not a store.*restore the file"):
        EmbeddedStore.open(path)
    assert path.read_bytes() == noise


def test_truncated_store_is_refused(written: Path) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StateError, match="damaged"):
        EmbeddedStore.open(written)


def test_store_with_overwritten_pages_is_refused(written: Path) -> None:
    with written.open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xa5" * 40_000)
    with pytest.raises(StateError, match="damaged"):
        EmbeddedStore.open(written)


def test_large_store_with_damaged_state_is_refused(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WHOLE_CHECK_BYTES", 0)
    with closing(sqlite3.connect(written)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'positions'"
        ((page,),) = connection.execute(query).fetchall()
    with written.open("r+b") as file:
        file.seek((page - 1) * 4_096)
        file.write(b"\xa5" * 4_096)
    with pytest.raises(StateError, match="damaged"):
        EmbeddedStore.open(written)


def test_store_emptied_by_accident_is_not_taken_for_a_new_one(written: Path) -> None:
    written.write_bytes(b"")
    with pytest.raises(StateError, match="it is empty, though a store was written here"):
        EmbeddedStore.open(written)


def test_empty_file_where_no_store_was_is_a_new_store(path: Path) -> None:
    path.touch()
    with EmbeddedStore.open(path) as store:
        assert store.load().meta == {}


def test_removing_the_file_begins_a_new_store(written: Path) -> None:
    written.unlink()
    with EmbeddedStore.open(written) as store:
        assert store.load().meta == {}


def test_missing_directory_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.path: the directory .*absent does not exist; create it"):
        EmbeddedStore.open(tmp_path / "absent" / "monitor.db")


def test_directory_in_place_of_a_file_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.path: .* is a directory"):
        EmbeddedStore.open(tmp_path)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that any user may enter; pytest's own belong to whoever runs it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place


def test_read_only_directory_is_a_fault_of_the_configuration(open_place: Path) -> None:
    open_place.chmod(0o555)
    with without_privileges(), pytest.raises(ConfigError, match=r"storage\.path: cannot write .*monitor\.db\.lock"):
        EmbeddedStore.open(open_place / "monitor.db")


def test_read_only_file_is_a_fault_of_the_configuration(open_place: Path) -> None:
    path = open_place / "monitor.db"
    EmbeddedStore.open(path).close()
    path.chmod(0o444)
    with without_privileges(), pytest.raises(ConfigError, match=r"storage\.path: cannot write .*monitor\.db "):
        EmbeddedStore.open(path)


def test_commit_is_on_the_disk_when_it_returns(path: Path) -> None:
    with EmbeddedStore.open(path) as store:
        engine = store._engine
        with engine.begin() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"


def test_tables_and_indexes_are_such_as_postgresql_takes() -> None:
    dialect = make_url("postgresql://").get_dialect()()
    for table in schema.METADATA.sorted_tables:
        created = str(CreateTable(table).compile(dialect=dialect))
        assert "WITHOUT ROWID" not in created
        assert len(table.primary_key.columns) > 0, table.name
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect)).startswith("CREATE INDEX")
