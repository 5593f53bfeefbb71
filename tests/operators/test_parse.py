"""Parse: docs/feeds.md kept to the letter; every refusal has its reason and remedy; nothing ever raises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import DeadLetter, DeadLetterReason, Document, DocumentId, FeedRecord, InputPartition, Part
from monitor.operators import fields as field_keys
from monitor.operators import parse as parse_module
from monitor.operators.parse import ParseLimits, parse

LIMITS = ParseLimits()
PARTITION = InputPartition("feeds.news", 3)
TIME = "2024-03-05T10:30:00Z"
TIME_MS = 1_709_634_600_000
GUIDE = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json (\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def read(
    value: bytes | dict[str, Any], arrival_ms: int | None = None, limits: ParseLimits = LIMITS
) -> Document | DeadLetter:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return parse(FeedRecord(data, PARTITION, offset=7, next_offset=8, arrival_ms=arrival_ms), limits)


def document(value: bytes | dict[str, Any], arrival_ms: int | None = None, limits: ParseLimits = LIMITS) -> Document:
    found = read(value, arrival_ms, limits)
    assert isinstance(found, Document), found
    return found


def dead_letter(value: bytes | dict[str, Any], arrival_ms: int | None = None) -> DeadLetter:
    found = read(value, arrival_ms)
    assert isinstance(found, DeadLetter), found
    return found


# ---- the guide


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_every_example_of_the_guide_reads_as_it_says(kind: str, example: str) -> None:
    found = read(" ".join(example.splitlines()).encode())
    if kind == "document":
        assert isinstance(found, Document), found
        assert found.event_time_ms in (TIME_MS, TIME_MS - 3_600_000)
    else:
        assert isinstance(found, DeadLetter), found
        assert found.reason == kind


def test_guide_shows_every_shape_and_names_every_reason() -> None:
    assert sum(kind == "document" for kind, _ in EXAMPLES) >= 8
    reasons = re.findall(r"^\| `(\w+)` \|", GUIDE.split("## 6. Dead letters")[1], re.MULTILINE)
    assert sorted(reasons) == sorted(DeadLetterReason)


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        ("time", parse_module.TIME_KEYS),
        ("text", parse_module.TEXT_KEYS),
        ("title", parse_module.TITLE_KEYS),
        ("id", field_keys.ID_KEYS),
        ("source", field_keys.SOURCE_KEYS),
        ("url", field_keys.URL_KEYS),
        ("lang", field_keys.LANG_KEYS),
        ("symbols", field_keys.SYMBOL_KEYS),
        ("author", field_keys.AUTHOR_KEYS),
        ("arrival", (parse_module.ARRIVAL_KEY,)),
        ("parts", (parse_module.PARTS_KEY,)),
    ],
)
def test_guide_lists_the_keys_in_the_order_in_which_they_count(row: str, keys: tuple[str, ...]) -> None:
    table = GUIDE.split("## 2. Which key counts")[1].split("## 3.")[0]
    line = next(line for line in table.splitlines() if line.startswith(f"| {row} |"))
    assert tuple(re.findall(r"`([^`]+)`", line)) == keys


def test_our_own_schema_is_read_whole() -> None:
    example = next(text for kind, text in EXAMPLES if kind == "document")
    assert document(" ".join(example.splitlines()).encode()) == Document(
        id=DocumentId("harbour-wire:n-20240305-17"),
        source="harbour-wire",
        event_time_ms=TIME_MS,
        observed_ms=TIME_MS + 4_000,
        title="Norvik Bank halts withdrawals",
        text="Norvik Bank said on Tuesday that it had stopped paying out deposits.",
        url="https://wire.example.com/n/17",
        lang="en",
        symbols=("NORV",),
        author="j. doe",
        parts=(Part("caption", "Customers queue outside a branch.", "https://wire.example.com/n/17.jpg"),),
    )


def test_social_post_is_read_whole() -> None:
    example = next(text for kind, text in EXAMPLES if "full_text" in text and kind == "document")
    post = document(" ".join(example.splitlines()).encode())
    assert post.id == "feeds.news:1764962000000000001"
    assert post.source == "feeds.news"
    assert (post.title, post.text) == ("", "Puts on $TSLN & $NORV today")
    assert (post.symbols, post.author, post.lang) == (("TSLN", "NORV"), "desktrader", "en")


def test_rss_item_is_read_whole() -> None:
    example = next(text for kind, text in EXAMPLES if "content:encoded" in text and kind == "document")
    item = document(" ".join(example.splitlines()).encode())
    assert item.id == "feeds.news:https://news.example.com/?p=812"
    assert item.text == "Harrowgate Foods is recalling 40,000 tins & apologised."
    assert (item.url, item.author) == ("https://news.example.com/harrowgate-recall", "mina okafor")


# ---- time and arrival


def test_first_time_that_is_not_empty_counts() -> None:
    assert document({"text": "a b", "published_at": "", "pubDate": None, "created_at": TIME}).event_time_ms == TIME_MS
    later = {"text": "a b", "published_at": TIME, "created_at": "2030-01-01"}
    assert document(later).event_time_ms == TIME_MS


def test_event_time_may_be_ten_minutes_ahead_of_the_arrival_and_not_a_millisecond_more() -> None:
    fields = {"text": "Norvik falls", "published_at": TIME_MS}
    assert document(fields, TIME_MS - 600_000).observed_ms == TIME_MS - 600_000
    refused = dead_letter(fields, TIME_MS - 600_001)
    assert refused.reason is DeadLetterReason.FAR_FUTURE
    assert refused.detail.startswith("published_at: 2024-03-05T10:30:00.000Z is more than 600 s after")


def test_arrival_is_the_least_of_those_known() -> None:
    fields = {"text": "Norvik falls", "published_at": TIME, "observed_at": "2024-03-05T10:30:04Z"}
    assert document(fields).observed_ms == TIME_MS + 4_000
    assert document(fields, TIME_MS + 9_000).observed_ms == TIME_MS + 4_000
    assert document(fields, TIME_MS + 1_000).observed_ms == TIME_MS + 1_000


@pytest.mark.parametrize("observed_at", [0, "", "soon", None, True, {"a": 1}, "1970-01-01", 10**30])
def test_arrival_that_is_unreadable_or_an_unset_clock_is_not_known(observed_at: object) -> None:
    fields = {"text": "Norvik falls", "published_at": TIME, "observed_at": observed_at}
    assert document(fields).observed_ms is None
    assert document(fields, TIME_MS + 1).observed_ms == TIME_MS + 1
    assert document(fields, -1).observed_ms is None


def test_future_is_not_judged_where_no_arrival_is_known() -> None:
    assert document({"text": "Norvik falls", "published_at": "2100-01-01T00:00:00Z"}).event_time_ms == 4_102_444_800_000


@pytest.mark.parametrize(
    ("published_at", "reason"),
    [
        ("1970-01-01T00:00:00Z", DeadLetterReason.TIME_OUT_OF_RANGE),
        ("1989-12-31T23:59:59.999Z", DeadLetterReason.TIME_OUT_OF_RANGE),
        (0, DeadLetterReason.TIME_OUT_OF_RANGE),
        (-1, DeadLetterReason.TIME_OUT_OF_RANGE),
        ("9999-12-31T23:59:59-01:00", DeadLetterReason.TIME_OUT_OF_RANGE),
        (10**40, DeadLetterReason.BAD_TIME),
        ("yesterday", DeadLetterReason.BAD_TIME),
        ("Tue, 05 Mar 2024 10:30:00 XYZ", DeadLetterReason.BAD_TIME),
        (True, DeadLetterReason.BAD_FIELD),
        ([2024, 3, 5], DeadLetterReason.BAD_FIELD),
        ({"$date": TIME}, DeadLetterReason.BAD_FIELD),
        (None, DeadLetterReason.NO_TIME),
        ("", DeadLetterReason.NO_TIME),
        ([], DeadLetterReason.NO_TIME),
    ],
)
def test_unusable_time_is_refused_with_its_key_and_remedy(published_at: object, reason: DeadLetterReason) -> None:
    refused = dead_letter({"text": "Norvik falls", "published_at": published_at})
    assert refused.reason is reason
    assert refused.detail.startswith("published_at: ")
    assert "; send " in refused.detail or ", nor" in refused.detail


def test_refusal_names_the_key_that_the_feed_used() -> None:
    assert dead_letter({"text": "Norvik falls", "pubDate": "soon"}).detail.startswith("pubDate: 'soon': ")
    assert dead_letter({"body": 4, "pubDate": TIME}).detail.startswith("body: a text cannot be a number")


def test_oldest_moment_that_counts_is_the_first_of_1990() -> None:
    assert document({"text": "Norvik", "published_at": "1990-01-01T00:00:00Z"}).event_time_ms == LIMITS.oldest_ms


# ---- text


def test_first_text_that_leaves_something_to_read_counts() -> None:
    fields = {"published_at": TIME, "text": "", "content": [{"value": "<img src=x>"}, None], "summary": "Norvik falls"}
    assert document(fields).text == "Norvik falls"
    assert document(fields | {"full_text": "whole", "text": "who…"}).text == "whole"
    assert document(fields | {"extended_tweet": {"full_text": "longest"}, "text": "lon…"}).text == "longest"


@pytest.mark.parametrize("key", ["text", "title"])
@pytest.mark.parametrize("wrong", [42, 1.5, True, False, {"url": "x"}, [7], 0])
def test_text_and_title_of_a_wrong_type_are_refused(key: str, wrong: object) -> None:
    refused = dead_letter({"published_at": TIME, key: wrong, "description": "Norvik falls"})
    assert refused.reason is DeadLetterReason.BAD_FIELD
    assert refused.detail.startswith(f"{key}: a text cannot be ")


@pytest.mark.parametrize("empty", [None, "", " ", [], {}, "<br>", "\u200b", [None], [{"type": "image"}]])
def test_document_with_nothing_to_read_is_refused(empty: object) -> None:
    refused = dead_letter({"published_at": TIME, "text": empty, "title": empty, "parts": empty})
    assert refused.reason is DeadLetterReason.NO_TEXT


def test_title_alone_is_enough_and_a_repeated_one_counts_once() -> None:
    alone = document({"published_at": TIME, "title": "Norvik\nfalls"})
    assert (alone.title, alone.text, alone.reading) == ("Norvik falls", "", "Norvik falls")
    twice = document({"published_at": TIME, "title": "Norvik falls", "text": "<h1>Norvik falls</h1><p>Hard.</p>"})
    assert twice.reading == "Norvik falls\nHard."


def test_text_and_title_are_capped_by_the_limits() -> None:
    limits = ParseLimits(max_text_chars=20, max_title_chars=10, max_parts=1)
    parts = [{"text": "caption of some length, really"}, {"text": "second"}]
    found = document(
        {"published_at": TIME, "title": "Norvik Bank", "text": "word " * 50, "parts": parts}, limits=limits
    )
    assert (found.title, found.text) == ("Norvik", "word word word word")
    assert found.parts == (Part("text", "caption of some"),)


def test_parts_that_are_wrong_empty_or_said_already_are_left_out() -> None:
    parts = [
        "spoken words", {"modality": " Transcript ", "text": "<p>Norvik</p>", "url": "javascript:x"}, {"text": 5}, 7,
        None, {"text": "Norvik falls"}, {"text": "spoken words"}, {"modality": 4, "text": "more"}, {"modality": "a"},
    ]  # fmt: skip
    assert document({"published_at": TIME, "text": "Norvik falls", "parts": parts}).parts == (
        Part("text", "spoken words"),
        Part("transcript", "Norvik"),
        Part("text", "more"),
    )
    assert document({"published_at": TIME, "text": "Norvik falls", "parts": {"text": "x"}}).parts == ()


def test_document_of_parts_alone_is_read_with_its_first_part() -> None:
    found = document({"published_at": TIME, "parts": [{"modality": "caption", "text": "one"}, {"text": "two"}]})
    assert (found.text, found.parts) == ("one", (Part("text", "two"),))


# ---- identity and what may be absent


def test_source_falls_back_to_the_input_and_never_is_empty() -> None:
    assert document({"published_at": TIME, "text": "a", "source": 5, "vendor": "Wire"}).source == "wire"
    assert document({"published_at": TIME, "text": "a"}).source == "feeds.news"
    record = FeedRecord(json.dumps({"published_at": TIME, "text": "a"}).encode(), InputPartition("  "), 0, 1)
    found = parse(record, LIMITS)
    assert isinstance(found, Document)
    assert found.source == "unknown"


def test_same_post_without_an_id_is_the_same_document_and_another_is_not() -> None:
    post = {"published_at": TIME, "text": "Norvik falls", "url": "https://a.example/1", "source": "wire"}
    first = document(post).id
    assert re.fullmatch(r"wire:#[0-9a-f]{16}", first)
    assert document(post | {"text": " NORVIK\n falls", "published_at": TIME_MS, "lang": "en", "id": ""}).id == first
    changes = {"text": "Norvik rises", "url": "https://a.example/2", "published_at": TIME_MS + 1, "source": "b"}
    for change in ({key: value} for key, value in changes.items()):
        assert document(post | change).id != first


def test_content_hash_is_fixed_for_good() -> None:
    # Stored state and history hold these ids: a change here counts every document without an id twice.
    assert document({"published_at": TIME, "text": "Norvik falls", "source": "wire"}).id == "wire:#fc7bf5b52b426154"


def test_id_scoped_by_source_cannot_be_shared_by_two_sources() -> None:
    one = document({"published_at": TIME, "text": "a", "source": "wire:uk", "id": "1"}).id
    other = document({"published_at": TIME, "text": "a", "source": "wire", "id": "uk:1"}).id
    assert one == "wire-uk:1"
    assert one != other


def test_long_id_is_kept_as_its_hash() -> None:
    short, long, longer = ({"published_at": TIME, "text": "a", "id": "x" * size} for size in (256, 257, 258))
    assert document(short).id == "feeds.news:" + "x" * 256
    assert re.fullmatch(r"feeds\.news:~[0-9a-f]{32}", document(long).id)
    assert document(long).id != document(longer).id


def test_wrong_optional_values_count_as_absent() -> None:
    keys = ("id", "source", "url", "lang", "symbols", "author", "observed_at")
    wrong: dict[str, Any] = {key: [{"odd": 1}] for key in keys}
    found = document({"published_at": TIME, "text": "Norvik falls"} | wrong)
    assert (found.url, found.lang, found.symbols, found.author, found.observed_ms) == (None, None, (), None, None)
    assert found.id.startswith("feeds.news:#")


# ---- bytes


def test_good_document_counts_in_spite_of_nan_and_half_an_emoji() -> None:
    value = rb'{"id": 5, "published_at": "2024-03-05T10:30:00Z", "text": "Norvik falls \ud83d", "likes": NaN}'
    assert document(value).text == "Norvik falls \ufffd"
    assert document(b"\xef\xbb\xbf" + value).id == "feeds.news:5"


@pytest.mark.parametrize("fault", list(DeadLetterReason))
def test_what_the_transport_found_wrong_stands_whatever_the_bytes(fault: DeadLetterReason) -> None:
    value = json.dumps({"published_at": TIME, "text": "Norvik falls"}).encode()
    found = parse(FeedRecord(value, PARTITION, 7, 8, fault=fault), LIMITS)
    assert isinstance(found, DeadLetter)
    assert found.reason is fault
    assert found.detail.startswith("record: ")


def test_dead_letter_says_where_it_came_from_and_keeps_4_kib() -> None:
    refused = dead_letter(b"x" * 10_000)
    assert refused == DeadLetter(DeadLetterReason.NOT_JSON, refused.detail, PARTITION, 7, b"x" * 4_096)
    assert refused.detail == (
        "record: not JSON (Expecting value: line 1 column 1 (char 0)); send one JSON object a record"
    )


@given(st.binary(max_size=300), st.none() | st.integers())
def test_no_bytes_raise(value: bytes, arrival_ms: int | None) -> None:
    assert isinstance(read(value, arrival_ms), Document | DeadLetter)


KNOWN_KEYS = sorted(
    {
        *parse_module.TIME_KEYS, *parse_module.TEXT_KEYS, *parse_module.TITLE_KEYS, *field_keys.ID_KEYS,
        *field_keys.SOURCE_KEYS, *field_keys.URL_KEYS, *field_keys.LANG_KEYS, *field_keys.SYMBOL_KEYS,
        *field_keys.AUTHOR_KEYS, parse_module.ARRIVAL_KEY, parse_module.PARTS_KEY,
    }
)  # fmt: skip
ODD_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=40)
    | st.sampled_from([TIME, TIME_MS, "<p>Norvik</p>", "&lt;", "https://a.example/1", "\ud83d", "Norvik falls"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["value", "text", "name", "href", "symbols", "modality", "url", "$oid"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(KNOWN_KEYS), ODD_JSON, max_size=8), st.booleans(), st.none() | st.integers())
def test_no_object_raises_and_every_document_keeps_its_promises(
    fields: dict[str, Any], is_timed: bool, arrival_ms: int | None
) -> None:
    if is_timed:
        fields |= {"published_at": TIME}
    found = read(fields, arrival_ms)
    if isinstance(found, DeadLetter):
        assert re.match(r"[\w:]+: .", found.detail)
        return
    assert found.title or found.text
    assert found.id.startswith(f"{found.source}:")
    assert ":" not in found.source
    assert LIMITS.oldest_ms <= found.event_time_ms
    assert all(part.text for part in found.parts)
    "\n".join([found.id, found.reading, found.author or "", *found.symbols]).encode()
    assert read(fields, arrival_ms) == found


@given(
    st.permutations(["id", "guid", "source", "published_at", "created_at", "text", "title", "lang", "symbols", "zz"])
)
def test_order_of_the_keys_changes_nothing(order: list[str]) -> None:
    fields = {
        "id": "7", "guid": "8", "source": "Wire", "published_at": TIME, "created_at": "2020-01-01", "zz": 1,
        "text": "Norvik Bank falls", "title": "Norvik", "lang": "en", "symbols": ["NORV"],
    }  # fmt: skip
    assert document({key: fields[key] for key in order}) == document(fields)


def test_key_that_only_some_objects_of_a_feed_have_is_read_in_those() -> None:
    plain = {"published_at": TIME, "text": "Norvik Bank falls"}
    for _ in range(2):
        assert document(plain).url is None
        assert document({**plain, "url": "https://wire.example.com/1"}).url == "https://wire.example.com/1"
        assert document({**plain, "observed_at": TIME}).observed_ms == TIME_MS


def test_hostile_keys_fill_no_memory() -> None:
    for number in range(2_000):
        document({"published_at": TIME, "text": "Norvik Bank falls", f"key {number}": 1})
    assert len(parse_module._shapes) <= 1_024
    document({"published_at": TIME, "text": "Norvik Bank falls", "x" * 3_000: 1})
    assert max(sum(map(len, shape)) for shape in parse_module._shapes) <= 2_000
