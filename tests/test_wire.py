"""The wire: whatever goes in comes out, to the last bit; what was damaged is a RecordError, never a wrong object."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import AlertEvent, Detection, Evidence, Suppression
from monitor.domain.archive import SuppressedRow, VolumeRow
from monitor.domain.document import DeadLetterReason, InputPartition, ScoredDocument
from monitor.domain.progress import NO_TIME_MS, Progress, SourceProgress, SourceState
from monitor.domain.sentiment import SCALE, Sentiment
from monitor.domain.topics import TopicId
from monitor.errors import RecordError
from monitor.wire import (
    decode_alert,
    decode_detection,
    decode_progress,
    decode_scored,
    encode_alert,
    encode_detection,
    encode_progress,
    encode_scored,
)
from monitor.wire_rows import (
    decode_scored_row,
    decode_suppressed,
    decode_volume,
    decode_window,
    encode_scored_row,
    encode_suppressed,
    encode_volume,
    encode_window,
)
from tests.storage.samples import alert, detection, scored, scored_row, volume_row, window_row

WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=40)
TEXTS = st.lists(TEXT, max_size=5).map(tuple)
LATER = ("rates", "dispersion", "coverage", "members")
"""Keys of a detection that the first release did not write."""
PARTITIONS = st.builds(InputPartition, TEXT, WHOLE)
SENTIMENTS = st.tuples(st.integers(0, SCALE), st.integers(0, SCALE)).map(
    lambda cuts: Sentiment(min(cuts), max(cuts) - min(cuts), SCALE - max(cuts))
)
SCORED = st.builds(
    ScoredDocument,
    event_time_ms=WHOLE,
    effective_ms=WHOLE,
    of_topics=WHOLE,
    offset=WHOLE,
    sentiment=SENTIMENTS,
    cues=TEXTS,
    signature=st.binary(max_size=64),
    source_partition=PARTITIONS,
)
EVIDENCE = st.builds(Evidence, effective_ms=WHOLE, net=WHOLE, copies=WHOLE, share=WHOLE, cues=TEXTS)
DETECTIONS = st.builds(
    Detection,
    partition=WHOLE,
    at_ms=WHOLE,
    episode_start_ms=WHOLE,
    severity=NUMBER,
    look_back_ms=WHOLE,
    observed=WHOLE,
    expected=NUMBER,
    volume=WHOLE,
    documents=WHOLE,
    origins=WHOLE,
    evidence=st.lists(EVIDENCE, max_size=3).map(tuple),
    rates=st.lists(st.tuples(TEXT, NUMBER), max_size=3).map(tuple),
    dispersion=NUMBER,
    coverage=NUMBER,
    members=TEXTS,
    topics_watched=WHOLE,
)
ALERTS = st.builds(
    AlertEvent,
    revision=WHOLE,
    at_ms=WHOLE,
    started_ms=WHOLE,
    peak_severity=NUMBER,
    threshold=NUMBER,
    detection=DETECTIONS,
)
SOURCES = st.builds(
    SourceProgress,
    source=PARTITIONS,
    from_position=WHOLE,
    to_position=WHOLE,
    watermark_ms=WHOLE,
    greatest_effective_ms=WHOLE,
    volumes=st.lists(st.tuples(TEXT, WHOLE, WHOLE), max_size=3).map(tuple),
)
PROGRESS = st.builds(
    Progress,
    known=st.lists(PARTITIONS, max_size=3).map(tuple),
    sources=st.lists(SOURCES, max_size=3).map(tuple),
    written_ms=WHOLE,
)


def progress() -> Progress:
    feed = InputPartition("feeds/news.jsonl", 1)
    source = SourceProgress(feed, 0, 12, NO_TIME_MS, NO_TIME_MS, SourceState.IDLE, (("wire-a", 28_333_334, 7),))
    return Progress((feed, InputPartition("feeds/posts.jsonl")), (source,), 1_700_000_000_123)


class Form(NamedTuple):
    """One kind of record, with a sample."""

    sample: Any
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


FORMS = {
    "scored": Form(scored(), encode_scored, decode_scored),
    "detection": Form(detection(), encode_detection, decode_detection),
    "alert": Form(alert(), encode_alert, decode_alert),
    "progress": Form(progress(), encode_progress, decode_progress),
    "scored row": Form(scored_row(), encode_scored_row, decode_scored_row),
    "window": Form(window_row(), encode_window, decode_window),
    "volume": Form(volume_row(3, 1.5), encode_volume, decode_volume),
    "volume of a new vendor": Form(volume_row(3, None), encode_volume, decode_volume),
    "suppressed": Form(
        SuppressedRow(TopicId("norvane-bank"), 1_700_000_040_000, Suppression.COOLDOWN, 4.125),
        encode_suppressed,
        decode_suppressed,
    ),
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


@given(SCORED)
def test_scored_document_comes_back_exactly(value: ScoredDocument) -> None:
    assert repr(decode_scored(encode_scored(value))) == repr(value)


@given(DETECTIONS)
def test_detection_comes_back_exactly(value: Detection) -> None:
    # repr, not equality: it tells -0.0 from 0.0 and a member of a closed set from its text.
    assert repr(decode_detection(encode_detection(value))) == repr(value)


@given(ALERTS)
def test_alert_event_comes_back_exactly(value: AlertEvent) -> None:
    assert repr(decode_alert(encode_alert(value))) == repr(value)


@given(PROGRESS)
def test_progress_comes_back_exactly(value: Progress) -> None:
    assert repr(decode_progress(encode_progress(value))) == repr(value)


@each_form
def test_sample_comes_back_exactly(form: Form) -> None:
    assert repr(form.decode(form.encode(form.sample))) == repr(form.sample)


@each_form
def test_same_value_always_gives_the_same_bytes(form: Form) -> None:
    assert form.encode(form.decode(form.encode(form.sample))) == form.encode(form.sample)


@each_form
@given(data=st.binary(max_size=60))
def test_arbitrary_bytes_are_a_record_error(form: Form, data: bytes) -> None:
    with pytest.raises(RecordError):
        form.decode(data)


@each_form
@given(data=st.data())
def test_truncated_record_is_a_record_error(form: Form, data: st.DataObject) -> None:
    whole = form.encode(form.sample)
    with pytest.raises(RecordError) as caught:
        form.decode(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert caught.value.reason == DeadLetterReason.NOT_JSON


@each_form
def test_array_is_no_record(form: Form) -> None:
    with pytest.raises(RecordError, match="not a JSON object") as caught:
        form.decode(b"[1]")
    assert caught.value.reason == DeadLetterReason.NOT_AN_OBJECT


@each_form
@pytest.mark.parametrize("version", [2, 0, "1", None, True])
def test_another_format_version_is_refused_by_name(form: Form, version: object) -> None:
    fields = {**orjson.loads(form.encode(form.sample)), "v": version}
    with pytest.raises(RecordError, match=f"format version {version!r}, but this release reads 1"):
        form.decode(orjson.dumps(fields))


def leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to everything inside, the containers too."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    found = [path] if path else []
    for key, item in inside:
        found += leaves(item, (*path, key))
    return found


def damaged(fields: Any, path: tuple[str | int, ...], change: Callable[[Any, str | int], None]) -> bytes:
    copy = orjson.loads(orjson.dumps(fields))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return orjson.dumps(copy)


WRONG: dict[type, tuple[object, ...]] = {
    str: (1, True, {}, ["x"]),
    int: (True, 0.5, "1", None, [], {}),
    float: (True, "1", None, [], {}),
    list: ({}, "xyz", 5, None, [None]),
    dict: ([], "xyz", 5, None, {}),
    type(None): (1, True, {}, ["x"]),
}
"""Never right in place of a value of this type; None in place of a text is, where the text may be absent."""


@each_form
def test_every_value_of_another_type_is_a_record_error(form: Form) -> None:
    fields = orjson.loads(form.encode(form.sample))
    for path in leaves(fields):
        value: Any = fields
        for key in path:
            value = value[key]
        for wrong in WRONG[type(value)]:

            def put(holder: Any, key: str | int, wrong: object = wrong) -> None:
                holder[key] = wrong

            try:
                read = form.decode(damaged(fields, path, put))
            except RecordError:
                continue
            pytest.fail(f"{path} = {wrong!r} was read as {read}")


@each_form
def test_every_key_that_is_missing_is_a_record_error_that_names_it(form: Form) -> None:
    fields = orjson.loads(form.encode(form.sample))
    keys = [path for path in leaves(fields) if type(path[-1]) is str and path != ("v",) and path[-1] not in LATER]
    if isinstance(form.sample, VolumeRow):
        keys = [path for path in keys if path != ("expected",)]  # what nobody knows is left out
    assert len(keys) > 1
    for path in keys:
        with pytest.raises(RecordError, match=str(path[-1])):
            form.decode(damaged(fields, path, lambda holder, key: holder.pop(key)))


def test_detection_of_the_release_before_is_read_as_what_it_meant() -> None:
    fields = orjson.loads(encode_detection(detection()))
    for key in LATER:
        del fields[key]
    read = decode_detection(orjson.dumps(fields))
    assert (read.rates, read.dispersion, read.coverage, read.members) == ((), 0.0, 1.0, ())
    assert read == replace(detection(), rates=(), dispersion=0.0, coverage=1.0, members=())


@each_form
def test_key_of_a_later_release_is_passed_over(form: Form) -> None:
    fields = {**orjson.loads(form.encode(form.sample)), "added_later": {"x": 1}}
    assert form.decode(orjson.dumps(fields)) == form.sample


def test_whole_number_in_place_of_a_float_is_taken_as_one() -> None:
    fields = {**orjson.loads(encode_detection(detection())), "severity": 3}
    severity = decode_detection(orjson.dumps(fields)).severity
    assert (severity, type(severity)) == (3.0, float)


@pytest.mark.parametrize("parts", [[8_000, 1_500, 499], [-1, 1, SCALE], [SCALE, 1, -1], [SCALE, 0], [True, 0, 9_999]])
def test_probabilities_that_are_none_are_a_record_error(parts: list[int]) -> None:
    fields = {**orjson.loads(encode_scored(scored())), "sentiment": parts}
    with pytest.raises(RecordError):
        decode_scored(orjson.dumps(fields))


@pytest.mark.parametrize("severity", [float("inf"), float("nan")])
def test_number_that_json_cannot_hold_is_refused_while_writing(severity: float) -> None:
    with pytest.raises(ValueError, match="severity"):
        encode_detection(detection(severity=severity))


def test_record_reads_without_this_code() -> None:
    fields = orjson.loads(encode_scored(scored()))
    assert fields["v"] == 1
    assert fields["source_partition"] == ["feeds/news.jsonl", 0]
    assert fields["role"] == "title"
    assert fields["sentiment"] == [8_000, 1_500, 500]
