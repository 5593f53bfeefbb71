"""A watch for tests: passes signs of life on, and remembers what failed and who has what."""

from collections.abc import Sequence

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import TransientError
from monitor.transports.kafka_membership import Change


class BeatingWatch:
    """What workers tell, as far as a test wants to know it."""

    def __init__(self, beats: Beats) -> None:
        self._beats = beats
        self.failures: list[str] = []
        self.owned: dict[RoleName, int] = {}

    def beat(self, role: RoleName) -> None:
        self._beats.beat(role)

    def owns(self, role: RoleName, partitions: Sequence[InputPartition]) -> None:
        self.owned[role] = len(partitions)

    def failed(self, role: RoleName, error: TransientError) -> None:
        self.failures.append(f"{role}: {error}")

    def rebalanced(self, role: RoleName, change: Change, partitions: int) -> None:
        """Not looked at."""

    def read(self, records: Sequence[FeedRecord]) -> None:
        """Not looked at."""

    def advanced(self, role: RoleName, parts: Sequence[object]) -> None:
        """Not looked at."""

    def committed(self, role: RoleName, seconds: float) -> None:
        """Not looked at."""

    def snapshot(self, role: RoleName, seconds: float, size: int) -> None:
        """Not looked at."""

    def restoring(self, role: RoleName, left: int) -> None:
        """Not looked at."""

    def heard(self, role: RoleName, silent_seconds: float) -> None:
        """Not looked at."""

    def lag(self, role: RoleName, partition: InputPartition, records: int, written_ms: int | None) -> None:
        """Not looked at."""
