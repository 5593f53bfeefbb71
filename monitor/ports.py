"""Ports: what the inside of the monitor asks of the outside. Every implementation passes the contract suite in tests/.

Engine and roles see these Protocols, never what is behind them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from monitor.domain.alerts import AlertEvent, Detection
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import DeadLetter, Document, FeedRecord, InputPartition
from monitor.domain.sentiment import RiskKind, ScoreMark, Sentiment
from monitor.domain.topics import TopicMatch


class ScoreRequest(NamedTuple):
    """One pair to score: the text, the target (a form in which the text names it, or empty for the text as a whole),
    and the language."""

    text: str
    target: str
    lang: str | None


class Score(NamedTuple):
    """A scorer's answer to one request: probabilities, the leading kind of risk, the phrases that moved it, and what
    makes the answer worth less."""

    sentiment: Sentiment
    risk: RiskKind
    cues: tuple[str, ...]
    marks: tuple[ScoreMark, ...] = ()


Answer = Callable[[], list[Score]]
"""The scores of one batch, perhaps not there yet: calling it waits for them, one for each request, in order.

Raises: UnscorableError: some requests cannot be scored; the others are remembered, so asking for them again is cheap.
DeviceLostError: nothing can be scored any more in this process.
"""


class Scorer(Protocol):
    """Scores pairs of text and target. The answer to a request does not depend on its neighbours in the batch."""

    @property
    def name(self) -> str:
        """Which scorer made a score: kind and version, as stored with each scored document."""
        ...

    def submit(self, requests: Sequence[ScoreRequest]) -> Answer:
        """Ask for scores; batches are answered in the order in which they were submitted."""
        ...

    def forget(self) -> None:
        """Forget the answers so far: what follows must not depend on where a process began. Nothing may be waiting."""
        ...


@dataclass(frozen=True, slots=True)
class ScoringWork:
    """What a scorer computed since it was last asked for this; all zero for one that has nothing to count.

    Attributes:
        batches: runs of a network; windows: texts, or parts of long ones, in them; tokens: of these windows.
        padding_tokens: computed beside them for nothing. seconds: wall time of scoring.
        cache_hits, cache_misses: questions that were remembered, or were not.
        halvings: batches cut in two because they did not fit; rechecked: windows that were computed a second time.
        fallbacks: by reason, why another backend serves than the one that was wanted.
    """

    batches: int = 0
    windows: int = 0
    tokens: int = 0
    padding_tokens: int = 0
    seconds: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    halvings: int = 0
    rechecked: int = 0
    fallbacks: Mapping[str, int] = field(default_factory=dict)


class Feed(Protocol):
    """Ordered input partitions that are read from a position; the in-process kin of a Kafka consumer.

    A position is an opaque text that `mark` gives and `seek` takes; offsets only order records within a partition.
    """

    @property
    def partitions(self) -> Sequence[InputPartition]:
        """Every input partition that exists, read or not."""
        ...

    def poll(self, max_records: int) -> list[FeedRecord]:
        """Records that can be had now, in order within each partition; an empty list when there are none."""
        ...

    def pause(self, partition: InputPartition) -> None:
        """Read nothing from it until `resume`."""
        ...

    def resume(self, partition: InputPartition) -> None: ...

    def has_ended(self, partition: InputPartition) -> bool:
        """Whether everything was read and nothing more can come."""
        ...

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        """The position from which reading would go on with the record at `next_offset`; to be committed."""
        ...

    def seek(self, partition: InputPartition, position: str) -> None:
        """Go on from a marked position. Raises: StateError: the feed no longer holds it, or is another feed."""
        ...

    def close(self) -> None: ...


class Channel(Protocol):
    """A way to tell somebody, or to write down, that an alert took a turn."""

    @property
    def name(self) -> str: ...

    @property
    def tells_people(self) -> bool:
        """Whether a person is interrupted by it; a file is not, and records old alerts too."""
        ...

    def send(self, event: AlertEvent, topic_name: str, *, may_repeat: bool = False) -> None:
        """Deliver one event; `may_repeat`: nobody knows whether it was delivered before, and whoever gets it sees that.

        Raises: TransientError: try again later.
        """
        ...

    def flush(self) -> dict[str, str]:
        """Make what was sent durable; what a commit must keep to go on from here (empty for most channels)."""
        ...


class Tags(Protocol):
    """The tagger and the version of the watchlist behind it; both change together on a reload."""

    @property
    def watchlist(self) -> str: ...

    def tag(self, document: Document) -> tuple[TopicMatch, ...]:
        """The topics that a document names, by first place."""
        ...


@dataclass(slots=True)
class Commit:
    """Everything that moves together.

    Attributes:
        state: by role, then by key; None deletes the key, a key that is not named keeps its value.
        documents: those that no row of `scored` holds (no topic watched) and that should be kept all the same.
    """

    positions: dict[str, str] = field(default_factory=dict)
    state: dict[str, dict[str, bytes | None]] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    scored: list[ScoredRow] = field(default_factory=list)
    windows: list[WindowRow] = field(default_factory=list)
    volumes: list[VolumeRow] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    alert_events: list[AlertEvent] = field(default_factory=list)
    suppressed: list[SuppressedRow] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)


class Store(Protocol):
    """Where state, feed positions and history live; a commit is there whole or not at all."""

    def commit(self, commit: Commit) -> None:
        """Write it durably; it may be repeated. Raises: DependencyError, StateError."""
        ...

    def prune_steps(self, before_ms: int) -> Iterator[int]:
        """Delete older history, one bounded transaction for each item taken."""
        ...
