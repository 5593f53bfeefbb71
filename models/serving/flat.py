"""Windows of tokens laid end to end: one array of integers for a batch, without padding between the windows.

A device that runs recorded work wants few shapes, so a batch may be filled up to one of them: behind its windows come
windows of filler, whose answers nobody reads. How much is filled is bounded by the steps between the shapes, and
counted. Order of events: windows -> cut where they are too many -> shape -> one array. Deliberately left out: torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from math import ceil

import numpy as np
import numpy.typing as npt

from models.text import Window

IntArray = npt.NDArray[np.int32]

FEWEST, MOST = 512, 16_384
"""Tokens of the least and the greatest shape. Under 512 a GPU is bound by launches, not by tokens; 16,384 keep an H100
busy for over a millisecond, and a larger batch only makes its first text wait for its last."""
TILE = 64
"""Rows of which there is a multiple where products must have one size: tokens on a processor, windows everywhere. On a
processor a headline alone costs two or three times what it needs; with fewer, long batches lose more than that."""
_TOKENS_OF_A_WINDOW = 8
"""Windows get room as if they had this many on average. A headline has 30; fewer only makes batches smaller."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a device is given at once.

    Attributes:
        tokens: of all windows together. windows: with those of filler; the last may be empty.
    """

    tokens: int
    windows: int

    @property
    def size(self) -> int:
        """Integers in the array: ids, marks, and where each window starts and the last ends."""
        return 2 * self.tokens + self.windows + 1


def make_shapes(longest: int, most: int = MOST) -> tuple[Shape, ...]:
    """The closed set of shapes, the least first; each has a half or a third more tokens than the one before.

    Args:
        longest: tokens in a window, at most. most: tokens in the greatest shape.
    """
    shapes, step = [], FEWEST
    while step <= most:
        shapes += [_shape(tokens, longest) for tokens in (step, step + step // 2) if tokens <= most]
        step *= 2
    return tuple(shapes) or (_shape(most, longest),)


def _shape(tokens: int, longest: int) -> Shape:
    return Shape(tokens, TILE * ceil((tokens // _TOKENS_OF_A_WINDOW + ceil(tokens / longest)) / TILE))


def fit(windows: Sequence[Window], tile: int, longest: int) -> Shape:
    """The shape of these windows with filler up to multiples of `tile`, of tokens and of windows; with 1, without."""
    tokens = sum(len(one.ids) for one in windows)
    filler = -tokens % tile
    return Shape(tokens + filler, tile * ceil((len(windows) + ceil(filler / longest)) / tile))


def choose(windows: Sequence[Window], shapes: Sequence[Shape], longest: int) -> Shape:
    """The least of the shapes, the least first, into which windows go; `cut` sees to it that there is one."""
    tokens = sum(len(one.ids) for one in windows)
    return next(
        one
        for one in shapes
        if one.tokens >= tokens and one.windows >= len(windows) + ceil((one.tokens - tokens) / longest)
    )


def cut(lengths: Sequence[int], greatest: Shape, longest: int) -> list[slice]:
    """Where windows of these lengths must be cut so that each part goes into the greatest shape; mostly nowhere.

    Args:
        lengths: tokens of each window, each at most `greatest.tokens`.
    """
    most = greatest.windows - ceil(greatest.tokens / longest)
    parts, start, tokens = [], 0, 0
    for number, length in enumerate(lengths):
        if number > start and (tokens + length > greatest.tokens or number - start == most):
            parts.append(slice(start, number))
            start, tokens = number, 0
        tokens += length
    if start < len(lengths):
        parts.append(slice(start, len(lengths)))
    return parts


def write(windows: Sequence[Window], shape: Shape, longest: int, out: IntArray) -> None:
    """Fill an array, shape (shape.size,), with: ids, marks (1 where a token stands for the target), starts.

    `starts` has one number more than there are windows: window i is the tokens [starts[i], starts[i + 1]).
    """
    ids, marks, starts = parts(out, shape)
    ends = list(accumulate(len(one.ids) for one in windows))
    count = ends[-1] if ends else 0
    ids[:count] = np.fromiter(chain.from_iterable(one.ids for one in windows), np.int32, count)
    ids[count:] = 0  # Every vocabulary has a first token.
    marks[:] = 0
    begins = [0, *ends]
    marks[[begin + one for begin, window in zip(begins, windows, strict=False) for one in window.targets]] = 1
    # Filler comes in windows too: attention over one of thousands of tokens would cost more than all the others.
    filler = [*range(count + longest, shape.tokens, longest), shape.tokens] if count < shape.tokens else []
    starts[: len(begins)] = begins
    starts[len(begins) : len(begins) + len(filler)] = filler
    starts[len(begins) + len(filler) :] = shape.tokens


def parts(numbers: IntArray, shape: Shape) -> tuple[IntArray, IntArray, IntArray]:
    """(ids (n_tokens,), marks (n_tokens,), starts (n_windows + 1,)), each a view of the array; of a tensor too."""
    end = 2 * shape.tokens
    return numbers[: shape.tokens], numbers[shape.tokens : end], numbers[end : shape.size]


def lengths_of(numbers: IntArray, shape: Shape) -> list[int]:
    """Tokens of each window of a filled array, filler included."""
    lengths: list[int] = np.diff(parts(numbers, shape)[2]).tolist()
    return lengths
