"""What opening a network took for a moment goes back to the system."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from models.serving import memory
from models.shipped import shipped
from tests.imports import ROOT

_OPENED = """
import os, sys
from pathlib import Path
from models.serving import onnx
from tests.bench.machine import resident_kib
backend = onnx.float32(Path(sys.argv[1]), 1)
print(resident_kib(os.getpid()) // 1024)
"""


@pytest.mark.slow
def test_opened_network_keeps_little_beside_its_weights() -> None:
    """Of the Chinese one, 230 MB in single precision, the process would keep 560 MB."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc keeps memory that nobody uses")  # there is nothing to give back; CI has glibc
    command = [sys.executable, "-c", _OPENED, str(shipped("chinese"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert 100 < int(ended.stdout) < 400


def test_other_systems_keep_what_they_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: None) -> object:
        raise TypeError("a library must have a name")

    monkeypatch.setattr(ctypes, "CDLL", none)
    memory.release_unused()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    memory.release_unused()
