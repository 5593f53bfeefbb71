"""Archive: collects what the history must hold until the next commit writes it, in one transaction with the state."""

from collections.abc import Sequence

from monitor.domain.alerts import AlertEvent, Detection
from monitor.domain.archive import ScoredRow, SuppressedRow, VolumeRow, WindowRow
from monitor.domain.document import DeadLetter
from monitor.domain.streams import Message
from monitor.ports import Commit


class ArchiveRole:
    """Sorts messages into the rows of the next commit."""

    def __init__(self) -> None:
        self._pending = Commit()

    def handle(self, messages: Sequence[Message]) -> None:
        """Take messages of any stream; what no table holds (progress) is passed over."""
        pending = self._pending
        for message in messages:
            value = message.value
            if isinstance(value, ScoredRow):
                pending.scored.append(value)
            elif isinstance(value, WindowRow):
                pending.windows.append(value)
            elif isinstance(value, VolumeRow):
                pending.volumes.append(value)
            elif isinstance(value, Detection):
                pending.detections.append(value)
            elif isinstance(value, AlertEvent):
                pending.alert_events.append(value)
            elif isinstance(value, SuppressedRow):
                pending.suppressed.append(value)
            elif isinstance(value, DeadLetter):
                pending.dead_letters.append(value)

    def take(self) -> Commit:
        """The rows since the last call, ready for positions and state to be added."""
        pending, self._pending = self._pending, Commit()
        return pending

    def __len__(self) -> int:
        """Rows that wait for the next commit."""
        p = self._pending
        told = len(p.alert_events) + len(p.suppressed) + len(p.detections)
        return len(p.scored) + len(p.windows) + len(p.volumes) + len(p.dead_letters) + told
