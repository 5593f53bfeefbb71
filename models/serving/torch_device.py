"""Which device computes, and in which precision; and that its products add up in one order.

Deliberately left out: whether torch is installed at all (whoever imports this asks that first).
"""

import warnings
from collections.abc import Sequence

import torch
from torch.nn import functional

from models.serving.errors import DeviceUnavailable

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_ROWS = 64


def choose_device(wanted: str) -> torch.device:
    """The device for `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:1`.

    Raises: DeviceUnavailable: a GPU is demanded and not to be had, or the name is none of these.
    """
    kind, _, number = wanted.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise DeviceUnavailable(f"scorer.device: {wanted!r} is no device: name auto, cpu, cuda, or one GPU as cuda:1")
    if kind == "cpu":
        return torch.device("cpu")
    with warnings.catch_warnings(record=True) as told:  # Of a driver that does not fit, torch only warns.
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        return torch.device("cuda", 0) if count else torch.device("cpu")
    if not count:
        raise DeviceUnavailable(f"scorer.device: {wanted} is demanded, and {_why_none(told)}; or choose auto or cpu")
    if int(number or 0) >= count:
        raise DeviceUnavailable(
            f"scorer.device: {wanted} is demanded, and there are {count}, the last being cuda:{count - 1}: name one of "
            "them, or show more of them with CUDA_VISIBLE_DEVICES"
        )
    return torch.device("cuda", int(number or 0))


def has_gpu() -> bool:
    """Whether torch can use one."""
    return bool(choose_device("auto").type == "cuda")


def _why_none(told: Sequence[warnings.WarningMessage]) -> str:
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA: install a build that has it"
    why = f" ({str(told[0].message).partition('. ')[0]})" if told else ""
    return (
        f"torch sees no GPU{why}: see that nvidia-smi lists one, that its driver is new enough for CUDA "
        f"{torch.version.cuda}, and that CUDA_VISIBLE_DEVICES does not hide it"
    )


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The precision for `auto`, `float32`, `float16` or `bfloat16`.

    `auto` is float16 on a GPU: as fast as bfloat16, eight times as close to float32, and the weight file's own; on a
    processor float32, but for those that multiply in bfloat16 by themselves (AMX).
    Raises: DeviceUnavailable: it is none of these, or the GPU is too old for it.
    """
    if wanted != "auto" and wanted not in PRECISIONS:
        raise DeviceUnavailable(f"scorer.precision: {wanted!r} is none: name auto, {', '.join(PRECISIONS)}")
    if device.type == "cpu":
        has_amx = torch.cpu._is_amx_tile_supported()
        return PRECISIONS[wanted] if wanted != "auto" else torch.bfloat16 if has_amx else torch.float32
    if wanted == "auto":
        return torch.float16 if torch.cuda.get_device_capability(device) >= (7, 0) else torch.float32
    if wanted == "bfloat16" and torch.cuda.get_device_capability(device) < (8, 0):
        raise DeviceUnavailable(
            "scorer.precision: bfloat16 needs a GPU of compute capability 8.0 or more, and "
            f"{torch.cuda.get_device_name(device)} has less: choose float16 or auto"
        )
    return PRECISIONS[wanted]


def keep_one_order(device: torch.device, precision: torch.dtype, *sizes: int) -> None:
    """Forbid a GPU's library to split a sum into parts, which it does for some sizes and not for others.

    For the whole process. Where the library cannot promise it for matrices of these sizes it is left as it was, and
    `TorchBackend.warm` finds out what that costs.
    """
    if precision == torch.float32:
        return
    torch.backends.cuda.preferred_blas_library("cublaslt")  # The other library has no such promise.
    allow(False)
    inputs = {size: torch.zeros(_ROWS, size, dtype=precision, device=device) for size in sizes}
    try:
        for first, rows in inputs.items():
            for second in sizes:
                weight = torch.zeros(second, first, dtype=precision, device=device)
                functional.linear(rows, weight, weight[:, 0].contiguous())
    except RuntimeError as error:
        if "allow_splitk" not in str(error):
            raise
        allow(True)


def allow(splits: bool) -> None:
    """Whether sums may be split; that the parts of one are added in 16 bits is never allowed."""
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = (False, splits)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = (False, splits)
