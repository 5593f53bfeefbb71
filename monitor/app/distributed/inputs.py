"""What one life of the score role's poller holds: its clients, and each input partition as it was last committed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.app.distributed.scoring import Scoring, Settle
from monitor.app.distributed.worker import Due
from monitor.delivery.crashes import CrashNote
from monitor.delivery.shape import Shape
from monitor.domain.document import FeedRecord, InputPartition
from monitor.transports.kafka_feed import KafkaFeed
from monitor.transports.kafka_member import KafkaMember


@dataclass(slots=True)
class Input:
    """One input partition of ours, as it was last committed."""

    assignment: int
    position: int
    state: bytes
    note: CrashNote
    shapes: tuple[Shape, ...]
    has_arrived: bool = False
    written_ms: int | None = None


@dataclass(slots=True)
class Life:
    """The clients and the partitions of one life.

    Attributes:
        leaving: what the thread that scores was told to let go and has not yet: what it still asks for of these
            partitions was computed before they went, also where they have come back since.
    """

    member: KafkaMember
    feed: KafkaFeed
    scoring: Scoring
    scored: Shape
    asks_others: Due
    leaving: list[Settle] = field(default_factory=list)
    inputs: dict[InputPartition, Input] = field(default_factory=dict)
    paused: set[InputPartition] = field(default_factory=set)
    backlog: list[FeedRecord] = field(default_factory=list)

    @property
    def is_careful(self) -> bool:
        """Whether records go one by one."""
        return any(held.note.alone_left for held in self.inputs.values())

    def is_leaving(self, source: InputPartition) -> bool:
        """Whether what is asked for of a partition rests on an assignment that is over."""
        self.leaving = [settle for settle in self.leaving if not settle.done.is_set()]
        return any(source in settle.leave for settle in self.leaving)

    def forget(self, gone: Iterable[InputPartition]) -> None:
        """Somebody else has these partitions, or will have them."""
        for source in gone:
            self.inputs.pop(source, None)
            if source in self.paused:
                self.paused.discard(source)
                self.feed.resume(source)
        self.backlog = [record for record in self.backlog if record.source_partition in self.inputs]
