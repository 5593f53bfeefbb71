"""The backends of this machine, as the product offers them, and the quantised ones also as the product serves them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from models.checkpoint import load_manifest
from models.serving.backend import Backend
from models.serving.choose import available
from models.serving.onnx import FLOAT32
from models.serving.rechecked import RecheckedBackend

FULL_PRECISION = "float32"
"""In the name of a backend that rounds nothing."""
RECHECKED = "-rechecked"
"""Ends the name of a quantised one whose close calls are asked again in full precision."""


def backends(folder: Path, threads: int) -> Mapping[str, Callable[[], Backend]]:
    """What can run a checkpoint here, by name, opened when it is called; a quantised one also rechecked."""
    manifest = load_manifest(folder)
    found: dict[str, Callable[[], Backend]] = dict(available(folder, manifest, threads))
    exact = found[FLOAT32]

    def rechecked(quick: Callable[[], Backend]) -> Callable[[], Backend]:
        return lambda: RecheckedBackend(quick(), exact, manifest.neutral_shifts)

    quantised = [name for name in found if FULL_PRECISION not in name]
    return {**found, **{f"{name}{RECHECKED}": rechecked(found[name]) for name in quantised}}
