"""Rows in other words. All companies are invented."""

import pytest

from models.evaluation.robustness import changed, changes, renamed, with_guessed_target, without_target
from models.text import find_mentions
from tests.models.evaluation.made import made_set, row


def test_renamed_target_is_gone_from_the_text_and_the_new_one_is_named() -> None:
    found = renamed(row("Hexley Group sues Orvane; Hexley Group shares fall", "negative", "Hexley Group"), 1)
    assert "Hexley" not in found.text
    assert len(find_mentions(found.text, found.target)) == 2
    assert "Orvane" in found.text


def test_cashtag_stays_a_cashtag() -> None:
    found = renamed(row("$HXLY falls as #HXLY trends", "negative", "HXLY"), 1)
    assert found.text.startswith(f"${found.target} falls as #{found.target}")
    assert found.target.isupper() and " " not in found.target


def test_row_without_a_target_has_its_company_renamed_and_stays_without() -> None:
    found = renamed(row("Mirtal Foods recalls salads", "negative"), 1)
    assert "Mirtal" not in found.text and found.target == ""


def test_target_that_the_text_does_not_name_leaves_the_row_as_it_is() -> None:
    before = row("Shares fall", "negative", "Quenby")
    assert renamed(before, 1) == before


def test_chinese_target_gets_a_chinese_name() -> None:
    found = renamed(row("衡岚集团被罚", "negative", "衡岚集团", lang="zh"), 1)
    assert "衡岚" not in found.text and found.target in found.text
    assert not found.target.isascii()


def test_same_seed_gives_the_same_name_and_another_row_another() -> None:
    rows = [row("Sardis falls", "negative", "Sardis", number=number) for number in range(20)]
    first, again = changed(rows, renamed, 1), changed(rows, renamed, 1)
    assert first == again
    assert len({one.target for one in first}) > 5


def test_guessed_target_is_the_company_that_is_named() -> None:
    assert with_guessed_target(row("Profit falls at Sardis Air this year", "negative"), 1).target.startswith("Sardis")
    assert with_guessed_target(row("profit falls", "negative"), 1).target == ""


@pytest.mark.parametrize("change", [without_target, with_guessed_target, renamed])
def test_change_keeps_label_and_id(change: object) -> None:
    before = row("Hexley falls", "negative", "Hexley", number=7)
    assert callable(change)
    after = change(before, 1)
    assert (after.label, after.id, after.source) == (before.label, before.id, before.source)


def test_set_with_targets_loses_them_and_one_without_gets_some() -> None:
    plain = made_set("made", ["negative"])
    assert list(changes(plain)) == ["guessed target", "renamed"]
    assert list(changes(plain.with_rows([row("Hexley falls", "negative", "Hexley")]))) == ["without target", "renamed"]
