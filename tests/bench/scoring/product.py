"""The backends of this machine, as the product offers them, and the quantised ones also as the product serves them."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.checkpoint import load_manifest
from models.serving.backend import Backend, FloatArray
from models.session import Session
from models.text import Window

FULL_PRECISION = "float32"
"""In the name of a backend that rounds nothing."""
RECHECKED = "rechecked"

_CHOOSE, _RECHECKED = "models.serving.choose", "models.serving.rechecked"


class _SessionBackend:
    """The one session that there was before there were backends, under a backend's name."""

    name = f"onnxruntime-{FULL_PRECISION}"

    def __init__(self, folder: Path, threads: int) -> None:
        self._session = Session(folder, threads)

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        return self._session.logits(windows)

    def close(self) -> None:
        pass


def backends(folder: Path, threads: int) -> Mapping[str, Callable[[], Backend]]:
    """What can run a checkpoint here, by name, opened when it is called; a quantised one also `...-rechecked`."""
    if find_spec(_CHOOSE) is None:
        return {_SessionBackend.name: lambda: _SessionBackend(folder, threads)}
    manifest = load_manifest(folder)
    found: dict[str, Callable[[], Backend]] = dict(import_module(_CHOOSE).available(folder, manifest, threads))
    exact = next(name for name in found if FULL_PRECISION in name)
    rechecked: Any = import_module(_RECHECKED).RecheckedBackend

    def served(quick: Callable[[], Backend]) -> Callable[[], Backend]:
        def opened() -> Backend:
            backend: Backend = rechecked(quick(), found[exact](), manifest.neutral_shifts)
            return backend

        return opened

    quantised = [name for name in found if FULL_PRECISION not in name]
    return {**found, **{f"{name}-{RECHECKED}": served(found[name]) for name in quantised}}
