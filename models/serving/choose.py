"""Which backend runs a checkpoint: what the machine has, and of that what answers soonest.

Order of events: those that this machine can run -> each opened and asked the same made-up windows -> one that answers
otherwise than full precision is put aside -> the quickest of the rest. A device or precision that was demanded is
taken without a contest, and where it is not to be had another may serve only if that was allowed.
"""

import logging
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from models.checkpoint import INTEGER_GRAPH, Manifest
from models.serving import onnx
from models.serving.backend import Backend, FloatArray
from models.serving.errors import DeviceUnavailable
from models.serving.integers import BITS
from models.serving.processor import Processor, processor
from models.serving.rechecked import RecheckedBackend
from models.serving.stats import BACKEND_DISAGREES, BACKEND_UNAVAILABLE, ScoringStats
from models.serving.wanted import AUTO, PRECISIONS, Wanted
from models.text import Window

logger = logging.getLogger(__name__)

_LIKELY = 1.15
"""How much quicker than full precision another must be to be worth it: less is within what a busy machine varies by,
and with a choice that wavers two processes of one desk would give other last digits."""
_MOST_APART = 0.05
"""Mean difference of a probability from full precision on made-up windows. Rounding makes .005 there; a processor on
which integers overflow, .1 and more."""
_LENGTHS = (12, 20, 28, 44)
_ROUNDS = 3
_GPU_SIGNS = ("/dev/nvidiactl", "/dev/dxg")
"""Made by NVIDIA's driver on Linux, and by its kin under Windows."""

Opener = Callable[[], Backend]


def available(folder: Path, manifest: Manifest, threads: int, machine: Processor | None = None) -> dict[str, Opener]:
    """Every backend that this machine can run for a checkpoint, by name, the surest first; none is opened."""
    machine = machine or processor()
    found: dict[str, Opener] = {onnx.FLOAT32: lambda: onnx.float32(folder, threads)}
    if INTEGER_GRAPH in manifest.files:
        bits = BITS[0] if machine.has_dot_products else BITS[1]
        found[onnx.INT8] = lambda: onnx.int8(folder, manifest, threads, bits)
    if find_spec("torch") is not None:
        for precision in ("float32", "bfloat16"):
            found[f"torch-{precision}-cpu"] = _torch(folder, "cpu", precision, threads)
    return found


def choose(folder: Path, manifest: Manifest, threads: int, wanted: Wanted, stats: ScoringStats) -> Backend:
    """The backend that serves a checkpoint, open and warm.

    Raises: DeviceUnavailable: what is demanded is not to be had, and nothing else may serve. CheckpointError.
    """
    if wanted.precision not in PRECISIONS:
        raise DeviceUnavailable(f"scorer.precision: {wanted.precision!r} is none of {', '.join(PRECISIONS)}")
    try:
        demanded = _demanded(folder, manifest, threads, wanted)
    except (DeviceUnavailable, ModuleNotFoundError) as error:
        reason = error if isinstance(error, DeviceUnavailable) else _not_installed(error, wanted)
        if not wanted.is_fallback_allowed:
            raise reason from error
        logger.warning("%s; the quickest of this processor serves instead", reason)
        stats.fell_back(BACKEND_UNAVAILABLE)
        demanded = None
    return demanded or _quickest(folder, manifest, threads, stats)


def _demanded(folder: Path, manifest: Manifest, threads: int, wanted: Wanted) -> Backend | None:
    """What was asked for by name, None where the choice is free."""
    if wanted.device not in (AUTO, "cpu") and wanted.precision == "int8":
        raise DeviceUnavailable(
            f"scorer.precision: int8 is for processors, and scorer.device is {wanted.device}: choose float16 or auto"
        )
    if wanted.device not in (AUTO, "cpu") or wanted.precision in ("float16", "bfloat16"):
        device = "cpu" if wanted.device == AUTO and not _has_gpu() else wanted.device
        backend = _torch(folder, device, wanted.precision, threads)()
        # On a processor as `_quickest` would serve it, so that a run that is gone on with has the same answers.
        return _checked(backend, folder, manifest, threads) if device == "cpu" else backend
    if wanted.device == AUTO and wanted.precision in (AUTO, "float32") and _has_gpu():
        return _torch(folder, "cuda", wanted.precision, threads)()
    if wanted.precision == "float32":
        return onnx.float32(folder, threads)
    if wanted.precision == "int8":
        openers = available(folder, manifest, threads)
        if onnx.INT8 not in openers:
            raise DeviceUnavailable(
                f"scorer.precision: int8 is demanded, and {folder} has no {INTEGER_GRAPH}: make it with `python -m "
                "models.quantise`, or choose float32 or auto"
            )
        return _checked(openers[onnx.INT8](), folder, manifest, threads)
    return None


