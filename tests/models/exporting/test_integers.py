"""The graph of integers: what it holds, and that it computes what the network would with rounded products."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="a checkpoint to quantise is made with torch: make setup-full")

import onnx
import torch
from torch import Tensor

from models.checkpoint import Manifest, load_manifest
from models.export import load_torch
from models.exporting.integers import INPUTS, MADE_WHEN_LOADED, build_integer_graph
from models.exporting.ranges import kept_counts
from models.serving.integers import MATRICES, Arrays, make_numbers
from models.serving.onnx import int8
from models.training.network import SentimentNetwork
from models.weights import FloatArray, locate
from tests.models.serving.bert import LAYERS, make_integers
from tests.models.tiny import make_windows

WINDOWS = make_windows(40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_integers(tmp_path_factory.mktemp("graph") / "tiny")


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Manifest:
    return load_manifest(folder)


def product(numbers: Arrays, name: str, part: int, parts: int) -> Callable[[Tensor], Tensor]:
    """A product of integers; `part` of the neurons that share an input."""

    def neurons(kind: str) -> Tensor:
        return torch.from_numpy(numbers[f"{name}.{kind}"]).chunk(parts, dim=-1)[part]

    step, zero = (float(numbers[f"{name}.{kind}"]) for kind in ("step", "zero"))
    matrix, steps, bias = neurons("matrix").double(), neurons("steps"), neurons("bias")

    def multiply(inputs: Tensor) -> Tensor:
        integers = (torch.round(inputs / step) + zero).clamp(0, 255) - zero
        found = (integers.double() @ matrix).float() * step * steps + bias
        if f"{name}.kept" not in numbers:
            return found
        return found + inputs[..., torch.from_numpy(numbers[f"{name}.kept"])] @ neurons("rest")

    return multiply


def rounded(network: SentimentNetwork, numbers: Arrays) -> SentimentNetwork:
    """The network with products of integers in its layers."""
    for number, layer in enumerate(network.layers):
        for kind, matrices in MATRICES.items():
            for part, matrix in enumerate(matrices):
                layer.get_submodule(matrix).forward = product(numbers, f"layer.{number}.{kind}", part, len(matrices))
    return network


def ask_torch(network: SentimentNetwork) -> FloatArray:
    rows = []
    for window in WINDOWS:
        ids = torch.tensor([window.ids])
        targets = torch.zeros_like(ids)
        targets[0, list(window.targets)] = 1
        with torch.inference_mode():
            rows.append(network(ids, torch.ones_like(ids), targets)[0].numpy())
    return np.array(rows)


def test_it_computes_what_the_network_does_with_rounded_products(folder: Path, manifest: Manifest) -> None:
    found = int8(folder, manifest, 1, 7).logits(WINDOWS)
    expected = ask_torch(rounded(load_torch(folder), make_numbers(folder, manifest, 7)))
    exact = ask_torch(load_torch(folder))
    # Where a number lies between two steps, a last digit decides: then a few logits differ, as no slip would.
    assert np.median(np.abs(found - expected)) < 1e-4 < 0.02 < np.median(np.abs(found - exact))


def test_what_is_open_is_exactly_what_is_made_when_it_is_loaded(folder: Path, manifest: Manifest) -> None:
    model = onnx.load(str(folder / "graph-int8.onnx"), load_external_data=False)
    numbers = make_numbers(folder, manifest, 8)
    is_open = {
        one.name: one
        for one in model.graph.initializer
        if any(entry.value == MADE_WHEN_LOADED for entry in one.external_data)
    }
    assert set(is_open) == set(numbers)
    for name, one in is_open.items():
        kind = onnx.helper.tensor_dtype_to_np_dtype(one.data_type)
        assert (tuple(one.dims), kind) == (numbers[name].shape, numbers[name].dtype)


def test_all_else_points_into_the_weight_file_and_the_graph_holds_no_weight(folder: Path, manifest: Manifest) -> None:
    places = locate(folder / "weights.safetensors")
    model = onnx.load(str(folder / "graph-int8.onnx"), load_external_data=False)
    pointing = 0
    for one in model.graph.initializer:
        entries = {entry.key: entry.value for entry in one.external_data}
        if entries.get("location") == "weights.safetensors":
            place = places[one.name]
            assert (int(entries["offset"]), int(entries["length"])) == (place.start, place.length)
            pointing += 1
    # Tables, norms and head; the matrices of the layers are among what is open.
    assert pointing == 3 + 2 + LAYERS * 4 + 4
    assert sum(len(one.raw_data) for one in model.graph.initializer) < 1_000


def test_products_of_the_layers_are_all_of_integers(folder: Path, manifest: Manifest) -> None:
    model = onnx.load(str(folder / "graph-int8.onnx"), load_external_data=False)
    kinds: Sequence[str] = [node.op_type for node in model.graph.node]
    kept = sum(bool(one.kept) for one in manifest.ranges.values())
    counts = {"MatMulIntegerToFloat": LAYERS * len(MATRICES), "Gemm": kept, "MultiHeadAttention": LAYERS}
    assert {kind: kinds.count(kind) for kind in counts} == counts
    assert kinds.count("LayerNormalization") == 1 + 2 * LAYERS
    assert tuple(one.name for one in model.graph.input) == INPUTS


def test_same_checkpoint_gives_the_same_graph(folder: Path, manifest: Manifest) -> None:
    places = locate(folder / "weights.safetensors")
    made = build_integer_graph(
        manifest.architecture, places, "weights.safetensors", kept_counts(manifest.ranges)
    ).SerializeToString(deterministic=True)
    assert made == (folder / "graph-int8.onnx").read_bytes()
