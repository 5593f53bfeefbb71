"""Notify: from alert events to people. A replay or a backfill computes alerts but pages nobody."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from monitor.domain.alerts import AlertEvent
from monitor.domain.naming import subject
from monitor.domain.streams import Message
from monitor.domain.topics import TopicId
from monitor.ports import Channel


@runtime_checkable
class Courier(Protocol):
    """A channel that delivers in its own time, and so tells by itself what became of each event."""

    def take_outcomes(self) -> Mapping[str, int]:
        """How many came to which end since the last call."""
        ...

    @property
    def has_news(self) -> bool:
        """Whether what it keeps has changed by itself since the last `flush`."""
        ...

    def committed(self) -> None:
        """What the last `flush` gave is durable."""
        ...

    def forget_uncommitted(self) -> None:
        """What no commit holds comes again."""
        ...


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
        self._couriers = {channel.name: channel for channel in channels if isinstance(channel, Courier)}
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
                channel.send(event, subject(event.detection, self._topic_name))
                if channel.name not in self._couriers:
                    self.counts[channel.name, "sent"] += 1

    def take_counts(self) -> Counter[tuple[str, str]]:
        """Events by channel and outcome since the last call."""
        taken, self.counts = self.counts, Counter()
        for name, courier in self._couriers.items():
            for outcome, count in courier.take_outcomes().items():
                taken[name, outcome] += count
        return taken

    @property
    def has_news(self) -> bool:
        """Whether a channel has delivered something that the last commit still holds as waiting."""
        return any(courier.has_news for courier in self._couriers.values())

    def forget_uncommitted(self) -> None:
        """Reading begins anew from the last commit: what it does not hold comes again."""
        for courier in self._couriers.values():
            courier.forget_uncommitted()

    def committed(self) -> None:
        """What the last `flush` gave is durable: it may be delivered."""
        for courier in self._couriers.values():
            courier.committed()

    def flush(self) -> dict[str, str]:
        """Make everything that was sent durable; what the commit must keep of it."""
        kept: dict[str, str] = {}
        for channel in self._channels:
            kept.update(channel.flush())
        return kept
