"""The network over flat tokens: the answers of the padded one, alone and in any company."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is in the full set: make setup-full")

import torch

from models.checkpoint import WEIGHTS, CheckpointError, load_manifest
from models.export import load_torch
from models.serving import torch_network
from models.serving.backend import FloatArray
from models.serving.flat import Shape, fit, lengths_of, write
from models.serving.torch_network import FlatNetwork, attend_in_groups
from models.text import Window
from models.weights import load_weights
from tests.models.serving.bert import LONGEST, change, make_bert
from tests.models.tiny import make_windows

TILE = 16
WINDOWS = make_windows(40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("network") / "tiny")


def network(folder: Path, precision: str = "float32", tile: int | None = None) -> FlatNetwork:
    weights = load_weights(folder / WEIGHTS)
    sizes = load_manifest(folder).architecture
    return FlatNetwork(sizes, weights, torch.device("cpu"), getattr(torch, precision), tile, tile)


def ask(asked: FlatNetwork, windows: list[Window], tile: int = 1, shape: Shape | None = None) -> FloatArray:
    shape = shape or fit(windows, tile, LONGEST)
    numbers = np.empty(shape.size, np.int32)
    write(windows, shape, LONGEST, numbers)
    lengths = lengths_of(numbers, shape)
    with torch.inference_mode():
        rows = asked.logits(torch.from_numpy(numbers), shape, lambda joint: attend_in_groups(joint, lengths))
    found: FloatArray = rows[: len(windows)].numpy()
    return found


def probabilities(logits: FloatArray) -> FloatArray:
    shares: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: FloatArray = shares / shares.sum(axis=1, keepdims=True)
    return found


def test_answers_are_those_of_the_network_that_was_trained(folder: Path) -> None:
    trained = load_torch(folder)
    found = ask(network(folder), WINDOWS)
    for window, row in zip(WINDOWS, found, strict=True):
        ids = torch.tensor([window.ids])
        targets = torch.zeros_like(ids)
        targets[0, list(window.targets)] = 1
        with torch.no_grad():
            assert np.abs(trained(ids, torch.ones_like(ids), targets).numpy()[0] - row).max() < 1e-4
    assert np.ptp(found, axis=0).min() > 0.5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_are_near_to_thirty_two(folder: Path, precision: str) -> None:
    found = probabilities(ask(network(folder, precision), WINDOWS))
    slip = np.abs(found - probabilities(ask(network(folder), WINDOWS))).max()
    assert 0 < slip < {"bfloat16": 0.05, "float16": 0.005}[precision]


_CHOICES = st.lists(st.integers(0, len(WINDOWS) - 1), min_size=1, max_size=40)


@settings(max_examples=30)
@given(_CHOICES)
def test_answer_alone_and_in_any_company_differs_by_rounding_only(folder: Path, chosen: list[int]) -> None:
    asked = network(folder)
    together = probabilities(ask(asked, [WINDOWS[one] for one in chosen]))
    alone = np.concatenate([probabilities(ask(asked, [WINDOWS[one]])) for one in chosen])
    assert np.abs(together - alone).max() < 1e-5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@settings(max_examples=15)
@given(_CHOICES)
def test_answer_in_sixteen_bits_is_the_same_to_the_bit_in_any_company(
    folder: Path, precision: str, chosen: list[int]
) -> None:
    asked = network(folder, precision, TILE)
    together = ask(asked, [WINDOWS[one] for one in chosen], TILE)
    alone = np.concatenate([ask(asked, [WINDOWS[one]], TILE) for one in chosen])
    assert np.array_equal(together, alone)


def test_tiles_keep_an_answer_where_products_of_another_size_end_in_other_digits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_size(inputs: Any, weight: Any, bias: Any) -> Any:
        exact = torch.nn.functional.linear(inputs.float(), weight.float(), bias.float())
        # One row of noise for all: it must depend on the size of the product, not on the place in it.
        chance = torch.Generator().manual_seed(len(inputs))
        return (exact * (1 + 1e-6 * torch.randn(1, exact.shape[1], generator=chance))).to(weight.dtype)

    monkeypatch.setattr(torch_network, "multiply", by_size)
    slips = {}
    for tile in (None, TILE):
        asked = network(folder, "bfloat16", tile)
        together = probabilities(ask(asked, WINDOWS, TILE))
        alone = np.concatenate([probabilities(ask(asked, [window], TILE)) for window in WINDOWS])
        slips[tile] = np.abs(together - alone).max()
    # Three layers of random weights make less of it than the six of a shipped one, where it is .01.
    assert slips[TILE] == 0.0
    assert slips[None] > 1e-3


def test_filler_changes_no_answer(folder: Path) -> None:
    asked = network(folder)
    filled = ask(asked, WINDOWS[:9], shape=Shape(1024, 128))
    assert np.abs(filled - ask(asked, WINDOWS[:9])).max() < 1e-4
    assert np.isfinite(filled).all()


def test_target_is_a_mean_of_its_tokens_and_without_one_of_all(folder: Path) -> None:
    asked = network(folder)
    ids = WINDOWS[0].ids
    none, everything, one = (
        ask(asked, [Window(ids, targets)])[0] for targets in ((), tuple(range(len(ids))), (len(ids) - 1,))
    )
    assert np.abs(none - everything).max() < 1e-5
    assert np.abs(none - one).max() > 1e-3


def test_lengths_of_neighbours_do_not_matter_to_attention() -> None:
    joint = torch.randn(23, 3, 2, 8, generator=torch.Generator().manual_seed(3))
    found = attend_in_groups(joint, [5, 5, 1, 0, 0, 5, 7])
    start = 0
    for length in (5, 5, 1, 5, 7):
        alone = attend_in_groups(joint[start : start + length], [length])
        assert torch.allclose(found[start : start + length], alone, atol=1e-6)
        start += length


def test_weight_that_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    made = make_bert(tmp_path / "less")

    def drop(weights: dict[str, FloatArray]) -> None:
        del weights["head.4.bias"]

    change(made, drop)
    with pytest.raises(CheckpointError, match=r"head\.4\.bias"):
        network(made)
