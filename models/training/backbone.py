"""Make a training backbone: `python -m models.training.backbone SOURCE OUT [--onnx] [--keep-tokens FILE...]`.

Three things are done where asked. An int8 ONNX export of a BERT is read back to single precision
(W = (q - zero point) x scale, per column); its classifier is left behind. The vocabulary is pruned to the tokens that
given texts use, so that a small model does not carry rows of an embedding that nobody asks for. Layers above a number
are dropped.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from models.corpus.rows import DataError, read_rows
from models.text import normalise
from models.training.rates import layer_number

Json = dict[str, Any]
Weights = dict[str, torch.Tensor]
FloatArray = npt.NDArray[np.float32]

ONNX_FILE = "model_optimized.onnx"
WORDS = "embeddings.word_embeddings.weight"

_KEYS = (
    "hidden_act", "hidden_size", "intermediate_size", "layer_norm_eps", "max_position_embeddings", "model_type",
    "num_attention_heads", "num_hidden_layers", "pad_token_id", "position_embedding_type", "type_vocab_size",
    "vocab_size",
)
_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TEXTS_AT_ONCE = 2_000


def from_onnx(path: Path) -> Weights:
    """The encoder's weights of an int8 ONNX export of a BERT, by their Hugging Face names, float32."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found: Weights = {}

    def put(name: str, value: npt.NDArray[Any]) -> None:
        found[name.split("bert.", 1)[1]] = torch.from_numpy(np.array(value, dtype=np.float32, order="C"))

    for name, value in values.items():
        is_encoders = ".encoder." in name and name.endswith((".bias", "LayerNorm.weight"))
        if is_encoders or ".embeddings.LayerNorm." in name:
            put(name, value)
        elif name.endswith("embeddings.weight_quantized"):
            stem = name.removesuffix("_quantized")
            put(stem, _restore(value, values[f"{stem}_scale"], values[f"{stem}_zero_point"]))
    for node in graph.node:
        if node.op_type == "MatMulInteger" and "/encoder/" in node.name:
            stem = node.input[1].removesuffix("_quantized")
            weight = _restore(values[node.input[1]], values[f"{stem}_scale"], values[f"{stem}_zero_point"])
            name = node.name.split("/MatMul")[0].strip("/").replace("/", ".")
            put(f"{name}.weight", weight.T)
    return found


def _restore(quantised: npt.NDArray[Any], scale: npt.NDArray[Any], zero: npt.NDArray[Any]) -> FloatArray:
    whole: FloatArray = (quantised.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)
    return whole


def prune(tokenizer: Json, embedding: torch.Tensor, texts: Sequence[str], least: int) -> tuple[Json, torch.Tensor]:
    """Keep special tokens, single ASCII marks and what the texts use at least `least` times; the order of ids stays.

    Args:
        tokenizer: the keys of a tokenizer.json of a WordPiece. embedding: (n_tokens, width).
    Returns: (the smaller tokenizer, its rows of the embedding).
    """
    counts = _uses(tokenizer, texts)
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    kept = [
        token
        for token, index in sorted(vocabulary.items(), key=lambda pair: pair[1])
        if counts[index] >= least or token in _SPECIALS or (len(token.removeprefix("##")) == 1 and token.isascii())
    ]
    rows = embedding[[vocabulary[token] for token in kept]].clone()
    small: Json = json.loads(json.dumps(tokenizer))
    small["model"]["vocab"] = {token: index for index, token in enumerate(kept)}
    for added in small["added_tokens"]:
        added["id"] = small["model"]["vocab"][added["content"]]
    _renumber(small.get("post_processor"), small["model"]["vocab"])
    small["truncation"] = small["padding"] = None
    return small, rows


def _uses(tokenizer: Json, texts: Sequence[str]) -> Counter[int]:
    whole = Tokenizer.from_str(json.dumps(tokenizer))
    whole.no_truncation()
    counts: Counter[int] = Counter()
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        for one in whole.encode_batch(list(texts[start : start + _TEXTS_AT_ONCE]), add_special_tokens=False):
            counts.update(one.ids)
    return counts


def _renumber(processor: Json | None, vocabulary: dict[str, int]) -> None:
    """The ids that the post-processor writes down once more."""
    for token, entry in ((processor or {}).get("special_tokens") or {}).items():
        entry["ids"] = [vocabulary[token]]


def lowest(weights: Weights, layers: int) -> Weights:
    """The weights without the layers from number `layers` on."""
    return {name: one for name, one in weights.items() if ".layer." not in name or layer_number(name) < layers}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write OUT/model.safetensors, config.json and tokenizer.json. Exit code 0, or 2 where a file cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m models.training.backbone", description="Make a training backbone.")
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--onnx", action="store_true", help=f"SOURCE holds {ONNX_FILE}, int8")
    parser.add_argument("--keep-tokens", type=Path, nargs="*", default=(), metavar="FILE", help="texts that decide")
    parser.add_argument("--least", type=int, default=3, help="uses from which a token is kept")
    parser.add_argument("--layers", type=int, help="the lowest layers only")
    options = parser.parse_args(arguments)
    source: Path = options.source
    needed = (ONNX_FILE if options.onnx else "model.safetensors", "config.json", "tokenizer.json")
    if missing := [name for name in needed if not (source / name).is_file()]:
        print(f"{source} holds no {', '.join(missing)}", file=sys.stderr)
        return 2
    weights = from_onnx(source / ONNX_FILE) if options.onnx else load_file(source / "model.safetensors")
    raw = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config = {key: raw[key] for key in _KEYS if key in raw} | {"architectures": ["BertModel"]}
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    if options.layers:
        config["num_hidden_layers"] = options.layers
        weights = lowest(weights, options.layers)
    if options.keep_tokens:
        try:
            texts = [normalise(row.text) for path in options.keep_tokens for row in read_rows(path)]
        except DataError as error:
            print(error, file=sys.stderr)
            return 2
        tokenizer, weights[WORDS] = prune(tokenizer, weights[WORDS], texts, options.least)
        config["vocab_size"] = len(weights[WORDS])
        config["pad_token_id"] = tokenizer["model"]["vocab"]["[PAD]"]
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{out}: {sum(one.numel() for one in weights.values()):,} weights, {config['vocab_size']:,} tokens")
    return 0


if __name__ == "__main__":
    sys.exit(main())
