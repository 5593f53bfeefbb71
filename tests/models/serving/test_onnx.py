"""OnnxBackend: the same answer to the bit in any company, on any number of threads, in any process."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoint import CheckpointError
from models.labels import LABELS
from models.serving.onnx import OnnxBackend, float32
from models.serving.threads import usable_cores
from models.text import Window
from tests.imports import ROOT
from tests.models.tiny import Array, make_checkpoint, make_windows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("session") / "tiny")


@pytest.fixture(scope="module")
def sessions(folder: Path) -> list[OnnxBackend]:
    return [float32(folder, threads) for threads in (1, 2, 5)]


def test_no_windows_have_no_logits(sessions: list[OnnxBackend]) -> None:
    for session in sessions:
        found = session.logits([])
        assert found.shape == (0, len(LABELS))
        assert found.dtype == np.float32


@settings(max_examples=30)
@given(st.lists(st.integers(0, 39), max_size=40), st.integers(0, 2))
def test_answer_is_the_same_to_the_bit_in_any_company(
    sessions: list[OnnxBackend], chosen: list[int], which: int
) -> None:
    windows = make_windows(40)
    alone = [sessions[0].logits([window])[0].tobytes() for window in windows]
    together = sessions[which].logits([windows[number] for number in chosen])
    assert [row.tobytes() for row in together] == [alone[number] for number in chosen]


def test_answer_is_the_same_to_the_bit_in_another_process(folder: Path) -> None:
    code = (
        "from pathlib import Path\nfrom models.serving.onnx import float32\n"
        "from tests.models.tiny import make_windows\n"
        f"print(float32(Path({str(folder)!r}), 3).logits(make_windows(20)).tobytes().hex())"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.strip() == float32(folder, 1).logits(make_windows(20)).tobytes().hex()


def test_rows_answer_to_their_own_windows_whatever_their_lengths(sessions: list[OnnxBackend]) -> None:
    windows = [Window((2, *range(5, 5 + length), 3), ()) for length in (20, 1, 9, 3, 25, 0)]
    rows = [sessions[0].logits([window])[0].tolist() for window in windows]
    assert sessions[2].logits(windows).tolist() == rows
    assert len({tuple(row) for row in rows}) == len(rows)


def test_target_changes_the_answer(sessions: list[OnnxBackend]) -> None:
    ids = make_windows(1)[0].ids
    first, second, none = (sessions[0].logits([Window(ids, targets)])[0] for targets in ((1,), (2,), ()))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, none)


def test_several_threads_may_ask_at_once(sessions: list[OnnxBackend]) -> None:
    windows = make_windows(30)
    expected = sessions[0].logits(windows).tobytes()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: sessions[1].logits(windows).tobytes(), range(8)))
    assert found == [expected] * 8


def test_longest_window_is_run_first(sessions: list[OnnxBackend], monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    answer = OnnxBackend._answer

    def watched(self: OnnxBackend, windows: list[Window]) -> Array:
        lengths.extend(len(window.ids) for window in windows)
        return answer(self, windows)

    monkeypatch.setattr(OnnxBackend, "_answer", watched)
    sessions[0].logits(make_windows(20))
    assert lengths == sorted(lengths, reverse=True)


def test_one_thread_and_one_window_start_no_pool(folder: Path) -> None:
    for session, count in ((float32(folder, 1), 9), (float32(folder, 4), 1)):
        session.logits(make_windows(count))
        assert session._threads.pool is None


def test_machine_that_can_start_no_thread_is_served_by_the_one_it_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    expected = float32(folder, 1).logits(make_windows(9)).tobytes()
    monkeypatch.setattr("threading.Thread.start", refuse)
    assert float32(folder, 4).logits(make_windows(9)).tobytes() == expected


def test_child_of_a_fork_answers_with_threads_of_its_own(folder: Path) -> None:
    # In another process: this one may hold threads of other tests, over which a fork warns.
    code = f"""
import os, sys
from pathlib import Path
from models.serving.onnx import float32
from tests.models.tiny import make_windows
session = float32(Path({str(folder)!r}), 3)
expected = session.logits(make_windows(20)).tobytes()
child = os.fork()
if not child:
    sys.exit(0 if session.logits(make_windows(20)).tobytes() == expected else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), session.logits(make_windows(20)).tobytes() == expected)
"""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (found.stdout, found.returncode) == ("0 True\n", 0)


def test_process_that_used_its_threads_ends_by_itself_and_answers_to_the_last(folder: Path) -> None:
    code = f"""
import atexit
from pathlib import Path
from models.serving.onnx import float32
from tests.models.tiny import make_windows
session, windows = float32(Path({str(folder)!r}), 3), make_windows(20)
expected = session.logits(windows).tobytes()
atexit.register(lambda: print(session.logits(windows).tobytes() == expected))
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (found.stdout, found.returncode) == ("True\n", 0)


def test_nothing_is_kept_or_sent_about_the_use_of_the_runtime(folder: Path, tmp_path: Path) -> None:
    # Its thread for telemetry, its id of the machine and its cache are there or not there together.
    code = f"""
import os
from pathlib import Path
from models.serving.onnx import float32
from tests.models.tiny import make_windows
float32(Path({str(folder)!r}), 1).logits(make_windows(3))
print(len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1)
"""
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    others = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=others | home, capture_output=True, text=True, check=True
    ).stdout
    assert (told, list(tmp_path.iterdir())) == ("1\n", [])


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    def spoil(weights: dict[str, Array]) -> None:
        weights["head.bias"][1] = np.nan

    session = float32(make_checkpoint(tmp_path, change_weights=spoil), 1)
    with pytest.raises(CheckpointError, match=r"graph\.onnx gives answers that are not numbers.*use another"):
        session.logits(make_windows(1))


@pytest.mark.parametrize("damage", ["empty", "noise", "missing", "other graph", "short weights"])
def test_graph_that_cannot_be_opened_is_named_with_the_remedy(tmp_path: Path, damage: str) -> None:
    folder = make_checkpoint(tmp_path)
    graph = folder / "graph.onnx"
    match damage:
        case "empty":
            graph.write_bytes(b"")
        case "noise":
            graph.write_bytes(bytes(range(256)))
        case "missing":
            graph.unlink()
        case "other graph":
            graph.write_bytes(graph.read_bytes().replace(b"targets", b"sargets"))
        case _:
            (folder / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match=r"graph\.onnx .*; ?export the checkpoint again|: export the checkpoint"):
        float32(folder, 1)


def test_usable_cores_are_those_of_this_process() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
