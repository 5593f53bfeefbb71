"""What a trained model reads. All companies are invented."""

import re
import unicodedata
from typing import Any, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Encoding, Tokenizer, models

from models.text import (
    MAX_CHARACTERS,
    MAX_WINDOWS,
    Encoded,
    TextEncoder,
    find_mentions,
    normalise,
    sentences,
)
from tests.models.tiny import tokenizer, vocabulary

IDS = vocabulary()
MASK = IDS["[MASK]"]
MAX_TOKENS = 16
ENCODER = TextEncoder(tokenizer(), MAX_TOKENS)


def encode(text: str, target: str = "") -> Encoded:
    return ENCODER.encode(text, target)


def words(encoded: Encoded) -> list[str]:
    """Each window as the tokens that it holds, without the special ones around it."""
    names = {number: token for token, number in IDS.items()}
    return [" ".join(names[number] for number in window.ids[1:-1]) for window in encoded.windows]


def named(text: str, target: str) -> list[str]:
    return [text[start:end] for start, end in find_mentions(text, target)]


_NAMES = st.sampled_from(
    ["Hexley", "Dunmore Steel", "Hexley Inc", "$HXLY", "海棠股份", "Yonder! Ltd", "J. Corran Co", "ＴＣＬ", "。", "🚀"]
)
_PIECES = st.sampled_from(
    [
        *("Hexley", "hexley's", "Dunmore Steel Inc.", "$HXLY", "海棠股份", "Yonder! Ltd", "J. Corran Co", "fraud"),
        *(". ", "! ", "。", "\r\n", "\n\n", " ", "…", "``", "''", "@someone", "RT @someone: ", "https://a.example/b?c"),
        *("the bank", "$5.2", "-3%", "שלום", "ꦗꦮ", "[SEP]", "[MASK]", "e\u0301", "ﷺ", "İ", "ß"),
        *("🚀", "👩\u200d👩\u200d👧", "\u200b", "\u200e", "\u202e", "\ufeff", "\x00", "\ud800"),
    ]
)
_TEXTS = st.one_of(st.text(max_size=120), st.lists(_PIECES, max_size=40).map("".join), st.lists(_PIECES).map(" ".join))
_TARGETS = st.one_of(st.just(""), _NAMES, st.text(max_size=12), st.text(alphabet=" \t$#,.()[]{}+*?\\|^", max_size=6))


@given(_TEXTS, _TARGETS)
def test_any_text_gives_bounded_windows_of_known_tokens(text: str, target: str) -> None:
    found = encode(text, target)
    assert 1 <= len(found.windows) <= MAX_WINDOWS
    for window in found.windows:
        assert 2 <= len(window.ids) <= MAX_TOKENS
        assert (window.ids[0], window.ids[-1]) == (IDS["[CLS]"], IDS["[SEP]"])
        assert set(window.ids) <= set(IDS.values())
        assert IDS["[CLS]"] not in window.ids[1:]
        assert [number for number, one in enumerate(window.ids) if one == MASK] == list(window.targets)


@given(_TEXTS, _TARGETS)
def test_same_question_gets_the_same_windows(text: str, target: str) -> None:
    assert encode(text, target) == TextEncoder(tokenizer(), MAX_TOKENS).encode(text, target)


_LONG = st.lists(_PIECES, min_size=30, max_size=120).map(" ".join)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.one_of(_TEXTS, _LONG), _TARGETS), max_size=8))
def test_texts_that_are_encoded_together_get_the_windows_that_each_gets_alone(questions: list[tuple[str, str]]) -> None:
    assert ENCODER.encode_all(questions) == [ENCODER.encode(*question) for question in questions]


def test_a_megabyte_among_short_texts_changes_none_of_them() -> None:
    questions = [("Hexley loss", "Hexley"), ("Hexley profit. " * 70_000, "Hexley"), ("", ""), ("the bank", "")]
    found = ENCODER.encode_all(questions)
    assert found == [encode(*question) for question in questions]
    assert [one.is_whole for one in found] == [True, False, True, True]
    assert len(found[1].windows) == MAX_WINDOWS


