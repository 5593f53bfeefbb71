"""Fetch: one URL by HTTP, within a deadline and a size, asking only for what has changed.

What goes wrong is a FetchError that says what to do about it and when; its words never hold the URL, which may hold a
token. Left out: keeping connections (minutes pass between two fetches) and cookies; proxies, certificates and
`~/.netrc` are those of the environment, as `requests` reads them.
"""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from monitor.clock import SECOND_MS, Clock
from monitor.errors import TransientError
from monitor.transports.addresses import mask_url
from monitor.transports.deadline import Deadline

MAX_RETRY_AFTER_SECONDS = 86_400.0
"""A server that asks for more quiet than a day has lost its clock, or will be asked by a person before."""

MAX_REDIRECTS = 5
"""Publishers chain two or three (http to https, bare host to www, feed host); more is a loop."""

_PIECE_BYTES = 16_384
_MAX_VALIDATOR_CHARS = 512
_REDIRECTS = (301, 302, 303, 307, 308)
_THROTTLED = (429, 503)
_ACCEPT = "application/rss+xml, application/atom+xml, application/rdf+xml, application/xml;q=0.9, */*;q=0.5"

# Its debug lines and one of its warnings hold the path and the query of every request.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class FetchOutcome(StrEnum):
    """How a look at a URL ended: a closed set, and a counter label."""

    READ = "read"
    BROKEN = "broken"
    UNCHANGED = "unchanged"
    NOT_A_FEED = "not_a_feed"
    REFUSED = "refused"
    THROTTLED = "throttled"
    FAILED = "failed"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    HELD = "held"


class FetchError(TransientError):
    """Nothing could be had this time. `retry_after_seconds`: what the server asked for; 0 if nothing."""

    def __init__(self, outcome: FetchOutcome, reason: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason, retry_after_seconds)
        self.outcome = outcome


class Validators(NamedTuple):
    """What a server gave to ask by whether anything has changed; empty where it gave nothing."""

    etag: str = ""
    last_modified: str = ""


class Page(NamedTuple):
    """What a URL holds."""

    body: bytes
    content_type: str
    validators: Validators


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long and how much.

    Attributes:
        total_seconds: from the first connection to the last byte, redirects included.
        quiet_seconds: to connect, and between two bytes.
        max_bytes: of a body, unpacked.
    """

    total_seconds: float = 30.0
    quiet_seconds: float = 10.0
    max_bytes: int = 5 * 1_048_576


class Fetcher:
    """Fetches URLs, one after the other; `close` ends the one in hand."""

    def __init__(self, limits: FetchLimits, clock: Clock, user_agent: str) -> None:
        self._limits = limits
        self._clock = clock
        self._headers = {
            "User-Agent": user_agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": "gzip, deflate",
            "Connection": "close",
        }
        self._lock = Lock()
        self._current: Deadline | None = None
        self._is_closed = False

    def fetch(self, url: str, validators: Validators) -> Page | None:
        """What the URL holds now; None when nothing has changed since `validators`. Raises: FetchError."""
        with Deadline(self._limits.total_seconds) as deadline, _session(deadline) as session:
            with self._lock:
                self._current = deadline
                if self._is_closed:
                    deadline.cut()
            try:
                page = self._follow(session, url, validators, deadline)
            except (requests.RequestException, HTTPError, OSError, UnicodeError) as exc:
                raise self._translate(exc, deadline) from exc
            if deadline.has_passed:
                # Where the server gave no length, a connection that was cut looks like the end of the body.
                raise self._translate(TimeoutError(), deadline)
            return page

    def close(self) -> None:
        """Fetch no more."""
        with self._lock:
            self._is_closed = True
            if self._current is not None:
                self._current.cut()

    def _follow(self, session: requests.Session, url: str, validators: Validators, deadline: Deadline) -> Page | None:
        headers = self._headers | _conditions(validators)
        quiet = min(self._limits.quiet_seconds, self._limits.total_seconds)
        for _ in range(MAX_REDIRECTS + 1):
            if deadline.has_passed:
                raise TimeoutError
            answer = session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=(quiet, quiet))
            with closing(answer):
                if answer.status_code not in _REDIRECTS:
                    return self._read(answer, is_conditional=any(validators))
                url = _next_url(url, answer.headers.get("Location", ""))
        raise FetchError(FetchOutcome.REDIRECT, f"it leads on and on, {MAX_REDIRECTS} times and more")

    def _read(self, answer: requests.Response, *, is_conditional: bool) -> Page | None:
        status = answer.status_code
        if status == 304 and is_conditional:
            return None
        if status != 200:
            raise self._refusal(status, answer.headers.get("Retry-After", ""))
        body = bytearray()
        for piece in _pieces(answer):
            body += piece
            if len(body) > self._limits.max_bytes:
                raise FetchError(
                    FetchOutcome.TOO_LARGE,
                    f"it is larger than {self._limits.max_bytes} bytes: raise feeds.max_feed_bytes if that is right",
                )
        given = Validators(
            _printable(answer.headers.get("ETag", "")), _printable(answer.headers.get("Last-Modified", ""))
        )
        return Page(bytes(body), answer.headers.get("Content-Type", ""), given)

    def _refusal(self, status: int, retry_after: str) -> FetchError:
        reason = f"the server answered {status}"
        if status in _THROTTLED:
            return FetchError(FetchOutcome.THROTTLED, reason, read_retry_after(retry_after, self._clock.now_ms()))
        is_refused = 400 <= status < 500
        return FetchError(FetchOutcome.REFUSED if is_refused else FetchOutcome.FAILED, reason)

    def _translate(self, exc: Exception, deadline: Deadline) -> FetchError:
        if deadline.has_passed or isinstance(exc, TimeoutError):
            return FetchError(FetchOutcome.TIMEOUT, f"it was not whole after {self._limits.total_seconds:g} s")
        causes = list(_causes(exc))
        if any(isinstance(cause, requests.Timeout | ReadTimeoutError | TimeoutError) for cause in causes):
            return FetchError(FetchOutcome.TIMEOUT, f"the server was silent for {self._limits.quiet_seconds:g} s")
        if any(isinstance(cause, DecodeError) for cause in causes):
            return FetchError(FetchOutcome.NOT_A_FEED, "its compressed body is damaged")
        return FetchError(FetchOutcome.UNREACHABLE, _explain(causes))


def read_retry_after(value: str, now_ms: int) -> float:
    """Seconds that a server asks to be left alone, at most a day: a number, or a date; 0 where it is neither."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - now_ms / SECOND_MS
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


