"""Our streams as Kafka holds them: keys, kinds, and what is not ours told from what is."""

import pytest

from monitor.delivery.deadletters import KIND
from monitor.domain.document import DeadLetterReason, InputPartition
from monitor.domain.progress import Progress
from monitor.errors import RecordError
from monitor.transports.kafka_codec import decode, encode
from tests.storage.samples import alert, dead_letter, detection, scored, scored_row, volume_row, window_row

SAMPLES: tuple[tuple[object, bytes | None], ...] = (
    (scored(), b"norvane-bank"),
    (Progress((InputPartition("feeds.news", 3),), (), 1_700_000_000_000), None),
    (detection(), b"norvane-bank"),
    (alert(), b"norvane-bank:negative_burst:1700000040000"),
    (scored_row(), b"norvane-bank"),
    (window_row(), b"norvane-bank"),
    (volume_row(1, None), b"harbour-wire"),
    (dead_letter(41), b"feeds/news.jsonl/0@41"),
)


@pytest.mark.parametrize(("value", "key"), SAMPLES, ids=lambda part: type(part).__name__)
def test_value_comes_back_and_is_keyed_by_what_it_is_about(value: object, key: bytes | None) -> None:
    encoded = encode(value)
    assert encoded.key == key
    assert repr(decode(*encoded)) == repr(value)


def test_dead_letter_keeps_its_bytes_and_says_in_headers_whence_and_why() -> None:
    encoded = encode(dead_letter(7, InputPartition("feeds.news", 2)))
    assert encoded.value == b"\x00{oops"
    assert dict(encoded.headers) == {
        "kind": b"dead_letter",
        "version": b"1",
        "reason": b"not_json",
        "detail": b"line is not JSON: mend the crawler",
        "source_topic": b"feeds.news",
        "source_partition": b"2",
        "source_offset": b"7",
    }


def test_tombstone_is_a_record_error() -> None:
    with pytest.raises(RecordError, match="tombstone") as caught:
        decode(b"key", None, ())
    assert caught.value.reason == DeadLetterReason.EMPTY


@pytest.mark.parametrize("headers", [(), (("type", b"scored"),), ((KIND, b"invoice"),), ((KIND, b""),)])
def test_record_of_another_program_is_a_record_error(headers: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(RecordError, match="not of this release"):
        decode(b"\xff\x00", b"{}", headers)


def test_damaged_value_is_a_record_error() -> None:
    encoded = encode(scored())
    with pytest.raises(RecordError, match="not_json"):
        decode(encoded.key, encoded.value[:-5], encoded.headers)


@pytest.mark.parametrize("broken", ["source_offset", "source_partition", "reason"])
def test_dead_letter_with_a_header_that_says_nothing_is_a_record_error(broken: str) -> None:
    encoded = encode(dead_letter())
    headers = [(name, b"x" if name == broken else value) for name, value in encoded.headers]
    with pytest.raises(RecordError, match="headers cannot be read"):
        decode(encoded.key, encoded.value, headers)


def test_nothing_else_can_be_published() -> None:
    with pytest.raises(TypeError, match="int has no form"):
        encode(5)
