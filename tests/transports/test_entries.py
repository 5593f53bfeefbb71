"""Entries: RSS 2.0, RSS 1.0 and Atom, whole and broken, as records that the parser takes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.transports import entries
from monitor.transports.addresses import read_address
from monitor.transports.entries import Entries, EntryDates, EntryOutcome, read_entries
from monitor.transports.fetch import FetchError, FetchOutcome, Page, Validators
from tests.feed_server import Item, rss

NOW_MS = 1_772_409_600_000  # 2026-03-02T00:00:00Z
ADDRESS = read_address("https://wire.example.com/markets/rss?token=hunter2")
DATES = EntryDates(oldest_ms=631_152_000_000, max_future_ms=600_000)

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-CN" xml:base="https://blog.example.com/">
<title>财经观察</title><author><name>Whole Desk</name></author>
<entry><id>tag:blog.example.com,2026:2</id><title type="html">哈尔登银行 &amp;lt;快讯&amp;gt;</title>
<link rel="alternate" href="/p/2"/><updated>2026-03-01T23:00:00+08:00</updated>
<published>2026-03-01T20:00:00+08:00</published><author><name>Mina Okafor</name></author>
<summary>short</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>哈尔登银行暂停取款。</p></div></content>
</entry>
<entry><id>tag:blog.example.com,2026:1</id><title>Earlier</title><updated>2026-03-01T10:00:00Z</updated></entry>
</feed>"""

