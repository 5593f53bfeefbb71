"""Give a checkpoint its second graph, of 8-bit integers: `python -m models.quantise FOLDER`.

Order of events: texts of the checkpoint's languages -> the ranges of what goes into each product -> the graph -> its
answers beside those in full precision -> manifest. The weight file stays as it is. `models.export` does the same with a
new checkpoint. Deliberately left out: serving it (`models.serving.onnx`).
"""

import argparse
import hashlib
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.checkpoint import INTEGER_GRAPH, MANIFEST, TOKENIZER, WEIGHTS, CheckpointError, Manifest, load_manifest
from models.corpus.rows import DataError, read_rows
from models.exporting.integers import build_integer_graph
from models.exporting.ranges import kept_counts, observe
from models.exporting.sizes import network_from
from models.exporting.weights import ExportError
from models.serving import onnx
from models.serving.backend import FloatArray
from models.serving.integers import BITS, as_json
from models.text import TextEncoder, Window
from models.weights import load_weights, locate

WRITTEN = Path(__file__).parent / "training" / "written"
"""Texts of our own, of all kinds that a desk reads."""
MOST_TEXTS = 600
"""Read of them: with 200 the ranges come out a tenth narrower, with 2,000 the same."""
MOST_APART = 0.02
"""Mean by which a probability may differ from full precision on these texts. Rounding makes .004; a slip in the graph,
or a network that integers do not suit, several times that."""


def quantise_checkpoint(folder: Path, windows: Sequence[Window]) -> float:
    """Write INTEGER_GRAPH and the ranges of `folder`, measured on `windows`; how far apart the answers are on average.

    Raises: ExportError: too few texts, or the answers are too far apart. CheckpointError: the folder is no checkpoint.
    """
    manifest = load_manifest(folder)
    network = network_from(manifest.architecture, load_weights(folder / WEIGHTS))
    ranges = observe(network, windows)
    graph = build_integer_graph(manifest.architecture, locate(folder / WEIGHTS), WEIGHTS, kept_counts(ranges))
    # Beside the weights from the start, because the graph points to them by a relative path.
    scratch = folder / f".{INTEGER_GRAPH}.{os.getpid()}"
    try:
        scratch.write_bytes(graph.SerializeToString(deterministic=True))
        apart = _apart(folder, scratch, replace(manifest, ranges=ranges), windows)
        raw = json.loads((folder / MANIFEST).read_bytes())
        raw["files"][INTEGER_GRAPH] = hashlib.sha256(scratch.read_bytes()).hexdigest()
        raw["ranges"] = as_json(ranges)
        os.replace(scratch, folder / INTEGER_GRAPH)
    finally:
        scratch.unlink(missing_ok=True)
    (folder / MANIFEST).write_text(write_manifest(raw), encoding="utf-8")
    load_manifest(folder)
    return apart


def write_manifest(raw: dict[str, object]) -> str:
    """A manifest as it is stored: a line for each key, and for each range, so that a change can be read."""
    ranges = raw.get("ranges")
    text = json.dumps({key: value for key, value in raw.items() if key != "ranges"}, indent=1, ensure_ascii=False)
    if isinstance(ranges, dict):
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in ranges.items())
        text = text.removesuffix("\n}") + f',\n "ranges": {{\n{lines}\n }}\n}}'
    return text + "\n"


def written_windows(tokenizer: Path, languages: Sequence[str], max_tokens: int) -> list[Window]:
    """Windows of our own texts in these languages, always the same. Raises: DataError: there are none."""
    encoder = TextEncoder(Tokenizer.from_file(str(tokenizer)), max_tokens)
    wanted = {tag.partition("-")[0].lower() for tag in languages}
    rows = [row for path in sorted(WRITTEN.glob("*.csv")) for row in read_rows(path) if row.lang in wanted]
    if not rows:
        raise DataError(f"{WRITTEN} holds no text in {', '.join(languages)}: name a file of such texts with --texts")
    return _windows(encoder, [(row.text, row.target) for row in rows])


def _windows(encoder: TextEncoder, questions: list[tuple[str, str]]) -> list[Window]:
    random.Random(1).shuffle(questions)
    encoded = encoder.encode_all(questions[:MOST_TEXTS])
    return [window for one in encoded for window in one.windows]


def _apart(folder: Path, graph: Path, manifest: Manifest, windows: Sequence[Window]) -> float:
    """Mean difference of a probability between the two graphs, with weights as the lesser processors have them."""
    exact = _shares(onnx.float32(folder, 1).logits(windows))
    found = _shares(onnx.int8(folder, manifest, 1, BITS[-1], graph).logits(windows))
    apart = float(np.abs(found - exact).mean())
    if not apart <= MOST_APART:  # Written so that what is not a number is refused too.
        raise ExportError(
            f"{INTEGER_GRAPH}: its probabilities are {apart:.3f} from those in full precision on average, more than "
            f"{MOST_APART}: serve this checkpoint without it"
        )
    return apart


def _shares(logits: FloatArray) -> FloatArray:
    odds: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for a folder or texts that are of no use."""
    parser = argparse.ArgumentParser(prog="python -m models.quantise", description="Add a graph of 8-bit integers.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="checkpoints of models.export")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="rows to measure ranges on, in place of our own")
    options = parser.parse_args(arguments)
    try:
        for folder in options.folders:
            manifest = load_manifest(folder)
            if options.texts is None:
                windows = written_windows(folder / TOKENIZER, manifest.languages, manifest.max_tokens)
            else:
                encoder = TextEncoder(Tokenizer.from_file(str(folder / TOKENIZER)), manifest.max_tokens)
                windows = _windows(encoder, [(row.text, row.target) for row in read_rows(options.texts)])
            apart = quantise_checkpoint(folder, windows)
            print(f"{folder}: probabilities differ by {apart:.4f} on average from those in full precision")
    except (ExportError, CheckpointError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
