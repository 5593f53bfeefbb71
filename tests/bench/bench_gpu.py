"""What a GPU does of scoring, from strings to logits; run as `python -m tests.bench.bench_gpu`.

Documents and tokens a second, end to end with tokenising in other processes beside the computing, and of the computing
alone; where the seconds go (tokenise, copy, compute); which share of the device's own measured rate of matrix products
the network reaches; and whether a window's place in a batch moves its answer. Bar: 50,000 documents of 32 tokens a
second on an H200. `--device cpu` runs the same code where no GPU is. The last line is one of JSON.
"""

import argparse
import json
import multiprocessing
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.checkpoint import TOKENIZER, Architecture, load_manifest
from models.serving.errors import DeviceUnavailable
from models.serving.threads import usable_cores
from models.shipped import FOLDERS, shipped
from models.text import TextEncoder, Window
from tests.bench.machine import cpu_name

BAR_DOCUMENTS = 50_000
TOKENS = 32
"""Of a document, with the special ones."""
_WORDS = (
    "shares", "profit", "loss", "bank", "sales", "growth", "fraud", "record", "quarter", "reports", "company", "market",
    "today", "after", "cash", "debt", "rates", "fall", "rise", "court", "offer", "deal", "plant", "strike", "demand",
    "margin", "outlook", "cut", "raised", "board", "chief", "sued", "fined", "million", "billion", "year",
)  # fmt: skip
_CHUNK = 500
"""Documents; nearly the tokens of the greatest shape of a GPU."""
_AHEAD = 2
_SEED = 20_261_128


def make_texts(count: int) -> list[str]:
    """Distinct texts of plain words, each about one token long."""
    chance = random.Random(_SEED)
    return [" ".join((*chance.choices(_WORDS, k=TOKENS - 3), str(chance.randrange(100)))) for _ in range(count)]


class Tokenising:
    """Texts to windows, in this process or in several others."""

    _encoder: TextEncoder

    def __init__(self, folder: Path) -> None:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        Tokenising._encoder = TextEncoder(tokenizer, load_manifest(folder).max_tokens)

    @staticmethod
    def encode(texts: Sequence[str]) -> list[Window]:
        """Every window of some texts."""
        return [window for text in texts for window in Tokenising._encoder.encode(text, "").windows]


@contextmanager
def tokenised(folder: Path, texts: Sequence[str], processes: int) -> Iterator[Iterable[list[Window]]]:
    """Windows of the texts in their order, a chunk at a time, a few chunks ahead of whoever takes them."""
    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    if processes == 1:
        Tokenising(folder)
        yield map(Tokenising.encode, chunks)
        return
    context = multiprocessing.get_context("spawn")  # A fork would take a half of CUDA with it.
    with ProcessPoolExecutor(processes, context, Tokenising, (folder,)) as pool:
        list(pool.map(Tokenising.encode, [texts[:1]] * (4 * processes)))  # All have started before the clock does.
        yield pool.map(Tokenising.encode, chunks)


def run(backend: Any, chunks: Iterable[list[Window]]) -> tuple[int, int]:
    """(windows, tokens), each chunk begun before the one before it is waited for."""
    waiting: deque[Any] = deque()
    windows = tokens = 0
    for chunk in chunks:
        waiting.append(backend.submit(chunk))
        windows += len(chunk)
        tokens += sum(len(one.ids) for one in chunk)
        if len(waiting) == _AHEAD:
            backend.result(waiting.popleft())
    while waiting:
        backend.result(waiting.popleft())
    return windows, tokens


def products_of_a_token(sizes: Architecture, length: int) -> float:
    """Multiplications and additions for one token in a text of this length, attention included, the head not."""
    linear = 4 * sizes.width**2 + 2 * sizes.width * sizes.intermediate
    return 2.0 * sizes.layers * (linear + 2 * length * sizes.width)


