"""What CI installs before the browser's tests: nothing where it is there, and one clear sentence where it cannot."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.imports import ROOT

SERVERS = {"java": "", "mvn": "", "openssl": "", "postgres": ""}

SCRIPT = ROOT / "tools" / "install_system_packages.sh"


def run(folder: Path, **commands: str) -> tuple[int, str, list[str]]:
    """Run it where only these commands exist, each a line of shell; its exit code, words, and what apt-get was told."""
    log = folder / "apt.log"
    for name, line in commands.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{line}\n".replace("LOG", str(log)))
        path.chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    env = {"PATH": str(folder), "POSTGRES_HOMES": str(folder / "homes")}
    done = subprocess.run([bash, str(SCRIPT)], env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr, log.read_text().splitlines() if log.exists() else []


def test_nothing_is_installed_where_all_is_there(tmp_path: Path) -> None:
    commands = {"chromium": "", "fc_list": "echo NotoSansCJK.ttc", "apt_get": 'echo "$@" >> LOG', "id": "echo 0"}
    assert run(tmp_path, **SERVERS, **commands) == (0, "", [])


def test_what_is_missing_is_installed_by_root(tmp_path: Path) -> None:
    code, words, told = run(tmp_path, **SERVERS, fc_list="", apt_get='echo "$@" >> LOG', id="echo 0")
    assert code == 0
    assert "Installing chromium fonts-noto-cjk" in words
    assert told == ["update -qq", "install -y -qq --no-install-recommends chromium fonts-noto-cjk"]


def test_what_a_broker_is_started_from_is_installed_too(tmp_path: Path) -> None:
    commands = {"chromium": "", "fc_list": "echo NotoSansCJK.ttc", "apt_get": 'echo "$@" >> LOG', "id": "echo 0"}
    _, _, told = run(tmp_path, postgres="", **commands)
    assert told[1] == "install -y -qq --no-install-recommends default-jre-headless maven openssl"


def test_database_server_is_installed_unless_it_lies_where_debian_puts_it(tmp_path: Path) -> None:
    commands = {"chromium": "", "fc_list": "echo NotoSansCJK.ttc", "apt_get": 'echo "$@" >> LOG', "id": "echo 0"}
    commands |= {name: "" for name in SERVERS if name != "postgres"}
    _, _, told = run(tmp_path, **commands)
    assert told[1] == "install -y -qq --no-install-recommends postgresql"
    place = tmp_path / "homes" / "15" / "bin"
    place.mkdir(parents=True)
    (place / "postgres").touch(mode=0o755)
    (tmp_path / "apt.log").unlink()
    assert run(tmp_path, **commands) == (0, "", [])


@pytest.mark.parametrize(
    ("commands", "remedy"),
    [
        ({"id": "echo 1000", "apt_get": 'echo "$@" >> LOG'}, "ask somebody who may to run: apt-get install chromium"),
        ({"id": "echo 0"}, "there is no apt-get here"),
        ({"id": "echo 0", "apt_get": "exit 100"}, "then run: apt-get install chromium"),
    ],
)
def test_what_cannot_be_installed_is_said_with_its_remedy(
    tmp_path: Path, commands: dict[str, str], remedy: str
) -> None:
    code, words, told = run(tmp_path, **SERVERS, fc_list="echo NotoSansCJK.ttc", **commands)
    assert code == 3
    assert remedy in words
    assert "fonts" not in words
    assert told == []


def test_ci_installs_them_before_the_tests_run() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines.index("tools/install_system_packages.sh") < lines.index("make test")
