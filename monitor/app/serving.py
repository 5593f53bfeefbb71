"""What every long-lived process has beside its work: a server of health and metrics, and a look at the watchlist."""

import logging

from prometheus_client import CollectorRegistry

from monitor.clock import Clock
from monitor.config import ServerConfig
from monitor.logs import event
from monitor.metrics import Metrics
from monitor.tags import LiveTags
from monitor.web.health import Health
from monitor.web.server import HealthServer

logger = logging.getLogger(__name__)


def open_server(options: ServerConfig, registry: CollectorRegistry, health: Health) -> HealthServer | None:
    """The server, serving; None where it is switched off. Raises: DependencyError: the port is taken."""
    if not options.enabled:
        return None
    server = HealthServer(options.host, options.port, registry, health)
    host, port = server.start()
    event(logger, "serving", url=f"http://{host}:{port}/", paths=["/livez", "/readyz", "/metrics"])
    return server


class Reload:
    """Looks at the watchlist's file now and then."""

    def __init__(self, tags: LiveTags, metrics: Metrics, clock: Clock, every_ms: int) -> None:
        self._tags = tags
        self._metrics = metrics
        self._clock = clock
        self._every_ms = every_ms
        self._last_ms = clock.now_ms()

    def __call__(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - self._last_ms < self._every_ms:
            return
        self._last_ms = now_ms
        taken = self._tags.reload()
        if taken is not None:
            self._metrics.watchlist_reloads_total.labels("loaded" if taken else "rejected").inc()
            self._metrics.topics.set(self._tags.topics)
