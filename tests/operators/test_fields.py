"""Fields: what may be absent is read from any shape, and a wrong value never refuses a record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.operators.fields import (
    LANG_KEYS,
    MAX_SYMBOLS,
    read_author,
    read_first,
    read_id,
    read_lang,
    read_source,
    read_symbols,
    read_url,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" n-17 ", "n-17"),
        (17, "17"),
        (-3, "-3"),
        ({"value": "n-17", "isPermaLink": False}, "n-17"),
        ({"$oid": "65e6f0"}, "65e6f0"),
        ({"#text": 17}, "17"),
        ("  ", None),
        (1.5, None),
        (1e18, None),
        (True, None),
        ([17], None),
        ({}, None),
    ],
)
def test_id_is_a_text_or_an_integer(value: object, expected: str | None) -> None:
    assert read_id(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" Harbour  Wire ", "harbour wire"),
        ("Wire:UK", "wire-uk"),
        ("北港论坛", "北港论坛"),
        ({"id": None, "name": "Harbour Wire"}, "harbour wire"),
        ({"title": "Harbour Wire", "url": "https://wire.example.com"}, "harbour wire"),
        ('<a href="https://app.example.com">Web</a>', None),
        (" \u200b ", None),
        (4, None),
        (["wire"], None),
    ],
)
def test_source_is_one_lower_case_label_without_a_colon(value: object, expected: str | None) -> None:
    assert read_source(value) == expected


def test_source_has_at_most_64_characters() -> None:
    assert read_source("w" * 1_000_000) == "w" * 64


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" https://wire.example.com/n/17?a=1#b ", "https://wire.example.com/n/17?a=1#b"),
        ("HTTP://wire.example.com", "HTTP://wire.example.com"),
        ({"href": "https://wire.example.com", "rel": "alternate"}, "https://wire.example.com"),
        ([{"href": "https://wire.example.com"}, {"href": "https://other.example.com"}], "https://wire.example.com"),
        ("javascript:alert(1)", None),
        ('https://wire.example.com/"><script>', None),
        ("https://wire.example.com/a b", None),
        ("/n/17", None),
        ("https://wire.example.com/" + "a" * 2_048, None),
        ([], None),
        ([[]], None),
        (17, None),
    ],
)
def test_only_a_web_address_is_a_url(value: object, expected: str | None) -> None:
    assert read_url(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("en", "en"), ("zh-Hant-TW", "zh"), ("ZH_cn", "zh"), ("und", None), ("English", None), (["en"], None), ("", None)],
)
def test_language_is_its_primary_tag(value: object, expected: str | None) -> None:
    assert read_lang(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["$norv", "NORV", "tsln ", "", "two words", 5, None], ("NORV", "TSLN")),
        ([{"symbol": "NORV", "title": "Norvik"}, {"tag": "tsln"}, {"text": "Q"}, {"n": "no"}], ("NORV", "TSLN", "Q")),
        ("norv, $TSLN;qlmk", ("NORV", "TSLN", "QLMK")),
        ({"symbols": [{"text": "norv", "indices": [0, 5]}], "hashtags": []}, ("NORV",)),
        ({"cashtags": [{"tag": "NORV"}]}, ("NORV",)),
        (["0700.HK", "BRK/A", "NYSE:NORV"], ("0700.HK", "BRK/A", "NYSE:NORV")),
        ([], None),
        (7, None),
        (["X" * 25], None),
    ],
)
def test_symbols_are_upper_case_distinct_and_in_order(value: object, expected: tuple[str, ...] | None) -> None:
    assert read_symbols(value) == expected


def test_symbol_behind_many_dollar_signs_is_still_read() -> None:
    assert read_symbols(["$" * 40 + "norv", "x" * 25]) == ("NORV",)


def test_symbols_beyond_the_64th_are_left_out() -> None:
    assert MAX_SYMBOLS == 64
    assert read_symbols([f"S{number}" for number in range(100)]) == tuple(f"S{number}" for number in range(64))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" @DeskTrader ", "desktrader"),
        ({"screen_name": "DeskTrader", "name": "A Trader"}, "desktrader"),
        ({"screen_name": "", "name": "A Trader"}, "a trader"),
        ([{"name": "R. Lindqvist"}], "r. lindqvist"),
        ("Straße", "strasse"),
        ("@", None),
        (17, None),
        ([], None),
    ],
)
def test_author_is_one_folded_name(value: object, expected: str | None) -> None:
    assert read_author(value) == expected


def test_wrong_value_leaves_the_word_to_the_next_key() -> None:
    assert read_first({"lang": ["en"], "language": "zh"}, LANG_KEYS, read_lang) == "zh"
    assert read_first({"lang": "", "language": None}, LANG_KEYS, read_lang) is None


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "name", "href", "symbols", "text", "$oid"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("read", [read_id, read_source, read_url, read_lang, read_symbols, read_author])
@given(value=ANY_VALUE)
def test_no_value_raises_and_none_reads_as_empty(read: object, value: object) -> None:
    assert callable(read)
    found = read(value)
    assert found is None or len(found) > 0