@given(_TEXTS, _TARGETS)
def test_every_window_is_about_the_target_that_the_text_names(text: str, target: str) -> None:
    found = encode(text, target)
    has_targets = [bool(window.targets) for window in found.windows]
    assert all(has_targets) if target.strip() and found.is_supported else not any(has_targets)


@given(st.lists(st.sampled_from(["the bank of", "fraud after", "X", "profit.", "and X said", "银行", "(X)", "X's"])))
def test_renaming_the_target_changes_no_token(parts: list[str]) -> None:
    texts = [" ".join(parts).replace("X", name) for name in ("Hexley", "Corran Mills")]
    assert encode(texts[0], "Hexley") == encode(texts[1], "Corran Mills")


@pytest.mark.parametrize("text", ["{}破产", "{}和银行的会议", "今天{}，明天{}。"])
def test_renaming_a_chinese_target_changes_no_token(text: str) -> None:
    assert encode(text.format("海棠", "海棠"), "海棠") == encode(text.format("云杉科技", "云杉科技"), "云杉科技")


@given(_TEXTS)
def test_sentences_are_in_order_and_lose_nothing_but_white_space(text: str) -> None:
    at, lost = 0, ""
    for start, end in sentences(text):
        assert at <= start < end
        lost += text[at:start]
        at = end
    assert not (lost + text[at:]).strip()


@given(_TEXTS, _TARGETS)
def test_mentions_are_in_order_and_do_not_overlap(text: str, target: str) -> None:
    at = 0
    for start, end in find_mentions(text, target):
        assert at <= start < end <= len(text)
        at = end


@given(_TEXTS)
def test_normalised_text_stays_as_it_is_when_normalised_again(text: str) -> None:
    # A link or a mark may be taken away and leave another at the edge: then the second reading takes that too.
    once = normalise(text)
    assume(not re.search(r"https?|www|twitter|RT|[@.。`']", once, re.IGNORECASE))
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFKC", once)


def test_empty_text_has_one_window_of_special_tokens() -> None:
    for text in ("", " \n\t", "https://a.example/b"):
        found = encode(text)
        assert [window.ids for window in found.windows] == [(IDS["[CLS]"], IDS["[SEP]"])]
        assert (found.is_supported, found.is_whole) == (True, True)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("a" * 1_000_000, "a"),
        (" " * 1_000_000, "x"),
        ("." * 1_000_000, ""),
        ("@" * 1_000_000, "@"),
        ("'" * 1_000_000, "'"),
        ("https://" * 125_000, "https"),
        ("e" + "\u0301" * 1_000_000, "é"),
        ("the bank. " * 100_000, "bank"),
    ],
    ids=lambda value: repr(value[:9]),
)
def test_a_megabyte_is_read_in_part_and_said_to_be_cut(text: str, target: str) -> None:
    found = encode(text, target)
    assert not found.is_whole
    assert len(found.windows) <= MAX_WINDOWS


def test_ten_thousand_emoji_are_one_unknown_word() -> None:
    assert words(encode("🚀" * 10_000)) == ["[UNK]"]


def test_spaced_emoji_beyond_the_last_window_are_a_cut() -> None:
    found = encode("🚀 " * 9_000)
    assert (len(found.windows), found.is_whole) == (MAX_WINDOWS, False)


