"""Fetch, against a real server on loopback: what it sends, and all the ways in which it misbehaves."""

import gzip
import itertools
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import Event, Thread

import pytest

from monitor.clock import ManualClock
from monitor.transports.fetch import (
    MAX_RETRY_AFTER_SECONDS,
    Fetcher,
    FetchError,
    FetchLimits,
    FetchOutcome,
    Page,
    Validators,
    read_retry_after,
)
from tests.feed_server import Answer, FeedServer, Handler, Item, page, rss, serving, status

FEED = rss([Item("n1", "Halden Bank opens an office")])
NOTHING = Validators()
NOW_MS = 1_772_409_600_000
PATIENT = FetchLimits(total_seconds=20.0, quiet_seconds=10.0, max_bytes=100_000)
HASTY = FetchLimits(total_seconds=0.3, quiet_seconds=0.25, max_bytes=100_000)


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with serving() as site:
        yield site


def fetch(url: str, limits: FetchLimits = PATIENT, validators: Validators = NOTHING) -> Page | None:
    return Fetcher(limits, ManualClock(NOW_MS), "test-monitor/1").fetch(url, validators)


def failure(url: str, limits: FetchLimits = PATIENT) -> FetchError:
    with pytest.raises(FetchError) as raised:
        fetch(url, limits)
    return raised.value


def test_a_page_comes_with_its_type_and_validators_and_we_say_who_we_are(site: FeedServer) -> None:
    site.answers["/rss"] = page(FEED, {"ETag": '"v1"', "Last-Modified": "Mon, 02 Mar 2026 00:00:00 GMT"})
    found = fetch(site.url("/rss?token=hunter2"))
    assert found is not None
    assert found.body == FEED
    assert found.content_type == "application/rss+xml"
    assert found.validators == Validators('"v1"', "Mon, 02 Mar 2026 00:00:00 GMT")
    path, headers = site.asked[0]
    assert path == "/rss?token=hunter2"
    assert headers["User-Agent"] == "test-monitor/1"
    assert headers["If-None-Match"] is None and headers["If-Modified-Since"] is None


def test_only_what_has_changed_is_asked_for(site: FeedServer) -> None:
    site.answers["/rss"] = status(304)
    given = Validators('"v1"', "Mon, 02 Mar 2026 00:00:00 GMT")
    assert fetch(site.url("/rss"), validators=given) is None
    assert fetch(site.url("/rss"), validators=Validators("", given.last_modified)) is None
    (_, both), (_, one) = site.asked
    assert (both["If-None-Match"], both["If-Modified-Since"]) == given
    assert (one["If-None-Match"], one["If-Modified-Since"]) == (None, given.last_modified)


def test_unchanged_without_being_asked_so_is_a_failure(site: FeedServer) -> None:
    site.answers["/rss"] = status(304)
    assert failure(site.url("/rss")).outcome is FetchOutcome.FAILED


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (404, FetchOutcome.REFUSED),
        (410, FetchOutcome.REFUSED),
        (401, FetchOutcome.REFUSED),
        (500, FetchOutcome.FAILED),
        (204, FetchOutcome.FAILED),
        (429, FetchOutcome.THROTTLED),
        (503, FetchOutcome.THROTTLED),
    ],
)
def test_each_status_has_its_outcome(site: FeedServer, code: int, outcome: FetchOutcome) -> None:
    site.answers["/rss"] = status(code)
    error = failure(site.url("/rss"))
    assert (error.outcome, error.retry_after_seconds) == (outcome, 0.0)
    assert str(code) in str(error)


