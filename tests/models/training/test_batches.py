import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.batches import batches, plan
from tests.models.training.made import batch, item

LENGTHS = st.lists(st.integers(2, 60), max_size=200)


@given(LENGTHS, st.integers(1, 9), st.integers(10, 200), st.text(max_size=3))
def test_every_item_is_in_one_batch_within_the_bounds(lengths: list[int], rows: int, tokens: int, seed: str) -> None:
    chosen = plan(lengths, rows, tokens, seed)
    assert sorted(index for one in chosen for index in one) == list(range(len(lengths)))
    for one in chosen:
        assert 1 <= len(one) <= rows
        # An item that is longer than the budget goes alone.
        assert len(one) == 1 or max(lengths[index] for index in one) * len(one) <= tokens


@given(LENGTHS)
def test_order_is_fixed_by_the_seed(lengths: list[int]) -> None:
    assert plan(lengths, 4, 100, "1/0") == plan(lengths, 4, 100, "1/0")


def test_epochs_are_in_different_orders() -> None:
    assert plan([5] * 50, 4, 100, "1/0") != plan([5] * 50, 4, 100, "1/1")


def test_items_of_one_length_fill_their_batches_and_pad_nothing() -> None:
    lengths = [3, 50] * 40
    for one in plan(lengths, 8, 400, "1"):
        assert len({lengths[index] for index in one}) == 1


def test_batch_is_padded_and_masked() -> None:
    found = batch([item(3, number=5, targets=(1,)), item(5, label=2, number=9)])
    assert found.ids.tolist() == [[5, 6, 7, 0, 0], [9, 10, 11, 12, 13]]
    assert found.mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert found.targets.tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert found.labels.tolist() == [0, 2]
    assert found.numbers == [5, 9]


def test_teacher_stands_only_in_rows_that_have_one() -> None:
    found = batch([item(soft=(1.0, 2.0, 3.0)), item()])
    assert found.has_soft.tolist() == [True, False]
    assert found.soft.tolist() == [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("skip", [0, 1, 5])
def test_skipped_batches_are_the_first_ones(skip: int) -> None:
    items = [item(3 + number % 7, number=number) for number in range(30)]
    whole = [one.numbers for one in batches(items, 4, 40, 0, "1/0")]
    assert [one.numbers for one in batches(items, 4, 40, 0, "1/0", skip)] == whole[skip:]


def test_batch_on_the_same_device_is_equal() -> None:
    found = batch([item(3), item(4)])
    moved = found.to("cpu")
    assert moved.numbers == found.numbers
    assert moved.ids.equal(found.ids)
    assert moved.possible.equal(found.possible)
