"""The forms of rows: labels never change, targets stay where they are named, and conflicting rows keep theirs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corpus.rows import Row
from models.text import find_mentions
from models.training.augment import Augmenter, AugmentSettings

BOTH = "Hexley Foods gains on Orvane after Mirtal Bank cuts Orvane to sell"
AGREEING = Row("Orvane and Hexley Foods rise", "Orvane", 2, "en", "own", "1")
CONFLICTING = [
    Row(BOTH, "Hexley Foods", 2, "en", "own", "2"),
    Row(BOTH, "Orvane", 0, "en", "own", "3"),
]
PLAIN = Row("Mirtal Bank doubles its profit", "", 2, "en", "own", "4")
ROWS = [AGREEING, *CONFLICTING, PLAIN]
EPOCHS = range(40)


def forms(row: Row, seed: int = 1, **shares: float) -> list[Row]:
    settings = AugmentSettings(**({"drop": 0.0, "insert": 0.0, "rename": 0.0} | shares))
    augmenter = Augmenter(ROWS, settings, seed)
    return [augmenter.form(row, epoch) for epoch in EPOCHS]


def test_without_shares_rows_stay_as_they_are() -> None:
    assert all(form == row for row in ROWS for form in forms(row))


def test_target_is_dropped_only_where_the_labels_of_a_text_agree() -> None:
    assert {form.target for form in forms(AGREEING, drop=1.0)} == {""}
    for row in CONFLICTING:
        assert {form.target for form in forms(row, drop=1.0)} == {row.target}
    assert {form.target for form in forms(AGREEING, drop=0.5)} == {"", "Orvane"}


def test_row_without_a_target_gets_the_company_that_it_names() -> None:
    assert {form.target for form in forms(PLAIN, insert=1.0)} == {"Mirtal"}
    assert {form.target for form in forms(PLAIN, insert=0.5)} == {"", "Mirtal"}


def test_other_names_are_replaced_and_the_target_never() -> None:
    for row in CONFLICTING:
        for form in forms(row, rename=1.0):
            assert form.target == row.target
            assert len(find_mentions(form.text, row.target)) == len(find_mentions(row.text, row.target))
            assert form.text != row.text
    assert "Orvane" not in forms(CONFLICTING[0], rename=1.0)[0].text


def test_name_that_shares_its_first_word_with_the_target_leaves_the_target_alone() -> None:
    text = "Norrland Steel beats forecasts"
    rows = [Row(text, "Norrland Steel", 2, "en", "own", "5"), Row(text, "Norrland Mining", 1, "en", "own", "6")]
    augmenter = Augmenter(rows, AugmentSettings(drop=0, insert=0, rename=1.0), 1)
    for epoch in EPOCHS:
        form = augmenter.form(rows[0], epoch)
        assert len(find_mentions(form.text, "Norrland Steel")) == 1


def test_invented_name_does_not_name_the_target() -> None:
    text = "Bank shares fall as Hexley warns"
    rows = [Row(text, "Bank", 0, "en", "own", "7"), Row(text, "Hexley", 0, "en", "own", "8")]
    augmenter = Augmenter(rows, AugmentSettings(drop=0, insert=0, rename=1.0), 1)
    found = [augmenter.form(rows[0], epoch).text for epoch in range(200)]
    assert all(len(find_mentions(one, "Bank")) == 1 for one in found)
    assert any("Hexley" not in one for one in found)


def test_cashtag_stays_a_cashtag() -> None:
    row = Row("$ORV beats, says Hexley Foods", "Hexley Foods", 2, "en", "own", "9")
    augmenter = Augmenter([row], AugmentSettings(drop=0, insert=0, rename=1.0), 1)
    text = augmenter.form(row, 0).text
    assert text.startswith("$")
    assert text.split()[0].rstrip(",").lstrip("$").isupper()
    assert not text.startswith("$ORV")


shares = st.sampled_from([0.0, 0.3, 1.0])


@given(st.sampled_from(ROWS), st.integers(0, 99), st.integers(0, 9), shares, shares, shares)
def test_form_is_fixed_by_seed_epoch_and_row_and_keeps_its_label(
    row: Row, seed: int, epoch: int, drop: float, insert: float, rename: float
) -> None:
    settings = AugmentSettings(drop, insert, rename)
    form = Augmenter(ROWS, settings, seed).form(row, epoch)
    assert form == Augmenter(ROWS[::-1], settings, seed).form(row, epoch)
    assert replace(form, text=row.text, target=row.target) == row
    if form.target:
        assert find_mentions(form.text, form.target)


@pytest.mark.parametrize("what", ["seed", "epoch"])
def test_forms_differ_between_seeds_and_between_epochs(what: str) -> None:
    if what == "epoch":
        assert len(set(forms(AGREEING, drop=0.5, rename=0.5))) > 3
    else:
        assert forms(AGREEING, 1, drop=0.5, rename=0.5) != forms(AGREEING, 2, drop=0.5, rename=0.5)