class Counting:
    """A tokenizer that counts the characters that it is given."""

    def __init__(self) -> None:
        self._inner = tokenizer()
        self.characters = 0

    def encode(self, text: str, add_special_tokens: bool) -> Encoding:
        self.characters += len(text)
        return self._inner.encode(text, add_special_tokens=add_special_tokens)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_text_that_grows_when_it_is_normalised_is_cut_around_its_target() -> None:
    counting = Counting()
    text = "ﷺ" * (MAX_CHARACTERS - 20) + " Hexley said"  # The ligature stands for eighteen characters.
    found = TextEncoder(cast(Tokenizer, counting), MAX_TOKENS).encode(text, "Hexley")
    assert (found.is_supported, found.is_whole) == (True, False)
    assert counting.characters < 3 * MAX_CHARACTERS


@pytest.mark.parametrize("target", ["abc " * 50_000, "a" + "," * 200_000, "abc " + "inc " * 50_000, "a" * 201])
def test_target_longer_than_any_name_is_not_looked_for(target: str) -> None:
    assert not encode("abc def", target).is_supported
    assert find_mentions(target, target) == []


@pytest.mark.parametrize("target", [" ", "\t\n", "$", "#", "$$", "()", ".*", "[a-z]+", "\\", "🚀", "\ud800", "\u200b"])
def test_odd_target_is_taken_literally_or_not_found(target: str) -> None:
    found = encode("the bank said 5", target)
    assert found.is_supported == (not target.strip())
    assert words(found) == ["the bank said 5"]


def test_right_to_left_text_keeps_its_target() -> None:
    assert encode("\u202bדוח של הלדן היום\u202c", "הלדן").windows[0].targets == (3,)


def test_line_ends_of_windows_are_spaces() -> None:
    assert encode("the bank\r\nsaid\r\n\r\nfraud") == encode("the bank said fraud")


