import pytest
import torch

from models.training.adapters import add_adapters, plain_state
from models.training.network import freeze
from tests.models.training import tiny
from tests.models.training.test_network import IDS, KINDS, MASK, NONE


@pytest.mark.parametrize("kind", KINDS)
def test_merged_weights_answer_as_the_adapters_did(kind: str) -> None:
    network = tiny.network(kind)
    plain = tiny.network(kind, seed=9).eval()
    add_adapters(network.encoder, 2, 0)
    for name, parameter in network.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    network.eval()
    plain.load_state_dict(plain_state(network))  # the names and shapes of a network without adapters
    with torch.no_grad():
        assert (plain(IDS, MASK, NONE) - network(IDS, MASK, NONE)).abs().max() < 1e-5


def test_untrained_adapters_change_nothing() -> None:
    network = tiny.network().eval()
    with torch.no_grad():
        before = network(IDS, MASK, NONE)
        add_adapters(network.encoder, 2, 0)
        assert network.eval()(IDS, MASK, NONE).equal(before)


@pytest.mark.parametrize("kind", KINDS)
def test_only_adapters_above_the_frozen_layers_and_the_head_are_trained(kind: str) -> None:
    network = tiny.network(kind)
    freeze(network.encoder, 1)
    add_adapters(network.encoder, 2, 1)
    trained = [name for name, one in network.named_parameters() if one.requires_grad]
    adapters = [name for name in trained if not name.startswith("head.")]
    assert all(".lora_" in name and ".attention." in name for name in adapters)
    assert not any(".layer.0." in name for name in adapters)
    assert len(adapters) == 2 * 4 * 2  # two layers, four projections, two matrices


def test_state_without_adapters_is_the_networks_own() -> None:
    network = tiny.network()
    found = plain_state(network)
    assert found.keys() == network.state_dict().keys()
    assert all(value.equal(network.state_dict()[name]) for name, value in found.items())
