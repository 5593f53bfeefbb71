import pytest

from models.corpus.published import PUBLISHED, Use, find_published
from models.corpus.rows import DataError
from tests.imports import ROOT


def test_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(DataError, match=r"fpb: no data set of that name; known are fpb_50agree, fiqa"):
        find_published("fpb")


@pytest.mark.parametrize("name", PUBLISHED)
def test_page_about_data_says_what_the_code_says(name: str) -> None:
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    row = next((line for line in page.splitlines() if line.startswith(f"| `{name}` |")), "")
    assert row, f"docs/data.md has no line about {name}"
    assert f"| {PUBLISHED[name].use} |" in row
    assert PUBLISHED[name].licence.partition(" by ")[0] in row


def test_only_three_sets_may_be_used_commercially() -> None:
    assert [name for name, one in PUBLISHED.items() if one.use is Use.ALLOWED] == ["tfns", "sentfin", "stocknet_tweets"]
