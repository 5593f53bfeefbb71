import torch

from models.training.cache import Cache
from tests.models.training import tiny
from tests.models.training.made import batch, item


def test_kept_answers_are_those_of_the_frozen_layers() -> None:
    network, cache = tiny.network(), Cache()
    items = [item(length, number=number) for number, length in enumerate((3, 9, 5, 9))]
    cache.fill(network, items[:2], 2, 0, "frozen layers")
    cache.fill(network, items, 2, 0, "frozen layers")
    whole = batch(items)
    with torch.no_grad():
        wanted = network.lower(whole.ids, whole.mask, 2)
    found = cache.get(whole.numbers, whole.ids.shape[1])
    assert (found - wanted)[whole.mask.bool()].abs().max() < 2e-3  # half precision
    assert found[whole.mask == 0].abs().max() == 0


def test_what_is_kept_is_not_computed_again() -> None:
    network, cache = tiny.network(), Cache()
    cache.fill(network, [item(4, number=1)], 1, 0, "frozen layers")
    before = cache.get([1], 4)
    torch.nn.init.zeros_(network.encoder.embeddings.word_embeddings.weight)
    cache.fill(network, [item(4, number=1)], 1, 0, "frozen layers")
    assert cache.get([1], 4).equal(before)
