"""Addresses: what a URL is called, and what nobody may read of it."""

import pytest

from monitor.errors import ConfigError
from monitor.transports.addresses import is_url, mask_url, read_address

SECRET = "hunter2"


def test_name_and_source_of_a_plain_url() -> None:
    address = read_address("https://WWW.Wire.Example.com/markets/rss.xml#top")
    assert address.url == "https://WWW.Wire.Example.com/markets/rss.xml"
    assert address.name == "www.wire.example.com/markets/rss.xml"
    assert address.base == address.url
    assert address.source == "wire.example.com"
    assert address.shown == "https://www.wire.example.com/markets/rss.xml"


def test_name_always_holds_a_slash_so_that_it_is_no_files_name() -> None:
    assert read_address("http://wire.example.com").name == "wire.example.com/"
    assert read_address("http://[::1]:8080/x").name == "[::1]:8080/x"


def test_queries_tell_feeds_apart_and_are_not_shown() -> None:
    first = read_address(f"https://wire.example.com/rss?token={SECRET}&s=HALD")
    second = read_address(f"https://wire.example.com/rss?token={SECRET}&s=NWFD")
    assert first.name != second.name
    assert first.name == read_address(f"https://wire.example.com/rss?token={SECRET}&s=HALD").name
    for address in (first, second):
        assert SECRET not in address.name + address.shown + address.base + address.source + repr(address)
        assert SECRET in address.url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"https://ann:{SECRET}@wire.example.com/rss", "netrc"),
        (f"https://{SECRET}@wire.example.com/rss", "netrc"),
        (f"ftp://wire.example.com/rss?{SECRET}", "http and https only"),
        (f"https:///rss?{SECRET}", "names no host"),
        (f"https://wire.example.com/a b?{SECRET}", "white space"),
        (f"https://wire.example.com:port/?{SECRET}", "no URL"),
        (f"https://[wire/?{SECRET}", "no URL"),
    ],
)
def test_a_url_that_cannot_be_followed_is_refused_without_its_secrets(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refusal:
        read_address(url)
    assert SECRET not in str(refusal.value)


def test_masked_url_has_neither_user_nor_query() -> None:
    assert (
        mask_url(f"https://ann:{SECRET}@Wire.example.com:8443/a?k={SECRET}#x") == "https://wire.example.com:8443/a?..."
    )


@pytest.mark.parametrize(
    ("place", "expected"),
    [("https://a/b", True), ("FTP://a", True), ("-", False), ("a.jsonl", False), ("a:b", False)],
)
def test_a_place_is_a_url_or_a_file(place: str, expected: bool) -> None:
    assert is_url(place) is expected
