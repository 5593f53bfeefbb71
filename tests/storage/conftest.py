"""One contract, two databases: `room` is a place that outlives a store, `store` one that is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.storage.sql_store import SqlStore
from monitor.storage.store import EmbeddedStore
from tests.storage.rooms import FileRoom, Room, ServerRoom

POSTGRES = pytest.param("postgres", marks=[pytest.mark.slow, pytest.mark.real])
"""Slow, because the first of them waits for a server."""


@pytest.fixture(params=["sqlite", POSTGRES])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Room:
    if request.param == "sqlite":
        return FileRoom(tmp_path / "monitor.db")
    return ServerRoom(request.getfixturevalue("database"))


@pytest.fixture(params=["sqlite", POSTGRES])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """SQLite's lies in memory, as nothing is asked of its file."""
    if request.param == "sqlite":
        opened: SqlStore = EmbeddedStore.open(None)
    else:
        opened = ServerRoom(request.getfixturevalue("database")).open()
    with opened:
        yield opened
