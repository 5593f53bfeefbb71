"""A tiny throwaway checkpoint, made in place in a few milliseconds, as every test of serving needs one.

It has the files of a real one, with a network of its own: two layers of attention over a small table, in which a few
words are bad and a few are good, so that its answers make sense and depend on all of a text. The graph is written as
protocol buffers by hand, and the weights as safetensors: the slim set has neither onnx nor torch, and serving must be
tested there. That real exports are served too, `test_transformer.py` shows where the full set is installed.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from models.labels import LABELS
from models.text import Window

WIDTH = 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BAD = "bankruptcy collapses arrested fraud plunge loss defaults 破产 倒闭 造假 暴跌 亏损 违约"
GOOD = "doubles profit record beats wins soar jump growth excellent 翻倍 新高 涨停 大涨 增长 优异"
OTHER = "the of to and its after shares bank said today meeting reports 银行 股价 公司 今天 会议"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?%$-'\"()"

Array = npt.NDArray[Any]


def vocabulary() -> dict[str, int]:
    """Special tokens, a few words, each Chinese character of them, letters and letters inside a word."""
    words = " ".join((BAD, GOOD, OTHER)).split()
    latin = [word for word in words if word.isascii()]
    characters = sorted({mark for word in words if not word.isascii() for mark in word})
    tokens = [*SPECIAL, *latin, *characters, *_LETTERS, *(f"##{one}" for one in _LETTERS)]
    return {token: number for number, token in enumerate(tokens)}


def tokenizer() -> Tokenizer:
    """A WordPiece tokenizer in the form of those that are trained."""
    made = Tokenizer(models.WordPiece(vocabulary(), unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(list(SPECIAL))
    return made


def weights(seed: int, sign: float) -> dict[str, Array]:
    """Random numbers of 16 bits, with the bad and the good words in the first two columns of the table."""
    chance = np.random.default_rng(seed)
    found = {"table": chance.normal(0, 0.3, (len(vocabulary()), WIDTH))}
    found["table"][:, :2] = 0.0
    ids = vocabulary()
    for column, words in enumerate((BAD, GOOD)):
        for token in words.split():
            for one in [token] if token.isascii() else token:
                found["table"][ids[one], column] = 1.0
    for layer in range(2):
        found[f"layer.{layer}"] = chance.normal(0, 0.2, (WIDTH, WIDTH))
        found[f"layer.{layer}"][:, :2] = 0.0
    found["head.weight"] = chance.normal(0, 0.5, (3 * WIDTH, len(LABELS)))
    found["head.weight"][[WIDTH, WIDTH + 1]] = sign * np.array([[150.0, 0.0, -150.0], [-150.0, 0.0, 150.0]])
    found["head.bias"] = np.array([0.0, 1.5, 0.0])
    return {name: value.astype(np.float16) for name, value in found.items()}


def make_checkpoint(
    folder: Path,
    *,
    name: str = "tiny-1",
    languages: Sequence[str] = ("en", "zh"),
    seed: int = 1,
    sign: float = 1.0,
    max_tokens: int = 32,
    temperatures: tuple[float, float] = (1.0, 1.0),
    neutral_shifts: tuple[float, float] = (0.0, 0.0),
    change_weights: Callable[[dict[str, Array]], None] = lambda _: None,
) -> Path:
    """A checkpoint folder.

    sign -1: its labels are the wrong way round. temperatures, neutral_shifts: with a target, without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = weights(seed, sign)
    change_weights(tensors)
    offsets = _save(tensors, folder / "weights.safetensors")
    (folder / "graph.onnx").write_bytes(_model(tensors, offsets))
    tokenizer().save(str(folder / "tokenizer.json"))
    manifest: dict[str, Any] = {
        "format": 1,
        "name": name,
        "languages": list(languages),
        "labels": list(LABELS),
        "architecture": {
            "type": "tiny",
            "layers": 2,
            "width": WIDTH,
            "heads": 1,
            "intermediate": WIDTH,
            "vocabulary": len(vocabulary()),
            "positions": 512,
            "layer_norm_eps": 1e-12,
            "head_width": len(LABELS),
        },
        "max_tokens": max_tokens,
        "temperatures": dict(zip(("target", "text"), temperatures, strict=True)),
        "threshold_negative": 0.5,
        "parameters": sum(one.size for one in tensors.values()),
        "files": {},
        "trained_on": ["nothing"],
        "licence": "Apache-2.0",
    }
    if any(neutral_shifts):
        manifest["neutral_shifts"] = dict(zip(("target", "text"), neutral_shifts, strict=True))
    write_manifest(folder, manifest)
    return folder


