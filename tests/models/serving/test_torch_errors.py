"""What a device says when it fails, in the texts of torch and CUDA."""

import pytest

pytest.importorskip("torch", reason="torch is in the full set: make setup-full")

import torch

from models.serving.errors import DeviceLost, OutOfMemory
from models.serving.torch_errors import device_errors, translate


def test_memory_that_a_processor_refuses_is_told() -> None:
    with pytest.raises(OutOfMemory, match="can't allocate memory"), device_errors():
        torch.empty(2**50)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
    ids=repr,
)
def test_memory_that_is_full_is_told_in_each_of_its_forms(error: Exception) -> None:
    assert isinstance(translate(error), OutOfMemory)


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: uncorrectable ECC error encountered",
        "CUDA error: device-side assert triggered",
        "CUDA error: unspecified launch failure",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasLtMatmul`",
    ],
)
@pytest.mark.parametrize("kind", [torch.AcceleratorError, RuntimeError])
def test_device_that_is_lost_is_told_by_class_or_by_text(kind: type[Exception], text: str) -> None:
    with pytest.raises(DeviceLost, match="a new process must begin") as told, device_errors():
        raise kind(f"{text}\nCUDA kernel errors might be asynchronously reported")
    assert "asynchronously" not in str(told.value)
    assert isinstance(told.value.__cause__, kind)


def test_unknown_error_of_an_accelerator_is_a_lost_device_and_a_wrong_call_is_a_bug() -> None:
    unknown, wrong = (
        torch.AcceleratorError("CUDA error: unknown error"),
        torch.AcceleratorError("CUDA error: bad value"),
    )
    unknown.error_code, wrong.error_code = 999, 1
    assert isinstance(translate(unknown), DeviceLost)
    assert translate(wrong) is None


def test_recording_that_ran_out_of_memory_is_told_by_what_happened_first() -> None:
    with pytest.raises(OutOfMemory, match="Tried to allocate"), device_errors():
        try:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")


def test_bug_passes_as_it_is() -> None:
    bug = RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)")
    with pytest.raises(RuntimeError) as told, device_errors():
        raise bug
    assert told.value is bug
    with pytest.raises(KeyError), device_errors():
        raise KeyError("name")
