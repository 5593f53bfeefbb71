"""Which backend serves: what is here, what was demanded, and the quickest of what is left.

Backends and their speed are written by the tests: what this machine has must not decide what is seen of the choice.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.checkpoint import INTEGER_GRAPH, CheckpointError, Manifest, load_manifest
from models.serving import choose as room
from models.serving import onnx
from models.serving.backend import Backend
from models.serving.choose import available, choose
from models.serving.errors import DeviceUnavailable
from models.serving.processor import Processor
from models.serving.rechecked import RecheckedBackend
from models.serving.stats import BACKEND_DISAGREES, BACKEND_UNAVAILABLE, ScoringStats
from models.serving.wanted import ANYTHING, Wanted
from models.text import Window
from tests.models.serving.fake import FakeBackend, answer
from tests.models.tiny import make_checkpoint

PLAIN = Processor("old", has_dot_products=False, has_amx=False)
VNNI = Processor("new", has_dot_products=True, has_amx=False)
AMX = Processor("newest", has_dot_products=True, has_amx=True)


def another(window: Window) -> Sequence[float]:
    """The label that `answer` does not give."""
    return answer(window)[::-1]


class Machine:
    """A machine of backends that take as long as a test says, by its own clock.

    Attributes:
        opened: backends in the order in which they were opened. bits: that integers were asked for with.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.seconds = {onnx.FLOAT32: 1.0, onnx.INT8: 1.0, "torch-bfloat16-cpu": 1.0}
        self.answers: dict[str, Callable[[Window], Sequence[float]]] = {}
        self.opened: list[FakeBackend] = []
        self.bits: list[int] = []
        self.processor = PLAIN
        self.has_gpu = False
        self.gpu_error: Exception | None = None
        monkeypatch.setattr(room, "time", SimpleNamespace(process_time=lambda: self.now))
        monkeypatch.setattr(room, "processor", lambda: self.processor)
        monkeypatch.setattr(room, "_has_gpu", lambda: self.has_gpu)
        monkeypatch.setattr(room, "find_spec", lambda name: object())
        monkeypatch.setattr(room, "_torch", self._torch)
        monkeypatch.setattr(onnx, "float32", lambda folder, threads: self._open(onnx.FLOAT32))
        monkeypatch.setattr(onnx, "int8", self._int8)

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.opened]

    def _int8(self, folder: Path, manifest: Manifest, threads: int, bits: int) -> Backend:
        self.bits.append(bits)
        return self._open(onnx.INT8)

    def _torch(self, folder: Path, device: str, precision: str, threads: int) -> Callable[[], Backend]:
        def opened() -> Backend:
            if device not in ("auto", "cpu") and self.gpu_error is not None:
                raise self.gpu_error
            kind = "cuda" if device.startswith("cuda") or (device == "auto" and self.has_gpu) else "cpu"
            return self._open(f"torch-{'float16' if precision == 'auto' else precision}-{kind}")

        return opened

    def _open(self, name: str) -> Backend:
        def spend() -> None:
            self.now += self.seconds.get(name, 1.0)

        self.opened.append(FakeBackend(name, self.answers.get(name, answer), on_call=spend))
        return self.opened[-1]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def stats() -> ScoringStats:
    return ScoringStats()


