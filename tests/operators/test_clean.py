"""Cleaning: what a reader sees stays, in one form; what nobody sees goes; no text costs more than its length."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.operators.clean import clean_line, clean_text, cut_at_word, split_repeat

CAP = 10_000


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Norvik Bank falls", "Norvik Bank falls"),
        ("  Norvik   Bank\tfalls ", "Norvik Bank falls"),
        ("Norvik\u00a0Bank\u3000跌停", "Norvik Bank 跌停"),
        ("First line.\nSecond line.\r\n\r\nThird.", "First line.\nSecond line.\nThird."),
        ("The bank said that it\nhad stopped paying", "The bank said that it had stopped paying"),
        ("Nor\u200bvik \ufeffBa\u00adnk\u202e", "Norvik Bank"),
        ("Norvik\x00Bank\x07", "Norvik Bank"),
        ("Cafe\u0301 Norvik", "Café Norvik"),
        ("北港银行ＡＢＣ", "北港银行ＡＢＣ"),
        ("🚀 $NORV 🇳🇴 👨\u200d👩", "🚀 $NORV 🇳🇴 👨👩"),
        ("", ""),
        ("\u200b \n\t", ""),
    ],
)
def test_white_space_collapses_and_the_invisible_goes(raw: str, expected: str) -> None:
    assert clean_text(raw, CAP) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>Norvik <b>Ba</b>nk falls</p><p>Deposits leave</p>", "Norvik Bank falls\nDeposits leave"),
        ("Up<br>down<BR/>left", "Up\ndown\nleft"),
        ("<p>The source\n   wraps here</p>", "The source wraps here"),
        ("<table><tr><td>Revenue</td><td>5</td></tr><tr><td>Cost</td><td>7</td></tr></table>", "Revenue 5\nCost 7"),
        ("<script async>sell()</script>Norvik<style>p{}</style><!-- buy -->", "Norvik"),
        ("Nor<!-- <p> -->vik <SPAN>falls</SPAN><P>again", "Norvik falls\nagain"),
        ("Norvik falls<script>never closed", "Norvik falls"),
        ("<script src='t.js'/>Norvik falls", "Norvik falls"),
        ('<a href="u" title="up > down">Norvik</a> falls', "Norvik falls"),
        ("<img src='data:image/png;base64," + "A" * 5_000 + "'>Norvik", "Norvik"),
        ("<![CDATA[<p>Norvik falls</p>]]>", "Norvik falls"),
        ("<!DOCTYPE html><html><head><title>Page</title></head><body>Norvik</body></html>", "Norvik"),
        ("<fb:like count='4'/><o:p>Norvik</o:p><my-card>falls</my-card>", "Norvikfalls"),
    ],
)
def test_elements_part_lines_words_or_nothing(raw: str, expected: str) -> None:
    assert clean_text(raw, CAP) == expected


@pytest.mark.parametrize(
    "raw",
    ["<NORV> falls", "EPS <b and c> d", "a < b > c", "I <3 $NORV", "x<y", "https://a.example/?a=1&b=2", "Q&A; &no;"],
)
def test_what_only_looks_like_markup_stays(raw: str) -> None:
    assert clean_text(raw, CAP) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Norvik &amp; Sons&nbsp;fall &#8212; &#x201c;hard&#x201d;", "Norvik & Sons fall — “hard”"),
        ("It&#146;s", "It’s"),
        ("&lt;p&gt;Norvik &amp;amp; Sons&lt;/p&gt;", "Norvik & Sons"),
        ("up -&gt; down", "up -> down"),
        ("&#0;&#55357;&#1114112;", "\ufffd\ufffd\ufffd"),
    ],
)
def test_entities_are_decoded_through_two_layers(raw: str, expected: str) -> None:
    assert clean_text(raw, CAP) == expected


@pytest.mark.parametrize("text", ["Norvik’s “bad” week", "北港银行暂停取款", "Crédit Norvik — naïve", "Norvik 🚀 moon"])
@pytest.mark.parametrize("misread", ["latin-1", "cp1252"])
def test_mojibake_is_undone(text: str, misread: str) -> None:
    mojibake = "".join(bytes([byte]).decode(misread, errors="ignore") or chr(byte) for byte in text.encode())
    assert mojibake != text
    assert clean_text(mojibake, CAP) == text


@pytest.mark.parametrize(
    "text",
    ["Über Ärger in Zürich", "São Paulo: Ações caem", "Ça va très bien, naïveté", "Příliš žluťoučký", "ÅÄÖ"],
)
def test_accents_that_are_meant_stay(text: str) -> None:
    assert clean_text(text, CAP) == text


def test_windows_controls_become_the_characters_that_were_meant() -> None:
    assert clean_text("Norvik\x92s \x93bad\x94 week\x85", CAP) == "Norvik’s “bad” week…"


@pytest.mark.parametrize(
    ("text", "max_chars", "expected"),
    [
        ("Norvik Bank falls", 17, "Norvik Bank falls"),
        ("Norvik Bank falls", 13, "Norvik Bank"),
        ("Norvik Bank falls", 11, "Norvik Bank"),
        ("Norvik   Bank", 9, "Norvik"),
        ("Norvik Bank falls", 3, "Nor"),
        ("北港银行暂停取款", 4, "北港银行"),
        ("a " + "b" * 100, 60, "a " + "b" * 58),
    ],
)
def test_text_is_cut_where_a_word_ends_if_one_does(text: str, max_chars: int, expected: str) -> None:
    assert cut_at_word(text, max_chars) == expected


def test_markup_is_read_to_32_times_the_cap() -> None:
    assert clean_text("<b></b>" * 44 + "Norvik", 10) == "Norvik"
    assert clean_text("<b></b>" * 46 + "Norvik", 10) == ""


def test_title_is_one_line() -> None:
    assert clean_line("Norvik<br>falls\n\nAgain", 100) == "Norvik falls Again"


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Norvik falls", "Norvik falls", ("Norvik falls", "")),
        ("Norvik falls", "NORVIK FALLS. Depositors left.", ("Norvik falls", "Depositors left.")),
        ("Norvik falls", "Norvik falls\nDepositors left.", ("Norvik falls", "Depositors left.")),
        ("Norvik falls!", "Norvik falls! Depositors left.", ("Norvik falls!", "Depositors left.")),
        ("Norvik falls", "Norvik falls - Depositors left.", ("Norvik falls", "Depositors left.")),
        ("Norvik Bank halts all withdrawals", "Norvik Bank halts all withdrawals OSLO (Wire)",
         ("Norvik Bank halts all withdrawals", "OSLO (Wire)")),
        ("北港银行暂停取款", "北港银行暂停取款。客户排队。", ("北港银行暂停取款", "客户排队。")),
        ("Norvik Bank halts with…", "Norvik Bank halts withdrawals", ("", "Norvik Bank halts withdrawals")),
        ("Norvik Bank halts...", "Norvik Bank halts all withdrawals", ("", "Norvik Bank halts all withdrawals")),
        ("Norvik Bank halts all", "Norvik Bank halts all withdrawals", ("", "Norvik Bank halts all withdrawals")),
        ("Norvik", "Norvik shares fall", ("", "Norvik shares fall")),
        ("Norvik", "Norviks fall", ("Norvik", "Norviks fall")),
        ("Norvik falls", "Depositors left. Norvik falls.", ("Norvik falls", "Depositors left. Norvik falls.")),
        ("", "Norvik falls", ("", "Norvik falls")),
        ("…", "Norvik falls", ("…", "Norvik falls")),
    ],
)  # fmt: skip
def test_what_title_and_text_both_say_is_said_once(title: str, text: str, expected: tuple[str, str]) -> None:
    assert split_repeat(title, text) == expected


ODD_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("<>&;'\"/=!-#x &p b\n\r\t\u200b\u00ad\u0301\x92âÃ©€™\x1e\u2028"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=200,
)


@given(ODD_TEXT, st.integers(min_value=1, max_value=120))
def test_any_text_comes_out_short_composed_visible_and_encodable(raw: str, max_chars: int) -> None:
    text = clean_text(raw, max_chars)
    assert len(text) <= max_chars
    assert text == text.strip()
    text.encode()
    assert unicodedata.is_normalized("NFC", text)
    assert "  " not in text
    assert "\n\n" not in text
    assert all(letter == "\n" or unicodedata.category(letter) != "Cc" for letter in text)


@given(st.lists(st.text(alphabet="abcXYZ019.,$%", min_size=1, max_size=8), max_size=20))
def test_plain_words_pass_unchanged(words: list[str]) -> None:
    assert clean_text(" ".join(words), CAP) == " ".join(words)


@given(st.text(alphabet="abcXYZ .,\n&;", max_size=60))
def test_lines_are_mended_alike_with_and_without_what_nobody_sees(raw: str) -> None:
    # The soft hyphen sends the same words the long way round.
    assert clean_text(raw, CAP) == clean_text(f"{raw}\u00ad", CAP)


@given(st.text(alphabet="ab \n\u2014\u034f\u115f\u1160\u200b\u0092\u00ad", max_size=40))
def test_fillers_that_count_as_printable_go_with_what_nobody_sees(words: str) -> None:
    cleaned = clean_text(f"a\n\u2014{words}", CAP)
    assert not set(cleaned) & set("\u034f\u115f\u1160\u200b\u0092\u00ad")


@given(ODD_TEXT, ODD_TEXT)
def test_no_word_of_the_text_is_lost_when_a_repeat_goes(title_raw: str, text_raw: str) -> None:
    title, text = clean_line(title_raw, 100), clean_text(text_raw, 200)
    for body in (text, f"{title} {text}".strip(), f"{title}\n{text}".strip(), f"{title}. {text}"):
        kept_title, kept_text = split_repeat(title, body)
        said = f"{kept_title}{kept_text}".casefold()
        assert all(letter in said for letter in body.casefold() if letter.isalnum())


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "<div>", "<b id=1>", '<a "', "<a '\"", "<script>", "<svg ", "<!--", "<a-", "<", "&lt;p&gt;",
        "\u0f71\u0f72", "\u05b0\u05b1", "Ã©x", "\x92",
    ],
)  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    def seconds(size: int) -> float:
        raw = (unit * (size // len(unit) + 1))[:size]
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            clean_text(raw, size)
            best = min(best, time.process_time() - began)
        return best

    # Four times the text may cost some eight times as much (caches, rounding); a quadratic text would cost sixteen.
    assert seconds(80_000) < max(10 * seconds(20_000), 0.05)
