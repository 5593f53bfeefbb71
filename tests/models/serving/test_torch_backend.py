"""TorchBackend on a processor: order, batches, errors, and the same answers as onnxruntime gives."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is in the full set: make setup-full")

import torch

from models.checkpoint import CheckpointError
from models.labels import LABELS
from models.serving import torch_network
from models.serving.backend import FloatArray
from models.serving.errors import DeviceUnavailable
from models.serving.flat import Shape, make_shapes
from models.serving.onnx import float32
from models.serving.torch_backend import TorchBackend
from models.serving.torch_device import allow, choose_device, choose_precision
from models.shipped import shipped
from models.text import Window
from tests.imports import ROOT
from tests.models.serving.bert import LONGEST, change, make_bert
from tests.models.tiny import make_checkpoint, make_windows

WINDOWS = make_windows(40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("backend") / "tiny")


@pytest.fixture(scope="module")
def backend(folder: Path) -> TorchBackend:
    return TorchBackend(folder, device="cpu", precision="float32")


def probabilities(logits: FloatArray) -> FloatArray:
    shares: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: FloatArray = shares / shares.sum(axis=1, keepdims=True)
    return found


def test_answers_are_those_of_onnxruntime(folder: Path, backend: TorchBackend) -> None:
    found, expected = (probabilities(one.logits(WINDOWS)) for one in (backend, float32(folder, 1)))
    assert np.abs(found - expected).max() < 1e-4
    assert np.ptp(expected, axis=0).min() > 0.1


@pytest.mark.slow
def test_shipped_checkpoint_answers_as_in_onnxruntime_and_the_same_in_any_company() -> None:
    path = shipped("default")
    chance = np.random.default_rng(4)
    windows = [Window((101, *chance.integers(1_000, 9_000, int(size)).tolist(), 102), ()) for size in range(1, 40, 2)]
    expected = probabilities(float32(path, 1).logits(windows))
    for precision, near in (("float32", 1e-4), ("bfloat16", 0.03)):
        backend = TorchBackend(path, device="cpu", precision=precision)
        together = probabilities(backend.logits(windows))
        assert np.abs(together - expected).max() < near
        alone = np.concatenate([probabilities(backend.logits([window])) for window in windows[:6]])
        assert np.abs(together[:6] - alone).max() < 1e-3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@settings(max_examples=15)
@given(st.lists(st.integers(0, len(WINDOWS) - 1), min_size=1, max_size=40))
def test_answer_alone_and_in_any_company_is_the_same(folder: Path, precision: str, chosen: list[int]) -> None:
    backend = TorchBackend(folder, device="cpu", precision=precision)
    together = probabilities(backend.logits([WINDOWS[one] for one in chosen]))
    alone = np.concatenate([probabilities(backend.logits([WINDOWS[one]])) for one in chosen])
    assert np.abs(together - alone).max() < 1e-3


def test_no_windows_have_no_logits(backend: TorchBackend) -> None:
    found = backend.logits([])
    assert found.shape == (0, len(LABELS))
    assert found.dtype == np.float32


def test_name_tells_precision_and_device(folder: Path, backend: TorchBackend) -> None:
    assert backend.name == "torch-float32-cpu"
    assert TorchBackend(folder, device="cpu", precision="bfloat16").name == "torch-bfloat16-cpu"


def test_batches_that_were_begun_are_answered_in_any_order(backend: TorchBackend) -> None:
    expected = backend.logits(WINDOWS)
    handles = [backend.submit(WINDOWS[start : start + 10]) for start in range(0, 40, 10)]
    for number in (2, 0, 3, 1):
        assert np.abs(backend.result(handles[number]) - expected[10 * number : 10 * number + 10]).max() < 1e-4


def test_several_threads_may_ask_at_once(backend: TorchBackend) -> None:
    expected = backend.logits(WINDOWS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: backend.logits(WINDOWS), range(12)):
            assert np.abs(found - expected).max() < 1e-4


def test_batch_that_is_too_large_for_a_shape_is_cut_and_filler_is_counted(folder: Path, backend: TorchBackend) -> None:
    small = TorchBackend(folder, device="cpu", precision="float32", shapes=make_shapes(LONGEST, 64))
    found = small.logits(WINDOWS)
    tokens = sum(len(one.ids) for one in WINDOWS)
    assert np.abs(found - backend.logits(WINDOWS)).max() < 1e-4
    assert small.counts.batches >= tokens / 64
    assert (small.counts.windows, small.counts.tokens) == (len(WINDOWS), tokens)
    assert small.counts.filler_tokens == 64 * small.counts.batches - tokens
    one = TorchBackend(folder, device="cpu", precision="float32")
    one.logits(WINDOWS)
    assert (one.counts.batches, one.counts.filler_tokens) == (1, 0)


def test_warm_drops_shapes_whose_answers_end_in_other_digits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [Shape(128, 40), Shape(256, 60), Shape(512, 120)]

    def by_row(inputs: Any, weight: Any, bias: Any) -> Any:
        # Row by row, so that no library's choice of order for a size can disturb the test.
        return (inputs.float()[:, None, :] * weight.float()).sum(2).to(weight.dtype) + bias

    def with_one_odd_size(inputs: Any, weight: Any, bias: Any) -> Any:
        return by_row(inputs, weight, bias) * (1 + 1e-3 * (len(inputs) == 256))

    monkeypatch.setattr(torch_network, "multiply", by_row)
    whole = TorchBackend(folder, device="cpu", precision="float32", shapes=shapes)
    whole.warm()
    assert (list(whole.shapes), whole.drift) == (shapes, 0.0)
    expected = whole.logits(WINDOWS)
    monkeypatch.setattr(torch_network, "multiply", with_one_odd_size)
    part = TorchBackend(folder, device="cpu", precision="float32", shapes=shapes)
    part.warm()
    assert list(part.shapes) == [shapes[0], shapes[2]]
    assert np.abs(part.logits(WINDOWS) - expected).max() < 1e-4


def test_warm_tells_of_a_device_on_which_the_place_in_a_batch_matters(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_place(inputs: Any, weight: Any, bias: Any) -> Any:
        return torch.nn.functional.linear(inputs, weight, bias) * torch.linspace(1, 1.01, len(inputs))[:, None]

    monkeypatch.setattr(torch_network, "multiply", by_place)
    backend = TorchBackend(folder, device="cpu", precision="float32", shapes=[Shape(512, 120)])
    backend.warm()
    assert backend.drift > 1e-4


@pytest.mark.parametrize(
    "window",
    [
        Window((), ()),
        Window((2, 10**6, 3), ()),
        Window((2, -1, 3), ()),
        Window((2,) * (LONGEST + 1), ()),
        Window((2, 3), (2,)),
        Window((2, 3), (-1,)),
    ],
    ids=["empty", "unknown", "negative", "long", "behind", "before"],
)
def test_window_of_another_checkpoint_is_refused_before_a_device_sees_it(backend: TorchBackend, window: Window) -> None:
    with pytest.raises(ValueError, match="window of"):
        backend.logits([WINDOWS[0], window])
    assert backend.logits(WINDOWS[:1]).shape == (1, len(LABELS))


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    made = make_bert(tmp_path / "loud")

    def shout(weights: dict[str, FloatArray]) -> None:
        for name in weights:
            if name.endswith("intermediate.dense.weight"):
                weights[name][:] = 60_000.0

    change(made, shout)
    with pytest.raises(CheckpointError, match="not numbers in torch-float16-cpu: take the precision bfloat16"):
        TorchBackend(made, device="cpu", precision="float16").logits(WINDOWS)
    assert np.isfinite(TorchBackend(made, device="cpu", precision="float32").logits(WINDOWS)).all()


def test_network_of_another_kind_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="only bert: take the backend onnxruntime"):
        TorchBackend(make_checkpoint(tmp_path / "tiny"), device="cpu")


_STARVED = """
import resource
from pathlib import Path
from models.serving.errors import OutOfMemory
from models.serving.flat import Shape
from models.serving.torch_backend import TorchBackend
from tests.models.tiny import make_windows
folder = Path({folder!r})
small = TorchBackend(folder, device="cpu", precision="float32")
large = TorchBackend(folder, device="cpu", precision="float32", shapes=[Shape(8_000_000, 260_000)])
small.logits(make_windows(3))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 500_000_000,) * 2)
try:
    large.logits(make_windows(3))
