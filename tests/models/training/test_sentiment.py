from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from models.training.cache import Cache
from models.training.sentiment import SentimentTask
from models.training.settings import TrainSettings
from tests.models.training import tiny
from tests.models.training.made import batch, item


def task(**changes: Any) -> SentimentTask:
    settings = TrainSettings(Path("b"), Path("d"), {}, "en", **changes)
    epochs = {number: [item(4, number=number), item(6, number=9)] for number in range(3)}
    return SentimentTask(tiny.network(), settings, 0, epochs.__getitem__, lambda network: (0.0, {}))


def test_kept_answers_are_computed_in_the_same_company_when_a_run_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[list[int]] = []

    def fill(self: Cache, network: object, items: Sequence[Any], *rest: object) -> None:
        filled.append([one.number for one in items])

    monkeypatch.setattr(Cache, "fill", fill)
    whole = task(frozen=1, cache_frozen=True)
    for epoch in range(3):
        whole.begin(epoch, whole.items(epoch))
    done, filled = filled, []
    resumed = task(frozen=1, cache_frozen=True)
    for epoch in range(2):
        resumed.recall(epoch)
    resumed.begin(2, resumed.items(2))
    assert filled == done


def test_kept_answers_cost_what_computed_ones_cost() -> None:
    one, other = task(frozen=2, cache_frozen=True), task(frozen=2)
    items = one.items(0)
    one.begin(0, items)
    one.network.eval()
    other.network.eval()
    assert one.loss(batch(items), 0).item() == pytest.approx(other.loss(batch(items), 0).item(), abs=1e-3)


def test_what_is_kept_of_a_network_with_adapters_has_plain_names() -> None:
    one = task(lora_rank=2, frozen=1)
    assert any(".lora_" in name for name, _ in one.network.named_parameters())
    assert one.best_state().keys() == tiny.network().state_dict().keys()
    assert all(isinstance(value, torch.Tensor) for value in one.best_state().values())
