"""The proxy itself does what it says: else a suite that runs through it proves nothing."""

import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Before a server that says everything twice."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as told:
        port = int(told.getsockname()[1])
        told.close()
        found = Proxy({port: int(server.getsockname()[1])})
        thread = threading.Thread(target=_echo, args=(server,), daemon=True)
        thread.start()
        found.start()
        yield found
        found.stop()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_echo_one, args=(connection,), daemon=True).start()


def _echo_one(connection: socket.socket) -> None:
    with connection:
        try:
            while said := connection.recv(1_000):
                connection.sendall(2 * said)
        except OSError:
            return


def connect(proxy: Proxy) -> socket.socket:
    host, _, port = proxy.addresses.partition(":")
    return socket.create_connection((host, int(port)), timeout=10.0)


def ask(client: socket.socket, said: bytes) -> bytes:
    client.sendall(said)
    heard = b""
    while len(heard) < 2 * len(said) and (more := client.recv(1_000)):
        heard += more
    return heard


def test_it_passes_bytes_both_ways(proxy: Proxy) -> None:
    with connect(proxy) as one, connect(proxy) as other:
        assert ask(one, b"ab") == b"abab"
        assert ask(other, b"c") == b"cc"


def test_it_delays_each_way(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.delay_seconds = 0.2
        began = time.monotonic()
        assert ask(client, b"a") == b"aa"
        assert time.monotonic() - began >= 0.4
        assert proxy.pieces_delayed == 2


def test_it_cuts_and_takes_new_connections(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"a") == b"aa"
        proxy.cut(1.0, random.Random(1))
        with pytest.raises(ConnectionResetError):
            ask(client, b"b")
    assert proxy.links_cut == 1
    with connect(proxy) as client:
        assert ask(client, b"c") == b"cc"


def test_what_it_swallows_is_gone_and_the_connection_with_it(proxy: Proxy) -> None:
    with connect(proxy) as client, connect(proxy) as untouched:
        assert ask(untouched, b"a") == b"aa"
        proxy.open_hole()
        client.sendall(b"b")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)
        client.settimeout(10.0)
        proxy.close_hole()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
        assert ask(untouched, b"c") == b"cc", "it lost nothing"
    assert proxy.bytes_swallowed == 1