def _checked(quick: Backend, folder: Path, manifest: Manifest, threads: int) -> Backend:
    return RecheckedBackend(quick, lambda: onnx.float32(folder, threads), manifest.neutral_shifts)


def _quickest(folder: Path, manifest: Manifest, threads: int, stats: ScoringStats) -> Backend:
    machine = processor()
    openers = available(folder, manifest, threads, machine)
    exact = openers[onnx.FLOAT32]()
    rivals = [name for name in (onnx.INT8,) if name in openers]
    if machine.has_amx and "torch-bfloat16-cpu" in openers:
        rivals.append("torch-bfloat16-cpu")  # To load torch takes seconds: only where it may win.
    if not rivals:
        return exact
    windows = _made_up(manifest)
    expected, best = _timed(exact, windows)
    best /= _LIKELY
    chosen: Backend | None = None
    for name in rivals:
        rival = openers[name]()
        found, seconds = _timed(rival, windows)
        if np.abs(_shares(found) - _shares(expected)).mean() > _MOST_APART:
            logger.warning("%s gives other answers than full precision on this processor and is not used", name)
            stats.fell_back(BACKEND_DISAGREES)
            rival.close()
        elif seconds < best:
            if chosen is not None:
                chosen.close()
            best, chosen = seconds, rival
        else:
            rival.close()
    return RecheckedBackend(chosen, openers[onnx.FLOAT32], manifest.neutral_shifts, exact) if chosen else exact


def _torch(folder: Path, device: str, precision: str, threads: int) -> Opener:
    """A backend of torch, which is imported when it is opened."""

    def opened() -> Backend:
        from models.serving.torch_backend import TorchBackend

        backend = TorchBackend(folder, device=device, precision=precision, threads=threads)
        backend.warm()
        return backend

    return opened


def _has_gpu() -> bool:
    """Whether torch sees a GPU. Where the driver shows none, torch need not be loaded, which takes seconds."""
    if find_spec("torch") is None or not any(Path(one).exists() for one in _GPU_SIGNS):
        return False
    from models.serving.torch_device import has_gpu

    return has_gpu()


def _not_installed(error: ModuleNotFoundError, wanted: Wanted) -> DeviceUnavailable:
    if (error.name or "").partition(".")[0] in ("models", "monitor"):
        raise error  # No library: a bug of ours.
    return DeviceUnavailable(
        f"scorer.device: {wanted.device} with scorer.precision: {wanted.precision} needs {error.name}, which is not "
        "installed here; run `make setup-full`, or choose auto"
    )


def _made_up(manifest: Manifest) -> list[Window]:
    """Windows of random ids, always the same, of the lengths that headlines have."""
    chance = np.random.default_rng(1)
    found = []
    for length in _LENGTHS:
        count = min(length, manifest.max_tokens)
        for _ in range(2):
            found.append(Window(tuple(chance.integers(0, manifest.architecture.vocabulary, count).tolist()), (1,)))
    return found


def _timed(backend: Backend, windows: list[Window]) -> tuple[FloatArray, float]:
    """Answers, and the seconds that they took at best; the first round only warms up.

    Seconds of the processor, of all threads: what else this machine does at the start then matters little.
    """
    found = backend.logits(windows)
    seconds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        backend.logits(windows)
        seconds.append(time.process_time() - started)
    return found, min(seconds)


def _shares(logits: FloatArray) -> FloatArray:
    odds: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: FloatArray = odds / odds.sum(axis=1, keepdims=True)
    return shares
