"""TorchBackend: the network of a checkpoint, run by torch on a GPU, or by the same code on a processor.

Order of events: windows -> cut where they are too many -> sorted, the longest first -> laid flat -> computed -> put
back in order. `submit` begins a batch and `result` waits for it, so that the next one is tokenised meanwhile; on a
processor it is computed at once, for there is nobody else to do it.

The GPU's part (`torch_cuda`) has never yet run on one. Deliberately left out: caching, equal windows, halving a batch
that does not fit into memory (the engine does that when it is told `OutOfMemory`).
"""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from models.checkpoint import WEIGHTS, CheckpointError, load_manifest
from models.labels import LABELS
from models.serving.backend import FloatArray
from models.serving.flat import TILE, Shape, choose, cut, fit, lengths_of, make_shapes, write
from models.serving.torch_cuda import CudaLane, Spent, Ticket, can_record
from models.serving.torch_device import choose_device, choose_precision, keep_one_order
from models.serving.torch_errors import device_errors
from models.serving.torch_network import FlatNetwork, attend_in_groups
from models.text import Window
from models.weights import load_weights

_MOST_AT_ONCE = 16_384
"""Tokens on a processor. More only takes memory: 16,384 take half a gigabyte."""
_BYTES_OF_A_TOKEN = 64
"""Of the device's memory, times width, while a batch is computed: what one layer has in flight, with half again."""


@dataclass(slots=True)
class Counts:
    """What was done so far.

    Attributes:
        batches: runs of the network. filler_tokens: computed for nobody, beside `tokens`.
    """

    batches: int = 0
    windows: int = 0
    tokens: int = 0
    filler_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Handle:
    """A batch that was begun, for `TorchBackend.result`: its parts, and where each of their rows belongs."""

    tickets: tuple[Ticket, ...]
    order: tuple[int, ...]


class _Lane(Protocol):
    """One device's work for one network."""

    @property
    def spent(self) -> Spent | None: ...
    def start(self, windows: Sequence[Window], shape: Shape) -> Ticket: ...
    def wait(self, ticket: Ticket) -> None: ...
    def finish(self, ticket: Ticket) -> FloatArray: ...
    def close(self) -> None: ...


