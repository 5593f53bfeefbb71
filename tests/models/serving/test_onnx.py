"""OnnxBackend: the same answer to the bit in any company, on any number of threads, in any process."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from models.checkpoint import CheckpointError, Manifest, load_manifest
from models.labels import LABELS
from models.serving.errors import OutOfMemory
from models.serving.integers import BITS
from models.serving.onnx import INT8, OnnxBackend, float32, int8
from models.serving.processor import processor
from models.serving.rechecked import RecheckedBackend
from models.serving.threads import usable_cores
from models.shipped import shipped
from models.text import TextEncoder, Window
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


@pytest.mark.slow
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


def spoil(graph: Path, damage: str) -> None:
    """What a disk or a copy does to a file."""
    if damage == "missing":
        graph.unlink()
    else:
        graph.write_bytes(b"" if damage == "empty" else bytes(range(256)))


@pytest.mark.parametrize("damage", ["empty", "noise", "missing", "other graph", "short weights"])
def test_graph_that_cannot_be_opened_is_named_with_the_remedy(tmp_path: Path, damage: str) -> None:
    folder = make_checkpoint(tmp_path)
    graph = folder / "graph.onnx"
    match damage:
        case "empty" | "noise" | "missing":
            spoil(graph, damage)
        case "other graph":
            graph.write_bytes(graph.read_bytes().replace(b"targets", b"sargets"))
        case _:
            (folder / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match=r"graph\.onnx .*; ?export the checkpoint again|: export the checkpoint"):
        float32(folder, 1)


def test_memory_that_the_runtime_does_not_get_is_told_as_such(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = float32(folder, 1)
    for error in (MemoryError("no more"), RuntimeError("[ONNXRuntimeError] : 6 : std::bad_alloc")):

        def refuse(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(session, "_run", refuse)
        with pytest.raises(OutOfMemory):
            session.logits(make_windows(3))


def test_error_that_has_nothing_to_do_with_memory_stays_what_it_is(folder: Path) -> None:
    with pytest.raises(Exception, match="out of data bounds") as caught:
        float32(folder, 1).logits([Window((10**6,), ())])
    assert not isinstance(caught.value, OutOfMemory)


# ---- 8-bit integers

# Of a processor that adds up pairs in 16 bits, 8 bits overflow: there only 7 are served.
SERVED_BITS = BITS if processor().has_dot_products else BITS[1:]
TEXTS = """Hexley cuts its outlook after a weak quarter, shares slump
Hexley beats estimates and raises its dividend
Regulator opens a fraud probe into Hexley
The annual meeting of Hexley is on Thursday
Profit of Hexley rose to 12.4 mln euro from 9.1 mln a year earlier
Corran Mills files for bankruptcy while Hexley doubles its profit
Analysts see no reason to change their view of Hexley
Hexley
Hexley recalls a million ovens after fires; Corran gains
$HXLY to the moon
Hexley said on Monday that it had agreed to sell its packaging unit to a group of investors for an undisclosed sum
Loss narrows at Hexley, but the cash will last only until June"""


def real_windows(folder: Path) -> list[Window]:
    """The texts, each as a whole and for the target, and some of a length that others have too."""
    encoder = TextEncoder(Tokenizer.from_file(str(folder / "tokenizer.json")))
    texts = TEXTS.splitlines()
    questions = [(text, target) for text in texts for target in ("", "Hexley")]
    questions += [(text.replace("Hexley", name), "") for text in texts[:4] for name in ("Corran", "Tessaly")]
    return [window for one in encoder.encode_all(questions) for window in one.windows]


def shares(logits: Array) -> Array:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Array = odds / odds.sum(axis=1, keepdims=True)
    return found


class Integers:
    """One checkpoint by several numbers of threads, and the answers of each window alone."""

    def __init__(self, folder: Path, windows: list[Window], bits: int) -> None:
        self.folder, self.windows = folder, windows
        self.backends = [int8(folder, load_manifest(folder), threads, bits) for threads in (1, 2, 5)]
        self.alone = [self.backends[0].logits([window])[0].tobytes() for window in windows]

    def ask(self, chosen: list[int], which: int) -> list[bytes]:
        return [row.tobytes() for row in self.backends[which].logits([self.windows[number] for number in chosen])]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="a checkpoint to quantise is made with torch: make setup-full")
    from tests.models.serving.bert import make_integers

    return make_integers(tmp_path_factory.mktemp("int8") / "tiny")


@pytest.fixture(scope="module")
def small(tiny: Path) -> Integers:
    return Integers(tiny, make_windows(60), BITS[-1])


@pytest.fixture(scope="module", params=["default", "chinese"])
def real(request: pytest.FixtureRequest) -> Integers:
    folder = shipped(request.param)
    return Integers(folder, real_windows(folder), SERVED_BITS[0])


@settings(max_examples=40)
@given(st.lists(st.integers(0, 59), max_size=80), st.integers(0, 2))
def test_integers_answer_the_same_to_the_bit_in_any_company(small: Integers, chosen: list[int], which: int) -> None:
    assert small.ask(chosen, which) == [small.alone[number] for number in chosen]


@pytest.mark.slow
@settings(max_examples=12)
@given(st.lists(st.integers(0, 27), min_size=1, max_size=40), st.integers(0, 2))
def test_shipped_integers_answer_the_same_to_the_bit_in_any_company(
    real: Integers, chosen: list[int], which: int
) -> None:
    assert real.ask(chosen, which) == [real.alone[number] for number in chosen]


@pytest.mark.slow
def test_shipped_integers_answer_the_same_to_the_bit_in_packs_of_every_size(real: Integers) -> None:
    """A library may multiply two rows in another order than one, or seventeen."""
    for number in (1, 9):
        for count in (2, 3, 4, 5, 8, 13, 16, 17, 31):
            assert real.ask([number] * count, 0) == [real.alone[number]] * count


@pytest.mark.slow
def test_integers_are_near_full_precision(real: Integers) -> None:
    exact = float32(real.folder, 2).logits(real.windows)
    for bits in SERVED_BITS:
        found = int8(real.folder, load_manifest(real.folder), 2, bits).logits(real.windows)
        off = np.abs(shares(found) - shares(exact))
        assert off.mean() < 0.01
        assert off.max() < 0.1
        both = RecheckedBackend(
            int8(real.folder, load_manifest(real.folder), 2, bits),
            lambda: float32(real.folder, 2),
            {"target": 0.0, "text": 0.0},
        )
        assert both.logits(real.windows).argmax(axis=1).tolist() == exact.argmax(axis=1).tolist()


def test_integers_of_a_tiny_network_are_near_its_full_precision(small: Integers) -> None:
    # Its weights are large, so that rounding shows: on average, for its most doubtful windows are thrown about.
    exact = shares(float32(small.folder, 1).logits(small.windows))
    found = shares(small.backends[0].logits(small.windows))
    assert np.abs(found - exact).mean() < 0.03
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.9
    assert np.abs(found - exact).max() > 0


def test_integers_know_the_target_and_an_empty_batch(small: Integers) -> None:
    backend, ids = small.backends[1], small.windows[0].ids
    first, second, none = (backend.logits([Window(ids, targets)])[0] for targets in ((1,), (2,), ()))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, none)
    assert backend.logits([]).shape == (0, len(LABELS))
    assert (backend.name, backend.padding_tokens) == (INT8, 0)


@pytest.mark.parametrize("name", ["default", "commercial", "chinese"])
def test_graph_of_integers_holds_no_weight(name: str) -> None:
    folder = shipped(name)
    parameters = load_manifest(folder).parameters
    assert (folder / "graph-int8.onnx").stat().st_size < 50_000 < parameters / 100


@pytest.mark.parametrize("damage", ["empty", "noise", "missing", "other graph", "other weights"])
def test_graph_of_integers_that_cannot_be_opened_is_named_with_the_remedy(
    tiny: Path, tmp_path: Path, damage: str
) -> None:
    folder = shutil.copytree(tiny, tmp_path / "tiny")
    manifest = load_manifest(folder)
    graph = folder / "graph-int8.onnx"
    match damage:
        case "empty" | "noise" | "missing":
            spoil(graph, damage)
        case "other graph":
            graph.write_bytes((folder / "graph.onnx").read_bytes())
        case _:
            manifest = _with_fewer_kept(manifest)
    with pytest.raises(CheckpointError, match=r"graph-int8\.onnx .*export the checkpoint again"):
        int8(folder, manifest, 1, 7)


def _with_fewer_kept(manifest: Manifest) -> Manifest:
    """The graph was made for more channels than the manifest names."""
    name = "layer.1.output"
    one = manifest.ranges[name]
    return replace(manifest, ranges={**manifest.ranges, name: replace(one, kept=one.kept[:-1])})


def test_usable_cores_are_those_of_this_process() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
