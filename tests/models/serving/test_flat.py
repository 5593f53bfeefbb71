"""Windows laid end to end: nothing is lost between them, and filler is bounded."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.serving.flat import MOST, Shape, choose, cut, fit, lengths_of, make_shapes, parts, write
from models.text import Window

LONGEST = 16


@st.composite
def windows(draw: st.DrawFn) -> list[Window]:
    found = []
    for length in draw(st.lists(st.integers(1, LONGEST), max_size=60)):
        targets = draw(st.sets(st.integers(0, length - 1), max_size=2))
        found.append(Window(tuple(range(5, 5 + length)), tuple(sorted(targets))))
    return found


def written(chosen: list[Window], shape: Shape) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    numbers = np.full(shape.size, -9, np.int32)
    write(chosen, shape, LONGEST, numbers)
    return numbers


@given(windows(), st.sampled_from([1, 8, 64]))
def test_every_window_is_found_again_where_it_starts(chosen: list[Window], tile: int) -> None:
    shape = fit(chosen, tile, LONGEST)
    ids, marks, starts = parts(written(chosen, shape), shape)
    assert (shape.tokens % tile, shape.windows % tile) == (0, 0)
    for number, window in enumerate(chosen):
        tokens = slice(starts[number], starts[number + 1])
        assert tuple(ids[tokens]) == window.ids
        assert tuple(np.flatnonzero(marks[tokens])) == window.targets
    assert marks.sum() == sum(len(one.targets) for one in chosen)


@given(windows())
def test_filler_comes_in_windows_that_are_no_longer_than_others_and_fills_the_shape(chosen: list[Window]) -> None:
    shape = choose(chosen, make_shapes(LONGEST), LONGEST)
    numbers = written(chosen, shape)
    lengths = lengths_of(numbers, shape)
    assert lengths[: len(chosen)] == [len(one.ids) for one in chosen]
    assert sum(lengths) == shape.tokens
    assert all(0 <= one <= LONGEST for one in lengths)
    ids, marks, _ = parts(numbers, shape)
    start = sum(len(one.ids) for one in chosen)
    assert not ids[start:].any() and not marks[start:].any()


@given(st.lists(st.integers(1, LONGEST), max_size=400))
def test_parts_hold_all_windows_in_order_and_each_goes_into_the_greatest_shape(lengths: list[int]) -> None:
    shapes = make_shapes(LONGEST, 512)
    found = cut(lengths, shapes[-1], LONGEST)
    assert [number for part in found for number in range(part.start, part.stop)] == list(range(len(lengths)))
    for part in found:
        chosen = [Window((5,) * length, ()) for length in lengths[part]]
        assert chosen
        assert choose(chosen, shapes, LONGEST) in shapes


def test_no_windows_are_cut_into_no_parts() -> None:
    assert cut([], Shape(512, 64), LONGEST) == []


def test_less_than_half_of_a_shape_is_filler_from_the_least_shape_on() -> None:
    shapes = make_shapes(128)
    assert shapes[-1].tokens == MOST
    for smaller, larger in pairwise(shapes):
        assert smaller.tokens < larger.tokens <= 1.5 * smaller.tokens
        assert smaller.windows <= larger.windows


def test_a_set_of_one_small_shape_can_be_made() -> None:
    assert [one.tokens for one in make_shapes(LONGEST, 64)] == [64]
