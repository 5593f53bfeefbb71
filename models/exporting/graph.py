"""BERT's forward pass and the head over it as an ONNX graph whose numbers lie in the weight file.

The graph holds no weight: each initialiser says where in the weight file its bytes are (ONNX external data), and a
Cast, for 8-bit matrices a Mul by the scales too, makes single precision of it. onnxruntime does that once, when it
loads the graph, except for the words' table: of that only the rows that a text asks for. Every operator is of the ONNX
standard, in the patterns that onnxruntime fuses. Order of events: ids -> embeddings -> layers -> pooling -> head ->
logits, as in `models.training.network`, of which this is a second telling that `models.export` compares with the first.
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from models.checkpoint import Architecture
from models.labels import LABELS
from models.weights import SCALE, Place

INPUTS = ("ids", "mask", "targets")
"""Each int64, shape (n_rows, n_tokens); mask is 1 where no padding is, targets where a token stands for the target."""
OUTPUT = "logits"
"""float32, shape (n_rows, n_labels), in label order."""

OPSET = 17  # The first with LayerNormalization; what needs a later one would shut out older runtimes for nothing.
IR_VERSION = 8  # The file format that came with that opset.
_NO_ATTENTION = float(np.finfo(np.float32).min)  # Added to a padding token's score, as in the network.
_KINDS = {"F16": TensorProto.FLOAT16, "I8": TensorProto.INT8}


class Writer:
    """Nodes and initialisers in the order of their making. Each method returns the name of its result."""

    def __init__(self, places: Mapping[str, Place], location: str) -> None:
        self._places = places
        self._location = location
        self.nodes: list[NodeProto] = []
        self.initialisers: dict[str, TensorProto] = {}

    def apply(self, kind: str, *inputs: str, name: str = "", **attributes: int | float | list[int]) -> str:
        """One operator with one output."""
        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def real(self, value: float) -> str:
        """A float32 constant."""
        return self._constant(f"real_{value}", np.array(value, np.float32))

    def whole(self, *values: int) -> str:
        """An int64 constant, shape (n_values,)."""
        return self._constant("whole_" + "_".join(map(str, values)), np.array(values, np.int64))

    def to_real(self, value: str) -> str:
        return self.apply("Cast", value, to=TensorProto.FLOAT)

    def tensor(self, name: str) -> str:
        """A tensor of the weight file, float32."""
        found = self.to_real(self._stored(name))
        if name + SCALE in self._places:
            scale = self.apply("Unsqueeze", self.to_real(self._stored(name + SCALE)), self.whole(1))
            found = self.apply("Mul", found, scale)
        return found

    def rows(self, name: str, index: str) -> str:
        """Some rows of a table. Only these become float32, so the table takes no memory beside the file's pages."""
        found = self.to_real(self.apply("Gather", self._stored(name), index))
        if name + SCALE in self._places:
            scale = self.to_real(self.apply("Gather", self._stored(name + SCALE), index))
            found = self.apply("Mul", found, self.apply("Unsqueeze", scale, self.whole(-1)))
        return found

    def linear(self, name: str, inputs: str, output: str = "") -> str:
        """inputs (..., n_in) -> (..., n_out)."""
        weight = self.apply("Transpose", self.tensor(f"{name}.weight"), perm=[1, 0])
        return self.apply("Add", self.apply("MatMul", inputs, weight), self.tensor(f"{name}.bias"), name=output)

    def norm(self, name: str, inputs: str, epsilon: float) -> str:
        scale, bias = self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias")
        return self.apply("LayerNormalization", inputs, scale, bias, axis=-1, epsilon=epsilon)

    def gelu(self, inputs: str) -> str:
        """The exact one, x / 2 (1 + erf(x / sqrt 2)), as a pattern that onnxruntime knows."""
        error = self.apply("Erf", self.apply("Div", inputs, self.real(sqrt(2))))
        return self.apply("Mul", self.apply("Mul", inputs, self.apply("Add", error, self.real(1))), self.real(0.5))

    def _stored(self, name: str) -> str:
        place = self._places[name]
        tensor = TensorProto(
            name=name, data_type=_KINDS[place.kind], dims=place.shape, data_location=TensorProto.EXTERNAL
        )
        for key, value in (("location", self._location), ("offset", place.start), ("length", place.length)):
            tensor.external_data.add(key=key, value=str(value))
        self.initialisers[name] = tensor
        return name

    def _constant(self, name: str, value: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> str:
        self.initialisers[name] = numpy_helper.from_array(value, name)
        return name


def build_graph(sizes: Architecture, places: Mapping[str, Place], location: str) -> ModelProto:
    """The graph over the weight file `location`, a path relative to the graph's own folder."""
    writer = Writer(places, location)
    mask = writer.to_real("mask")
    hidden = embed(writer, sizes)
    bias = writer.apply("Unsqueeze", mask, writer.whole(1, 2))
    bias = writer.apply("Sub", writer.real(1), bias)
    bias = writer.apply("Mul", bias, writer.real(_NO_ATTENTION))  # (n_rows, 1, 1, n_tokens)
    for number in range(sizes.layers):
        hidden = _layer(writer, sizes, f"encoder.encoder.layer.{number}", hidden, bias)
    pooled = pool(writer, sizes, hidden, mask)
    writer.linear("head.4", writer.gelu(writer.linear("head.1", pooled)), OUTPUT)
    shape = ["n_rows", "n_tokens"]
    graph = helper.make_graph(
        writer.nodes,
        "sentiment",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in INPUTS],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n_rows", len(LABELS)])],
        list(writer.initialisers.values()),
    )
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])


