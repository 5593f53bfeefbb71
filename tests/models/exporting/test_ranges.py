"""What goes into each product, seen on texts."""

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="ranges are measured with torch: make setup-full")

import torch

from models.exporting import ranges as room
from models.exporting.ranges import KEPT, LEAST_TOKENS, kept_counts, observe
from models.exporting.weights import ExportError
from models.serving.integers import MATRICES, input_names
from models.text import Window
from models.training.network import SentimentNetwork
from tests.models.serving.bert import INTERMEDIATE, LAYERS, WIDTH, network_of
from tests.models.tiny import make_windows

WINDOWS = make_windows(60)


@pytest.fixture(scope="module")
def network() -> SentimentNetwork:
    return network_of(seed=1)


def seen_by(network: SentimentNetwork, name: str) -> list[torch.Tensor]:
    """What goes into a product, window by window, seen by a hook of our own."""
    _, number, kind = name.split(".", 2)
    found: list[torch.Tensor] = []
    module = network.layers[int(number)].get_submodule(MATRICES[kind][0])
    handle = module.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0][0]))
    with torch.inference_mode():
        for window in WINDOWS:
            ids = torch.tensor([window.ids])
            targets = torch.zeros_like(ids)
            targets[0, list(window.targets)] = 1
            network(ids, torch.ones_like(ids), targets)
    handle.remove()
    return found


def test_every_product_has_a_range_in_the_order_of_the_network(network: SentimentNetwork) -> None:
    found = observe(network, WINDOWS)
    assert list(found) == input_names(LAYERS)
    # A quarter of the channels at most, which in a network this narrow is fewer than KEPT.
    narrow, wide = WIDTH // 4, INTERMEDIATE // 4
    counts = {"attention.self": narrow, "attention.output": 0, "intermediate": narrow, "output": wide}
    assert kept_counts(found) == {name: counts[name.split(".", 2)[2]] for name in found}
    assert all(counts[kind] <= most for kind, most in KEPT.items())


@pytest.mark.parametrize("name", ["layer.0.attention.self", "layer.1.intermediate", "layer.2.output"])
def test_channels_that_stand_out_are_kept_and_the_range_holds_nearly_all_others(
    network: SentimentNetwork, name: str
) -> None:
    found = observe(network, WINDOWS)[name]
    numbers = torch.cat(seen_by(network, name)).numpy()
    greatest = np.abs(numbers).max(axis=0)
    others = np.delete(numbers, found.kept, axis=1)
    assert list(found.kept) == sorted(found.kept)
    assert greatest[list(found.kept)].min() >= np.abs(others).max()
    outside = ((others < found.low - 1e-4) | (others > found.high + 1e-4)).sum()
    assert outside <= 2 * max(1, round(others.size * 1e-5))
    assert found.low <= 0 < found.high


def test_one_outlier_more_makes_no_step_coarser() -> None:
    given = torch.linspace(-1, 1, 400_000).reshape(100_000, 4)
    before = room._range(given, 0)
    given[5, 2] = 1_000.0
    after = room._range(given, 0)
    assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=1e-4)


def test_range_holds_zero_even_where_nothing_is_below_it() -> None:
    found = room._range(torch.full((300, 4), 2.0), 0)
    assert (found.low, found.high) == (0.0, 2.0)
    found = room._range(torch.full((300, 4), -2.0), 0)
    assert (found.low, found.high) == (-2.0, 1e-6)
    assert all(map(math.isfinite, (found.low, found.high)))


def test_same_texts_give_the_same_ranges_in_any_order(network: SentimentNetwork) -> None:
    assert observe(network, WINDOWS) == observe(network, WINDOWS[::-1])


def test_network_is_left_without_hooks_whatever_happens(network: SentimentNetwork) -> None:
    observe(network, WINDOWS)
    with pytest.raises(IndexError):
        observe(network, [Window((10**6,) * 20, ())] * 20)
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_too_few_tokens_are_refused(network: SentimentNetwork) -> None:
    few = [Window((2, 3), ())] * (LEAST_TOKENS // 2 - 1)
    with pytest.raises(ExportError, match="fewer than 200 tokens: name more of them"):
        observe(network, few)


def test_network_is_the_same_when_it_was_observed(network: SentimentNetwork) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    observe(network, WINDOWS)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
