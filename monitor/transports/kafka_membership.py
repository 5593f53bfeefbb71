"""Events of a consumer group, as the rebalance listener hands them over: the client calls it on its network thread.

That thread also sends the heartbeats, so the listener only writes down what happened, and keeps a new partition silent
until its owner has said where it begins. What is done about it is done by the thread that polls.
"""

import threading
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from kafka import ConsumerRebalanceListener, TopicPartition

from monitor.domain.document import InputPartition


class Change(StrEnum):
    """What happened to partitions of ours.

    REVOKED: the group wants them elsewhere, and waits for our next poll: what is in hand may still be committed.
    LOST: the group has gone on without us: nothing that was computed for them may be committed.
    """

    ASSIGNED = "assigned"
    REVOKED = "revoked"
    LOST = "lost"


class Event(NamedTuple):
    """One change, in the order in which they happened."""

    change: Change
    partitions: tuple[InputPartition, ...]


class Membership(ConsumerRebalanceListener):
    """Writes down changes. `attach` gives it the consumer whose new partitions it silences."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._consumer: Any = None

    def attach(self, consumer: Any) -> None:
        self._consumer = consumer

    def take(self) -> list[Event]:
        """What happened since the last call."""
        with self._lock:
            events, self._events = self._events, []
        return events

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for partition in assigned:
            self._consumer.pause(partition)
            # A place to stand, so that the client asks for none; its owner moves it before it is read.
            self._consumer.seek(partition, 0)
        self._note(Change.ASSIGNED, assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._note(Change.REVOKED, revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._note(Change.LOST, lost)

    def _note(self, change: Change, partitions: Iterable[TopicPartition]) -> None:
        named = tuple(sorted(InputPartition(one.topic, one.partition) for one in partitions))
        with self._lock:
            self._events.append(Event(change, named))
