"""A watch for tests: passes signs of life on, and remembers what failed."""

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.process import Beats
from monitor.errors import TransientError


class BeatingWatch:
    """What workers tell, as far as a test wants to know it."""

    def __init__(self, beats: Beats) -> None:
        self._beats = beats
        self.failures: list[str] = []
        self.owned: dict[RoleName, int] = {}

    def beat(self, role: RoleName) -> None:
        self._beats.beat(role)

    def settled(self, role: RoleName, partitions: int) -> None:
        self.owned[role] = partitions

    def failed(self, role: RoleName, error: TransientError) -> None:
        self.failures.append(f"{role}: {error}")

    def rebalanced(self, role: RoleName, change: str, partitions: int) -> None:
        """Not looked at."""

    def committed(self, role: RoleName, seconds: float) -> None:
        """Not looked at."""

    def snapshot(self, role: RoleName, seconds: float, size: int) -> None:
        """Not looked at."""

    def restoring(self, role: RoleName, left: int) -> None:
        """Not looked at."""

    def lag(self, role: RoleName, partition: str, records: int, seconds: float) -> None:
        """Not looked at."""