def test_a_throttling_server_says_how_long(site: FeedServer) -> None:
    site.answers["/rss"] = status(429, {"Retry-After": "120"})
    assert failure(site.url("/rss")).retry_after_seconds == 120.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999999999999", MAX_RETRY_AFTER_SECONDS),
        (format_datetime(datetime.fromtimestamp(NOW_MS / 1000 + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW_MS / 1000 - 90, UTC), usegmt=True), 0.0),
        (format_datetime(datetime.fromtimestamp(NOW_MS / 1000 + 10**7, UTC), usegmt=True), MAX_RETRY_AFTER_SECONDS),
        ("soon", 0.0),
        ("", 0.0),
        ("-5", 0.0),
        ("٣", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date_and_capped(value: str, seconds: float) -> None:
    assert read_retry_after(value, NOW_MS) == seconds


def test_redirects_are_followed_to_the_page(site: FeedServer) -> None:
    site.answers["/old"] = status(301, {"Location": "/moved/here?key=hunter2"})
    site.answers["/moved/here"] = page(FEED)
    found = fetch(site.url("/old"))
    assert found is not None and found.body == FEED


def test_a_loop_of_redirects_ends(site: FeedServer) -> None:
    site.answers["/a"] = status(302, {"Location": "/b"})
    site.answers["/b"] = status(302, {"Location": "/a"})
    assert failure(site.url("/a")).outcome is FetchOutcome.REDIRECT
    assert len(site.asked) == 6


def test_the_body_of_a_redirect_is_not_read(site: FeedServer) -> None:
    def endless_redirect(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/rss")
        handler.end_headers()
        handler.drip(itertools.repeat(b"moved"))

    site.answers["/old"] = endless_redirect
    site.answers["/rss"] = page(FEED)
    found = fetch(site.url("/old"))
    assert found is not None and found.body == FEED


@pytest.mark.parametrize(
    "location", ["file:///etc/hosts", "ftp://127.0.0.1/x", "", "http://ann:hunter2@127.0.0.1/", "http://[bad"]
)
def test_a_redirect_to_anything_but_the_web_is_refused(site: FeedServer, location: str) -> None:
    site.answers["/rss"] = status(302, {"Location": location})
    error = failure(site.url("/rss"))
    assert error.outcome is FetchOutcome.REDIRECT
    assert "hunter2" not in str(error)


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.drip(itertools.repeat(b"<!-- and so on -->"))


def drip_of_a_known_length(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "90000")
    handler.end_headers()
    handler.drip(itertools.repeat(b"x"))


def drip_of_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.drip(f"X-{number}: y\r\n".encode() for number in itertools.count())


def silence(handler: Handler) -> None:
    handler.site.is_over.wait(10.0)


def silence_after_headers(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5")
    handler.end_headers()
    handler.site.is_over.wait(10.0)


SLOW = (endless, drip_of_a_known_length, drip_of_headers, silence, silence_after_headers)


@pytest.mark.parametrize("answer", SLOW, ids=lambda answer: answer.__name__)
def test_a_server_that_is_slow_without_end_is_left_at_the_deadline(site: FeedServer, answer: Answer) -> None:
    site.answers["/rss"] = answer
    assert failure(site.url("/rss"), HASTY).outcome is FetchOutcome.TIMEOUT


def test_a_slow_server_is_awaited_within_the_deadline(site: FeedServer) -> None:
    def slow(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.drip(FEED[start : start + 100] for start in range(0, len(FEED), 100))

    site.answers["/rss"] = slow
    found = fetch(site.url("/rss"))
    assert found is not None and found.body == FEED


def test_a_body_beyond_the_limit_is_not_read_to_its_end(site: FeedServer) -> None:
    sent: list[int] = []
    is_left = Event()

    def large(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10_000):
                sent.append(handler.wfile.write(b"x" * 65_536))
        finally:
            is_left.set()

    site.answers["/rss"] = large
    assert failure(site.url("/rss")).outcome is FetchOutcome.TOO_LARGE
    assert is_left.wait(10.0)
    assert sum(sent) < 64 * 1_048_576


def test_a_packed_bomb_is_left_when_it_has_unpacked_to_the_limit(site: FeedServer) -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < PATIENT.max_bytes
    site.answers["/rss"] = page(bomb, {"Content-Encoding": "gzip"})
    assert failure(site.url("/rss")).outcome is FetchOutcome.TOO_LARGE


def test_a_packed_page_is_unpacked(site: FeedServer) -> None:
    site.answers["/rss"] = page(gzip.compress(FEED), {"Content-Encoding": "gzip"})
    found = fetch(site.url("/rss"))
    assert found is not None and found.body == FEED


def test_damaged_packing_is_no_feed(site: FeedServer) -> None:
    site.answers["/rss"] = page(b"\x1f\x8b but not really", {"Content-Encoding": "gzip"})
    assert failure(site.url("/rss")).outcome is FetchOutcome.NOT_A_FEED


def test_a_body_that_breaks_off_is_not_taken_for_whole(site: FeedServer) -> None:
    site.answers["/rss"] = page(FEED, {"Content-Length": str(len(FEED) + 100)})
    assert failure(site.url("/rss")).outcome is FetchOutcome.UNREACHABLE


def test_a_closed_port_and_a_name_that_nobody_has_are_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = failure(f"http://127.0.0.1:{port}/rss?token=hunter2")
    assert refused.outcome is FetchOutcome.UNREACHABLE
    assert "refused" in str(refused) and "hunter2" not in str(refused)


def test_an_unknown_name_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    unknown = failure("http://wire.invalid/rss?token=hunter2")
    assert unknown.outcome is FetchOutcome.UNREACHABLE
    assert "name of its host" in str(unknown) and "hunter2" not in str(unknown)


def test_plain_http_where_tls_was_asked_for_is_unreachable(site: FeedServer) -> None:
    error = failure(site.url("/rss").replace("http:", "https:"))
    assert error.outcome is FetchOutcome.UNREACHABLE
    assert "TLS" in str(error)


def test_a_handshake_that_never_ends_is_left_at_the_deadline() -> None:
    # A TLS record of 16 kB that comes a byte at a time: each byte starts the socket's own time-out anew.
    is_over = Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                for byte in itertools.chain(b"\x16\x03\x03\x40\x00", itertools.repeat(2)):
                    try:
                        connection.send(bytes([byte]))
                    except OSError:
                        return
                    if is_over.wait(0.02):
                        return

        thread = Thread(target=drip, daemon=True)
        thread.start()
        error = failure(f"https://127.0.0.1:{listener.getsockname()[1]}/", HASTY)
        is_over.set()
        thread.join(5.0)
    assert error.outcome is FetchOutcome.TIMEOUT


def test_closing_ends_the_fetch_in_hand_and_all_later_ones(site: FeedServer) -> None:
    is_asked = Event()

    def hang(handler: Handler) -> None:
        is_asked.set()
        handler.site.is_over.wait(10.0)

    site.answers["/rss"] = hang
    fetcher = Fetcher(PATIENT, ManualClock(), "test-monitor/1")
    ends: list[str] = []

    def run() -> None:
        try:
            fetcher.fetch(site.url("/rss"), NOTHING)
        except FetchError as exc:
            ends.append(exc.outcome)

    thread = Thread(target=run)
    thread.start()
    assert is_asked.wait(5.0)
    fetcher.close()
    thread.join(5.0)
    assert ends == [FetchOutcome.TIMEOUT]
    with pytest.raises(FetchError):
        fetcher.fetch(site.url("/rss"), NOTHING)
    assert len(site.asked) == 1


def test_a_validator_that_could_not_be_sent_back_is_not_kept(site: FeedServer) -> None:
    site.answers["/rss"] = page(FEED, {"ETag": '"' + "x" * 600 + '"', "Last-Modified": "\xe9"})
    found = fetch(site.url("/rss"))
    assert found is not None and found.validators == NOTHING


def test_a_certificate_that_nobody_signed_is_refused(site: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def distrust(*_: object, **__: object) -> None:
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "self-signed certificate"
        raise error

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", distrust)
    error = failure(site.url("/rss").replace("http:", "https:"))
    assert error.outcome is FetchOutcome.UNREACHABLE
    assert "self-signed certificate" in str(error)