def embed(writer: Writer, sizes: Architecture) -> str:
    """Words, positions and the first token type -> (n_rows, n_tokens, width)."""
    name = "encoder.embeddings"
    kinds = writer.tensor(f"{name}.token_type_embeddings.weight")
    kind = writer.apply("Slice", kinds, writer.whole(0), writer.whole(1))
    table = writer.apply("Add", writer.tensor(f"{name}.position_embeddings.weight"), kind)
    count = writer.apply("Slice", writer.apply("Shape", "ids"), writer.whole(1), writer.whole(2))
    places = writer.apply("Slice", table, writer.whole(0), count)  # (n_tokens, width)
    words = writer.rows(f"{name}.word_embeddings.weight", "ids")
    return writer.norm(f"{name}.LayerNorm", writer.apply("Add", words, places), sizes.layer_norm_eps)


def _layer(writer: Writer, sizes: Architecture, name: str, hidden: str, bias: str) -> str:
    """hidden (n_rows, n_tokens, width) -> the same shape."""
    part = sizes.width // sizes.heads
    query, key, value = (
        writer.apply(
            "Reshape", writer.linear(f"{name}.attention.self.{one}", hidden), writer.whole(0, 0, sizes.heads, part)
        )
        for one in ("query", "key", "value")
    )
    query = writer.apply("Transpose", query, perm=[0, 2, 1, 3])  # (n_rows, heads, n_tokens, part)
    key = writer.apply("Transpose", key, perm=[0, 2, 3, 1])  # (n_rows, heads, part, n_tokens)
    value = writer.apply("Transpose", value, perm=[0, 2, 1, 3])  # (n_rows, heads, n_tokens, part)
    scores = writer.apply("Div", writer.apply("MatMul", query, key), writer.real(sqrt(part)))
    shares = writer.apply("Softmax", writer.apply("Add", scores, bias), axis=-1)  # (n_rows, heads, n_tokens, n_tokens)
    context = writer.apply("Transpose", writer.apply("MatMul", shares, value), perm=[0, 2, 1, 3])
    context = writer.apply("Reshape", context, writer.whole(0, 0, sizes.width))  # (n_rows, n_tokens, width)
    context = writer.linear(f"{name}.attention.output.dense", context)
    hidden = writer.norm(
        f"{name}.attention.output.LayerNorm", writer.apply("Add", context, hidden), sizes.layer_norm_eps
    )
    inner = writer.gelu(writer.linear(f"{name}.intermediate.dense", hidden))  # (n_rows, n_tokens, intermediate)
    inner = writer.linear(f"{name}.output.dense", inner)
    return writer.norm(f"{name}.output.LayerNorm", writer.apply("Add", inner, hidden), sizes.layer_norm_eps)


def pool(writer: Writer, sizes: Architecture, hidden: str, mask: str) -> str:
    """[first token; mean of the text; mean of the target, or of the text if there is none] -> (n_rows, 3 x width)."""
    targets = writer.to_real("targets")
    count = writer.apply("ReduceSum", targets, writer.whole(1), keepdims=1)
    spans = writer.apply("Where", writer.apply("Greater", count, writer.real(0)), targets, mask)
    weights = writer.apply(
        "Concat", *(writer.apply("Unsqueeze", one, writer.whole(1)) for one in (mask, spans)), axis=1
    )  # (n_rows, 2, n_tokens)
    total = writer.apply("Max", writer.apply("ReduceSum", weights, writer.whole(2), keepdims=1), writer.real(1))
    means = writer.apply("Div", writer.apply("MatMul", weights, hidden), total)  # (n_rows, 2, width)
    means = writer.apply("Reshape", means, writer.whole(0, 2 * sizes.width))
    first = writer.apply("Slice", hidden, writer.whole(0), writer.whole(1), writer.whole(1))
    first = writer.apply("Reshape", first, writer.whole(0, sizes.width))
    return writer.apply("Concat", first, means, axis=1)
