"""Sockets of the client that are closed where a connection does not come about.

The client leaves such a socket to the garbage collector, which in our processes looks seldom: in an outage each attempt
of each client would keep a file descriptor, a thousand within minutes. Its hook for proxies lets us make its sockets.
"""

import socket
from collections.abc import Iterable
from typing import Any

from kafka.net.inet import KafkaNetSocket

PROXY_URL = "closing://"
"""The client's option `proxy_url` for direct connections through `ClosingSockets`."""


class ClosingSockets(KafkaNetSocket):
    """Makes direct connections; the client finds the class by its scheme."""

    SCHEMES = ("closing",)

    async def connect(
        self, net: Any, addrinfo: Any, socket_options: Iterable[Any] = (), timeout_at: float | None = None
    ) -> socket.socket:
        """As the client's own, but for the end of a socket that was of no use."""
        family, kind, protocol, _, address = addrinfo
        made: socket.socket = self.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            for option in socket_options:
                made.setsockopt(*option)
            await self.sock_connect(net, made, address, timeout_at=timeout_at)
        except BaseException:  # a client that is closed meanwhile ends this with GeneratorExit
            made.close()
            raise
        return made
