import numpy as np

from models.training.answers import predict
from tests.models.training import tiny
from tests.models.training.made import item


def test_answers_come_in_the_order_of_the_items() -> None:
    network = tiny.network()
    items = [item(2 + number * 7 % 20, number=number % 30) for number in range(70)]
    together = predict(network, items, 0)
    alone = np.concatenate([predict(network, [one], 0) for one in items])
    assert together.dtype == np.float32
    assert np.abs(together - alone).max() < 1e-5
    assert not network.training


def test_half_precision_is_near_to_single() -> None:
    network = tiny.network()
    items = [item(2 + number * 7 % 20, number=number % 30) for number in range(20)]
    single, half = predict(network, items, 0), predict(network, items, 0, precision="bf16")
    assert half.dtype == np.float32
    assert 0 < np.abs(single - half).max() < 0.1


def test_no_items_have_no_answers() -> None:
    assert predict(tiny.network(), [], 0).shape == (0, 3)