class _Session(requests.Session):
    """Follows nothing by itself: to get ready for the next step, it would read a redirect's body without end."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def _session(deadline: Deadline) -> requests.Session:
    session = _Session()
    adapter = _WatchedAdapter(deadline)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _WatchedAdapter(HTTPAdapter):
    """Hands every socket to the deadline, be it to the server or to a proxy."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(max_retries=0)
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        if not hasattr(pool.ConnectionCls, "deadline"):
            # Which class it is, the pool knows: plain, TLS, by a proxy. All of them make their sockets here.
            pool.ConnectionCls = type("Watched", (_Watched, pool.ConnectionCls), {"deadline": self._deadline})
        return pool


class _Watched(HTTPConnection):
    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self.deadline.watch(connection)
        return connection


def _conditions(validators: Validators) -> dict[str, str]:
    asked = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in asked.items() if value}


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body, unpacked; a piece never grows beyond its size, however well it was packed."""
    return answer.raw.stream(_PIECE_BYTES, decode_content=True)


def _next_url(url: str, location: str) -> str:
    """Where a redirect leads. Raises: FetchError: nowhere, to another protocol, or out of TLS."""
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        is_good = bool(location) and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        raise FetchError(FetchOutcome.REDIRECT, "it leads to something that is no URL") from None
    if not is_good or "@" in parts.netloc:
        raise FetchError(FetchOutcome.REDIRECT, "it leads to something that is no http or https URL")
    if parts.scheme == "http" and urlsplit(url).scheme == "https":
        # Whoever sits between could write the news.
        raise FetchError(FetchOutcome.REDIRECT, f"it leads out of TLS, to {mask_url(target)}")
    return target


def _printable(header: str) -> str:
    """A validator that can be kept in a position and sent back; else empty."""
    value = header.strip()
    return value if value.isascii() and value.isprintable() and len(value) <= _MAX_VALIDATOR_CHARS else ""


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """An error and what caused it, down to the socket's own words, which hold no URL."""
    seen: set[int] = set()
    waiting: list[object] = [exc]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [getattr(current, "reason", None), *current.args, current.__cause__, current.__context__]


def _explain(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no reason given'})"
        if isinstance(cause, socket.gaierror):
            return "the name of its host cannot be found"
    words = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return f"the connection failed ({words[-1] if words else type(causes[0]).__name__})"
