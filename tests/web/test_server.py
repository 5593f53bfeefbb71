"""The health server, asked over loopback sockets: right answers, right refusals, and bounds that hold."""

import contextlib
import http.client
import io
import json
import logging
import socket
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from monitor.clock import ManualClock
from monitor.errors import ConfigError, ExitCode
from monitor.logs import EventHandler, LogFormat
from monitor.metrics import Metrics
from monitor.web import server as module
from monitor.web.health import CONDITIONS, Health
from monitor.web.server import MAX_CONNECTIONS, MAX_REQUEST_BYTES, HealthServer

# Far above what a loaded machine needs; only a hung test ever waits so long.
PATIENCE_SECONDS = 30

Reply = tuple[int, dict[str, str], bytes]


class Running:
    """A server under test, with what it shows."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.health = Health(clock, stall_after_seconds=60)
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.server = HealthServer("127.0.0.1", 0, self.registry, self.health)
        self.host, self.port = self.server.start()

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b"") -> Reply:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body=body or None, headers=headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def send_raw(self, request: bytes) -> bytes:
        """Everything the server answers to these bytes."""
        with socket.create_connection((self.host, self.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(request)
            return connection.makefile("rb").read()


class HastyClock(ManualClock):
    """Six seconds pass between any two looks at it."""

    def monotonic_seconds(self) -> float:
        self.advance(seconds=6)
        return super().monotonic_seconds()


@contextlib.contextmanager
def server_log() -> Iterator[io.StringIO]:
    """What the server logs at WARNING and above, as JSON lines."""
    stream = io.StringIO()
    handler = EventHandler(stream, LogFormat.JSON)
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger(module.__name__)
    logger.addHandler(handler)
    try:
        yield stream
    finally:
        logger.removeHandler(handler)


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running(ManualClock())
    yield running
    running.server.stop()


def test_a_process_whose_loop_turns_is_live_and_one_that_stalls_is_not(running: Running) -> None:
    status, headers, body = running.ask("/livez")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["live"] is True
    running.clock.advance(seconds=61)
    status, _, body = running.ask("/livez")
    assert status == 503
    assert json.loads(body) == {"live": False, "seconds_since_heartbeat": 61.0, "stall_after_seconds": 60}


def test_readiness_names_what_is_missing(running: Running) -> None:
    for condition in CONDITIONS:
        running.health.set_ready(condition, True)
    assert running.ask("/readyz")[0] == 200
    running.health.set_ready("feeds", False, "feeds.news/0 is paused")
    status, _, body = running.ask("/readyz")
    assert status == 503
    assert json.loads(body)["conditions"]["feeds"] == {"ready": False, "reason": "feeds.news/0 is paused"}


def test_metrics_are_served_in_the_form_that_the_scraper_asks_for(running: Running) -> None:
    running.metrics.copies_total.inc(7)
    status, headers, body = running.ask("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"\nsentiment_copies_total 7.0\n" in body
    _, headers, body = running.ask("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")


def test_the_root_lists_the_endpoints(running: Running) -> None:
    status, headers, body = running.ask("/")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    listed = [line.split()[0].decode() for line in body.splitlines()]
    assert listed == ["/livez", "/readyz", "/metrics"]
    assert all(running.ask(path)[0] in (200, 503) for path in listed)


def test_a_page_is_shown_at_the_root_and_may_run_and_fetch_nothing() -> None:
    server = HealthServer("127.0.0.1", 0, CollectorRegistry(), Health(ManualClock()), "<p>报告".encode())
    connection = http.client.HTTPConnection(*server.start(), timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read().decode()) == (200, "<p>报告")
    finally:
        connection.close()
        server.stop()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any(rule.startswith("script-src") for rule in policy)


def test_what_is_no_page_carries_no_policy_of_one(running: Running) -> None:
    assert "content-security-policy" not in running.ask("/")[1]


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics"])
def test_head_says_the_same_as_get_without_the_body(running: Running, path: str) -> None:
    status, headers, body = running.ask(path)
    assert int(headers["content-length"]) == len(body) > 0
    head_status, head_headers, head_body = running.ask(path, "HEAD")
    assert (head_status, head_body) == (status, b"")
    assert head_headers["content-length"] == headers["content-length"]
    assert head_headers["content-type"] == headers["content-type"]
    assert running.send_raw(f"HEAD {path} HTTP/1.0\r\n\r\n".encode()).endswith(b"\r\n\r\n")


def test_a_query_string_does_not_hide_a_path(running: Running) -> None:
    assert running.ask("/livez?verbose=1")[0] == 200


@pytest.mark.parametrize("path", ["/nothing", "/livez/", "/..", "/../../etc/passwd", "/monitor", "/metrics/x"])
def test_every_other_path_is_not_found_and_not_repeated(running: Running, path: str) -> None:
    status, _, body = running.ask(path)
    assert (status, body) == (404, b"404 Not Found\n")
    assert running.ask(path, "HEAD")[::2] == (404, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_every_other_method_is_refused_with_those_that_are_allowed(running: Running, method: str) -> None:
    status, headers, body = running.ask("/metrics", method, body=b"x" * 10_000)
    assert (status, headers["allow"], body) == (405, "GET, HEAD", b"405 Method Not Allowed\n")


def test_no_answer_names_the_software(running: Running) -> None:
    for path, method in (("/", "GET"), ("/nothing", "GET"), ("/", "POST")):
        _, headers, body = running.ask(path, method)
        assert "server" not in headers
        assert b"ython" not in body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /livez HTTP/1.0\r\n" + b"X-Filler: " + b"x" * MAX_REQUEST_BYTES + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 2 * MAX_REQUEST_BYTES + b" HTTP/1.0\r\n\r\n", 431),
        (b"GET /livez HTTP/1.0\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /livez HTTP/9.9\r\n\r\n", 505),
        (b"GET\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400),
    ],
)
def test_a_request_too_large_or_malformed_gets_a_short_refusal(
    running: Running, request_bytes: bytes, status: int
) -> None:
    reply = running.send_raw(request_bytes)
    assert reply.splitlines()[0].split()[1] == str(status).encode()
    assert len(reply) < 500
    assert running.ask("/livez")[0] == 200


def test_one_connection_serves_one_request(running: Running) -> None:
    reply = running.send_raw(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n" * 2)
    assert reply.count(b"HTTP/1.0 200") == 1


def test_a_client_that_dribbles_its_request_is_cut_off_at_the_deadline_and_is_no_error() -> None:
    running = Running(HastyClock())
    try:
        # The clock says that more than the limit has passed by the time the first byte is read.
        with server_log() as log:
            assert running.send_raw(b"GET /livez HTTP/1.0\r\n\r\n") == b""
    finally:
        running.server.stop()
    assert log.getvalue() == ""


def test_a_refused_client_can_send_on_for_a_moment_without_being_reset(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DRAIN_SECONDS", PATIENCE_SECONDS)
    with socket.create_connection((running.host, running.port), PATIENCE_SECONDS) as connection:
        connection.sendall(b"POST /metrics HTTP/1.0\r\nContent-Length: 3000\r\n\r\n")
        assert connection.makefile("rb").read().startswith(b"HTTP/1.0 405 ")
        for _ in range(3):
            # Another request in between gives the server time to close this one, if it would.
            assert running.ask("/livez")[0] == 200
            connection.sendall(b"x" * 1000)


def test_silent_clients_are_bounded_in_number_and_do_not_block_the_next_probe_after_they_left(running: Running) -> None:
    silent = [socket.create_connection((running.host, running.port), PATIENCE_SECONDS) for _ in range(MAX_CONNECTIONS)]
    # Connections are accepted in order, so this one comes when all places are taken: closed without an answer.
    assert running.send_raw(b"") == b""
    for connection in silent:
        connection.close()
    # Their threads end on their own; the server says when by answering again.
    for _ in range(10_000):
        try:
            if running.send_raw(b"GET /livez HTTP/1.0\r\n\r\n"):
                return
        except ConnectionError:
            continue
    pytest.fail("the places of clients that left were never free again")


def test_a_collector_that_fails_costs_the_metrics_page_and_is_logged(running: Running) -> None:
    class Broken(Collector):
        def collect(self) -> Iterator[Metric]:
            raise RuntimeError("no figures today")

        def describe(self) -> list[Metric]:
            return []

    running.registry.register(Broken())
    with server_log() as log:
        assert running.ask("/metrics")[::2] == (500, b"500 Internal Server Error\n")
    assert json.loads(log.getvalue())["exception"] == "RuntimeError: no figures today"
    assert running.ask("/livez")[0] == 200


def test_a_taken_port_is_a_wrong_configuration_that_names_the_key_and_the_remedy(running: Running) -> None:
    second = HealthServer("127.0.0.1", running.port, CollectorRegistry(), Health(ManualClock()))
    with pytest.raises(ConfigError, match=rf"^server\.port: {running.port} on 127\.0\.0\.1 is taken.*choose") as raised:
        second.start()
    assert raised.value.exit_code is ExitCode.WRONG_USE
    second.stop()


@pytest.mark.parametrize("host", ["203.0.113.7", "256.1.1.1:http", "two..dots"])
def test_a_host_that_is_not_ours_names_the_key(host: str) -> None:
    with pytest.raises(ConfigError, match=r"^server\.host: .*use 127\.0\.0\.1"):
        HealthServer(host, 0, CollectorRegistry(), Health(ManualClock())).start()


def test_port_zero_says_which_port_it_got(running: Running) -> None:
    assert running.host == "127.0.0.1"
    assert 0 < running.port < 65536


def test_stop_frees_the_port_and_leaves_no_accept_loop() -> None:
    running = Running(ManualClock())
    running.server.stop()
    running.server.stop()
    assert "health-server" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((running.host, running.port), PATIENCE_SECONDS)
    again = HealthServer("127.0.0.1", running.port, CollectorRegistry(), Health(ManualClock()))
    assert again.start() == (running.host, running.port)
    with pytest.raises(RuntimeError):
        again.start()
    again.stop()
