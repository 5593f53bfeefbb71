"""Where a run computes, and in which precision: CUDA where there is one, else the processor."""

from typing import Any

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""One for a process; hide the card with CUDA_VISIBLE_DEVICES= to compute on the processor all the same."""


def autocast(precision: str) -> Any:
    """A context in which matrices multiply in a precision, `fp32` or `bf16`; weights and sums stay fp32."""
    return torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision == "bf16")
