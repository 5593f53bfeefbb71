"""LoRA: small matrices beside an encoder's attention are trained instead of its weights, and merged in the end.

What a run leaves behind has plain weights under plain names: whoever reads it need not know that there were adapters.
Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.
"""

from typing import Any

import torch
from torch import Tensor, nn

_ATTENTION = r"attention\.(self\.(query|key|value)|output\.dense|attn\.[qkvo])"
"""The attention's own projections, by the names of BERT and of MPNet."""
_SCALE = 2
"""LoRA's alpha over its rank: the common choice, so that `rate` means about the same at every rank."""


def add_adapters(encoder: Any, rank: int, first: int) -> None:
    """Put adapters of a rank beside the attention of the layers from `first` on; all else of the encoder is frozen."""
    from peft import LoraConfig, inject_adapter_in_model  # seconds to import, and few runs want it

    numbers = "|".join(str(number) for number in range(first, len(encoder.encoder.layer)))
    config = LoraConfig(r=rank, lora_alpha=_SCALE * rank, target_modules=rf".*\.layer\.({numbers})\.{_ATTENTION}")
    inject_adapter_in_model(config, encoder)


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """The state of a network with its adapters merged: the names and shapes of one that never had any."""
    state = dict(network.state_dict())
    for name, module in network.named_modules():
        if hasattr(module, "get_delta_weight"):
            with torch.no_grad():
                state[f"{name}.base_layer.weight"] = module.base_layer.weight + module.get_delta_weight("default")
    return {name.replace(".base_layer.", "."): value for name, value in state.items() if ".lora_" not in name}
