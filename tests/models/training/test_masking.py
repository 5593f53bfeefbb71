import torch
from hypothesis import given
from hypothesis import strategies as st

from models.training.masking import Masker

MASK, VOCABULARY = 4, 50
MASKER = Masker(0.15, MASK, VOCABULARY)


def rows(lengths: list[int]) -> torch.Tensor:
    ids = torch.zeros((len(lengths), max(lengths)), dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.arange(10, 10 + length)
    return ids


@given(st.lists(st.integers(3, 40), min_size=1, max_size=8), st.integers())
def test_special_tokens_and_padding_are_never_asked_for(lengths: list[int], seed: int) -> None:
    ids = rows(lengths)
    hidden, asked = MASKER.hide(ids, lengths, [f"{seed}/{row}" for row in range(len(lengths))])
    for row, length in enumerate(lengths):
        inner = length - 2
        assert not asked[row, 0] and not asked[row, length - 1 :].any()
        assert int(asked[row].sum()) == max(round(inner * 0.15), 1)
    assert hidden[~asked].equal(ids[~asked])
    assert int(hidden.max()) < VOCABULARY


def test_places_are_fixed_by_the_seed_alone() -> None:
    ids = rows([30, 20])
    one = MASKER.hide(ids, [30, 20], ["a", "b"])
    assert all(x.equal(y) for x, y in zip(one, MASKER.hide(ids, [30, 20], ["a", "b"]), strict=True))
    turned = MASKER.hide(rows([20, 30]), [20, 30], ["b", "a"])
    assert turned[1][0].equal(one[1][1])
    assert not MASKER.hide(ids, [30, 20], ["c", "d"])[1].equal(one[1])


def test_eight_of_ten_are_masked_and_one_of_ten_stays() -> None:
    count = 400
    ids = rows([42] * count)
    hidden, asked = MASKER.hide(ids, [42] * count, [str(row) for row in range(count)])
    total = int(asked.sum())
    assert 0.76 < int((hidden[asked] == MASK).sum()) / total < 0.84
    assert 0.08 < int((hidden[asked] == ids[asked]).sum()) / total < 0.14
