"""Text for a terminal: nothing foreign drives it, nothing is wider than it."""

import io
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from monitor.channels.terminal import BOUND_SPACE, encodable, harmless, terminal_width, wants_color, wrap


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b[2J cleared",
        "\x1b]0;retitled\x07",
        "\x9b31m coloured by one byte",
        "overwritten\r",
        "bell \x07 backspace \x08 delete \x7f",
        "turned \u202eround\u202c",
        "\u2066isolated\u2069",
        "lone \ud83d surrogate",
        "first\nsecond\x0b\x0cthird\u2028fourth\u2029fifth\x85sixth",
    ],
)
def test_a_headline_cannot_drive_the_terminal(attack: str) -> None:
    line = harmless(attack, 200)
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    line.encode("utf-8")


def test_an_escape_sequence_is_seen_and_not_obeyed() -> None:
    assert harmless("calm\x1b[31m red", 200) == "calm\N{REPLACEMENT CHARACTER}[31m red"


def test_white_space_of_any_kind_becomes_one_space() -> None:
    assert harmless("  Northvale\u3000Bank\r\n\thalts\u00a0payouts ", 200) == "Northvale Bank halts payouts"


def test_what_is_too_long_ends_with_an_ellipsis_within_the_limit() -> None:
    assert harmless("x" * 50, 10) == "x" * 9 + "…"
    assert harmless("x" * 10, 10) == "x" * 10


@given(st.text(), st.integers(1, 50))
def test_whatever_the_text_what_is_left_is_harmless_and_short(text: str, limit: int) -> None:
    line = harmless(text, limit)
    assert len(line) <= limit
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_words_are_kept_whole() -> None:
    assert wrap("Northvale Bank halts payouts at once", 16) == ["Northvale Bank", "halts payouts at", "once"]


def test_chinese_counts_two_columns_and_breaks_without_spaces() -> None:
    assert wrap("北谷银行暂停取款", 8) == ["北谷银行", "暂停取款"]
    assert wrap("北谷银行暂停取款", 9) == ["北谷银行", "暂停取款"]


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    for width in range(8, 40):
        lines = wrap("北谷银行暂停取款，隔夜遭遇挤兑；监管机构称“正在密切关注”（附全文）。", width)
        assert not any(line[0] in "，；”）。" for line in lines), lines
        assert not any(line[-1] in "“（" for line in lines), lines


def test_latin_words_within_chinese_stay_whole() -> None:
    assert wrap("北谷银行Northvale回应", 10) == ["北谷银行", "Northvale", "回应"]


def test_a_word_without_end_is_cut_where_the_line_is_full() -> None:
    assert wrap("id " + "x" * 25, 10) == ["id", "x" * 10, "x" * 10, "x" * 5]


def test_bound_words_stay_on_one_line_and_read_as_usual() -> None:
    assert wrap(f"in all 5{BOUND_SPACE}copies", 9) == ["in all", "5 copies"]


def test_nothing_is_one_empty_line() -> None:
    assert wrap("", 10) == [""]


@given(st.text(alphabet="ab ,.()北谷，。（）é\u0301😀"), st.integers(4, 40))
def test_no_line_is_wider_than_the_terminal_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_colour_is_for_terminals_whose_owner_did_not_refuse_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert wants_color(Terminal())
    assert not wants_color(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_color(Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())
    # no-color.org: an empty value refuses nothing.
    monkeypatch.setenv("NO_COLOR", "")
    assert wants_color(Terminal())


@pytest.mark.parametrize(("columns", "width"), [(72, 72), (300, 110), (0, 100)])
def test_the_width_is_the_terminals_within_what_reads_well(
    monkeypatch: pytest.MonkeyPatch, columns: int, width: int
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((columns, 24)))
    monkeypatch.setattr(Terminal, "fileno", lambda self: 1)
    assert terminal_width(Terminal()) == width


def test_where_there_is_no_terminal_the_width_is_a_hundred() -> None:
    assert terminal_width(io.StringIO()) == 100


def test_a_stream_that_cannot_write_a_sign_gets_a_plainer_one() -> None:
    assert encodable("▲ “halts” · 北谷…", "ascii") == '! "halts" | ??~'
    assert encodable("▲ 北谷", "utf-8") == "▲ 北谷"
    assert encodable("北谷 ▲", "gb18030") == "北谷 ▲"
