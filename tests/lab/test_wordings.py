"""The wordings: many, distinct, each with slots that the pen can fill for every company."""

import re
from collections.abc import Sequence
from random import Random
from types import ModuleType

import pytest

from monitor.lab.story import events_chinese, events_english, everyday_chinese, everyday_english
from monitor.lab.story.companies import COMPANIES, TRADES
from monitor.lab.story.pen import Pen
from monitor.lab.story.sources import FORUM, LEDGER, MICROBLOG, NEWSWIRE_ZH, Source

PLACES = [
    (everyday_english, LEDGER, MICROBLOG),
    (events_english, LEDGER, MICROBLOG),
    (everyday_chinese, NEWSWIRE_ZH, FORUM),
    (events_chinese, NEWSWIRE_ZH, FORUM),
]


def lists_of(module: ModuleType) -> dict[str, Sequence[str]]:
    """Every list of wordings in a module, but what only stands beside one."""
    return {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, list | tuple) and name not in ("LISTS", "CONTEXT", "BLOG_OPENINGS")
    }


def sentences_of(*modules: ModuleType) -> list[str]:
    return [
        sentence
        for module in modules
        for lines in lists_of(module).values()
        for line in lines
        for sentence in line.split(" | ")
    ]


def test_there_are_many_different_wordings_in_both_languages() -> None:
    english = sentences_of(everyday_english, events_english)
    chinese = sentences_of(everyday_chinese, events_chinese)
    assert len(set(english)) >= 300
    assert len(set(chinese)) >= 180


@pytest.mark.parametrize("module", [place[0] for place in PLACES])
def test_no_list_holds_a_wording_twice(module: ModuleType) -> None:
    for name, lines in lists_of(module).items():
        assert len(set(lines)) == len(lines), name


@pytest.mark.parametrize(("module", "press", "posts"), PLACES)
def test_each_wording_names_its_company_and_leaves_no_slot_open(
    module: ModuleType, press: Source, posts: Source
) -> None:
    pen = Pen(Random(1))
    for number, (name, lines) in enumerate(lists_of(module).items()):
        for line in lines:
            company = COMPANIES[(number + len(line)) % len(COMPANIES)]
            source = press if " | " in line else posts
            written = pen.write(line, company, source, 0, other=COMPANIES[0])
            shown = f"{written.title} {written.text}"
            assert not re.search(r"[{}|]", shown), name
            assert company.name in shown or company.zh in shown or f"${company.ticker}" in shown, line


def test_first_post_of_the_rumour_is_filled_too() -> None:
    written = Pen(Random(1)).write(events_english.LIQUIDITY_FIRST, COMPANIES[0], MICROBLOG, 0)
    assert "Brackmoor Bank" in written.text
    assert "{" not in written.text


def test_each_company_has_its_own_ticker_name_and_chinese_name_and_a_trade() -> None:
    for values in ([one.ticker for one in COMPANIES], [one.name for one in COMPANIES], [one.zh for one in COMPANIES]):
        assert len(set(values)) == len(COMPANIES)
    assert {one.sector for one in COMPANIES} == set(TRADES)
