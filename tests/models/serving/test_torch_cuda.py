"""CudaLane: who waits for whom, on a stand-in for CUDA; and all of it on a real GPU where there is one.

The stand-in has no streams and records nothing: it shows that two batches take turns and that answers belong to their
own, not that a GPU is driven rightly. That only the tests marked `real` can show.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is in the full set: make setup-full")

import torch

from models.checkpoint import WEIGHTS, load_manifest
from models.serving import torch_cuda
from models.serving.backend import FloatArray
from models.serving.flat import choose, make_shapes
from models.serving.torch_backend import TorchBackend
from models.serving.torch_cuda import CudaLane
from models.serving.torch_network import FlatNetwork
from models.text import Window
from models.weights import load_weights
from tests.models.serving.bert import LONGEST, make_bert
from tests.models.tiny import make_windows

WINDOWS = make_windows(60)
GPU = [
    pytest.mark.real,
    pytest.mark.optional,
    # The same code runs on CPU tensors in the tests without this mark; here only what a device itself does.
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use"),  # most machines have none
]


class PaperEvent:
    """Knows whether it was recorded; time goes on by a second with each."""

    clock = 0.0

    def __init__(self, **_: Any) -> None:
        self.at: float | None = None

    def record(self) -> None:
        PaperEvent.clock += 1.0
        self.at = PaperEvent.clock

    def synchronize(self) -> None:
        assert self.at is not None, "waits for what was never begun"

    def elapsed_time(self, later: "PaperEvent") -> float:
        assert self.at is not None and later.at is not None
        return 1_000 * (later.at - self.at)


class PaperStream:
    def wait_event(self, event: PaperEvent) -> None:
        event.synchronize()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("cuda") / "tiny")


@pytest.fixture
def lane(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CudaLane]:
    for name, value in {
        "Stream": PaperStream,
        "Event": PaperEvent,
        "stream": lambda _: contextlib.nullcontext(),
        "device": lambda _: contextlib.nullcontext(),
        "graph_pool_handle": lambda: None,
        "synchronize": lambda: None,
        "empty_cache": lambda: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch_cuda, "_PINNED", False)
    cpu = torch.device("cpu")
    network = FlatNetwork(load_manifest(folder).architecture, load_weights(folder / WEIGHTS), cpu, torch.float32)
    made = CudaLane(network, cpu, make_shapes(LONGEST, 2048), LONGEST, is_recorded=False)
    yield made
    made.close()


def expected(folder: Path, windows: list[Window]) -> FloatArray:
    return TorchBackend(folder, device="cpu", precision="float32").logits(windows)


def start(lane: CudaLane, windows: list[Window]) -> Any:
    return lane.start(windows, choose(windows, make_shapes(LONGEST, 2048), LONGEST))


def test_answers_belong_to_their_batch_whichever_is_asked_for_first(folder: Path, lane: CudaLane) -> None:
    batches = [WINDOWS[:5], WINDOWS[5:40], WINDOWS[40:41], WINDOWS[41:]]
    tickets = [start(lane, batch) for batch in batches]
    for number in (3, 0, 2, 1):
        lane.wait(tickets[number])
        assert np.abs(lane.finish(tickets[number]) - expected(folder, batches[number])).max() < 1e-4


def test_third_batch_takes_the_place_of_the_first_whose_answers_are_kept(lane: CudaLane) -> None:
    first, second = start(lane, WINDOWS[:3]), start(lane, WINDOWS[3:6])
    assert (first.rows, second.rows) == (None, None)
    third = start(lane, WINDOWS[6:9])
    assert first.rows is not None and second.rows is None and third.rows is None
    kept = first.rows.copy()
    start(lane, WINDOWS[9:])
    assert np.array_equal(lane.finish(first), kept)


def test_seconds_are_those_between_a_batchs_own_events(lane: CudaLane) -> None:
    lane.finish(start(lane, WINDOWS[:3]))
    assert (lane.spent.copying, lane.spent.computing) == (1.0, 1.0)


def test_batch_that_failed_leaves_its_place_to_the_next(
    folder: Path, lane: CudaLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FlatNetwork, "logits", lambda *_: torch.empty(2**50))
        for _ in range(3):
            with pytest.raises(RuntimeError, match="can't allocate memory"):
                start(lane, WINDOWS[:3])
    assert np.abs(lane.finish(start(lane, WINDOWS[:3])) - expected(folder, WINDOWS[:3])).max() < 1e-4


class TestOnAGpu:
    """What can only be true on one. Each starts from nothing and gives its memory back."""

    pytestmark = GPU

    @pytest.fixture(params=["float16", "bfloat16", "float32"])
    def backend(self, folder: Path, request: pytest.FixtureRequest) -> Iterator[TorchBackend]:
        made = TorchBackend(folder, device="cuda", precision=request.param)
        made.warm()
        yield made
        made.close()

    def test_answers_are_near_to_those_of_a_processor(self, folder: Path, backend: TorchBackend) -> None:
        near = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.3}[backend.precision]
        assert np.abs(backend.logits(WINDOWS) - expected(folder, WINDOWS)).max() < near

    def test_answer_is_the_same_in_any_company(self, backend: TorchBackend) -> None:
        assert backend.drift < 1e-3
        together = backend.logits(WINDOWS)
        alone = np.concatenate([backend.logits([window]) for window in WINDOWS])
        backwards = backend.logits(WINDOWS[::-1])[::-1]
        if backend.drift == 0.0:
            assert np.array_equal(together, alone)
            assert np.array_equal(together, backwards)
        assert np.abs(together - alone).max() < 5e-3

    def test_the_same_batch_has_the_same_answer_to_the_bit(self, backend: TorchBackend) -> None:
        assert len({backend.logits(WINDOWS).tobytes() for _ in range(20)}) == 1

    def test_batches_in_turn_answer_as_alone(self, backend: TorchBackend) -> None:
        batches = [WINDOWS[start : start + 7] for start in range(0, 56, 7)]
        alone = [backend.logits(batch) for batch in batches]
        handles = [backend.submit(batch) for batch in batches]
        for handle, rows in zip(handles, alone, strict=True):
            assert np.array_equal(backend.result(handle), rows)
