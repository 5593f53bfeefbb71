"""Streams: the names of our own Kafka topics, and what one message on them is."""

from enum import StrEnum
from typing import NamedTuple


class Stream(StrEnum):
    """Our own Kafka topics (DESIGN section 2); embedded, the in-process transport keeps one bounded log for each."""

    SCORED = "sentiment.scored"
    TRENDS = "sentiment.trends"
    DETECTIONS = "sentiment.detections"
    ALERTS = "sentiment.alerts"
    DEAD_LETTER = "sentiment.dead-letter"


class Output(NamedTuple):
    """A message that a role wants published; `value` is a domain value, encoded only where it leaves the process.

    A tuple, as is Message: several are made for each document, and a frozen dataclass costs more to make.
    """

    stream: Stream
    value: object
    partition: int = 0


class Message(NamedTuple):
    """A message as a role reads it."""

    stream: Stream
    partition: int
    offset: int
    value: object
