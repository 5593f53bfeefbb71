"""Intake: when an input gives so many unusable records that reading on does more harm than good.

The ratio is taken of whole runs of `window` records, so a small file with a bad line or two is read to its end, and
one bad vendor stops nothing but itself.
"""

from dataclasses import dataclass, field

from monitor.domain.document import InputPartition


@dataclass(slots=True)
class Run:
    """The records of one input since the last judgement."""

    records: int = 0
    unusable: int = 0


@dataclass(slots=True)
class IntakeGuard:
    """Judges inputs by the share of their records that became dead letters."""

    ratio: float
    window: int
    runs: dict[InputPartition, Run] = field(default_factory=dict)

    def count(self, source: InputPartition, *, usable: int, unusable: int) -> bool:
        """Count records of one input; True when it should be paused for giving too many unusable ones."""
        run = self.runs.setdefault(source, Run())
        run.records += usable + unusable
        run.unusable += unusable
        if run.records < self.window:
            return False
        too_many = run.unusable > self.ratio * run.records
        self.runs[source] = Run()
        return too_many
