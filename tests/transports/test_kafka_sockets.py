"""Sockets of connections that do not come about are closed at once, and not whenever garbage is collected."""

import gc
import random
import socket
from collections.abc import Iterator

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka.net.inet import KafkaNetSocket

from monitor.clock import ManualClock
from monitor.errors import DependencyError
from monitor.transports import kafka_access
from monitor.transports.kafka_access import Access, await_brokers
from monitor.transports.kafka_sockets import PROXY_URL, ClosingSockets


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that refuses every connection: the port is taken, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def no_socket_left() -> Iterator[None]:
    """Fails where the test leaves a socket open; nothing is collected meanwhile."""
    gc.collect()
    before = _open()
    gc.disable()
    yield
    found = [one for one in _open() if all(one is not other for other in before)]
    gc.enable()
    assert found == []


def _open() -> list[socket.socket]:
    return [one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() >= 0]


@pytest.mark.slow
@pytest.mark.usefixtures("no_socket_left")
def test_brokers_that_refuse_leave_no_socket(refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_access, "ATTEMPT_SECONDS", 0.2)
    with pytest.raises(DependencyError, match="ECONNREFUSED"):
        await_brokers(Access((refusing,)), ManualClock(), 5, random.Random(7))


def test_every_client_is_told_to_make_its_sockets_so() -> None:
    assert Access(("127.0.0.1:1",)).options("test")["proxy_url"] == PROXY_URL
    assert KafkaNetSocket(PROXY_URL).__class__ is ClosingSockets