def matrix_rate(backend: Any) -> float:
    """Multiplications and additions a second of one large product in the backend's precision: what is possible."""
    import torch

    size, times = (8_192, 10) if backend.device.type == "cuda" else (1_024, 1)
    one = torch.randn(size, size, device=backend.device, dtype=backend.precision)

    def waited() -> float:
        if backend.device.type == "cuda":
            torch.cuda.synchronize(backend.device)
        return time.perf_counter()

    best = 0.0
    for _ in range(5):
        began = waited()
        for _ in range(times):
            one @ one
        best = max(best, times * 2.0 * size**3 / (waited() - began))
    return best


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All figures. Raises: DeviceUnavailable: the device is not here. CheckpointError: the checkpoint is of no use."""
    from models.serving.torch_backend import TorchBackend

    folder = shipped(options.checkpoint) if options.checkpoint in FOLDERS else Path(options.checkpoint)
    sizes = load_manifest(folder).architecture
    began = time.perf_counter()
    backend = TorchBackend(folder, device=options.device, precision=options.precision)
    backend.warm()
    start_seconds = time.perf_counter() - began
    texts = make_texts(options.documents)
    processes = options.processes or max(1, usable_cores() - 1)

    Tokenising(folder)
    sample = texts[: 4 * _CHUNK]
    began = time.perf_counter()
    windows = Tokenising.encode(sample)
    tokenise = (time.perf_counter() - began) / len(sample)

    chunks = [windows[start : start + _CHUNK] for start in range(0, len(windows), _CHUNK)]
    chunks *= max(1, len(texts) // len(sample))
    run(backend, chunks[:2])
    spent_before = _spent(backend)
    began = time.perf_counter()
    count, tokens = run(backend, chunks)  # A window is a document here, but for a tokenizer that knows no words.
    alone = time.perf_counter() - began
    copying, computing = (after - before for after, before in zip(_spent(backend), spent_before, strict=True))
    if backend.device.type != "cuda":
        computing = alone

    with tokenised(folder, texts, processes) as ready:
        began = time.perf_counter()
        _, all_tokens = run(backend, ready)
        whole = time.perf_counter() - began
    rate = matrix_rate(backend)
    device = f"cpu ({cpu_name()})"
    if backend.device.type == "cuda":
        import torch

        device = torch.cuda.get_device_name(backend.device)
    found = {
        "bench": "gpu",
        "backend": backend.name,
        "device": device,
        "cpu": cpu_name(),
        "processes": processes,
        "documents": len(texts),
        "tokens_a_document": round(all_tokens / len(texts), 1),
        "start_seconds": round(start_seconds, 2),
        "documents_a_second": round(len(texts) / whole),
        "tokens_a_second": round(all_tokens / whole),
        "computing_documents_a_second": round(count / alone),
        "computing_tokens_a_second": round(tokens / alone),
        "microseconds_a_document": {
            "tokenise_on_one_core": round(1e6 * tokenise, 2),
            "copy": round(1e6 * copying / count, 2),
            "compute": round(1e6 * computing / count, 2),
        },
        "matrix_rate_teraflops": round(rate / 1e12, 3),
        "share_of_matrix_rate": round(products_of_a_token(sizes, TOKENS) * tokens / computing / rate, 3),
        "filler_share": round(backend.counts.filler_tokens / (backend.counts.tokens + backend.counts.filler_tokens), 3),
        "shapes": [one.tokens for one in backend.shapes],
        "drift": backend.drift,
        "bar_documents_a_second": BAR_DOCUMENTS,
    }
    backend.close()
    return found


def _spent(backend: Any) -> tuple[float, float]:
    """Seconds of copying and of computing by the device's own clock; a processor has none."""
    spent = backend.spent
    return (spent.copying, spent.computing) if spent is not None else (0.0, 0.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_gpu", description="Measure scoring on a GPU.")
    parser.add_argument("--device", default="cuda", help="cuda, one GPU as cuda:1, or cpu")
    parser.add_argument("--precision", default="auto", help="auto, float32, float16 or bfloat16")
    parser.add_argument("--checkpoint", default="default", help="a shipped one's name, or a folder")
    parser.add_argument("--documents", type=int, default=400_000)
    parser.add_argument("--processes", type=int, help="that tokenise; one less than there are cores if not given")
    options = parser.parse_args(arguments)
    try:
        found = measure(options)
    except (DeviceUnavailable, ImportError) as error:
        print(f"NO SUCH DEVICE IS HERE, AND NOTHING WAS MEASURED: {error}")
        print(json.dumps({"bench": "gpu", "skipped": str(error)}))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):32} {value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
