import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.network import SentimentNetwork, freeze
from models.training.rates import LAST_SHARE, factor, groups
from tests.models.training import tiny


def rates(network: SentimentNetwork) -> dict[str, dict[str, float]]:
    found = groups(network.named_parameters(), len(network.layers), 1e-3, 5e-3, 0.5, 0.01)
    names = {id(one): name for name, one in network.named_parameters()}
    return {names[id(one["params"][0])]: one for one in found}


def test_each_layer_learns_at_its_share_of_the_one_above() -> None:
    found = rates(tiny.network())
    by_layer = [found[f"encoder.encoder.layer.{number}.output.dense.weight"]["lr"] for number in range(tiny.LAYERS)]
    assert by_layer == [pytest.approx(one) for one in (2.5e-4, 5e-4, 1e-3)]
    assert found["encoder.embeddings.word_embeddings.weight"]["lr"] == pytest.approx(1.25e-4)
    assert found["head.1.weight"]["lr"] == 5e-3


def test_biases_and_norms_do_not_decay() -> None:
    found = rates(tiny.network())
    assert found["encoder.encoder.layer.0.output.dense.weight"]["weight_decay"] == 0.01
    assert found["encoder.encoder.layer.0.output.dense.bias"]["weight_decay"] == 0
    assert found["encoder.encoder.layer.0.output.LayerNorm.weight"]["weight_decay"] == 0


def test_frozen_weights_are_in_no_group() -> None:
    network = tiny.network()
    freeze(network.encoder, 2)
    found = rates(network)
    assert not any(".layer.0." in name or ".layer.1." in name or "embeddings" in name for name in found)
    assert any(".layer.2." in name for name in found)
    assert len(found) == sum(one.requires_grad for one in network.parameters())


@given(st.integers(1, 500), st.floats(0, 1))
def test_rate_stays_in_bounds_and_falls_after_the_warm_up(steps: int, warm_up: float) -> None:
    found = [factor(step, steps, warm_up) for step in range(steps + 5)]
    assert all(0 < one <= 1 for one in found)
    rise = max(int(steps * warm_up), 1)
    assert found[:rise] == sorted(found[:rise])
    assert found[rise:] == sorted(found[rise:], reverse=True)
    assert found[-1] == pytest.approx(LAST_SHARE) or rise >= steps


def test_full_rate_comes_at_the_end_of_the_warm_up() -> None:
    assert factor(9, 100, 0.1) == 1.0
    assert factor(0, 100, 0.1) == pytest.approx(0.1)