class TorchBackend:
    """A loaded network. May be used from several threads at once.

    Attributes:
        counts: what was done so far. device: where. precision: of the products.
        drift: the most by which a probability changed with a window's place in a batch, found by `warm`; 0 means that
            answers are the same to the bit in any company.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        shapes: Sequence[Shape] | None = None,
        memory_share: float | None = None,
    ) -> None:
        """Load the weights onto the device; `warm` makes it quick.

        Args:
            device: as `choose_device` takes it. precision: as `choose_precision` takes it.
            threads: of torch, for the whole process; as it is if not given. Of processors only.
            shapes: the closed set of shapes, the least first; if not given, a GPU has `make_shapes`, a processor none.
            memory_share: of the GPU's memory, in (0, 1], that this process may take; all if not given.

        Raises: CheckpointError: the checkpoint is of no use here. DeviceUnavailable: the device or precision is not.
        """
        manifest = load_manifest(folder)
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.counts = Counts()
        self.drift = 0.0
        self._path = folder / WEIGHTS
        self._sizes = manifest.architecture
        self._longest = manifest.max_tokens
        self._shapes = list(shapes or ())
        self._lock = threading.Lock()
        is_gpu = self.device.type == "cuda"
        # In float32 no tiles are needed; on a GPU those of tokens would only cost, as its shapes are few.
        is_exact = self.precision != torch.float32 and not is_gpu
        self._tile = TILE if is_exact else 1
        with device_errors():
            if is_gpu and memory_share is not None:
                torch.cuda.set_per_process_memory_fraction(memory_share, self.device)
            network = FlatNetwork(
                self._sizes,
                load_weights(self._path),
                self.device,
                self.precision,
                tile=TILE if is_exact else None,
                head_tile=TILE if is_exact or is_gpu else None,
            )
            self._lane: _Lane
            if is_gpu:
                keep_one_order(self.device, self.precision, self._sizes.width, self._sizes.intermediate)
                self._shapes = self._shapes or _that_fit(self._longest, self._sizes.width, self.device)
                is_recorded = can_record(self.device, self.precision, self._sizes.width // self._sizes.heads)
                self._lane = CudaLane(network, self.device, self._shapes, self._longest, is_recorded)
            else:
                if threads is not None:
                    torch.set_num_threads(threads)
                self._lane = _ProcessorLane(network, self._longest)

    @property
    def name(self) -> str:
        """Such as `torch-float16-cuda`."""
        return f"torch-{str(self.precision).removeprefix('torch.')}-{self.device.type}"

    def logits(self, windows: Sequence[Window]) -> FloatArray:
        """Unscaled scores in label order, shape (n_windows, n_labels).

        Raises: OutOfMemory: ask again with half of them. DeviceLost: end the process. CheckpointError: a score is not
            a number. ValueError: a window is none of this checkpoint's.
        """
        return self.result(self.submit(windows))

    def submit(self, windows: Sequence[Window]) -> Handle:
        """Begin a batch. A GPU takes two; beginning a third waits for the first, whose answers are kept.

        Raises: as `logits` does.
        """
        for window in windows:
            self._judge(window)
        order = tuple(sorted(range(len(windows)), key=lambda number: -len(windows[number].ids)))
        windows = [windows[number] for number in order]
        lengths = [len(one.ids) for one in windows]
        greatest = self._shapes[-1] if self._shapes else Shape(_MOST_AT_ONCE, _MOST_AT_ONCE)
        with self._lock, device_errors():
            return Handle(tuple(self._begin(windows[part]) for part in cut(lengths, greatest, self._longest)), order)

    def result(self, handle: Handle) -> FloatArray:
        """Wait for a batch, and its answers as `logits` gives them. Raises: as `logits` does."""
        found = np.empty((len(handle.order), len(LABELS)), np.float32)
        start = 0
        with device_errors():
            for ticket in handle.tickets:
                self._lane.wait(ticket)
                with self._lock:
                    rows = self._lane.finish(ticket)
                found[list(handle.order[start : start + len(rows)])] = rows
                start += len(rows)
        if not np.isfinite(found).all():
            raise CheckpointError(
                f"{self._path} gives answers that are not numbers in {self.name}: take the precision bfloat16 or "
                "float32, or another checkpoint"
            )
        return found

    def warm(self) -> None:
        """Record the work of every shape, and keep only shapes that answer to the bit as the greatest does.

        A device may multiply matrices of another size in another order; the same window would have another answer in a
        small batch than in a large one. Takes seconds on a GPU, and is to be called before the first text comes.
        """
        windows = self._probe(self._shapes[-1] if self._shapes else Shape(TILE, TILE))
        if not self._shapes:
            self.logits(windows)
            return
        *others, greatest = self._shapes
        found = self._ask(windows, greatest)
        turned = self._ask(windows[::-1], greatest)[::-1]
        self.drift = float(np.abs(_softmax(found) - _softmax(turned)).max())
        kept = []
        for shape in others:
            part = windows[cut([len(one.ids) for one in windows], shape, self._longest)[0]]
            if np.array_equal(self._ask(part, shape), self._ask(part, greatest)):
                kept.append(shape)
        self._shapes = [*kept, greatest]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The closed set of shapes, the least first; empty where there is none."""
        return tuple(self._shapes)

    @property
    def spent(self) -> Spent | None:
        """Seconds of copying and of computing by the GPU's own clock; None on a processor."""
        return self._lane.spent

    def close(self) -> None:
        """Give the device's memory back. It answers nothing after that."""
        with self._lock, device_errors():
            self._lane.close()

    def _judge(self, window: Window) -> None:
        """Refuse what would be read outside a table: a GPU would be lost for it, to the whole process."""
        ids, targets = window.ids, window.targets
        most = min(self._longest, self._sizes.positions)
        if not 0 < len(ids) <= most or min(ids) < 0 or max(ids) >= self._sizes.vocabulary:
            raise ValueError(
                f"a window of {len(ids)} tokens is none of this checkpoint's: it reads 1 to {most} tokens, each below "
                f"{self._sizes.vocabulary:,}"
            )
        if targets and not 0 <= min(targets) <= max(targets) < len(ids):
            raise ValueError(f"the target's positions {targets} are not in a window of {len(ids)} tokens")

    def _begin(self, windows: Sequence[Window]) -> Ticket:
        if self._shapes:
            shape = choose(windows, self._shapes, self._longest)
        else:
            shape = fit(windows, self._tile, self._longest)
        tokens = sum(len(one.ids) for one in windows)
        ticket = self._lane.start(windows, shape)
        self.counts.batches += 1
        self.counts.windows += len(windows)
        self.counts.tokens += tokens
        self.counts.filler_tokens += shape.tokens - tokens
        return ticket

    def _probe(self, shape: Shape) -> list[Window]:
        """Windows of all lengths that nearly fill a shape; always the same."""
        chance = random.Random(shape.tokens)
        found: list[Window] = []
        while True:
            length = chance.randint(min(2, self._longest), self._longest)
            window = Window(tuple(chance.randrange(self._sizes.vocabulary) for _ in range(length)), (length - 1,))
            if len(cut([len(one.ids) for one in (*found, window)], shape, self._longest)) > 1:
                return found
            found.append(window)

    def _ask(self, windows: Sequence[Window], shape: Shape) -> FloatArray:
        with self._lock, device_errors():
            return self._lane.finish(self._lane.start(windows, shape))


class _ProcessorLane:
    """A processor's work: nothing is copied, and every batch is done when it has begun."""

    def __init__(self, network: FlatNetwork, longest: int) -> None:
        self.spent: Spent | None = None
        self._network = network
        self._longest = longest

    def start(self, windows: Sequence[Window], shape: Shape) -> Ticket:
        numbers = np.empty(shape.size, np.int32)
        write(windows, shape, self._longest, numbers)
        lengths = lengths_of(numbers, shape)
        with torch.inference_mode():
            found = self._network.logits(torch.from_numpy(numbers), shape, lambda it: attend_in_groups(it, lengths))
            return Ticket(len(windows), None, found[: len(windows)].numpy())

    def wait(self, ticket: Ticket) -> None:
        """Nothing to wait for."""

    def finish(self, ticket: Ticket) -> FloatArray:
        assert ticket.rows is not None
        return ticket.rows

    def close(self) -> None:
        """Nothing to give back but what goes with the object."""


def _that_fit(longest: int, width: int, device: torch.device) -> list[Shape]:
    """The closed set of shapes for a GPU, without those for which too little of its memory is free."""
    free, _ = torch.cuda.mem_get_info(device)
    shapes = make_shapes(longest)
    return [one for one in shapes if one.tokens * width * _BYTES_OF_A_TOKEN <= free / 2] or [shapes[0]]


def _softmax(logits: FloatArray) -> FloatArray:
    shares: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: FloatArray = shares / shares.sum(axis=1, keepdims=True)
    return found
