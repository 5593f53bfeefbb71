import random

import pytest

from models.training.names import guess, invent


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("$HXL breaks out, Orvane does not", "HXL"),
        ("Hexley Foods shares fall", "Hexley Foods"),
        ("Net sales of Orvane's mill rose", "Orvane"),
        ("The US market fell", None),
        ("nobody is named here", None),
        ("In January, Mirtal & Sons sold its ships", "Mirtal & Sons"),
    ],
)
def test_company_is_guessed_from_cashtags_and_capitals(text: str, name: str | None) -> None:
    assert guess(text) == name


def test_chinese_company_is_guessed_by_its_ending() -> None:
    assert guess("今日海松银行公告", True) is not None
    assert guess("今日大跌", True) is None


def test_invented_names_are_fixed_by_the_seed() -> None:
    assert invent(random.Random(3)) == invent(random.Random(3))
    names = {invent(random.Random(seed), is_chinese) for seed in range(50) for is_chinese in (False, True)}
    assert len(names) > 40
