"""The moving average of the trained weights: what is judged and shipped. It is flatter than any single step."""

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average; frozen weights have none. A decay of 0 follows the weights themselves."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.values: dict[str, Tensor] = {
            name: one.detach().clone() for name, one in network.named_parameters() if one.requires_grad
        }

    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step."""
        # A young average forgets the start faster: it would otherwise be mostly the untrained weights.
        decay = min(self._decay, (1 + step) / (10 + step))
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            current = [parameters[name].detach() for name in self.values]
            torch._foreach_lerp_(list(self.values.values()), current, 1 - decay)

    def swap(self, network: nn.Module) -> None:
        """Exchange the network's weights with the averaged ones; twice is as if never."""
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            for name, value in self.values.items():
                kept = parameters[name].detach().clone()
                parameters[name].copy_(value)
                value.copy_(kept)
