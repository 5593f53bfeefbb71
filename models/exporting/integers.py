"""The same forward pass with products of 8-bit integers, for processors that have instructions for them.

Rows of a batch have the same number of tokens, so that nothing is padded and nothing masked; tokens of all rows lie
one after the other. Products take integers (`models.serving.integers` makes them when the graph is loaded) and give
floats; norms, attention, activation and head stay in single precision. It uses onnxruntime's own operators, each of
which does in one pass what the standard ones do in several. Order of events as in `graph.py`.
"""

from collections.abc import Mapping

from onnx import ModelProto, TensorProto, helper

from models.checkpoint import Architecture
from models.exporting.graph import IR_VERSION, OPSET, OUTPUT, Writer, embed, pool
from models.labels import LABELS
from models.serving.integers import MATRICES
from models.weights import Place

INPUTS = ("ids", "targets")
"""Each int64, shape (n_rows, n_tokens); targets is 1 where a token stands for the target."""
MADE_WHEN_LOADED = "made-when-loaded"
"""The file that the open initialisers name. There is none: the numbers are handed over with the graph."""

_OWN = "com.microsoft"


class _IntegerWriter(Writer):
    """Nodes over the weight file, and initialisers that are left open."""

    def own(self, kind: str, *inputs: str, outputs: int = 1, **attributes: int | float) -> list[str]:
        """One of onnxruntime's operators."""
        names = [f"{kind}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], domain=_OWN, **attributes))
        return names

    def open(self, name: str, kind: int, *shape: int) -> str:
        """An initialiser whose numbers come when the graph is loaded."""
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value=MADE_WHEN_LOADED)
        self.initialisers[name] = tensor
        return name

    def product(self, name: str, inputs: str, n_in: int, n_out: int, n_kept: int) -> str:
        """inputs (n, n_in) -> (n, n_out), with its bias. What lies outside the range is cut by the rounding itself."""
        step = self.open(f"{name}.step", TensorProto.FLOAT)
        zero = self.open(f"{name}.zero", TensorProto.UINT8)
        matrix = self.open(f"{name}.matrix", TensorProto.INT8, n_in, n_out)
        steps = self.open(f"{name}.steps", TensorProto.FLOAT, n_out)
        bias = self.open(f"{name}.bias", TensorProto.FLOAT, n_out)
        integers = self.apply("QuantizeLinear", inputs, step, zero)
        (found,) = self.own("MatMulIntegerToFloat", integers, matrix, step, steps, zero, "", bias)
        if not n_kept:
            return found
        kept = self.apply("Gather", inputs, self.open(f"{name}.kept", TensorProto.INT64, n_kept), axis=1)
        return self.apply("Gemm", kept, self.open(f"{name}.rest", TensorProto.FLOAT, n_kept, n_out), found)

    def split(self, inputs: str, count: int) -> list[str]:
        """Equal parts of the last axis."""
        names = [f"Split_{len(self.nodes)}_{number}" for number in range(count)]
        self.nodes.append(helper.make_node("Split", [inputs], names, name=names[0], axis=1))
        return names

    def ones(self, shape: str) -> str:
        name = f"ConstantOfShape_{len(self.nodes)}"
        value = helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0])
        self.nodes.append(helper.make_node("ConstantOfShape", [shape], [name], name=name, value=value))
        return name

    def add_norm(self, name: str, inputs: str, rest: str, epsilon: float) -> str:
        return self.norm(name, self.apply("Add", inputs, rest), epsilon)


def build_integer_graph(
    sizes: Architecture, places: Mapping[str, Place], location: str, kept: Mapping[str, int]
) -> ModelProto:
    """The graph over the weight file `location`. kept: how many channels stay in full precision, by input."""
    writer = _IntegerWriter(places, location)
    rows = writer.apply("Shape", "ids")
    shape = writer.apply("Concat", rows, writer.whole(sizes.width), axis=0)  # n_rows, n_tokens, width
    hidden = writer.apply("Reshape", embed(writer, sizes), writer.whole(-1, sizes.width))
    for number in range(sizes.layers):
        hidden = _layer(writer, sizes, number, hidden, shape, kept)  # (n_rows x n_tokens, width)
    pooled = pool(writer, sizes, writer.apply("Reshape", hidden, shape), writer.ones(rows))
    writer.linear("head.4", writer.gelu(writer.linear("head.1", pooled)), OUTPUT)
    dimensions = ["n_rows", "n_tokens"]
    graph = helper.make_graph(
        writer.nodes,
        "sentiment-int8",
        [helper.make_tensor_value_info(name, TensorProto.INT64, dimensions) for name in INPUTS],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n_rows", len(LABELS)])],
        list(writer.initialisers.values()),
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_OWN, 1)]
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets)


def _layer(
    writer: _IntegerWriter, sizes: Architecture, number: int, hidden: str, shape: str, kept: Mapping[str, int]
) -> str:
    """hidden (n_rows x n_tokens, width) -> the same shape."""
    name, width = f"encoder.encoder.layer.{number}", sizes.width

    def product(kind: str, inputs: str, n_in: int, n_out: int) -> str:
        return writer.product(f"layer.{number}.{kind}", inputs, n_in, n_out, kept[f"layer.{number}.{kind}"])

    mixed = product("attention.self", hidden, width, len(MATRICES["attention.self"]) * width)
    parts = writer.split(mixed, len(MATRICES["attention.self"]))
    query, key, value = (writer.apply("Reshape", one, shape) for one in parts)
    (context,) = writer.own("MultiHeadAttention", query, key, value, num_heads=sizes.heads)
    context = writer.apply("Reshape", context, writer.whole(-1, width))
    context = product("attention.output", context, width, width)
    hidden = writer.add_norm(f"{name}.attention.output.LayerNorm", context, hidden, sizes.layer_norm_eps)
    (inner,) = writer.own("Gelu", product("intermediate", hidden, width, sizes.intermediate))
    inner = product("output", inner, sizes.intermediate, width)
    return writer.add_norm(f"{name}.output.LayerNorm", inner, hidden, sizes.layer_norm_eps)
