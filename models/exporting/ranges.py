"""Ranges: what goes into each matrix product, seen on texts; from them the steps of the 8-bit integers are made.

Order of events: texts through the network -> what each product was given -> the channels that stand out -> the range
of all others. The texts are ours (`models/training/written`), so that a checkpoint can be exported anywhere.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from models.checkpoint import Range
from models.exporting.weights import ExportError
from models.serving.integers import MATRICES
from models.serving.packing import BUDGET_TOKENS, pack_equals
from models.text import Window
from models.training.network import SentimentNetwork

KEPT = {"attention.self": 16, "attention.output": 0, "intermediate": 16, "output": 16}
"""Channels in full precision by kind of input. Norms and activations have outliers, mixed values have none. Fewer cost
agreement with full precision (99.2 % of labels with 8), 32 gain little and cost time."""
_QUANTILE = 1e-5
"""Share of the numbers that a range cuts off on either side: one outlier more would make all steps coarser."""
LEAST_TOKENS = 200
"""Seen at least; with fewer a range is chance."""


def observe(network: SentimentNetwork, windows: Sequence[Window]) -> dict[str, Range]:
    """Ranges by name of input, on these windows. Raises: ExportError: too few tokens to tell."""
    if sum(len(window.ids) for window in windows) < LEAST_TOKENS:
        raise ExportError(f"the texts to measure ranges with have fewer than {LEAST_TOKENS} tokens: name more of them")
    seen: dict[str, list[Tensor]] = {}
    handles = []
    for number, layer in enumerate(network.layers):
        for kind, (matrix, *_) in MATRICES.items():
            product: nn.Linear = layer.get_submodule(matrix)
            given = seen.setdefault(f"layer.{number}.{kind}", [])
            handles.append(product.register_forward_pre_hook(_collect(given)))
    try:
        with torch.inference_mode():
            for pack in pack_equals([len(window.ids) for window in windows], BUDGET_TOKENS):
                ids = torch.tensor([windows[number].ids for number in pack])
                targets = torch.zeros_like(ids)
                for row, number in enumerate(pack):
                    targets[row, list(windows[number].targets)] = 1
                network(ids, torch.ones_like(ids), targets)
    finally:
        for handle in handles:
            handle.remove()
    return {name: _range(torch.cat(given), KEPT[name.split(".", 2)[2]]) for name, given in seen.items()}


def _collect(given: list[Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """What a product is given, (n_rows, n_tokens, n_channels), is laid end to end."""

    def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        given.append(inputs[0].flatten(0, 1))

    return hook


def _range(given: Tensor, count: int) -> Range:
    """given: (n_tokens, n_channels)."""
    count = min(count, given.shape[1] // 4)
    kept = given.abs().amax(dim=0).topk(count).indices.sort().values
    others = torch.ones(given.shape[1], dtype=torch.bool)
    others[kept] = False
    numbers = given[:, others].flatten()
    cut = max(1, round(len(numbers) * _QUANTILE))
    high = float(numbers.topk(cut).values[-1])
    low = -float((-numbers).topk(cut).values[-1])
    # Six digits: the same texts give the same manifest on any processor.
    return Range(min(round(low, 6), 0.0), max(round(high, 6), 1e-6), tuple(kept.tolist()))


def kept_counts(ranges: Mapping[str, Range]) -> dict[str, int]:
    """How many channels of each input stay in full precision."""
    return {name: len(one.kept) for name, one in ranges.items()}
