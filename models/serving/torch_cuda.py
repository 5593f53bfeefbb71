"""One GPU's work for one network: pinned memory, copies beside the computing, and recorded work (CUDA graphs).

Order of events, for each batch: written into pinned memory -> copied on a stream of its own -> moved to where the
recorded work of its shape reads -> that work, one launch for all of it -> answers copied back -> an event. Nothing
waits before the answers are asked for, so the next batch is tokenised and copied meanwhile. Two places take turns:
one batch ahead keeps the GPU busy, a second only adds delay.

Written from torch 2.15's own sources and never yet run on a GPU: where it was written there is none. Deliberately
left out: the same for a processor (`torch_backend`), and what is computed (`torch_network`).
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.labels import LABELS
from models.serving.backend import FloatArray
from models.serving.flat import IntArray, Shape, lengths_of, parts, write
from models.serving.torch_network import FlatNetwork, attend_flat, attend_in_groups
from models.text import Window

_CAPTURE = threading.Lock()
"""One recording at a time in a process: torch shares what it needs for it."""
_PINNED = True
"""From memory that may be moved, a copy waits for the host. False where there is no CUDA to pin it, in a test."""
_WARM_RUNS = 2
"""Before recording: the first loads kernels and makes workspaces, which must not happen in a recording."""
_LARGEST_PART = 256
"""Numbers of one head, of which the kernel for windows of any length takes no more, and only multiples of 8."""


@dataclass(slots=True)
class Ticket:
    """A batch that was begun.

    Attributes:
        rows: its answers, (n_windows, n_labels), once they are here.
    """

    count: int
    place: "_Place | None"
    rows: FloatArray | None = None


@dataclass(slots=True)
class Spent:
    """Seconds of the device, by its own clock; those of copies lie beside those of computing, not before them."""

    copying: float = 0.0
    computing: float = 0.0


class _Place:
    """Where one batch lies on its way: twice in pinned memory of the host, once on the device."""

    def __init__(self, size: int, windows: int, device: torch.device) -> None:
        self.numbers = torch.empty(size, dtype=torch.int32, pin_memory=_PINNED)
        self.answers = torch.empty(windows, len(LABELS), pin_memory=_PINNED)
        self.there = torch.empty(size, dtype=torch.int32, device=device)
        # Blocking: whoever waits sleeps, and leaves the core to the tokenizer.
        self.events = [torch.cuda.Event(enable_timing=True, blocking=True) for _ in range(4)]
        self.ticket: Ticket | None = None


class CudaLane:
    """Runs batches of a closed set of shapes on one GPU. Callers take turns but for `wait`; see `TorchBackend`."""

    def __init__(
        self, network: FlatNetwork, device: torch.device, shapes: Sequence[Shape], longest: int, is_recorded: bool
    ) -> None:
        """Take memory for two batches. shapes: the least first. is_recorded: False runs every step by itself."""
        self.spent = Spent()
        self._network = network
        self._device = device
        self._longest = longest
        self._is_recorded = is_recorded
        self._graphs: dict[Shape, torch.cuda.CUDAGraph] = {}
        greatest = shapes[-1]
        with torch.cuda.device(device):
            self._computing = torch.cuda.Stream()
            self._copying = torch.cuda.Stream()
            self._pool = torch.cuda.graph_pool_handle()
            self._places = [_Place(greatest.size, greatest.windows, device) for _ in range(2)]
            # What recorded work reads and writes: always here, whatever the shape.
            self._numbers = torch.zeros(greatest.size, dtype=torch.int32, device=device)
            self._answers = torch.zeros(greatest.windows, len(LABELS), device=device)
            torch.cuda.synchronize()  # The weights are there too, for whichever stream reads them.

    def start(self, windows: Sequence[Window], shape: Shape) -> Ticket:
        """Begin a batch that fits into the shape. The second that is not yet finished waits for the first."""
        with torch.cuda.device(self._device), torch.inference_mode():
            place = self._places[0]
            self._places.reverse()
            if place.ticket is not None:
                self._collect(place.ticket)
            try:
                return self._send(place, windows, shape)
            except RuntimeError:
                # Half of it may be under way, and its memory is needed again.
                torch.cuda.synchronize()
                torch.cuda.empty_cache()
                raise

    def finish(self, ticket: Ticket) -> FloatArray:
        """The answers, (n_windows, n_labels)."""
        self._collect(ticket)
        assert ticket.rows is not None
        return ticket.rows

    def wait(self, ticket: Ticket) -> None:
        """Until the answers are here. May be called beside `start`, so that nobody who begins a batch waits too."""
        if (place := ticket.place) is not None:
            place.events[3].synchronize()

    def close(self) -> None:
        """Finish what was begun and give the memory back."""
        with torch.cuda.device(self._device):
            torch.cuda.synchronize()
            self._graphs.clear()
            self._places.clear()
            torch.cuda.empty_cache()

    def _send(self, place: _Place, windows: Sequence[Window], shape: Shape) -> Ticket:
        written = place.numbers.numpy()[: shape.size]
        write(windows, shape, self._longest, written)
        begun, copied, computing, done = place.events
        with torch.cuda.stream(self._copying):
            begun.record()
            place.there[: shape.size].copy_(place.numbers[: shape.size], non_blocking=True)
            copied.record()
        with torch.cuda.stream(self._computing):
            self._computing.wait_event(copied)
            computing.record()
            self._numbers[: shape.size].copy_(place.there[: shape.size])
            self._compute(shape, written)
            place.answers[: len(windows)].copy_(self._answers[: len(windows)], non_blocking=True)
            done.record()
        place.ticket = Ticket(len(windows), place)
        return place.ticket

    def _collect(self, ticket: Ticket) -> None:
        if (place := ticket.place) is None:
            return
        begun, copied, computing, done = place.events
        done.synchronize()
        ticket.rows = np.array(place.answers[: ticket.count].numpy())
        self.spent.copying += begun.elapsed_time(copied) / 1_000
        self.spent.computing += computing.elapsed_time(done) / 1_000
        ticket.place = place.ticket = None

    def _compute(self, shape: Shape, written: IntArray) -> None:
        """From `_numbers` to `_answers`, on the current stream. written: the same numbers, on the host."""
        if not self._is_recorded:
            lengths = lengths_of(written, shape)
            self._answer(shape, self._network.logits(self._numbers, shape, lambda it: attend_in_groups(it, lengths)))
            return
        if shape not in self._graphs:
            self._graphs[shape] = self._record(shape)
        self._graphs[shape].replay()

    def _record(self, shape: Shape) -> torch.cuda.CUDAGraph:
        """The work of a shape. `_numbers` must hold a batch of it: the runs before the recording are real ones."""
        with _CAPTURE:
            for _ in range(_WARM_RUNS):
                self._work(shape)
            graph = torch.cuda.CUDAGraph()
            # One pool for all: they never run at once, and none reads what another left.
            with torch.cuda.graph(graph, self._pool, self._computing, capture_error_mode="thread_local"):
                self._work(shape)
            return graph

    def _work(self, shape: Shape) -> None:
        starts = parts(self._numbers, shape)[2]
        logits = self._network.logits(self._numbers, shape, lambda it: attend_flat(it, starts, self._longest))
        self._answer(shape, logits)

    def _answer(self, shape: Shape, logits: Tensor) -> None:
        self._answers[: shape.windows].copy_(logits)


def can_record(device: torch.device, precision: torch.dtype, part: int) -> bool:
    """Whether the kernel for windows of any length runs there: 16 bits, heads of a fit size, an Ampere or later."""
    is_fit = part % 8 == 0 and part <= _LARGEST_PART
    return precision != torch.float32 and is_fit and torch.cuda.get_device_capability(device) >= (8, 0)
