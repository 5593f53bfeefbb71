"""A tiny throwaway checkpoint of a real kind, a BERT of random weights, made in place; needs the full set.

Its vocabulary and windows are those of `tests.models.tiny`, whose own network only onnxruntime can run.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from models.checkpoint import WEIGHTS, Architecture, load_manifest
from models.export import Description, export_network
from models.exporting.sizes import network_from
from models.exporting.weights import save_weights
from models.labels import LABELS
from models.weights import FloatArray, load_weights
from tests.models import tiny

LONGEST = 32
WIDTH, INTERMEDIATE, HEADS, LAYERS = 32, 48, 4, 3


def make_bert(folder: Path, seed: int = 1) -> Path:
    """A checkpoint folder. Its weights are large enough that every part of the network moves the answer."""
    sizes = Architecture("bert", LAYERS, WIDTH, HEADS, INTERMEDIATE, len(tiny.vocabulary()), LONGEST, 1e-12, 16)
    tokenizer = folder.parent / f"{folder.name}.json"
    tiny.tokenizer().save(str(tokenizer))
    network = network_from(sizes, _weights(sizes, seed))
    ids = torch.randint(len(tiny.vocabulary()), (50, LONGEST), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        # Or one label has all: probabilities that are nearly 1 hide what happens to the logits.
        network.head[4].bias -= network(ids, torch.ones_like(ids), torch.zeros_like(ids)).mean(dim=0)
    export_network(network, tokenizer, folder, Description("tiny-bert", max_tokens=LONGEST))
    return folder


def change(folder: Path, how: Callable[[dict[str, FloatArray]], None]) -> None:
    """Change the weights of a checkpoint; its sums stay true."""
    weights = load_weights(folder / WEIGHTS)
    how(weights)
    save_weights(weights, folder / WEIGHTS, 16)
    tiny.write_manifest(folder, json.loads((folder / "checkpoint.json").read_text()))
    load_manifest(folder)


def _weights(sizes: Architecture, seed: int) -> dict[str, FloatArray]:
    chance = np.random.default_rng(seed)
    found: dict[str, FloatArray] = {}

    def draw(name: str, *shape: int, mean: float = 0.0) -> None:
        found[name] = chance.normal(mean, 0.3, shape).astype(np.float16).astype(np.float32)

    def linear(name: str, rows: int, columns: int) -> None:
        draw(f"{name}.weight", rows, columns)
        draw(f"{name}.bias", rows)

    def norm(name: str) -> None:
        draw(f"{name}.weight", sizes.width, mean=1.0)
        draw(f"{name}.bias", sizes.width)

    name = "encoder.embeddings"
    for table, rows in (("word", sizes.vocabulary), ("position", sizes.positions), ("token_type", 2)):
        draw(f"{name}.{table}_embeddings.weight", rows, sizes.width)
    norm(f"{name}.LayerNorm")
    for number in range(sizes.layers):
        name = f"encoder.encoder.layer.{number}"
        for one in ("query", "key", "value"):
            linear(f"{name}.attention.self.{one}", sizes.width, sizes.width)
        linear(f"{name}.attention.output.dense", sizes.width, sizes.width)
        norm(f"{name}.attention.output.LayerNorm")
        linear(f"{name}.intermediate.dense", sizes.intermediate, sizes.width)
        linear(f"{name}.output.dense", sizes.width, sizes.intermediate)
        norm(f"{name}.output.LayerNorm")
    linear("head.1", sizes.head_width, 3 * sizes.width)
    linear("head.4", len(LABELS), sizes.head_width)
    return found