RDF = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://old.example.com/"><title>Old Wire</title></channel>
<item rdf:about="https://old.example.com/7"><title>Tessaly Motors cuts its outlook</title>
<link>https://old.example.com/7</link><description>Fewer deliveries.</description>
<dc:date>2026-03-01T12:00:00Z</dc:date><dc:creator>R. Lindqvist</dc:creator></item></rdf:RDF>"""


def read(body: bytes | str, content_type: str = "") -> Entries:
    raw = body.encode() if isinstance(body, str) else body
    return read_entries(Page(raw, content_type, Validators()), ADDRESS, NOW_MS, DATES)


def records(found: Entries) -> list[dict[str, Any]]:
    return [json.loads(entry.value) for entry in found.entries]


def when(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_an_rss_item_becomes_a_record_of_docs_feeds() -> None:
    item = Item("n1", "Halden Bank & Co", "<p>It <b>fell</b>.</p>", "Sun, 01 Mar 2026 18:30:00 +0800")
    assert records(read(rss([item]))) == [
        {
            "id": "n1",
            "source": "wire.example.com",
            "published_at": "2026-03-01T10:30:00.000+00:00",
            "title": "Halden Bank & Co",
            "text": "<p>It <b>fell</b>.</p>",
            "url": "https://wire.example.com/n1",
            "lang": "en",
        }
    ]


def test_an_atom_entry_gives_its_fullest_text_its_first_date_and_its_own_author() -> None:
    earlier, later = records(read(ATOM))
    assert later["published_at"] == "2026-03-01T12:00:00.000+00:00"
    assert "<p>哈尔登银行暂停取款。</p>" in later["text"]
    assert later["url"] == "https://blog.example.com/p/2"
    assert (later["lang"], later["author"]) == ("zh-CN", "Mina Okafor")
    assert earlier["title"] == "Earlier" and "author" not in earlier


def test_rss_1_is_read() -> None:
    assert records(read(RDF)) == [
        {
            "id": "https://old.example.com/7",
            "source": "wire.example.com",
            "published_at": "2026-03-01T12:00:00.000+00:00",
            "title": "Tessaly Motors cuts its outlook",
            "text": "Fewer deliveries.",
            "url": "https://old.example.com/7",
            "author": "R. Lindqvist",
        }
    ]


@pytest.mark.parametrize("content_type", ["", "text/xml", "text/xml; charset=gb2312"])
def test_chinese_in_gb2312_is_read(content_type: str) -> None:
    item = Item("z1", "北港银行股价跌停", "储户排队取款。", "Sun, 01 Mar 2026 10:00:00 GMT")
    found = read(rss([item], encoding="GB2312", language="zh-cn"), content_type)
    assert not found.is_broken
    (record,) = records(found)
    assert (record["title"], record["text"], record["lang"]) == ("北港银行股价跌停", "储户排队取款。", "zh-cn")


def test_the_oldest_entry_comes_first_and_undated_ones_last_in_their_order() -> None:
    items = [
        Item("undated 2", "d"),
        Item("late", "c", when="Sun, 01 Mar 2026 12:00:00 GMT"),
        Item("undated 1", "b"),
        Item("early", "a", when="Sun, 01 Mar 2026 11:00:00 GMT"),
    ]
    assert [record["id"] for record in records(read(rss(items)))] == ["early", "late", "undated 1", "undated 2"]


@pytest.mark.parametrize(
    ("date", "outcome"),
    [
        ("", EntryOutcome.NEW_UNDATED),
        ("yesterday", EntryOutcome.NEW_UNDATED),
        ("Mon, 01 Jan 0001 00:00:00 GMT", EntryOutcome.NEW_UNDATED),
        (when(DATES.oldest_ms - 1_000), EntryOutcome.NEW_UNDATED),
        (when(NOW_MS + DATES.max_future_ms + 1_000), EntryOutcome.NEW_AHEAD),
    ],
)
def test_a_date_that_cannot_be_believed_is_the_moment_of_the_fetch(date: str, outcome: EntryOutcome) -> None:
    found = read(rss([Item("n1", "Halden Bank fell", when=date)]))
    assert found.entries[0].outcome is outcome
    assert records(found)[0]["published_at"] == "2026-03-02T00:00:00.000+00:00"


@pytest.mark.parametrize("time_ms", [DATES.oldest_ms, NOW_MS + DATES.max_future_ms])
def test_a_date_on_the_boundary_is_believed(time_ms: int) -> None:
    found = read(rss([Item("n1", "Halden Bank fell", when=when(time_ms))]))
    assert found.entries[0].outcome is EntryOutcome.NEW
    assert datetime.fromisoformat(records(found)[0]["published_at"]).timestamp() * 1000 == time_ms


def test_the_key_is_that_of_the_id_whatever_the_text_says_later() -> None:
    first, second = (read(rss([Item("n1", title)])).entries[0] for title in ("Halden Bank fell", "Halden Bank rose"))
    assert first.key == second.key and first.value != second.value
    assert read(rss([Item("n2", "Halden Bank fell")])).entries[0].key != first.key


def test_without_a_guid_the_link_is_the_id_and_without_a_link_the_words_are() -> None:
    def only(inside: str) -> dict[str, Any]:
        (record,) = records(read(f"<rss version='2.0'><channel><item>{inside}</item></channel></rss>"))
        return record

    assert only("<title>a</title><link>https://wire.example.com/1</link>")["id"] == "https://wire.example.com/1"
    words = only("<title>Halden Bank</title>")["id"]
    assert words.startswith("#") and words != only("<title>Halden Banks</title>")["id"]
    assert words == only("<title> Halden Bank </title>")["id"]


def test_entries_with_nothing_to_read_are_left_out_and_counted() -> None:
    found = read(rss([Item("n1", ""), Item("n2", "Halden Bank fell")]))
    assert [record["id"] for record in records(found)] == ["n2"]
    assert found.left_out == 1


def test_of_broken_xml_everything_that_can_be_read_is_taken() -> None:
    body = rss([Item("n1", "Halden Bank"), Item("n2", "Northwind Foods")]).replace(b"Halden Bank", b"Halden & <Bank")
    found = read(body)
    assert found.is_broken and not found.is_cut
    assert {record["id"] for record in records(found)} == {"n1", "n2"}


def test_the_last_entry_of_a_document_that_was_cut_waits_for_the_whole_one() -> None:
    whole = rss([Item("n2", "Halden Bank fell"), Item("n1", "Northwind Foods rose", "by a long way")])
    found = read(whole[: whole.index(b"long way")])
    assert found.is_broken and found.is_cut
    assert [record["id"] for record in records(found)] == ["n2"]
    assert found.left_out == 1


@pytest.mark.parametrize("body", [b"", b"<html><body><p>Log in</p></body></html>", b"{}", b"\x00\xff\xfe", b"no"])
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(FetchError) as refused:
        read(body, "text/html")
    assert refused.value.outcome is FetchOutcome.NOT_A_FEED


def test_a_feed_without_entries_is_a_feed() -> None:
    assert read(rss([])) == Entries(())


def test_a_body_that_is_a_files_name_opens_no_file(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(rss([Item("n1", "Halden Bank fell")]))
    with pytest.raises(FetchError):
        read(str(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-7"])
def test_entities_are_neither_multiplied_nor_fetched(tmp_path: Path, encoding: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    # Small enough that the parser's own guard, which looks only at megabytes, lets it pass.
    bomb = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 4))
    head = f"<!DOCTYPE rss [<!ENTITY l0 'ha'>{bomb}<!ENTITY file SYSTEM 'file://{secret}'>]>"
    item = "<item><title>Halden &l3; &file; Bank</title></item>"
    body = f"<?xml version='1.0' encoding='{encoding}'?>{head}<rss version='2.0'><channel>{item}</channel></rss>"
    (entry,) = read(body.encode(encoding), f"text/xml; charset={encoding}").entries
    assert b"Halden" in entry.value
    assert b"haha" not in entry.value and b"the secret" not in entry.value


def test_a_document_of_nothing_but_tags_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MAX_TAGS", 20)
    read(rss([Item("n1", "Halden Bank fell")]))
    with pytest.raises(FetchError) as refused:
        read(rss([Item("n1", "Halden Bank fell")]).replace(b"Halden", b"<b>" * 20))
    assert refused.value.outcome is FetchOutcome.TOO_LARGE


@pytest.mark.parametrize("half", ["&#xD83D;", "&#55357;", "&#x110000;"])
def test_half_an_emoji_does_not_stop_the_feed(half: str) -> None:
    found = read(rss([Item("n1", "Halden Bank")]).replace(b"Halden", f"Halden {half} caf&#xe9;".encode()))
    (record,) = records(found)
    assert record["title"] == "Halden \ufffd caf\xe9 Bank"


def test_relative_links_and_ids_start_from_the_address_and_take_nothing_from_its_query() -> None:
    items = "<item><guid>7</guid><title>a</title></item><item><title>b</title><link>n/1</link></item>"
    second, first = records(read(f"<rss version='2.0'><channel>{items}</channel></rss>"))
    assert first["id"] == "https://wire.example.com/markets/7"
    assert second["url"] == "https://wire.example.com/markets/n/1"


def test_a_document_with_too_many_entries_gives_those_at_its_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MAX_ENTRIES", 10)
    found = read(rss([Item(f"n{number}", f"Halden Bank, part {number}") for number in range(13)]))
    assert found.left_out == 3
    assert [record["id"] for record in records(found)] == [f"n{number}" for number in range(9, -1, -1)]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 2_000), noise=st.binary(max_size=30), where=st.integers(0, 2_000))
def test_whatever_the_bytes_it_is_a_feed_or_a_refusal(cut: int, noise: bytes, where: int) -> None:
    body = (ATOM.encode() + rss([Item("n1", "Halden Bank", "fell")]))[where:]
    try:
        found = read(body[:cut] + noise + body[cut:])
    except FetchError as refused:
        assert refused.outcome is FetchOutcome.NOT_A_FEED
    else:
        assert all(json.loads(entry.value)["id"] for entry in found.entries)
