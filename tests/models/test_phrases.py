"""The phrase book: what a line of a lexicon file may say, and which word forms it stands for."""

import pytest

from models.phrases import Entry, Role, expand, inflect, load_entries, load_irregular, load_variants, parse_entries
from models.reading import Reader

_HEADER = "phrase\trole\tpolarity\tweight\trisk\n"


def test_lists_are_as_large_as_promised() -> None:
    entries = load_entries()
    assert sum(entry.language == "en" for entry in entries) >= 900
    assert sum(entry.language == "zh" for entry in entries) >= 700


def test_no_phrase_is_listed_twice_in_one_language() -> None:
    phrases = [(entry.language, entry.phrase) for entry in load_entries()]
    assert sorted(set(phrases)) == sorted(phrases)


def test_every_entry_can_be_found_in_a_text() -> None:
    reader = Reader()
    irregular = load_irregular()
    silent = []
    for entry in load_entries():
        written = expand(entry.phrase, irregular)[0]
        text = " ".join({"#": "12", "%": "5%", "+%": "+5%", "-%": "-5%"}.get(word, word) for word in written.split(" "))
        if not any(start == 0 for _, start, _ in reader.read(text).hits):
            silent.append(entry.phrase)
    assert silent == []


def test_every_traditional_character_reads_as_its_simplified_one() -> None:
    reader = Reader()
    assert {reader.code(old) == reader.code(new) for old, new in load_variants().items()} == {True}


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("plunge", ("plunge", "plunges", "plunged", "plunging")),
        ("slip", ("slip", "slips", "slipped", "slipping")),
        ("bribe", ("bribe", "bribes", "bribed", "bribing")),
        ("deny", ("deny", "denies", "denied", "denying")),
        ("crush", ("crush", "crushes", "crushed", "crushing")),
        ("delay", ("delay", "delays", "delayed", "delaying")),
        ("fall", ("fall", "falls", "fell", "fallen", "falling")),
    ],
)
def test_forms_of_a_word_follow_spelling_and_the_list_of_irregular_ones(base: str, forms: tuple[str, ...]) -> None:
    assert inflect(base, load_irregular()) == forms


def test_written_out_entry_beats_a_form_that_a_rule_made() -> None:
    book = [
        Entry("cut~", Role.CUT, -2.0, "rating", "en"),
        Entry("cuts", Role.WORD, 1.0, "none", "en"),
    ]
    for ordered in (book, book[::-1]):
        reader = Reader(ordered)
        [(number, _, _)] = reader.read("cuts").hits
        assert reader.entries[number].role is Role.WORD


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("gain\tverb\t1\t1\tnone", "line 2: unknown role 'verb'"),
        ("gain\tword\t2\t1\tnone", "line 2: polarity is -1, 0 or 1"),
        ("gain\tword\t1\t9\tnone", "weight 1 to 3, found '1', '9'"),
        ("gain\tword\t1\t1\tweather", "line 2: unknown risk 'weather'"),
        ("gain\tnoun\t0\t1\tnone", "line 2: a noun speaks"),
    ],
)
def test_bad_line_is_refused_with_its_number_and_fault(line: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        list(parse_entries(_HEADER + line + "\n", "en"))


def test_file_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="the columns must be phrase, role, polarity, weight, risk"):
        list(parse_entries("word\tscore\n", "en"))


def test_phrase_that_no_text_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="no text can ever hold 'the'"):
        Reader([Entry("the", Role.WORD, 1.0, "none", "en")])
