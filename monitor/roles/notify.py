"""Notify: from alert events to people. A replay or a backfill computes alerts but pages nobody."""

from collections import Counter
from collections.abc import Callable, Sequence

from monitor.domain.alerts import AlertEvent
from monitor.domain.streams import Message
from monitor.domain.topics import TopicId
from monitor.ports import Channel


class NotifyRole:
    """Hands each alert event to every channel.

    Args:
        topic_name: how people call a topic.
        max_age_ms: events older than this when they are sent go only to channels that interrupt nobody; None: no limit.
    """

    def __init__(
        self, channels: Sequence[Channel], topic_name: Callable[[TopicId], str], max_age_ms: int | None
    ) -> None:
        self._channels = channels
        self._topic_name = topic_name
        self._max_age_ms = max_age_ms
        self.counts: Counter[tuple[str, str]] = Counter()

    def handle(self, messages: Sequence[Message], now_ms: int) -> None:
        """Send what is new, in order."""
        for message in messages:
            event = message.value
            if not isinstance(event, AlertEvent):
                continue
            is_old = self._max_age_ms is not None and now_ms - event.at_ms > self._max_age_ms
            for channel in self._channels:
                if is_old and channel.tells_people:
                    self.counts[channel.name, "ledger_only"] += 1
                    continue
                channel.send(event, self._topic_name(event.detection.topic_id))
                self.counts[channel.name, "sent"] += 1

    def flush(self) -> dict[str, str]:
        """Make everything that was sent durable; what the commit must keep of it."""
        kept: dict[str, str] = {}
        for channel in self._channels:
            kept.update(channel.flush())
        return kept
