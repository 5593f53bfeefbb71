"""kill -9 anywhere: what a resumed replay leaves equals an uninterrupted one, byte for byte."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.engine import Seam
from tests import feeds, replays
from tests.faults.killable import COMMIT_EVERY
from tests.feeds import FeedShape
from tests.imports import ROOT

pytestmark = pytest.mark.slow

KILLS = 30
SHAPE = FeedShape(documents=6_000, hours=96, bursts=12)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, replays.Left]:
    """A folder with two feeds, and what a run that nobody disturbs leaves of them."""
    folder = tmp_path_factory.mktemp("whole")
    paths, watchlist = feeds.write(folder, 5, SHAPE, files=2)
    config = replays.quick_config(storage__commit_documents=COMMIT_EVERY)
    return folder, replays.run(paths, watchlist, folder, config, name="killed")


def _start(folder: Path, *seam: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.killable", str(folder), *seam]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _copy_of_feeds(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in [*folder.glob("feed*.jsonl"), folder / "watchlist.csv"]:
        shutil.copy(path, to / path.name)
    return to


def _finish(folder: Path) -> None:
    process = _start(folder)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint.decode()


def test_thirty_kills_at_random_moments_change_nothing(
    uninterrupted: tuple[Path, replays.Left], tmp_path: Path
) -> None:
    """A kill counts only while the process works: its state was begun, and it had not ended by itself.

    |--commit--commit---x     x = SIGKILL at a random moment after the first commit
                    |--commit-----x
                              |--commit-- ... end:  equal to one run without x
    """
    whole, expected = uninterrupted
    rng = random.Random(11)
    killed = round_number = 0
    while killed < KILLS:
        round_number += 1
        folder = _copy_of_feeds(whole, tmp_path / f"round{round_number}")
        for _ in range(8):
            was_killed = _start_and_kill(folder, rng)
            killed += was_killed
            if not was_killed:
                break
        _finish(folder)
        assert replays.left(folder, "killed") == expected
        shutil.rmtree(folder)
    assert killed >= KILLS


def _start_and_kill(folder: Path, rng: random.Random) -> bool:
    """Kill a process at a random moment of its work; False when it had ended by itself before that."""
    process = _start(folder)
    before = _progress(folder)
    while process.poll() is None and _progress(folder) == before:
        time.sleep(0.005)  # until it has committed once more: a kill while it imports proves nothing
    time.sleep(rng.uniform(0.0, 0.4))
    was_killed = process.poll() is None
    if was_killed:
        process.send_signal(signal.SIGKILL)
    _, complaint = process.communicate()
    assert process.returncode == (-signal.SIGKILL if was_killed else 0), complaint.decode()
    return was_killed


def _progress(folder: Path) -> tuple[int, int]:
    """Sizes of the alerts file and the write-ahead log: they change with commits."""
    sizes = []
    for name in ("killed.jsonl", "killed.db-wal"):
        try:
            sizes.append((folder / name).stat().st_size)
        except FileNotFoundError:  # not yet, or it was closed and its log with it
            sizes.append(0)
    return sizes[0], sizes[1]


@pytest.mark.parametrize("number", [1, 2, 9])
@pytest.mark.parametrize("seam", list(Seam))
def test_a_kill_at_a_named_seam_changes_nothing(
    uninterrupted: tuple[Path, replays.Left], tmp_path: Path, seam: Seam, number: int
) -> None:
    whole, expected = uninterrupted
    folder = _copy_of_feeds(whole, tmp_path / "seam")
    process = _start(folder, seam.value, str(number))
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, complaint.decode()
    _finish(folder)
    assert replays.left(folder, "killed") == expected


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_a_replay_by_the_trained_model_goes_on_in_its_precision_to_the_same_bytes(
    tmp_path: Path, precision: str
) -> None:
    """It began with one that was demanded; going on, the choice is free, and must fall as before."""
    paths, watchlist = feeds.write(tmp_path / "whole", 3, FeedShape(documents=90, bursts=2))
    began, goes_on = ({"scorer__kind": "model", "scorer__precision": one} for one in (precision, "auto"))
    config = replays.quick_config(storage__commit_documents=COMMIT_EVERY, **began)
    expected = replays.run(paths, watchlist, tmp_path / "whole", config, name="killed")
    assert {"/int8" in row for row in expected.history["scored"]} == {precision == "int8"}
    folder = _copy_of_feeds(tmp_path / "whole", tmp_path / "killed")
    (folder / "options.json").write_text(json.dumps(began))
    process = _start(folder, Seam.COMMITTED.value, "1")
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, complaint.decode()
    (folder / "options.json").write_text(json.dumps(goes_on))
    _finish(folder)
    assert replays.left(folder, "killed") == expected
