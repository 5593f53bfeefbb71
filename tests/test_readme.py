"""The README's examples are run, not trusted: its commands, its feed, its watchlist, its links to commands of make."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the README's feed and watchlist, and the sample configuration where it says."""
    (tmp_path / "feed.jsonl").write_text(blocks("json")[0], encoding="utf-8")
    (tmp_path / "watchlist.csv").write_text(blocks("csv")[0], encoding="utf-8")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    return tmp_path


def commands(name: str) -> list[list[str]]:
    """The README's calls of one `monitor` command, as arguments."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f".venv/bin/monitor {name}")]


def monitor(arguments: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a reader would, whose environment says nothing: with the trained model."""
    command = [sys.executable, "-m", "monitor", *arguments]
    env = {"PYTHONPATH": str(ROOT), "PATH": "", **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_the_sample_document_names_the_sample_topic(desk: Path) -> None:
    (command,) = commands("replay")
    done = monitor(command, desk)
    assert done.returncode == 0, done.stderr
    assert "1 name a watched topic" in done.stdout
    assert (desk / "alerts.jsonl").exists()
    assert (desk / "history.db").exists()


@pytest.mark.slow
def test_the_sample_texts_are_scored(desk: Path) -> None:
    one, many = commands("score")
    done = monitor(one, desk)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] == "negative"
    done = monitor(many, desk)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (answer,) = (desk / "scores.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(answer)["label"] == "negative"


@pytest.mark.slow
def test_the_sample_configuration_is_judged_valid(desk: Path) -> None:
    (command,) = commands("check-config")
    done = monitor(command, desk)
    assert done.returncode == 0, done.stderr
    assert "valid" in done.stdout


@pytest.mark.slow
def test_the_sample_demo_judges_another_story(desk: Path) -> None:
    (command,) = commands("demo")
    # Another story's words are not what is tested here; tests/lab/test_demo.py lets the trained model judge one.
    done = monitor(command, desk, MONITOR_SCORER__KIND="lexicon")
    assert done.returncode == 0, done.stderr
    summary = json.loads((desk / "summary.json").read_text(encoding="utf-8"))
    assert (summary["seed"], summary["documents"]) == (7, 6_000)
    for left in re.findall(r"`(out/[a-z./]+)`", README):
        assert (desk / left).exists()


@pytest.mark.slow
def test_the_sample_run_serves_what_it_says(desk: Path) -> None:
    (command,) = commands("run")
    # Its standard input is no feed and its file never grows: it is ended by a signal once it has said where it serves.
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", *command],
        cwd=desk,
        env={"PYTHONPATH": str(ROOT), "MONITOR_SERVER__PORT": "0", "MONITOR_LOGGING__FORMAT": "json"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        _check_serving_and_stop(process)


def _check_serving_and_stop(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    events = (json.loads(line) for line in process.stderr)
    serving = next(event for event in events if event["event"] == "serving")
    assert serving["paths"] == ["/livez", "/readyz", "/metrics"]
    process.terminate()
    assert process.wait(30) == 0


def test_each_command_of_make_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z-]+)", README))
    assert {"run", "test"} <= named
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_the_exit_codes_are_those_of_the_program() -> None:
    from monitor.errors import ExitCode

    for code in (ExitCode.DONE, ExitCode.WRONG_USE, ExitCode.DEPENDENCY_DOWN, ExitCode.TOO_MANY_UNUSABLE):
        assert re.search(rf"\b{int(code)} [a-z]", README)
