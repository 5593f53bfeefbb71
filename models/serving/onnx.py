"""The network of a checkpoint, run by onnxruntime on the CPU: in single precision, or with 8-bit integers.

Rows of one run have the same length, so that nothing is padded, and a run has one thread; several runs go on beside
each other in a pool (onnxruntime lets go of Python's lock), the longest first, so that none is left to the end. In
single precision one window is one run. Integers add up to the same in any order, so several windows may share a run.
Either way an answer is the same to the bit in any company, and on any number of threads. Deliberately left out:
checking the files (`checkpoint.py`), caching and halving (`engine.py`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from models.checkpoint import GRAPH, INTEGER_GRAPH, CheckpointError, Manifest
from models.labels import LABELS
from models.serving.backend import FloatArray
from models.serving.errors import OutOfMemory
from models.serving.integers import Arrays, make_numbers
from models.serving.memory import release_unused
from models.serving.packing import BUDGET_TOKENS, pack_equals
from models.serving.threads import Threads
from models.text import Window

_INPUTS = ("ids", "mask", "targets")
_INTEGER_INPUTS = ("ids", "targets")
_OUTPUT = "logits"
_ERRORS_ONLY = 3
_SLOWER = ["SkipLayerNormFusion"]
"""What onnxruntime would make of the graph to its cost: the sum and the norm in one operator, which computes number by
number, take a quarter of a forward pass; the two apart, with vectors, a fiftieth."""
_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory", "out of memory")
"""What onnxruntime says when it gets none; it has no class for it."""

FLOAT32, INT8 = "onnxruntime-float32", "onnxruntime-int8"

_Numbers = npt.NDArray[np.int64]
_Run = Callable[[_Numbers, _Numbers], FloatArray]


class OnnxBackend:
    """A loaded network. May be used from several threads at once."""

    def __init__(self, path: Path, name: str, run: _Run, threads: int, budget: int) -> None:
        """Use `float32` or `int8` below. budget: tokens of a run; 0 for one window each."""
        self._path = path
        self._name = name
        self._run = run
        self._budget = budget
        self._threads = Threads(threads)

    @property
    def name(self) -> str:
        """Library and precision."""
        return self._name

    @property
    def padding_tokens(self) -> int:
        """None: rows of one run have the same length."""
        return 0

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        """Unscaled scores in label order, shape (n_windows, n_labels).

        Raises: CheckpointError: one is not a number. OutOfMemory: ask again with fewer.
        """
        found = np.empty((len(windows), len(LABELS)), np.float32)
        packs = pack_equals([len(window.ids) for window in windows], self._budget, self._threads.count)
        rows = self._threads.map(self._answer, [[windows[number] for number in pack] for pack in packs])
        for pack, answers in zip(packs, rows, strict=True):
            found[pack] = answers
        if not np.isfinite(found).all():
            raise CheckpointError(
                f"{self._path} gives answers that are not numbers: its training diverged, or a weight does not fit "
                "into 16 bits; use another checkpoint"
            )
        return found

    def close(self) -> None:
        """Let the threads end."""
        self._threads.close()

    def _answer(self, windows: Sequence[Window]) -> FloatArray:
        """Logits of windows of one length."""
        ids = np.array([window.ids for window in windows], np.int64)  # (n_rows, n_tokens)
        targets = np.zeros_like(ids)
        for row, window in enumerate(windows):
            targets[row, list(window.targets)] = 1
        try:
            return self._run(ids, targets)
        except MemoryError as error:
            raise OutOfMemory(str(error)) from error
        except Exception as error:  # A dozen classes of its own without a base in common.
            if any(sign in str(error) for sign in _NO_MEMORY):
                raise OutOfMemory(str(error)) from error
            raise


def float32(folder: Path, threads: int) -> OnnxBackend:
    """The network in single precision. threads: at least 1.

    Raises: CheckpointError: onnxruntime cannot open the graph, or it is not a graph of ours.
    """
    session = _open(folder / GRAPH, _INPUTS, {})

    def run(ids: _Numbers, targets: _Numbers) -> FloatArray:
        feed = dict(zip(_INPUTS, (ids, np.ones_like(ids), targets), strict=True))
        logits: FloatArray = session.run([_OUTPUT], feed)[0]
        return logits

    return OnnxBackend(folder / GRAPH, FLOAT32, run, threads, 0)


def int8(folder: Path, manifest: Manifest, threads: int, bits: int, graph: Path | None = None) -> OnnxBackend:
    """The network with products of 8-bit integers.

    Args:
        bits: of a weight, as `integers.BITS` says. graph: in place of the folder's own, beside the weights.
    Raises: CheckpointError: the checkpoint has no such graph, or onnxruntime cannot open it.
    """
    path = graph or folder / INTEGER_GRAPH
    session = _open(path, _INTEGER_INPUTS, make_numbers(folder, manifest, bits))

    def run(ids: _Numbers, targets: _Numbers) -> FloatArray:
        logits: FloatArray = session.run([_OUTPUT], dict(zip(_INTEGER_INPUTS, (ids, targets), strict=True)))[0]
        return logits

    return OnnxBackend(path, INT8, run, threads, BUDGET_TOKENS)


def _open(path: Path, names: Sequence[str], numbers: Arrays) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    if numbers:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in numbers.values()]
        options.add_external_initializers(list(numbers), values)
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
        )
    except Exception as error:  # A dozen classes of its own without a base in common.
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            f"{path} cannot be opened by onnxruntime {onnxruntime.__version__} ({first}): export the checkpoint again"
        ) from error
    release_unused()
    inputs = {one.name for one in session.get_inputs()}
    outputs = {one.name: one.shape[-1:] for one in session.get_outputs()}
    if inputs != set(names) or outputs != {_OUTPUT: [len(LABELS)]}:
        raise CheckpointError(
            f"{path} is no graph of ours: it must take {', '.join(names)} and give {_OUTPUT} for {len(LABELS)} "
            "labels; export the checkpoint again"
        )
    return session