@pytest.mark.parametrize("mark", ["\u200b", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u200e"])
def test_invisible_characters_do_not_hide_a_target_or_a_word(mark: str) -> None:
    assert words(encode(f"Hex{mark}ley fra{mark}ud", "Hexley")) == ["[MASK] fraud"]


def test_half_of_a_surrogate_pair_does_not_hurt() -> None:
    assert words(encode("the \ud800 bank \udfff", "bank")) == ["the [MASK]"]


def test_text_cannot_place_special_tokens() -> None:
    found = encode("the [SEP] bank [MASK] [CLS] said")
    assert not {IDS["[SEP]"], MASK, IDS["[CLS]"]} & set(found.windows[0].ids[1:-1])


def test_links_handles_retweets_and_a_last_full_stop_leave_no_trace() -> None:
    bare = encode("the bank said fraud")
    for text in ("RT @abc: the bank said fraud", "the bank said fraud .", "the bank said fraud https://t.example/x"):
        assert encode(text) == bare
    assert normalise("@abc and @def_g, mail a@b.example") == "@user and @user, mail a@b.example"


@pytest.mark.parametrize(
    ("text", "target", "mentions"),
    [
        ("Hexley and HEXLEY and hexley", "Hexley", ["Hexley", "HEXLEY", "hexley"]),
        ("$HXLY up, #hxly down, HXLY flat", "HXLY", ["$HXLY", "#hxly", "HXLY"]),
        ("$HXLY up", "$HXLY", ["$HXLY"]),
        ("Hexleys and Hex", "Hexley", []),
        ("Dunmore-Steel said", "Dunmore Steel", ["Dunmore-Steel"]),
        ("DunmoreSteel said", "Dunmore Steel", ["DunmoreSteel"]),
        ("Dunmore Steel said", "Dunmore Steel Holdings plc", ["Dunmore Steel"]),
        ("Dunmore said", "Dunmore Steel", ["Dunmore"]),
        ("dunmore said", "Dunmore Steel", ["dunmore"]),
        ("Bank said", "Bank Hexley", []),
        ("Hex said", "Hex Foods", []),
        ("海棠股份和海棠股份", "海棠股份", ["海棠股份", "海棠股份"]),
        ("the TCL科技 share", "TCL科技", ["TCL科技"]),
        ("", "Hexley", []),
        ("Hexley", "", []),
        ("Hexley", "  ", []),
    ],
)
def test_mentions_of_a_target(text: str, target: str, mentions: list[str]) -> None:
    assert named(text, target) == mentions


def test_mentions_are_bounded() -> None:
    assert len(find_mentions("Hexley " * 500, "Hexley")) == 32


def test_mention_is_one_token_wherever_it_stands() -> None:
    found = encode("Hexley said: fraud at Hexley", "Hexley")
    assert words(found) == ["[MASK] said : fraud a ##t [MASK]"]
    assert found.windows[0].targets == (1, 7)
    assert found.is_supported


def test_target_that_is_not_named_leaves_the_text_as_without_one() -> None:
    found = encode("the bank said", "Hexley")
    assert found.windows == encode("the bank said").windows
    assert not found.is_supported


def test_long_text_is_cut_between_sentences() -> None:
    found = encode("The bank said profit today. After its meeting the shares soar to record growth. Excellent profit.")
    assert words(found) == [
        "the bank said profit today .",
        "after its meeting the shares soar to record growth . excellent profit",
    ]
    assert found.is_whole


def test_short_sentences_share_a_window() -> None:
    found = encode("The bank said. " * 5)
    assert words(found) == ["the bank said . the bank said . the bank said .", "the bank said . the bank said"]


def test_of_a_long_text_only_the_sentences_about_the_target_are_read() -> None:
    found = encode("The bank said profit today. " * 4 + "Fraud at Hexley. The shares soar today.", "Hexley")
    assert words(found) == ["fraud a ##t [MASK] ."]
    assert found.is_whole


def test_mention_across_the_border_of_two_sentences_is_not_torn() -> None:
    filler = "The bank said profit today. " * 4
    for name in ("J. Corran", "Yonder! Ltd", "A. B. Hexley"):
        found = encode(f"{filler}Fraud at {name} today. {filler}", name)
        assert words(found) == ["fraud a ##t [MASK] today ."]


def test_sentence_longer_than_a_window_comes_in_pieces() -> None:
    found = encode("the bank said profit " * 10)
    assert len(found.windows) == 3
    assert found.is_whole


def test_pieces_of_a_sentence_about_the_target_that_were_left_out_are_a_cut() -> None:
    found = encode("the bank said profit " * 10 + "of Hexley", "Hexley")
    assert words(found) == ["the bank said profit the bank said profit the bank said profit of [MASK]"]
    assert not found.is_whole


def test_target_far_behind_in_a_very_long_text_is_still_found() -> None:
    text = "The bank said profit today. " * 2_000 + "Fraud at Hexley today. " + "The shares soar. " * 2_000
    found = encode(text, "Hexley")
    assert words(found)[-1] == "fraud a ##t [MASK] today ."
    assert (found.is_supported, found.is_whole) == (True, False)


def test_text_that_fills_the_window_to_the_last_token_is_not_cut() -> None:
    room = MAX_TOKENS - 2
    assert len(encode("bank " * room).windows) == 1
    assert len(encode("bank " * (room + 1)).windows) == 2


def test_mpnet_style_special_tokens_are_preferred() -> None:
    tokens = {"[CLS]": 0, "[SEP]": 1, "[MASK]": 2, "[PAD]": 3, "<s>": 4, "</s>": 5, "<mask>": 6, "<pad>": 7, "[UNK]": 8}
    encoder = TextEncoder(Tokenizer(models.WordPiece(tokens, unk_token="[UNK]")))
    [window] = encoder.encode("Hexley", "Hexley").windows
    assert (window.ids, window.targets, encoder.pad) == ((4, 6, 5), (1,), 7)


def test_tokenizer_without_a_mask_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no <mask> or \[MASK\] token"):
        TextEncoder(Tokenizer(models.WordPiece({"[CLS]": 0, "[SEP]": 1, "[PAD]": 2, "[UNK]": 3}, unk_token="[UNK]")))
