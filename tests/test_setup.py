"""How `make` makes .venv: what it says before and after, and that a failure leaves nothing that looks finished."""

import ast
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.imports import ROOT
from tools import environment
from tools.environment import Environment, SetupError
from tools.failures import explain
from tools.progress import current_step, run_with_progress
from tools.setup_env import too_old_sentence
from tools.stamp import LOCK_FILE, SET_FILES, STAMP_NAME, read_stamp

SLIM, FULL, SLIM_DEV = frozenset({"slim"}), frozenset({"full"}), frozenset({"slim", "dev"})
DOOR = ROOT / "tools" / "setup_env.py"
BASE_PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


class Runner:
    """Stands for venv and pip: notes the commands, makes an environment of links, fails when told to."""

    def __init__(self, root: Path) -> None:
        self.commands: list[list[str]] = []
        self.failure: str | BaseException | None = None
        self._venv = root / ".venv"

    def __call__(self, command: list[str], log: Path) -> str:
        self.commands.append(command)
        if "venv" in command:
            shutil.rmtree(self._venv, ignore_errors=True)
            (self._venv / "bin").mkdir(parents=True)
            (self._venv / "bin" / "python").symlink_to(BASE_PYTHON)
            (self._venv / "bin" / "activate").write_text(f"VIRTUAL_ENV={self._venv}")
        elif isinstance(self.failure, str):
            raise subprocess.CalledProcessError(1, command, self.failure)
        elif self.failure is not None:
            raise self.failure
        return ""

    def requirement_files(self) -> set[str]:
        """The requirements files that pip was given since the last look; none means that nothing was installed."""
        command = next((command for command in self.commands if "--only-binary=:all:" in command), [])
        self.commands.clear()
        return {Path(after).name for before, after in pairwise(command) if before == "-r"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree with nothing but what the installation reads."""
    for name in (LOCK_FILE, *SET_FILES.values()):
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "monitor"\n\n[tool.ruff]\nline-length = 120\n')
    return tmp_path


@pytest.fixture
def runner(tree: Path) -> Runner:
    return Runner(tree)


def environment_of(tree: Path, runner: Runner, *, chosen: bool = False) -> Environment:
    return Environment(tree, goal="run", python_was_chosen=chosen, run=runner)


def old_pythons() -> list[str]:
    """Pythons of this machine that are too old for the monitor, one of each version."""
    names = [f"python{version}" for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")]
    places = [Path(folder) / name for folder in os.get_exec_path() for name in names]
    places += sorted((Path.home() / ".pyenv" / "versions").glob("*/bin/python"))
    found: dict[str, str] = {}
    for place in places:
        check = "import sys; print('%d.%d' % sys.version_info[:2])"
        if place.is_file():
            answer = subprocess.run([str(place), "-c", check], capture_output=True, text=True)
            version = answer.stdout.strip()
            if answer.returncode == 0 and version in {name.removeprefix("python") for name in names}:
                found.setdefault(version, str(place))
    return list(found.values())


@pytest.mark.slow
@pytest.mark.optional
def test_each_old_python_of_this_machine_gets_one_clear_sentence() -> None:
    found = old_pythons()
    if not found:
        pytest.skip("no Python older than 3.11 is here")  # then only `..._is_refused_by_imitation` tries the refusal
    for python in found:
        answer = subprocess.run([python, str(DOOR), "--goal", "run", "--chosen"], capture_output=True, text=True)
        assert answer.returncode == 2
        assert len(answer.stderr.splitlines()) == 1
        assert "needs Python 3.11 or newer" in answer.stderr
        assert "make PYTHON=" in answer.stderr


def test_old_python_is_refused_by_imitation() -> None:
    imitation = f"import sys; sys.version_info = (3, 6, 15); sys.argv[0] = {str(DOOR)!r}\n" + (
        f"import runpy; runpy.run_path({str(DOOR)!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", imitation, "--goal", "run", "--chosen"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("The monitor needs Python 3.11 or newer, and ")
    assert "is Python 3.6.15" in answer.stderr


def test_refusal_names_a_python_that_works_here_and_the_target_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python3.12").symlink_to(BASE_PYTHON)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert too_old_sentence((3, 6, 15), "python3", "test").endswith("choose a newer one: make PYTHON=python3.12 test")


def test_refusal_says_how_to_choose_where_no_other_python_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install a newer one and choose it" in too_old_sentence((3, 6, 15), "python3", "run")


def test_door_uses_nothing_that_python_2_cannot_read() -> None:
    source = DOOR.read_text("ascii")
    for node in ast.walk(ast.parse(source, feature_version=(3, 4))):
        assert not isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Starred | ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs


def test_missing_python_gets_one_clear_sentence() -> None:
    answer = subprocess.run(
        ["make", "--no-print-directory", "PYTHON=python-of-nowhere", "run"], cwd=ROOT, capture_output=True, text=True
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith("There is no python-of-nowhere here: install Python 3.11 or newer, or choose one")


def test_size_is_said_before_anything_is_run(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def listen(command: list[str], log: Path) -> str:
        said.append(capsys.readouterr().err)
        raise subprocess.CalledProcessError(1, command, "ERROR: enough")

    with pytest.raises(SetupError):
        Environment(tree, goal="run", python_was_chosen=False, run=listen).install(SLIM)
    size = environment.SIZES["slim"]
    assert said == [
        f"Installing the slim set into .venv: about {size.download_mb} MB to download, {size.disk_mb} MB on disk.\n"
    ]


def test_second_make_installs_nothing(tree: Path, runner: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    environment_of(tree, runner).install(SLIM_DEV)
    assert runner.requirement_files() == {"requirements-embedded.txt", "requirements-dev.txt"}
    capsys.readouterr()
    environment_of(tree, runner).install(SLIM_DEV)
    assert runner.commands == []
    assert capsys.readouterr().err == ""


def test_full_environment_satisfies_slim(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(FULL)
    assert runner.requirement_files() == {"requirements.txt"}
    environment_of(tree, runner).install(SLIM)
    assert runner.commands == []


def test_slim_environment_is_upgraded_to_full_and_keeps_its_tools(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM_DEV)
    runner.commands.clear()
    environment_of(tree, runner).install(FULL)
    assert not any("venv" in command for command in runner.commands)
    assert runner.requirement_files() == {"requirements.txt", "requirements-dev.txt"}
    environment_of(tree, runner).install(SLIM_DEV)
    assert runner.commands == []


@pytest.mark.parametrize("name", [LOCK_FILE, "requirements-embedded.txt"])
def test_changed_requirements_file_upgrades_what_is_installed(tree: Path, runner: Runner, name: str) -> None:
    environment_of(tree, runner).install(FULL)
    runner.commands.clear()
    (tree / name).write_text("# changed\n")
    environment_of(tree, runner).install(SLIM)
    assert runner.requirement_files() == {"requirements.txt"}


def test_change_that_concerns_only_the_full_set_waits_until_that_is_wanted(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(FULL)
    runner.commands.clear()
    (tree / "requirements.txt").write_text("# changed\n")
    environment_of(tree, runner).install(SLIM)
    assert runner.commands == []
    environment_of(tree, runner).install(FULL)
    assert runner.requirement_files() == {"requirements.txt"}


def test_new_lint_rule_installs_nothing_and_a_new_command_does(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM)
    runner.commands.clear()
    pyproject = tree / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("120", "100"))
    environment_of(tree, runner).install(SLIM)
    assert runner.commands == []
    pyproject.write_text('[project]\nname = "monitor"\nscripts = { monitor = "monitor.cli:main" }\n')
    environment_of(tree, runner).install(SLIM)
    assert runner.requirement_files() == {"requirements-embedded.txt"}


def test_failed_installation_leaves_no_stamp_and_is_done_again(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM)
    runner.failure = "ERROR: [Errno 28] No space left on device"
    with pytest.raises(SetupError, match="The disk is full"):
        environment_of(tree, runner).install(FULL)
    assert read_stamp(tree / ".venv") is None
    runner.failure = None
    runner.commands.clear()
    environment_of(tree, runner).install(SLIM)
    assert runner.requirement_files() == {"requirements-embedded.txt"}


def test_interrupted_installation_leaves_no_stamp(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM)
    (tree / "requirements-embedded.txt").write_text("# changed\n")
    runner.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        environment_of(tree, runner).install(SLIM)
    assert read_stamp(tree / ".venv") is None


def test_damaged_stamp_counts_as_none(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM)
    runner.commands.clear()
    (tree / ".venv" / STAMP_NAME).write_text('{"sets": ["slim"]')
    environment_of(tree, runner).install(SLIM)
    assert runner.requirement_files() == {"requirements-embedded.txt"}


def test_environment_whose_python_is_gone_is_made_afresh(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM)
    runner.commands.clear()
    (tree / ".venv" / "bin" / "python").unlink()
    (tree / ".venv" / "bin" / "python").symlink_to(tree / "gone")
    environment_of(tree, runner).install(SLIM)
    assert runner.commands[0][-3:] == ["venv", "--clear", str(tree / ".venv")]


def test_tree_that_was_moved_with_its_environment_gets_a_fresh_one(
    tree: Path, runner: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment_of(tree, runner).install(SLIM)
    moved = tmp_path_factory.mktemp("elsewhere") / "tree"
    tree.rename(moved)
    tree.mkdir()
    there = Runner(moved)
    environment_of(moved, there).install(SLIM)
    assert there.commands[0][-3:] == ["venv", "--clear", str(moved / ".venv")]


def test_python_that_was_chosen_replaces_an_environment_of_another_version(tree: Path, runner: Runner) -> None:
    environment_of(tree, runner).install(SLIM)
    runner.commands.clear()
    python = tree / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho 3 99\n")
    python.chmod(0o755)
    environment_of(tree, runner).install(SLIM)
    assert runner.commands == []
    environment_of(tree, runner, chosen=True).install(SLIM)
    assert "venv" in runner.commands[0]


def test_disk_that_is_too_full_is_told_before_anything_is_touched(
    tree: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(environment.SIZES, "slim", environment.Size(1, 10**12))
    with pytest.raises(SetupError, match="The disk is too full"):
        environment_of(tree, runner).install(SLIM)
    assert runner.commands == []
    assert not (tree / ".venv").exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device\nERROR: No matching distribution found for a==1", "disk is full"),
        ("Error: Command ... '-m', 'ensurepip' returned non-zero exit status 1.\nensurepip is not available", "venv"),
        ("WARNING: Retrying after connection broken by 'SSLError(1, CERTIFICATE_VERIFY_FAILED)'", "certificate"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching", "check the network"),
        ("ERROR: No matching distribution found for torch==2.15.0", "no ready-made torch==2.15.0 for this Python"),
        ("The user requested a\n The user requested (constraint) a==1\nResolutionImpossible", "no ready-made a==1 for"),
        ("ERROR: [Errno 13] Permission denied: '.venv'", "cannot be written to"),
        ("Collecting a\nERROR: something new\n", "failed (ERROR: something new); all of it is in build/setup.log"),
        ("", "it said nothing"),
    ],
)
def test_failure_is_told_in_one_sentence_with_its_remedy(output: str, sentence: str) -> None:
    told = explain(output, disk="264 MB", python="3.11", goal="run", log="build/setup.log")
    assert sentence in told
    assert "\n" not in told
    assert told.endswith(".")


def test_output_of_a_failed_command_comes_with_its_error(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('Collecting tea'); sys.exit('no tea')"]
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_with_progress(command, tmp_path / "log")
    assert caught.value.output.split("\n")[:2] in (["Collecting tea", "no tea"], ["no tea", "Collecting tea"])


def test_command_ends_with_the_installation_that_is_interrupted(tmp_path: Path) -> None:
    started, ended = tmp_path / "started", tmp_path / "ended"
    child = f"trap 'touch {ended}; exit 1' TERM; touch {started}; i=0; while [ $i -lt 9999999 ]; do i=$((i+1)); done"
    parent = f"""
import os, signal, sys, threading
from pathlib import Path
from tools.progress import run_with_progress
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background of a shell
def interrupt():
    while not Path({str(started)!r}).exists() or threading.active_count() < 3:  # the third reports progress
        pass
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    run_with_progress(["sh", "-c", {child!r}], Path({str(tmp_path / "log")!r}))
except KeyboardInterrupt:
    sys.exit(130)
"""
    assert subprocess.run([sys.executable, "-c", parent], cwd=ROOT).returncode == 130
    assert ended.exists()


@pytest.mark.parametrize(
    ("log", "step"),
    [
        (b"", "starting"),
        (b"Collecting tea==1.0\n  Downloading tea-1.0.whl (1 MB)\n", "downloading tea-1.0.whl"),
        (b"Downloading tea-1.0.whl\nInstalling collected packages: tea, milk\n", "installing"),
    ],
)
def test_progress_says_what_pip_is_doing(log: bytes, step: str) -> None:
    assert current_step(log) == step


@pytest.mark.slow
def test_index_out_of_reach_is_one_sentence_and_no_stamp(tmp_path: Path) -> None:
    for name in (LOCK_FILE, "pyproject.toml", *SET_FILES.values()):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    # Port 9 of the loopback is "discard", where nothing listens: refused at once, and nothing leaves the machine.
    closed = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
    }
    closed |= {"PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    door = [str(BASE_PYTHON), str(tmp_path / "tools" / "setup_env.py"), "--set", "slim"]
    answer = subprocess.run(door, capture_output=True, text=True, env={**os.environ, **closed})
    assert answer.returncode == 3
    assert answer.stderr.splitlines()[-1].startswith("The package index could not be reached: check the network")
    assert read_stamp(tmp_path / ".venv") is None
