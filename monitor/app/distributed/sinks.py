"""Sinks: what the ends of the flow do with messages. What may only happen once it is noted is done after it is stored.

    archive    handle -> collect (rows)
    notify     handle -> collect (ledger: undecided) -> act (send) -> collect (ledger: told)
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import orjson

from monitor.domain.alerts import AlertEvent
from monitor.domain.streams import Message
from monitor.logs import event
from monitor.ports import Commit
from monitor.roles.archive import ArchiveRole
from monitor.roles.notify import NotifyRole
from monitor.wire import decode_alert, encode_alert

logger = logging.getLogger(__name__)

LEDGER_KEY = "notified"
LEDGER_ALERTS = 5_000
"""Alerts of which it is remembered what was told: at two a day, more than a desk has in five years."""


UNDECIDED_KEY = "undecided"
"""Turns that may have been sent: they are in the ledger before they are sent, and taken out of it afterwards."""


class Sink(Protocol):
    """What one life of an end does with messages: `handle`, `collect`, and, once that is stored, `act`."""

    @property
    def has_news(self) -> bool:
        """Whether there is something to store though no message came."""
        ...

    def handle(self, messages: Sequence[Message]) -> None: ...

    def collect(self) -> Commit:
        """What has to be stored by now."""
        ...

    def act(self, now_ms: int) -> bool:
        """Do what may be done only now that `collect` is stored. Whether there is more to store after that."""
        ...


class ArchiveSink:
    """Rows for the history."""

    has_news = False

    def __init__(self) -> None:
        self._role = ArchiveRole()

    def handle(self, messages: Sequence[Message]) -> None:
        """Sort them into rows."""
        self._role.handle(messages)

    def collect(self) -> Commit:
        """The rows since the last call."""
        return self._role.take()

    def act(self, now_ms: int) -> bool:
        """Rows are all."""
        return False


class NotifySink:
    """Tells people each turn of an alert once: a smaller revision than the last that was told is a repeat.

    A turn stands in the ledger as undecided before it is sent. Whoever finds it there knows that somebody died with it,
    and sends it once more, as a possible repeat.

    Args: kept: what the store has of it.
    """

    def __init__(self, role: NotifyRole, kept: Mapping[str, str]) -> None:
        self.role = role
        self._told: dict[str, int] = orjson.loads(kept.get(LEDGER_KEY) or "{}")
        self._undecided = [decode_alert(body.encode()) for body in orjson.loads(kept.get(UNDECIDED_KEY) or "[]")]
        self._fresh: list[AlertEvent] = []
        self.repeats = 0

    @property
    def has_news(self) -> bool:
        """Something was left undecided, or a channel delivered in its own time."""
        return bool(self._undecided) or self.role.has_news

    def handle(self, messages: Sequence[Message]) -> None:
        """Take what was not told before."""
        for message in messages:
            value = message.value
            if not isinstance(value, AlertEvent):
                continue
            if value.revision <= self._told.get(value.alert_id, -1):
                self.repeats += 1
                continue
            # Taken out and put in again, so that the ledger forgets what was told longest ago.
            self._told.pop(value.alert_id, None)
            self._told[value.alert_id] = value.revision
            self._fresh.append(value)

    def collect(self) -> Commit:
        """What the channels keep, and the ledger."""
        for alert_id in list(self._told)[: max(0, len(self._told) - LEDGER_ALERTS)]:
            del self._told[alert_id]
        undecided = [encode_alert(one).decode() for one in (*self._undecided, *self._fresh)]
        ledger = {LEDGER_KEY: orjson.dumps(self._told).decode(), UNDECIDED_KEY: orjson.dumps(undecided).decode()}
        return Commit(meta={**self.role.flush(), **ledger})

    def act(self, now_ms: int) -> bool:
        """Send what the ledger has as undecided, the oldest first."""
        left, self._undecided = self._undecided, []
        fresh, self._fresh = self._fresh, []
        for one in left:
            event(logger, "alert_may_repeat", level=logging.WARNING, alert_id=one.alert_id, revision=one.revision)
            self.role.tell(one, now_ms, may_repeat=True)
        for one in fresh:
            self.role.tell(one, now_ms)
        return bool(left or fresh)
