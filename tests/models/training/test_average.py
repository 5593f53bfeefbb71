import pytest
import torch
from torch import nn

from models.training.average import Average


def network(value: float) -> nn.Module:
    made = nn.Linear(2, 1, bias=False)
    nn.init.constant_(made.weight, value)
    return made


def test_average_follows_the_weights_at_its_decay() -> None:
    made = network(0.0)
    average = Average(made, 0.9)
    nn.init.constant_(made.weight, 1.0)
    average.update(made, 10_000)
    assert average.values["weight"].tolist() == [[pytest.approx(0.1)] * 2]
    average.update(made, 10_000)
    assert average.values["weight"].tolist() == [[pytest.approx(0.19)] * 2]


def test_young_average_forgets_the_start_faster() -> None:
    made = network(0.0)
    average = Average(made, 0.999)
    nn.init.constant_(made.weight, 1.0)
    average.update(made, 0)
    assert average.values["weight"][0, 0].item() == pytest.approx(0.9)


def test_decay_of_zero_is_the_weights_themselves() -> None:
    made = network(0.3)
    average = Average(made, 0.0)
    nn.init.constant_(made.weight, 0.7)
    average.update(made, 50)
    assert average.values["weight"].equal(made.weight.detach())


def test_swap_twice_is_as_if_never() -> None:
    made = network(0.25)
    average = Average(made, 0.9)
    nn.init.constant_(made.weight, 1.0)
    average.swap(made)
    assert made.weight[0, 0].item() == 0.25
    assert average.values["weight"][0, 0].item() == 1.0
    average.swap(made)
    assert made.weight[0, 0].item() == 1.0
    assert average.values["weight"][0, 0].item() == 0.25


def test_frozen_weights_are_not_averaged_and_nothing_asks_for_gradients() -> None:
    made = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for parameter in made[0].parameters():
        parameter.requires_grad = False
    average = Average(made, 0.9)
    average.update(made, 1)
    assert set(average.values) == {"1.weight", "1.bias"}
    assert not any(one.requires_grad for one in average.values.values())
    assert torch.is_grad_enabled()
