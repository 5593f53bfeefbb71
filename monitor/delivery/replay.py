"""Muted replay: a restored role reads again what lies between its snapshot and its commit, and says nothing of it.

    input      ----a==========c-----------    a: applied by the snapshot, c: committed
    read            repeats     news
    outputs         muted       published     what was read below c was published and acknowledged before the commit

What a crash left between the commit and the last output is read as news and published again under the same ids, and
readers drop it: a scored document lies below a position that is announced already (`operators.merge`, and `volume` for
the feed's volume), a detection below a watermark that is (`roles.alert`); the archive writes by key; the notifier keeps
a ledger. Our own Kafka topics have no holes: one in what is read means that records are lost, and is never passed over.
"""

from bisect import bisect_left
from collections.abc import Sequence

from monitor.delivery.shape import Owner, reset_command
from monitor.domain.streams import Message
from monitor.errors import StateError


class MutedReplay:
    """Where the reading of one partition stands, against its commit.

    Args:
        read_from, committed: as `restore` found them.
    """

    def __init__(self, owner: Owner, read_from: int, committed: int) -> None:
        self._owner = owner
        self._read_from = read_from
        self._committed = committed
        self._position = read_from

    @property
    def is_over(self) -> bool:
        """Whether everything below the commit was read: until then a commit would go back."""
        return self._position >= self._committed

    @property
    def left(self) -> int:
        """Records that are still to be read again."""
        return max(0, self._committed - self._position)

    @property
    def done_ratio(self) -> float:
        """Part of the replay that is done, in [0, 1]; 1 when there is none."""
        whole = self._committed - self._read_from
        return 1.0 if whole <= 0 else 1.0 - self.left / whole

    def split(self, messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
        """The messages whose outputs are muted, and those whose outputs are published; what was read before is dropped.

        Raises: StateError: records between the last message and these are gone.
        """
        # A consumer that was sent back reads what it had fetched before: the role has it already.
        messages = messages[bisect_left(messages, self._position, key=lambda message: message.offset) :]
        for message in messages:
            if message.offset != self._position:
                raise StateError(self._lost(message.offset))
            self._position += 1
        muted = len(messages) - max(0, min(len(messages), self._position - self._committed))
        return messages[:muted], messages[muted:]

    def _lost(self, offset: int) -> str:
        source = self._owner.source
        if offset < self._position:
            return f"{source}: record {offset} came after {self._position - 1}: the log was cut or is read out of order"
        return (
            f"{source}: records {self._position} to {offset - 1} are gone, and {self._owner} has not read them; "
            f"lengthen the retention of {source.kafka_topic}; to go on without them, begin again at the earliest "
            f"record with: {reset_command(self._owner)}"
        )
