"""Which windows are computed together: each once, equal lengths only, within the budget."""

from hypothesis import given
from hypothesis import strategies as st

from models.serving.packing import BUDGET_TOKENS, pack_equals

_LENGTHS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 600)), max_size=60)


@given(_LENGTHS, st.integers(0, 700), st.integers(1, 9))
def test_each_window_is_in_one_pack_among_its_equals_and_within_the_budget(
    lengths: list[int], budget: int, lanes: int
) -> None:
    packs = pack_equals(lengths, budget, lanes)
    assert sorted(number for pack in packs for number in pack) == list(range(len(lengths)))
    for pack in packs:
        assert len({lengths[number] for number in pack}) == 1
        assert len(pack) == 1 or sum(lengths[number] for number in pack) <= budget


@given(_LENGTHS, st.integers(0, 700), st.integers(1, 9))
def test_costliest_pack_is_first_and_the_same_question_has_the_same_answer(
    lengths: list[int], budget: int, lanes: int
) -> None:
    packs = pack_equals(lengths, budget, lanes)
    costs = [sum(lengths[number] for number in pack) for pack in packs]
    assert costs == sorted(costs, reverse=True)
    assert packs == pack_equals(lengths, budget, lanes)


def test_no_budget_is_a_pack_for_each_window() -> None:
    assert pack_equals([3, 5, 3, 3], 0) == [[1], [0], [2], [3]]


def test_equals_share_a_pack_until_the_budget_is_full() -> None:
    #  |9 9|9 9|9|   two nines are 18 of 20 tokens
    assert pack_equals([9] * 5, 20) == [[0, 1], [2, 3], [4]]


def test_few_windows_are_dealt_out_so_that_each_lane_has_some() -> None:
    assert len(pack_equals([20] * 8, BUDGET_TOKENS)) == 1
    for lanes in (2, 4):
        packs = pack_equals([20] * 8, BUDGET_TOKENS, lanes)
        assert len(packs) >= lanes
        assert len({len(pack) for pack in packs}) == 1


def test_many_windows_fill_their_packs_whatever_the_lanes() -> None:
    packs = pack_equals([16] * 1_000, BUDGET_TOKENS, 4)
    assert max(map(len, packs)) == BUDGET_TOKENS // 16
