"""Streams: the names of our own Kafka topics, and what one message on them is."""

from dataclasses import dataclass
from enum import StrEnum


class Stream(StrEnum):
    """Our own Kafka topics (DESIGN section 2); embedded, the in-process transport keeps one bounded log for each."""

    SCORED = "sentiment.scored"
    TRENDS = "sentiment.trends"
    DETECTIONS = "sentiment.detections"
    ALERTS = "sentiment.alerts"
    DEAD_LETTER = "sentiment.dead-letter"


@dataclass(frozen=True, slots=True)
class Output:
    """A message that a role wants published; `value` is a domain value, encoded only where it leaves the process."""

    stream: Stream
    value: object
    partition: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a role reads it."""

    stream: Stream
    partition: int
    offset: int
    value: object