FOLDER = Path("somewhere")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Of a checkpoint without a graph of integers."""
    return load_manifest(make_checkpoint(tmp_path_factory.mktemp("choose") / "tiny"))


@pytest.fixture
def manifest(plain: Manifest) -> Manifest:
    """Of one that has such a graph."""
    values = {name: getattr(plain, name) for name in Manifest.__slots__}
    return Manifest(**values | {"files": {**plain.files, INTEGER_GRAPH: "0" * 64}})


# ---- the free choice


@pytest.mark.parametrize(("seconds", "chosen"), [(0.8, onnx.INT8), (0.9, onnx.FLOAT32), (1.2, onnx.FLOAT32)])
def test_integers_serve_only_where_they_are_clearly_quicker(
    machine: Machine, manifest: Manifest, stats: ScoringStats, seconds: float, chosen: str
) -> None:
    machine.seconds[onnx.INT8] = seconds
    found = choose(FOLDER, manifest, 2, ANYTHING, stats)
    assert found.name == chosen
    assert isinstance(found, RecheckedBackend) == (chosen == onnx.INT8)
    assert sum(stats.fallbacks.values()) == 0


def test_who_is_not_chosen_is_closed_and_the_chosen_one_gives_back_all(
    machine: Machine, manifest: Manifest, stats: ScoringStats
) -> None:
    choose(FOLDER, manifest, 2, ANYTHING, stats)
    assert [(one.name, one.is_closed) for one in machine.opened] == [(onnx.FLOAT32, False), (onnx.INT8, True)]
    machine.opened.clear()
    machine.seconds[onnx.INT8] = 0.2
    found = choose(FOLDER, manifest, 2, ANYTHING, stats)
    assert [one.is_closed for one in machine.opened] == [False, False]
    found.close()
    assert [one.is_closed for one in machine.opened] == [True, True]


def test_one_that_answers_otherwise_is_put_aside_and_counted_however_quick(
    machine: Machine, manifest: Manifest, stats: ScoringStats, caplog: pytest.LogCaptureFixture
) -> None:
    machine.seconds[onnx.INT8] = 0.01
    machine.answers[onnx.INT8] = another
    assert choose(FOLDER, manifest, 2, ANYTHING, stats).name == onnx.FLOAT32
    assert stats.fallbacks == {BACKEND_DISAGREES: 1, BACKEND_UNAVAILABLE: 0}
    assert "onnxruntime-int8 gives other answers than full precision" in caplog.text
    assert machine.opened[-1].is_closed


def test_weights_have_as_many_bits_as_the_processor_can_add_up(
    machine: Machine, manifest: Manifest, stats: ScoringStats
) -> None:
    for machine.processor in (PLAIN, VNNI):
        choose(FOLDER, manifest, 2, ANYTHING, stats)
    assert machine.bits == [7, 8]


def test_without_a_graph_of_integers_there_is_no_contest(
    machine: Machine, plain: Manifest, stats: ScoringStats
) -> None:
    assert choose(FOLDER, plain, 2, ANYTHING, stats).name == onnx.FLOAT32
    assert machine.now == 0.0
    assert machine.names == [onnx.FLOAT32]


def test_torch_takes_part_only_where_the_processor_multiplies_tiles(
    machine: Machine, manifest: Manifest, stats: ScoringStats
) -> None:
    machine.seconds |= {onnx.INT8: 0.5, "torch-bfloat16-cpu": 0.25}
    assert choose(FOLDER, manifest, 2, ANYTHING, stats).name == onnx.INT8
    machine.processor = AMX
    found = choose(FOLDER, manifest, 2, ANYTHING, stats)
    assert (found.name, type(found)) == ("torch-bfloat16-cpu", RecheckedBackend)
    assert {one.name for one in machine.opened[2:] if one.is_closed} == {onnx.INT8}


def test_quicker_of_two_rivals_serves(machine: Machine, manifest: Manifest, stats: ScoringStats) -> None:
    machine.processor = AMX
    machine.seconds |= {onnx.INT8: 0.5, "torch-bfloat16-cpu": 0.6}
    assert choose(FOLDER, manifest, 2, ANYTHING, stats).name == onnx.INT8


def test_gpu_is_taken_without_a_contest_unless_the_processor_is_demanded(
    machine: Machine, manifest: Manifest, stats: ScoringStats
) -> None:
    machine.has_gpu = True
    assert choose(FOLDER, manifest, 2, ANYTHING, stats).name == "torch-float16-cuda"
    assert machine.names == ["torch-float16-cuda"]
    assert choose(FOLDER, manifest, 2, Wanted(device="cpu"), stats).name == onnx.FLOAT32
    assert choose(FOLDER, manifest, 2, Wanted(precision="float32"), stats).name == "torch-float32-cuda"
    assert choose(FOLDER, manifest, 2, Wanted(precision="int8"), stats).name == onnx.INT8


def test_nothing_is_opened_to_tell_what_is_available(machine: Machine, manifest: Manifest, plain: Manifest) -> None:
    assert list(available(FOLDER, manifest, 2, PLAIN))[:2] == [onnx.FLOAT32, onnx.INT8]
    assert onnx.INT8 not in available(FOLDER, plain, 2, VNNI)
    assert machine.opened == []


def test_made_up_windows_are_always_the_same_and_fit_the_network(manifest: Manifest) -> None:
    windows = room._made_up(manifest)
    assert windows == room._made_up(manifest)
    assert all(len(window.ids) <= manifest.max_tokens for window in windows)
    assert all(max(window.ids) < manifest.architecture.vocabulary for window in windows)


# ---- what is demanded


@pytest.mark.parametrize(
    ("wanted", "name", "is_checked"),
    [
        (Wanted(precision="float32"), onnx.FLOAT32, False),
        (Wanted(device="cpu", precision="float32"), onnx.FLOAT32, False),
        (Wanted(precision="int8"), onnx.INT8, True),
        (Wanted(precision="bfloat16"), "torch-bfloat16-cpu", True),
        (Wanted(device="cpu", precision="bfloat16"), "torch-bfloat16-cpu", True),
        (Wanted(device="cuda"), "torch-float16-cuda", False),
        (Wanted(device="cuda:1", precision="bfloat16"), "torch-bfloat16-cuda", False),
    ],
)
def test_what_is_demanded_is_taken_however_slow(
    machine: Machine, manifest: Manifest, stats: ScoringStats, wanted: Wanted, name: str, is_checked: bool
) -> None:
    machine.seconds = dict.fromkeys(machine.seconds, 100.0)
    found = choose(FOLDER, manifest, 2, wanted, stats)
    assert (found.name, isinstance(found, RecheckedBackend)) == (name, is_checked)
    assert (machine.now, machine.names) == (0.0, [name])


def test_same_precision_gives_the_same_answers_whether_it_was_chosen_or_demanded(
    machine: Machine, manifest: Manifest, stats: ScoringStats
) -> None:
    """A run that is gone on with demands what the first one chose."""
    machine.processor = AMX
    window = Window((5,), ())
    for name in (onnx.INT8, "torch-bfloat16-cpu"):
        machine.answers = {name: lambda window: answer(window) if window.targets else (1.0, 1.0, 1.0)}
        machine.seconds = {onnx.FLOAT32: 1.0, onnx.INT8: 1.0, "torch-bfloat16-cpu": 1.0, name: 0.1}
        precision = name.split("-")[1]
        backends = [choose(FOLDER, manifest, 2, one, stats) for one in (ANYTHING, Wanted("cpu", precision))]
        assert [one.name for one in backends] == [name, name]
        assert [one.logits([window]).tolist() for one in backends] == [[[*answer(window)]]] * 2


def test_integers_without_their_graph_are_an_error_that_names_key_and_remedy(
    machine: Machine, plain: Manifest, stats: ScoringStats
) -> None:
    with pytest.raises(DeviceUnavailable, match=r"^scorer\.precision: int8 .*somewhere has no graph-int8\.onnx: make"):
        choose(FOLDER, plain, 2, Wanted(precision="int8"), stats)
    assert sum(stats.fallbacks.values()) == 0
    assert choose(FOLDER, plain, 2, Wanted(precision="int8", is_fallback_allowed=True), stats).name == onnx.FLOAT32
    assert stats.fallbacks == {BACKEND_UNAVAILABLE: 1, BACKEND_DISAGREES: 0}


def test_gpu_that_is_not_there_is_an_error_unless_another_may_serve(
    machine: Machine, manifest: Manifest, stats: ScoringStats, caplog: pytest.LogCaptureFixture
) -> None:
    machine.gpu_error = DeviceUnavailable("scorer.device: cuda is demanded, and torch sees no GPU")
    machine.seconds[onnx.INT8] = 0.1
    for precision in ("auto", "float32", "float16"):
        with pytest.raises(DeviceUnavailable, match=r"^scorer\.device: cuda is demanded"):
            choose(FOLDER, manifest, 2, Wanted("cuda", precision), stats)
    assert choose(FOLDER, manifest, 2, Wanted("cuda", is_fallback_allowed=True), stats).name == onnx.INT8
    assert stats.fallbacks[BACKEND_UNAVAILABLE] == 1
    assert "torch sees no GPU; the quickest of this processor serves instead" in caplog.text


def test_integers_on_a_gpu_are_no_choice(machine: Machine, manifest: Manifest, stats: ScoringStats) -> None:
    machine.has_gpu = True
    with pytest.raises(DeviceUnavailable, match=r"^scorer\.precision: int8 is for processors, and scorer\.device is"):
        choose(FOLDER, manifest, 2, Wanted("cuda", "int8"), stats)
    assert machine.opened == []


@pytest.mark.parametrize("precision", ["", "int4", "FLOAT32", "fp16"])
@pytest.mark.parametrize("is_fallback_allowed", [True, False])
def test_unknown_precision_is_told_what_there_is(
    machine: Machine, manifest: Manifest, stats: ScoringStats, precision: str, is_fallback_allowed: bool
) -> None:
    with pytest.raises(DeviceUnavailable, match=r"^scorer\.precision: '.*' is none of auto, float32, int8, float16, b"):
        choose(FOLDER, manifest, 2, Wanted("auto", precision, is_fallback_allowed), stats)


def test_damaged_network_is_no_reason_to_fall_back(
    machine: Machine, manifest: Manifest, stats: ScoringStats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Backend:
        raise CheckpointError("graph-int8.onnx cannot be opened")

    monkeypatch.setattr(onnx, "int8", refuse)
    for wanted in (ANYTHING, Wanted(precision="int8", is_fallback_allowed=True)):
        with pytest.raises(CheckpointError, match="cannot be opened"):
            choose(FOLDER, manifest, 2, wanted, stats)


# ---- what is installed


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the slim set: importing torch fails, wherever it was loaded before."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "models.serving.torch_backend", raising=False)
    monkeypatch.setattr(room, "find_spec", lambda name: None)


@pytest.mark.parametrize("wanted", [Wanted(precision="bfloat16"), Wanted("cuda"), Wanted("cpu", "float16")])
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    without_torch: None, manifest: Manifest, stats: ScoringStats, wanted: Wanted
) -> None:
    with pytest.raises(DeviceUnavailable, match=r"^scorer\.device: .* needs torch, .*run `make setup-full`, or choose"):
        choose(FOLDER, manifest, 2, wanted, stats)


def test_without_torch_the_runtime_serves_and_falls_back(
    without_torch: None, tmp_path: Path, stats: ScoringStats
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")
    found = choose(folder, load_manifest(folder), 1, ANYTHING, stats)
    assert found.name == onnx.FLOAT32
    found = choose(folder, load_manifest(folder), 1, Wanted("cuda", is_fallback_allowed=True), stats)
    assert (found.name, stats.fallbacks[BACKEND_UNAVAILABLE]) == (onnx.FLOAT32, 1)
    assert list(available(folder, load_manifest(folder), 1)) == [onnx.FLOAT32]


def test_missing_module_of_our_own_is_a_bug_and_told_as_one(
    machine: Machine, manifest: Manifest, stats: ScoringStats
) -> None:
    machine.gpu_error = ModuleNotFoundError("no such module", name="models.serving.torch_gone")
    with pytest.raises(ModuleNotFoundError):
        choose(FOLDER, manifest, 2, Wanted("cuda", is_fallback_allowed=True), stats)


def test_machine_without_a_driver_is_known_to_have_no_gpu_without_loading_torch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "models.serving.torch_device", None)  # To import it would raise.
    monkeypatch.setattr(room, "_GPU_SIGNS", (str(tmp_path / "nvidiactl"),))
    assert not room._has_gpu()
