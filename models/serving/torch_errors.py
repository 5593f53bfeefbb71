"""What torch says when a device fails, told in the two words that a caller can act upon.

torch has classes for some of it and plain RuntimeErrors for the rest, so that texts must be read. What is neither is a
bug and passes as it is. Deliberately left out: doing anything about it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from models.serving.errors import DeviceLost, OutOfMemory

_MEMORY_CODE = 2
"""cudaErrorMemoryAllocation."""
_BUG_CODES = frozenset((1, 9, 98, 209, 400, 801, 900, 901, 902, 903, 904, 905, 906, 907, 908))
"""cudaError_t of a call that was wrong in itself (a value, a launch, a handle, a recording), not of a lost device."""
_MEMORY_TEXTS = ("out of memory", "can't allocate memory", "not enough memory", "_STATUS_ALLOC_FAILED")
_LOST_TEXTS = (
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "uncorrectable",  # ECC and NVLink.
    "unspecified launch failure",
    "launch timed out",
    "device-side assert",
    "hardware stack error",
    "context is destroyed",
    "GPU is lost",
    "driver shutting down",
    "_STATUS_EXECUTION_FAILED",
    "_STATUS_INTERNAL_ERROR",
)


@contextmanager
def device_errors() -> Iterator[None]:
    """Runs torch. Raises: OutOfMemory, DeviceLost: in place of what torch raises; anything else as it is."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        told = translate(error)
        if told is None:
            raise
        raise told from error


def translate(error: BaseException) -> OutOfMemory | DeviceLost | None:
    """The same in a word to act upon; None for what is no fault of a device."""
    told = _translate_one(error)
    if told is None and error.__context__ is not None:
        # A recording that runs out of memory fails again when it is ended, and the second error says nothing.
        told = translate(error.__context__)
    return told


def _translate_one(error: BaseException) -> OutOfMemory | DeviceLost | None:
    text = str(error)
    first = text.strip().partition("\n")[0]
    code = getattr(error, "error_code", None)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or code == _MEMORY_CODE:
        return OutOfMemory(first)
    if not isinstance(error, RuntimeError):
        return None
    if any(one in text for one in _MEMORY_TEXTS):
        return OutOfMemory(first)
    is_of_device = isinstance(error, torch.AcceleratorError) and code not in _BUG_CODES
    if is_of_device or any(one in text for one in _LOST_TEXTS):
        return DeviceLost(
            f"the device answers no more ({first}): a new process must begin; if it happens again, see to the device's "
            "own log, such as the Xid lines of dmesg"
        )
    return None
