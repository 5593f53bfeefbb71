"""Decoding: which bytes hold an object, which are mended because the document is certain, which are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import DeadLetterReason
from monitor.errors import RecordError
from monitor.operators.decode import MAX_DEPTH, decode


def reason_of(value: bytes) -> str:
    with pytest.raises(RecordError) as refused:
        decode(value)
    assert refused.value.detail.startswith("record: ")
    assert "; " in refused.value.detail, "the remedy follows the fault"
    return refused.value.reason


@pytest.mark.parametrize("value", [b"", b"  \r\n", b"\x00" * 40, b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_nothing_but_padding_is_empty(value: bytes) -> None:
    assert reason_of(value) == DeadLetterReason.EMPTY


@pytest.mark.parametrize("value", [b"[1]", b'"text"', b"5", b"null", b"NaN", b"true"])
def test_json_that_is_no_object_is_named_so(value: bytes) -> None:
    assert reason_of(value) == DeadLetterReason.NOT_AN_OBJECT


@pytest.mark.parametrize("value", [b'{"a": 1', b"{'a': 1}", b'{"a": 1} {"b": 2}', b"\x01\x7f", b'{"a" 1}', b"{a: 1}"])
def test_what_is_no_json_is_named_so(value: bytes) -> None:
    assert reason_of(value) == DeadLetterReason.NOT_JSON


@pytest.mark.parametrize(
    "value",
    [
        '{"text": "Crédit Norvik"}'.encode("cp1252"),
        '{"text": "北港银行暂停取款"}'.encode("gbk"),
        b"\xff\xfe{\x00}\x00",
        b"\x1f\x8b\x08\x00\xff\xd8",
        b'{"text": "\xf5\x80\x80\x80"}',
    ],
)
def test_other_encodings_are_refused_and_never_guessed(value: bytes) -> None:
    assert reason_of(value) == DeadLetterReason.NOT_UTF8


def test_byte_that_is_not_utf8_is_shown() -> None:
    with pytest.raises(RecordError, match=r"byte 0xe9 near position 12 is not UTF-8"):
        decode(b'{"text": "Cr\xe9dit"}')


def test_character_cut_at_the_end_of_a_string_is_mended() -> None:
    whole = "北港银行🚀".encode()
    for cut in range(1, len(whole)):
        text = decode(b'{"text": "' + whole[:cut] + b'"}')["text"]
        assert text.rstrip("\ufffd") == whole[:cut].decode(errors="ignore")


def test_half_an_emoji_becomes_the_replacement_character_and_two_halves_an_emoji() -> None:
    assert decode(rb'{"text": "up \ud83d", "a": NaN}') == {"text": "up \ufffd", "a": None}
    assert decode(rb'{"text": "\ude80 up"}') == {"text": "\ufffd up"}
    assert decode(rb'{"text": "\ud83d\ude80 \ud83d"}') == {"text": "🚀 \ufffd"}
    assert decode(b'{"text": "up \xed\xa0\xbd\xed\xba\x80"}') == {"text": "up 🚀"}


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5_000])
def test_number_that_is_none_counts_as_absent(number: bytes) -> None:
    assert decode(b'{"text": "Norvik", "a": ' + number + b"}") == {"text": "Norvik", "a": None}


def test_number_means_the_same_to_the_fast_and_the_patient_reader() -> None:
    for number in (b"18446744073709551615", b"18446744073709551616", b"-9223372036854775809", b"1" * 24):
        fast, patient = decode(b'{"a": ' + number + b"}"), decode(b'{"b": NaN, "a": ' + number + b"}")
        assert fast["a"] == patient["a"]
        assert type(fast["a"]) is type(patient["a"])


def test_padding_marks_and_raw_control_characters_are_passed_over() -> None:
    assert decode(b'\x00\x00\xef\xbb\xbf {"text": "a\tb\x01"}\r\n\x00') == {"text": "a\tb\x01"}


def test_last_of_two_equal_keys_counts_for_both_readers() -> None:
    assert decode(b'{"id": 1, "id": 2}') == {"id": 2}
    assert decode(b'{"id": 1, "id": 2, "a": NaN}') == {"id": 2, "a": None}


@pytest.mark.parametrize("tail", [b"", b', "b": NaN'])
def test_depth_is_judged_alike_by_both_readers(tail: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + tail + b"}"

    assert decode(nested(MAX_DEPTH))
    assert reason_of(nested(MAX_DEPTH + 1)) == DeadLetterReason.TOO_DEEP


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_hundred_thousand_levels_are_too_deep(value: bytes) -> None:
    assert reason_of(value) == DeadLetterReason.TOO_DEEP


def test_brackets_in_texts_and_many_flat_objects_are_not_depth() -> None:
    fields = {"text": '[[{"\\' * 1_000, "symbols": [{"symbol": f"S{number}"} for number in range(500)]}
    assert decode(json.dumps(fields).encode()) == fields


def test_brackets_in_a_text_that_never_closes_are_not_depth() -> None:
    # Were the rest of it read as structure, each escaped quote would also be searched to the end: quadratic.
    assert reason_of(b'{"text": "' + b"[" * 1_000) == DeadLetterReason.NOT_JSON


@given(st.binary(max_size=200))
def test_any_bytes_give_an_object_or_a_record_error(value: bytes) -> None:
    try:
        assert isinstance(decode(value), dict)
    except RecordError as refused:
        assert DeadLetterReason(refused.reason)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.slow
@given(st.dictionaries(st.text(max_size=4), ANY_JSON, max_size=4))
def test_object_reads_the_same_with_something_the_fast_reader_refuses_beside_it(fields: dict[str, object]) -> None:
    plain = json.dumps(fields | {"~": None}, allow_nan=True).encode()
    refused = json.dumps(fields | {"~": float("nan")}, allow_nan=True).encode()
    assert decode(plain) == decode(refused)
