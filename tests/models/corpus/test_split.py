import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corpus.rows import Row
from models.corpus.split import is_development, near_copies, split

SENTENCE = "Hexley said on Monday that its pulp mill in Orvane would close for repairs until the end of {}"


def row(text: str, source: str = "own") -> Row:
    return Row(text, "", 1, "en", source, text)


@given(st.text("abcXYZ09 海松", max_size=20), st.sampled_from(["{0}", " {0}!", "“{0}” ...", "#{0}?"]))
def test_a_text_falls_on_one_side_however_it_is_written(text: str, form: str) -> None:
    assert is_development(form.format(text.upper()), 0.5) == is_development(text.lower(), 0.5)


def test_about_the_wanted_share_is_kept_for_development() -> None:
    texts = [f"text number {number}" for number in range(2_000)]
    assert 0.06 < sum(is_development(text, 0.08) for text in texts) / len(texts) < 0.10


def test_equal_texts_of_two_sets_are_on_one_side() -> None:
    pytest.importorskip("sklearn", reason="needs the full set")
    texts = [f"Hexley opens branch {number} of {number * 7}" for number in range(60)]
    training, development = split([row(text, source) for source in ("a", "b") for text in texts], 0.3)
    assert development
    assert not {one.text for one in training} & {one.text for one in development}
    assert len(development) % 2 == 0


def test_near_copies_of_development_texts_are_left_out_of_training() -> None:
    pytest.importorskip("sklearn", reason="needs the full set")
    texts = [SENTENCE.format(number) for number in range(40)]
    rows = [row(text) for text in [*texts, *(f"Something else entirely, number {number}" for number in range(40))]]
    training, development = split(rows, 0.3)
    assert any(one.text in texts for one in development)
    assert not any(one.text in texts for one in training)
    assert any("else entirely" in one.text for one in development + training)


def test_copies_are_told_from_texts_with_some_words_in_common() -> None:
    pytest.importorskip("sklearn", reason="needs the full set")
    others = [SENTENCE.format("March"), "Orvane lifts its forecast"]
    texts = [SENTENCE.format("April"), "Orvane cuts 200 jobs at its mill in Sardis", "", "Quite another matter"]
    assert near_copies(texts, others) == [True, False, False, False]
    assert near_copies(texts, []) == [False] * 4
    assert near_copies([], others) == []
    assert near_copies(["", " "], [" "]) == [False, False]


def test_more_texts_than_one_slice_are_compared_in_order() -> None:
    pytest.importorskip("sklearn", reason="needs the full set")
    texts = [f"Some other words {number}" for number in range(1_100)]
    texts[700] = SENTENCE.format("May")
    found = near_copies(texts, [SENTENCE.format("June")])
    assert [place for place, is_copy in enumerate(found) if is_copy] == [700]