def make_windows(count: int) -> list[Window]:
    """Windows of random tokens and targets, of many lengths; always the same."""
    chance = random.Random(count)
    found = []
    for _ in range(count):
        ids = tuple(chance.randrange(len(vocabulary())) for _ in range(chance.randint(2, 32)))
        found.append(Window(ids, tuple(sorted(chance.sample(range(len(ids)), chance.randint(0, 2))))))
    return found


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write checkpoint.json with the sums of the files as they are now."""
    names = ("weights.safetensors", "graph.onnx", "tokenizer.json")
    manifest["files"] = {one: hashlib.sha256((folder / one).read_bytes()).hexdigest() for one in names}
    (folder / "checkpoint.json").write_text(json.dumps(manifest), encoding="utf-8")


def _save(tensors: dict[str, Array], path: Path) -> dict[str, tuple[int, int]]:
    """Write safetensors; offset and length of each tensor in the file."""
    header: dict[str, Any] = {}
    body = b""
    for name, value in tensors.items():
        header[name] = {"dtype": "F16", "shape": value.shape, "data_offsets": (len(body), len(body) + value.nbytes)}
        body += value.tobytes()
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)
    start = 8 + len(head)
    return {name: (start + one["data_offsets"][0], tensors[name].nbytes) for name, one in header.items()}


# Protocol buffers, as far as ONNX needs them: a message is a row of fields, a field is number and value.


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


_FLOAT, _INT64, _FLOAT16 = 1, 7, 10
_AS_INT, _AS_INTS = 2, 7


class _Graph:
    """Nodes and initialisers of an ONNX graph, as bytes."""

    def __init__(self) -> None:
        self.fields = b""
        self._count = 0

    def stored(self, name: str, value: Array, place: tuple[int, int]) -> str:
        """A tensor of the weight file, as float32."""
        entries = {"location": "weights.safetensors", "offset": str(place[0]), "length": str(place[1])}
        raw = b"".join(_field(1, size) for size in value.shape) + _field(2, _FLOAT16) + _field(8, name)
        raw += b"".join(_field(13, _field(1, key) + _field(2, one)) for key, one in entries.items()) + _field(14, 1)
        self.fields += _field(5, raw)
        return self.apply("Cast", name, to=_FLOAT)

    def constant(self, *values: int) -> str:
        """An int64 tensor of one axis."""
        name = f"constant_{self._count}"
        self._count += 1
        raw = _field(1, len(values)) + _field(2, _INT64) + _field(8, name)
        self.fields += _field(5, raw + _field(9, np.array(values, np.int64).tobytes()))
        return name

    def apply(self, kind: str, *inputs: str, output: str = "", **attributes: int | list[int]) -> str:
        """One operator with one output; its name."""
        output = output or f"{kind}_{self._count}"
        self._count += 1
        raw = b"".join(_field(1, one) for one in inputs) + _field(2, output) + _field(4, kind)
        for key, value in attributes.items():
            if isinstance(value, int):
                told = _field(3, value) + _field(20, _AS_INT)
            else:
                told = b"".join(_field(8, one) for one in value) + _field(20, _AS_INTS)
            raw += _field(5, _field(1, key) + told)
        self.fields += _field(1, raw)
        return output

    def edge(self, field: int, name: str, kind: int, *axes: str | int) -> None:
        """An input (field 11) or an output (12) of the graph."""
        shape = b"".join(_field(1, _field(1 if isinstance(one, int) else 2, one)) for one in axes)
        tensor = _field(1, kind) + _field(2, shape)
        self.fields += _field(field, _field(1, name) + _field(2, _field(1, tensor)))


def _model(tensors: dict[str, Array], offsets: dict[str, tuple[int, int]]) -> bytes:
    """ids, mask, targets (n_rows, n_tokens) -> logits (n_rows, 3)."""
    graph = _Graph()
    stored = {name: graph.stored(name, value, offsets[name]) for name, value in tensors.items()}
    hidden = graph.apply("Gather", stored["table"], "ids")  # (n_rows, n_tokens, width)
    for layer in range(2):
        scores = graph.apply("MatMul", hidden, graph.apply("Transpose", hidden, perm=[0, 2, 1]))
        mixed = graph.apply("MatMul", graph.apply("Softmax", scores, axis=-1), hidden)
        mixed = graph.apply("Tanh", graph.apply("MatMul", mixed, stored[f"layer.{layer}"]))
        hidden = graph.apply("Add", hidden, mixed)
    mask, targets = (graph.apply("Cast", one, to=_FLOAT) for one in ("mask", "targets"))
    some = graph.apply("Cast", graph.apply("ReduceMax", targets, axes=[1], keepdims=1), to=9)
    spans = graph.apply("Where", some, targets, mask)
    parts = [graph.apply("Squeeze", graph.apply("Slice", hidden, *map(graph.constant, (0, 1, 1))), graph.constant(1))]
    for shares in (mask, spans):
        total = graph.apply("ReduceSum", shares, graph.constant(1), keepdims=1)
        row = graph.apply("Unsqueeze", graph.apply("Div", shares, total), graph.constant(1))
        parts.append(graph.apply("Squeeze", graph.apply("MatMul", row, hidden), graph.constant(1)))
    pooled = graph.apply("Concat", *parts, axis=1)
    graph.apply("Add", graph.apply("MatMul", pooled, stored["head.weight"]), stored["head.bias"], output="logits")
    graph.fields += _field(2, "tiny")
    for name in ("ids", "mask", "targets"):
        graph.edge(11, name, _INT64, "n_rows", "n_tokens")
    graph.edge(12, "logits", _FLOAT, "n_rows", len(LABELS))
    return _field(1, 8) + _field(7, graph.fields) + _field(8, _field(1, "") + _field(2, 17))
