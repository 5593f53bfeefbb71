"""The health server: `/livez`, `/readyz`, `/metrics` and a list of them, or one page, at `/`, over plain HTTP.

It stands on loopback unless told otherwise, has no login, and so answers GET and HEAD of four fixed paths and nothing
else: no files, no echo of what was asked, no name or version of the software. The page is bytes that it was given; it
may style itself and show images that it carries, but run and fetch nothing. One request a connection; size, time and
number of connections are bounded, so that a stuck or hostile client costs a thread for seconds and never the monitor.
"""

import contextlib
import errno
import io
import json
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from monitor.clock import Clock
from monitor.errors import ConfigError
from monitor.logs import event
from monitor.web.health import Health, Verdict

# A probe sends 200 bytes and a scraper 600; above this it is neither.
MAX_REQUEST_BYTES = 16_384
# From the first byte to the last of a request, and as long again for the answer; a probe's own limit is 1 to 10 s.
REQUEST_SECONDS = 5.0
# Two scrapers and three probes leave room; without a bound, a loop of slow clients would eat all threads.
MAX_CONNECTIONS = 32
# What a refused client may still send before it is cut off: eight reads of 8 KiB, half a second each. Closing with
# unread bytes would reset the connection and destroy our answer.
_MAX_DRAINS = 8
_DRAIN_SECONDS = 0.5

_PLAIN = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_INDEX = b"""/livez    whether the loop turns; a restart helps when it does not
/readyz   whether the monitor does its work, and what is missing
/metrics  figures for Prometheus
"""

# A report holds what feeds said. It is escaped where it is written; should that ever fail, the browser still runs no
# script, sends nothing, and shows it in nobody's frame.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    content_type: str
    body: bytes


class HealthServer:
    """Serves health and metrics from its own threads until stopped.

    Args:
        page: an HTML page in UTF-8 to show at `/`; None shows the list of paths.
    """

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, health: Health, page: bytes | None = None
    ) -> None:
        self._page = page
        self._host = host
        self._port = port
        self._registry = registry
        self._health = health
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> tuple[str, int]:
        """Listen, and say where: with port 0 the system chooses one.

        Raises: ConfigError: the port is taken or not allowed, or the host is not one of this machine.
        """
        if self._server is not None:
            raise RuntimeError("the health server is already running")
        server = _listen(self._host, self._port, self._health.clock, self._routes())
        # A tenth of a second is how long a stop may wait for the accept loop to notice.
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="health-server", daemon=True)
        thread.start()
        self._server, self._thread = server, thread
        host, port = server.socket.getsockname()[:2]
        event(_logger, "health_server_started", host=host, port=port)
        return str(host), int(port)

    def stop(self) -> None:
        """Close the port and wait for the accept loop; answers in flight end within their time limit. Idempotent."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            server.server_close()
            thread.join()

    def _routes(self) -> dict[str, Callable[[str], _Answer]]:
        return {
            "/": lambda accept: self._root(),
            "/livez": lambda accept: _probe(self._health.live()),
            "/readyz": lambda accept: _probe(self._health.ready()),
            "/metrics": self._metrics,
        }

    def _root(self) -> _Answer:
        if self._page is None:
            return _Answer(HTTPStatus.OK, _PLAIN, _INDEX)
        return _Answer(HTTPStatus.OK, _HTML, self._page)

    def _metrics(self, accept: str) -> _Answer:
        encode, content_type = choose_encoder(accept)
        return _Answer(HTTPStatus.OK, content_type, encode(self._registry))


def _probe(verdict: Verdict) -> _Answer:
    status = HTTPStatus.OK if verdict.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return _Answer(status, _JSON, json.dumps(verdict.body).encode() + b"\n")


def _listen(host: str, port: int, clock: Clock, routes: dict[str, Callable[[str], _Answer]]) -> "_Server":
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return _Server(family, address, clock, routes)
    except (socket.gaierror, UnicodeError) as exc:
        raise ConfigError(f"server.host: {host!r} is not a host name or address; use 127.0.0.1") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            fault = f"server.port: {port} on {host} is taken by another program; choose another port, or 0 for any"
        elif exc.errno == errno.EACCES:
            fault = f"server.port: {port} needs rights that this process lacks; choose one above 1023, or 0 for any"
        elif exc.errno == errno.EADDRNOTAVAIL:
            fault = f"server.host: {host} is not an address of this machine; use 127.0.0.1 or 0.0.0.0"
        else:
            fault = f"server.host: cannot listen on {host} port {port} ({exc.strerror}); use 127.0.0.1 and another port"
        raise ConfigError(fault) from exc


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread a connection, at most MAX_CONNECTIONS; plain TCPServer, because HTTPServer asks DNS for our name."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, family: int, address: Any, clock: Clock, routes: dict[str, Callable[[str], _Answer]]) -> None:
        self.address_family = family
        self.clock = clock
        self.routes = routes
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; anything else is ours, and belongs in the log, not on bare stderr."""
        level = logging.DEBUG if isinstance(sys.exc_info()[1], OSError) else logging.ERROR
        event(_logger, "health_request_failed", level=level, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One request; the standard library parses it, we bound it and answer from the routes."""

    server: _Server
    # Used for an answer given before anything could be parsed.
    command = ""

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_BoundedSocketReader(self.connection, self.server.clock))

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except LineTooLong:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self.close_connection = True

    def do_GET(self) -> None:
        """Answer one of the fixed paths."""
        route = self.server.routes.get(self.path.partition("?")[0])
        if route is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            answer = route(self.headers.get("Accept", ""))
        except Exception:
            # A broken collector must not look like a dead process: only /metrics fails, and says so.
            event(_logger, "health_request_failed", level=logging.ERROR, exc_info=True)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self._send(answer)

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A short plain answer that repeats nothing of the request."""
        # The library says 501 for a method without a handler; for a client that means "ask again later".
        known = HTTPStatus(HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else code)
        self._send(_Answer(known, _PLAIN, f"{known.value} {known.phrase}\n".encode()))
        self._drain()

    def _send(self, answer: _Answer) -> None:
        self.close_connection = True
        # The library takes what it cannot parse for HTTP/0.9, and would leave out the status line.
        self.request_version = "HTTP/1.0"
        self.connection.settimeout(REQUEST_SECONDS)
        # Not send_response, which adds the software's name and version.
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.content_type == _HTML:
            self.send_header("Content-Security-Policy", PAGE_POLICY)
            self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _drain(self) -> None:
        """Read on for a moment, so that closing with unread bytes does not reset the answer away."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_SECONDS)
            for _ in range(_MAX_DRAINS):
                if not self.connection.recv(8_192):
                    break

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a scrape every few seconds is no event."""


class _BoundedSocketReader(io.RawIOBase):
    """Reads a connection up to a size and a deadline for the whole request; the library bounds only each wait."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._deadline_seconds = clock.monotonic_seconds() + REQUEST_SECONDS
        self._left_bytes = MAX_REQUEST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises: LineTooLong: the request is too large. TimeoutError: it takes too long."""
        left_seconds = self._deadline_seconds - self._clock.monotonic_seconds()
        if left_seconds <= 0:
            raise TimeoutError("the request takes too long")
        if self._left_bytes <= 0:
            raise LineTooLong("request")
        self._connection.settimeout(left_seconds)
        count = self._connection.recv_into(memoryview(buffer)[: self._left_bytes])
        self._left_bytes -= count
        return count
