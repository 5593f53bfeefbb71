"""Documents on their way from bytes to a score. Ids come from content alone: no clock, no random number.

Values that are made for each document are named tuples and no frozen dataclasses: as immutable, and cheaper to make and
to hash (decision 0004).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType

from monitor.domain.sentiment import RiskKind, Sentiment
from monitor.domain.topics import MatchRole, TopicId

DocumentId = NewType("DocumentId", str)
"""`source:id` where the feed gives an id, else `source:#` and a hash of normalised text, URL and time."""


class DeadLetterReason(StrEnum):
    """Why a record could not be used: a closed set; each is a counter label and a dead-letter header."""

    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    OVERSIZE = "oversize"
    TRUNCATED = "truncated"
    BAD_FIELD = "bad_field"
    NO_TEXT = "no_text"
    NO_TIME = "no_time"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    FAR_FUTURE = "far_future"
    POISON = "poison"
    CRASHED = "crashed"


class Counted(StrEnum):
    """How trend counted a scored document: a closed set; each is a counter label and a column of the history."""

    COUNTED = "counted"
    COPY = "copy"
    LISTED = "listed"
    TOO_LATE = "too_late"


class InputPartition(NamedTuple):
    """One ordered log that feeds come from: a partition of a Kafka topic, a file, or standard input.

    It is a key several times for each document.
    """

    kafka_topic: str
    partition: int = 0

    def __str__(self) -> str:
        return f"{self.kafka_topic}/{self.partition}"


class Original(NamedTuple):
    """A record of a log that holds more than bytes, as it lay there: what is needed to send it again."""

    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


class FeedRecord(NamedTuple):
    """The bytes of one record and where they came from.

    Attributes:
        value: the bytes, cut at the transport's limit when `fault` is OVERSIZE.
        offset: position of the record in its partition; `next_offset` is where the one after it begins.
        arrival_ms: when the log received it (Kafka's timestamp, the moment of reading), None where nobody knows.
        fault: what the transport already found wrong with it.
        original: the record whole, where the log is one that records can be sent to again.
    """

    value: bytes
    source_partition: InputPartition
    offset: int
    next_offset: int
    arrival_ms: int | None = None
    fault: DeadLetterReason | None = None
    original: Original | None = None


LETTER_BYTES = 4_096
"""What a dead letter keeps of its record for people: enough to see what it is, small enough for a history."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Bytes that could not be used, with the reason and where they came from.

    Attributes:
        value: the first `LETTER_BYTES` of them. original: the record whole, on its way to the dead-letter topic.
    """

    reason: DeadLetterReason
    detail: str
    source_partition: InputPartition
    offset: int
    value: bytes
    original: Original | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, record: FeedRecord, reason: DeadLetterReason, detail: str) -> "DeadLetter":
        """The letter of a record."""
        value = record.value[:LETTER_BYTES]
        return cls(reason, detail, record.source_partition, record.offset, value, record.original)


@dataclass(frozen=True, slots=True)
class Part:
    """A caption, transcript or other piece that travels with a document; its text is scored too."""

    modality: str
    text: str
    url: str | None = None


class Document(NamedTuple):
    """One news item or post, cleaned.

    Attributes:
        source: the vendor, the unit of feed volume; lower-case, never empty.
        event_time_ms: when it was said. observed_ms: when the feed first saw it, None where the feed does not tell.
        title, text: clean, capped, possibly empty (never both). parts: captions and transcripts.
        lang: BCP 47 primary tag as the feed gives it, or None.
        symbols: cashtags and tickers that the feed declares, upper-case, in order, distinct.
    """

    id: DocumentId
    source: str
    event_time_ms: int
    observed_ms: int | None
    title: str
    text: str
    url: str | None
    lang: str | None
    symbols: tuple[str, ...]
    author: str | None
    parts: tuple[Part, ...]

    @property
    def reading(self) -> str:
        """What a reader sees, in order: title, text, parts; this is what is matched, signed and scored."""
        if not self.parts:
            if not self.title:
                return self.text
            return f"{self.title}\n{self.text}" if self.text else self.title
        pieces = [self.title, self.text, *(part.text for part in self.parts)]
        return "\n".join(piece for piece in pieces if piece)


class ScoredDocument(NamedTuple):
    """What `sentiment.scored` holds: one for each (document, topic).

    Attributes:
        effective_ms: the later of its event time and its partition's watermark when it was read.
        headline: the first 200 characters of the document, for people.
        signature: MinHash of its shingles, 32 unsigned 16-bit numbers, little-endian (64 bytes); empty if too short.
        cues: the phrases that moved the score, strongest first, at most five.
    """

    document_id: DocumentId
    topic_id: TopicId
    event_time_ms: int
    effective_ms: int
    source: str
    author: str | None
    url: str | None
    headline: str
    lang: str | None
    role: MatchRole
    of_topics: int
    sentiment: Sentiment
    risk: RiskKind
    cues: tuple[str, ...]
    signature: bytes
    scorer: str
    watchlist: str
    source_partition: InputPartition
    offset: int
