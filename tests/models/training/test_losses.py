import math

import pytest
import torch

from models.training.losses import loss
from tests.models.training.made import batch, item, logits

NEITHER = (True, False, True)
"""A set without a neutral class."""


def test_sure_and_right_costs_nothing_and_sure_and_wrong_costs_much() -> None:
    right = loss(logits([20, 0, 0]), batch([item(label=0)]), 0.0, 1.0)
    wrong = loss(logits([20, 0, 0]), batch([item(label=2)]), 0.0, 1.0)
    assert right.item() == pytest.approx(0, abs=1e-6)
    assert wrong.item() == pytest.approx(20, abs=1e-3)


def test_class_that_a_set_lacks_is_neither_rewarded_nor_punished() -> None:
    found = logits([1.0, 5.0, 0.0])
    value = loss(found, batch([item(label=0, possible=NEITHER)]), 0.1, 1.0)
    value.backward()
    assert found.grad[0, 1].item() == 0
    other = loss(logits([1.0, -7.0, 0.0]), batch([item(label=0, possible=NEITHER)]), 0.1, 1.0)
    assert value.item() == pytest.approx(other.item())


def test_smoothing_spreads_over_the_possible_labels_only() -> None:
    found = logits([9.0, 0.0, 0.0])
    loss(found, batch([item(label=0, possible=NEITHER)]), 0.2, 1.0).backward()
    # The best answer under smoothing 0.2 over two labels is (0.9, 0.1): beyond it the gradient turns.
    assert found.grad[0, 0].item() > 0
    assert found.grad[0, 2].item() == pytest.approx(-found.grad[0, 0].item())
    best = logits([math.log(0.9), 3.0, math.log(0.1)])
    loss(best, batch([item(label=0, possible=NEITHER)]), 0.2, 1.0).backward()
    assert best.grad.abs().max().item() == pytest.approx(0, abs=1e-6)


def test_neutral_of_a_merged_set_says_only_not_negative() -> None:
    positive = loss(logits([0.0, -20.0, 20.0]), batch([item(label=1, merged=True)]), 0.0, 1.0)
    neutral = loss(logits([0.0, 20.0, -20.0]), batch([item(label=1, merged=True)]), 0.0, 1.0)
    negative = loss(logits([20.0, 0.0, 0.0]), batch([item(label=1, merged=True)]), 0.0, 1.0)
    assert positive.item() == pytest.approx(neutral.item(), abs=1e-6)
    assert positive.item() == pytest.approx(0, abs=1e-5)
    assert negative.item() > 5
    assert torch.isfinite(negative)


def test_negative_of_a_merged_set_is_a_label_as_any_other() -> None:
    found = logits([0.3, 0.2, 0.1])
    assert loss(found, batch([item(label=0, merged=True)]), 0.0, 1.0).item() == pytest.approx(
        loss(found, batch([item(label=0)]), 0.0, 1.0).item()
    )


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_student_who_answers_as_the_teacher_pays_nothing(temperature: float) -> None:
    row = item(label=-1, soft=(2.0, -1.0, 0.5))
    found = logits([3.0, 0.0, 1.5])  # the same but for a constant, which softmax does not see
    value = loss(found, batch([row]), 0.1, temperature)
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert loss(logits([0.0, 0.0, 2.0]), batch([row]), 0.1, temperature).item() > 0.1


def test_temperature_keeps_the_size_of_the_gradient() -> None:
    gradients = []
    for temperature in (1.0, 8.0):
        found = logits([0.2, 0.0, 0.0])
        loss(found, batch([item(label=-1, soft=(0.0, 0.0, 0.2))]), 0.0, temperature).backward()
        gradients.append(found.grad.norm().item())
    assert gradients[1] == pytest.approx(gradients[0], rel=0.2)


def test_teacher_is_not_masked_by_what_a_set_lacks() -> None:
    found = logits([0.0, 0.0, 0.0])
    loss(found, batch([item(label=-1, soft=(0.0, 9.0, 0.0))]), 0.0, 1.0).backward()
    assert found.grad[0, 1].item() < -0.5


def test_row_without_a_label_and_without_a_teacher_costs_nothing() -> None:
    found = logits([5.0, 0.0, 0.0])
    value = loss(found, batch([item(label=-1)]), 0.1, 1.0)
    value.backward()
    assert value.item() == 0
    assert found.grad.abs().max().item() == 0


def test_rows_count_by_their_weights() -> None:
    found = logits([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    first = loss(found[:1], batch([item(label=1)]), 0.0, 1.0).item()
    second = loss(found[1:], batch([item(label=2)]), 0.0, 1.0).item()
    both = loss(found, batch([item(label=1, weight=3.0), item(label=2, weight=1.0)]), 0.0, 1.0)
    assert both.item() == pytest.approx((3 * first + second) / 4)


def test_extreme_logits_give_finite_gradients() -> None:
    found = logits([80.0, -80.0, 0.0], [80.0, -80.0, 0.0])
    rows = [item(label=1, merged=True), item(label=2, possible=NEITHER, soft=(50.0, -50.0, 0.0))]
    loss(found, batch(rows), 0.05, 1.0).backward()
    assert torch.isfinite(found.grad).all()
