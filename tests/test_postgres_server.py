"""The PostgreSQL of the tests: fresh, up by itself, down without a trace, and clear about what is missing."""

import os
from pathlib import Path

import pytest

from tests.databases import make_database, run_as_admin
from tools.postgres import server as module
from tools.postgres.server import ADMIN, Server, ServerError, find_program, running_server


def test_missing_program_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "HOMES", tmp_path)
    with pytest.raises(ServerError, match=r"needs initdb, which is not here: install it, .* install postgresql"):
        find_program("initdb")


def test_newest_of_several_releases_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(module, "HOMES", tmp_path)
    for version in ("9.6", "17", "15"):
        place = tmp_path / version / "bin"
        place.mkdir(parents=True)
        (place / "postgres").touch(mode=0o755)
    assert find_program("postgres") == str(tmp_path / "17" / "bin" / "postgres")


@pytest.mark.slow
@pytest.mark.real
def test_server_that_is_killed_comes_back_with_its_data_and_leaves_nothing_in_the_end(
    postgres: Server, tmp_path: Path
) -> None:
    """Beside the one of the other tests, which it must not disturb; that one says what is missing, if anything is."""
    with running_server(tmp_path / "server.log") as server:
        made = make_database(server)
        made.admin("CREATE TABLE kept (word text)")
        made.admin("INSERT INTO kept VALUES ('here')")
        address, process = server.address, server._process
        assert process is not None
        if os.geteuid() == 0:
            assert Path(f"/proc/{process.pid}").stat().st_uid != 0
        server.kill()
        server.restart()
        assert server.address == address != postgres.address
        assert made.admin("SELECT word FROM kept") == [("here",)]
        folder = server._folder
    assert not folder.exists()
    assert "was not properly shut down" in (tmp_path / "server.log").read_text("utf-8")
    assert run_as_admin(postgres, "postgres", "SELECT current_user") == [(ADMIN,)]