except OutOfMemory as error:
    print("told:", error)
print(small.logits(make_windows(3)).shape)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")  # only there RLIMIT_AS makes an allocation fail
def test_batch_beyond_the_memory_is_told_as_such_and_the_next_is_answered(folder: Path) -> None:
    code = _STARVED.format(folder=str(folder))
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.stdout.startswith("told: "), told.stderr
    assert told.stdout.endswith("(3, 3)\n")


def test_gpu_that_is_demanded_and_not_there_is_named_with_the_key_and_the_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for wanted in ("cuda", "cuda:1"):
        with pytest.raises(
            DeviceUnavailable, match=rf"^scorer\.device: {wanted} is demanded, .* or choose auto or cpu$"
        ):
            TorchBackend(folder, device=wanted)
    assert choose_device("auto").type == "cpu"


@pytest.mark.parametrize("wanted", ["gpu", "cpu:1", "cuda:x", "", "cuda:-1"])
def test_device_that_is_none_is_refused(wanted: str) -> None:
    with pytest.raises(DeviceUnavailable, match=r"^scorer\.device: .* name auto, cpu, cuda, or one GPU as cuda:1$"):
        choose_device(wanted)


def test_precision_that_is_none_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match=r"^scorer\.precision: 'int8' is none: name auto, float32, "):
        choose_precision("int8", torch.device("cpu"))


def test_sums_may_be_forbidden_to_be_split() -> None:
    matmul = torch.backends.cuda.matmul
    try:
        allow(False)
        assert not matmul.allow_fp16_reduced_precision_reduction_split_k
        assert not matmul.allow_bf16_reduced_precision_reduction_split_k
    finally:
        allow(True)
    assert matmul.allow_bf16_reduced_precision_reduction_split_k
    assert not matmul.allow_bf16_reduced_precision_reduction


@pytest.mark.slow
def test_serving_reads_no_transformers(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from models.serving.torch_backend import TorchBackend\n"
        f"TorchBackend(Path({str(folder)!r}), device='cpu'); print('transformers' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
