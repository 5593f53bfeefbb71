"""Summary: integer sums, so that splitting, merging and order change nothing."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.summary import Summary


class Told(NamedTuple):
    """One document as a summary counts it."""

    net: int
    is_negative: bool
    is_positive: bool
    is_story: bool
    is_listed: bool


TOLD = st.builds(
    lambda net, is_story, is_listed: Told(net, net < -3_000, net > 3_000, is_story, is_listed),
    st.integers(-10_000, 10_000),
    st.booleans(),
    st.booleans(),
)


def summary_of(documents: Sequence[Told]) -> Summary:
    summary = Summary()
    for document in documents:
        summary.add(**document._asdict())
    return summary


@given(st.lists(TOLD), st.lists(st.integers(0, 5)))
def test_splitting_then_merging_a_summary_changes_nothing(documents: list[Told], parts: list[int]) -> None:
    whole = summary_of(documents)
    merged, rest = Summary(), documents
    for size in parts:
        merged += summary_of(rest[:size])
        rest = rest[size:]
    assert merged + summary_of(rest) == whole
    assert summary_of(rest) + merged == whole


@given(st.lists(TOLD), st.randoms(use_true_random=False))
def test_order_of_documents_changes_nothing(documents: list[Told], random: Random) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert summary_of(shuffled) == summary_of(documents)


@given(st.lists(TOLD))
def test_each_count_is_of_its_documents(documents: list[Told]) -> None:
    summary = summary_of(documents)
    about = [document for document in documents if not document.is_listed]
    assert summary.documents == len(documents)
    assert summary.stories == sum(document.is_story for document in documents)
    assert summary.listed == len(documents) - len(about)
    assert summary.negative == sum(document.is_negative for document in about)
    assert summary.positive == sum(document.is_positive for document in about)
    assert summary.negative_stories == sum(document.is_negative and document.is_story for document in about)
    assert summary.net_sum == sum(document.net for document in about)
    assert summary.net_square_sum == sum(document.net**2 for document in about)


def test_list_of_twenty_tickers_is_counted_but_is_no_opinion_of_any() -> None:
    summary = summary_of([Told(-9_000, True, False, True, True)])
    assert summary == Summary(documents=1, stories=1, listed=1)


@given(st.lists(TOLD))
def test_stored_fields_give_the_summary_back(documents: list[Told]) -> None:
    summary = summary_of(documents)
    assert Summary(*summary.as_tuple()) == summary


def test_merging_leaves_both_parts_as_they_were() -> None:
    left, right = summary_of([Told(5_000, False, True, True, False)]), Summary()
    merged = left + right
    merged.add(net=-5_000, is_negative=True, is_positive=False, is_story=True, is_listed=False)
    assert (left.documents, right.documents, merged.documents) == (1, 0, 2)
