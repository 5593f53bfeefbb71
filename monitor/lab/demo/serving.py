"""Serving: the report at /, the run's own metrics and its health, on loopback, until somebody has seen enough."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from monitor.clock import Clock
from monitor.web.health import Health
from monitor.web.server import HealthServer

HOST = "127.0.0.1"
ANY_PORT = 0
_BEAT_SECONDS = 1.0


def serve(
    page: bytes, registry: CollectorRegistry, health: Health, clock: Clock, announce: Callable[[str], None]
) -> None:
    """Serve until Ctrl-C, which is how it is meant to end; `announce` gets the address.

    Raises: ConfigError: this machine lets nobody listen on loopback.
    """
    server = HealthServer(HOST, ANY_PORT, registry, health, page)
    host, port = server.start()
    try:
        announce(f"http://{host}:{port}/")
        while True:
            # The loop of the run is over, and waiting here is all the work that is left: that is no stall.
            health.beat()
            clock.sleep(_BEAT_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        server.stop()
