"""Session: the network of a checkpoint, run by onnxruntime on the CPU.

One window is one run, without padding and on one thread: an answer is the same to the bit in any company, and on any
number of threads. Several windows run beside each other in a pool of threads (onnxruntime lets go of Python's lock),
the longest first, so that none is left to the end. Deliberately left out: checking the files (`checkpoint.py`).
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from models.checkpoint import GRAPH, CheckpointError
from models.labels import LABELS
from models.text import Window

FloatArray = npt.NDArray[np.float32]

_INPUTS = ("ids", "mask", "targets")
_OUTPUT = "logits"
_ERRORS_ONLY = 3


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Session:
    """A loaded network. May be used from several threads at once."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the graph and its weights. threads: at least 1.

        Raises: CheckpointError: onnxruntime cannot open the graph, or it is not a graph of ours.
        """
        self._path = folder / GRAPH
        self._threads = threads
        self._session = _open(self._path)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_of = 0

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        """Unscaled scores in label order, shape (n_windows, n_labels). Raises: CheckpointError: one is not a number."""
        found = np.empty((len(windows), len(LABELS)), np.float32)
        order = sorted(range(len(windows)), key=lambda number: -len(windows[number].ids))
        for number, row in zip(order, self._run_all([windows[number] for number in order]), strict=True):
            found[number] = row
        if not np.isfinite(found).all():
            raise CheckpointError(
                f"{self._path} gives answers that are not numbers: its training diverged, or a weight does not fit "
                "into 16 bits; use another checkpoint"
            )
        return found

    def _run_all(self, windows: Sequence[Window]) -> Iterable[FloatArray]:
        if self._threads > 1 and len(windows) > 1:
            try:
                return self._workers().map(self._run, windows)
            except RuntimeError:
                pass  # No thread can be started any more: the interpreter ends, or the machine has no room for one.
        return map(self._run, windows)

    def _workers(self) -> ThreadPoolExecutor:
        """The pool, made when it is needed first, and again in a child process: a fork does not copy threads."""
        if self._pool is None or self._pool_of != os.getpid():
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sentiment")
            self._pool_of = os.getpid()
        return self._pool

    def _run(self, window: Window) -> FloatArray:
        ids = np.array([window.ids], np.int64)  # (1, n_tokens)
        targets = np.zeros_like(ids)
        targets[0, list(window.targets)] = 1
        feed = dict(zip(_INPUTS, (ids, np.ones_like(ids), targets), strict=True))
        row: FloatArray = self._session.run([_OUTPUT], feed)[0][0]
        return row


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # A dozen classes of its own without a base in common.
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            f"{path} cannot be opened by onnxruntime {onnxruntime.__version__} ({first}): export the checkpoint again"
        ) from error
    inputs = {one.name for one in session.get_inputs()}
    outputs = {one.name: one.shape[-1:] for one in session.get_outputs()}
    if inputs != set(_INPUTS) or outputs != {_OUTPUT: [len(LABELS)]}:
        raise CheckpointError(
            f"{path} is no graph of ours: it must take {', '.join(_INPUTS)} and give {_OUTPUT} for {len(LABELS)} "
            "labels; export the checkpoint again"
        )
    return session
