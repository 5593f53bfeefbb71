"""The network of a checkpoint over flat tokens: those of all windows, one behind the other, and nothing between them.

A third telling of `models.training.network`, and the one without padding: each step but attention looks at a token
alone, so it runs on (n_tokens, width); attention looks at the tokens of one window. The weights come straight from the
weight file. Every step has one shape for one shape of the batch and waits for nothing, so a GPU can record all of it.

Only what goes into a matrix product has the precision that is asked for: sums, norms, the stream from layer to layer
and the head stay float32. That is for closeness to the full precision, not for the same answer in any company: in 16
bits a last digit that a product of another size gives otherwise is rounded up here and down there, and after six layers
it has moved a probability by up to .01. So in 16 bits every product must have the size that it always has: shapes
of a closed set, or `tile` (docs/decisions/0018). Deliberately left out: devices, copies, streams (`torch_backend`,
`torch_cuda`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn

from models.checkpoint import Architecture, CheckpointError
from models.serving.backend import FloatArray
from models.serving.flat import Shape, parts

Attend = Callable[[Tensor], Tensor]
"""Attention within each window: queries, keys and values (n_tokens, 3, heads, part) -> (n_tokens, heads, part)."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A matrix (n_out, n_in) and a bias (n_out,) of one precision, which its result has too.

    Attributes:
        tile: rows that are multiplied at once, so that a row's answer is the same among any others; None: all.
    """

    weight: Tensor
    bias: Tensor
    tile: int | None = None

    def __call__(self, inputs: Tensor) -> Tensor:
        """inputs (n_rows, n_in) of any precision -> (n_rows, n_out)."""
        inputs = inputs.to(self.weight.dtype)
        if self.tile is None:
            return multiply(inputs, self.weight, self.bias)
        return torch.cat([multiply(one, self.weight, self.bias) for one in inputs.split(self.tile)])


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer norm in float32."""

    weight: Tensor
    bias: Tensor
    epsilon: float

    def __call__(self, inputs: Tensor) -> Tensor:
        return functional.layer_norm(inputs, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the encoder; `joint` makes queries, keys and values in one product."""

    joint: Linear
    mixed: Linear
    first_norm: Norm
    inner: Linear
    outer: Linear
    second_norm: Norm


class FlatNetwork:
    """Embeddings, layers and head of one checkpoint on one device. Holds no state between calls."""

    def __init__(
        self,
        sizes: Architecture,
        weights: Mapping[str, FloatArray],
        device: torch.device,
        precision: torch.dtype,
        tile: int | None = None,
        head_tile: int | None = None,
    ) -> None:
        """Place the weights.

        Args:
            tile: tokens that are multiplied at once; a batch has a multiple of it, or its last ones are a smaller tile.
            head_tile: the same of windows, in the head.

        Raises: CheckpointError: they are not those of a BERT of these sizes.
        """
        if sizes.type != "bert":
            raise CheckpointError(
                f"a network of type {sizes.type!r} cannot be run by torch here, only bert: take the backend onnxruntime"
            )
        self._sizes = sizes
        reader = _Reader(weights, device, precision, tile, head_tile)
        try:
            name = "encoder.embeddings"
            self._words = reader.tensor(f"{name}.word_embeddings.weight")
            kind = reader.tensor(f"{name}.token_type_embeddings.weight")[0]
            self._places = reader.tensor(f"{name}.position_embeddings.weight") + kind  # (positions, width)
            self._norm = reader.norm(f"{name}.LayerNorm", sizes.layer_norm_eps)
            self._layers = [reader.layer(number, sizes.layer_norm_eps) for number in range(sizes.layers)]
            self._head = reader.head("head.1"), reader.head("head.4")
        except KeyError as error:
            raise CheckpointError(f"the weight {error} is missing: export the checkpoint again") from error

    def logits(self, numbers: Tensor, shape: Shape, attend: Attend) -> Tensor:
        """Unscaled scores of each window, filler included.

        Args:
            numbers: int32, laid out as `flat.write` does, on the network's device; at least one token.
        Returns: float32, shape (shape.windows, n_labels). Of an empty window, anything finite.
        """
        ids, marks, starts = parts(numbers, shape)
        tokens = torch.arange(shape.tokens, dtype=torch.int32, device=ids.device)
        windows = torch.searchsorted(starts[1:], tokens, right=True)  # (n_tokens,): the window of each token
        hidden = functional.embedding(ids, self._words) + functional.embedding(tokens - starts[windows], self._places)
        hidden = self._norm(hidden)  # (n_tokens, width)
        for layer in self._layers:
            hidden = self._through(layer, hidden, attend)
        pooled = _pool(hidden, marks, starts)
        first, last = self._head
        return last(functional.gelu(first(pooled)))

    def _through(self, layer: Layer, hidden: Tensor, attend: Attend) -> Tensor:
        """hidden: (n_tokens, width), float32 -> the same."""
        joint = layer.joint(hidden).view(len(hidden), 3, self._sizes.heads, -1)  # (n_tokens, 3, heads, part)
        hidden = layer.first_norm(hidden + layer.mixed(attend(joint).reshape(hidden.shape)))
        inner = functional.gelu(layer.inner(hidden))  # (n_tokens, intermediate)
        return layer.second_norm(hidden + layer.outer(inner))


def multiply(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The product of every layer, in one place, so that a test can disturb its last digits as another device would."""
    return functional.linear(inputs, weight, bias)


def _pool(hidden: Tensor, marks: Tensor, starts: Tensor) -> Tensor:
    """[first token; mean of the text; mean of the target, or of the text if there is none] -> (n_windows, 3 x width).

    Sums of segments, not `index_add`: on a GPU that adds in whatever order its threads come.
    """
    offsets = starts.long()
    shares = marks.to(hidden.dtype)[:, None]  # (n_tokens, 1)
    length = (offsets[1:] - offsets[:-1]).clamp(min=1)[:, None]
    text = _sums(hidden, offsets) / length
    count = _sums(shares, offsets)  # (n_windows, 1)
    target = torch.where(count > 0, _sums(hidden * shares, offsets) / count.clamp(min=1), text)
    first = hidden[offsets[:-1].clamp(max=len(hidden) - 1)]  # An empty window starts behind the last token.
    return torch.cat([first, text, target], dim=1)


def _sums(values: Tensor, offsets: Tensor) -> Tensor:
    """(n_tokens, n) -> (n_windows, n). `unsafe`: without checks, for which a GPU would have to be waited for."""
    return torch.segment_reduce(values, "sum", offsets=offsets, initial=0.0, unsafe=True)


def attend_in_groups(joint: Tensor, lengths: Sequence[int]) -> Tensor:
    """Attention on any device, in float32: neighbours of one length are one call; best if sorted by length.

    In 16 bits torch's kernel for processors works in another order from some count of windows on.

    Args:
        joint: (n_tokens, 3, heads, part). lengths: tokens of each window, filler included.
    """
    found = torch.empty(len(joint), *joint.shape[2:], dtype=joint.dtype, device=joint.device)
    start = 0
    for length, group in groupby(lengths):
        stop = start + length * sum(1 for _ in group)
        if stop > start:
            query, key, value = joint[start:stop].float().unflatten(0, (-1, length)).permute(2, 0, 3, 1, 4)
            mixed = functional.scaled_dot_product_attention(query, key, value)  # (n_group, heads, length, part)
            found[start:stop].unflatten(0, (-1, length)).copy_(mixed.transpose(1, 2))
        start = stop
    return found


def attend_flat(joint: Tensor, starts: Tensor, longest: int) -> Tensor:
    """Attention on a GPU, in 16 bits: windows of any lengths in one call that reads them from the device.

    Args:
        joint: (n_tokens, 3, heads, part). starts: int32, (n_windows + 1,). longest: tokens of a window, at most.
    """
    query, key, value = joint.unbind(1)
    # One split: where keys are split by what else is in the batch, their sums are added in another order.
    mixed: Tensor = varlen_attn(query, key, value, starts, starts, longest, longest, num_splits=1)
    return mixed


class _Reader:
    """Takes tensors out of the weight file by their names there. Raises KeyError where one is missing."""

    def __init__(
        self,
        weights: Mapping[str, FloatArray],
        device: torch.device,
        precision: torch.dtype,
        tile: int | None,
        head_tile: int | None,
    ) -> None:
        self._weights = weights
        self._device = device
        self._precision = precision
        self._tile = tile
        self._head_tile = head_tile

    def tensor(self, name: str, precision: Any = torch.float32) -> Tensor:
        return torch.from_numpy(self._weights[name]).to(self._device, precision)

    def linear(self, *names: str) -> Linear:
        """Several of the same inputs become one, their outputs in the order of the names."""
        weight, bias = (
            torch.cat([self.tensor(f"{name}.{kind}", self._precision) for name in names]) for kind in ("weight", "bias")
        )
        return Linear(weight, bias, self._tile)

    def head(self, name: str) -> Linear:
        """One of the head's: it has a row for a window, few enough for float32."""
        return Linear(self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"), self._head_tile)

    def norm(self, name: str, epsilon: float) -> Norm:
        return Norm(self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"), epsilon)

    def layer(self, number: int, epsilon: float) -> Layer:
        name = f"encoder.encoder.layer.{number}"
        return Layer(
            joint=self.linear(*(f"{name}.attention.self.{one}" for one in ("query", "key", "value"))),
            mixed=self.linear(f"{name}.attention.output.dense"),
            first_norm=self.norm(f"{name}.attention.output.LayerNorm", epsilon),
            inner=self.linear(f"{name}.intermediate.dense"),
            outer=self.linear(f"{name}.output.dense"),
            second_norm=self.norm(f"{name}.output.LayerNorm", epsilon),
        )
