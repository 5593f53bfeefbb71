"""Intake: when an input gives so many unusable records that reading on does more harm than good.

The ratio is taken of whole runs of `window` records, so a small file with a bad line or two is read to its end, and
one bad vendor stops nothing but itself. Records are judged one by one in their order and the run is part of the
committed state, so that a resumed replay stops at the same record as an uninterrupted one.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Run:
    """The records of one input since the last judgement, and whether it was stopped: plain data."""

    records: int = 0
    unusable: int = 0
    is_stopped: bool = False


class IntakeGuard:
    """Judges inputs by the share of their records that became dead letters. Stateless but for its settings."""

    def __init__(self, ratio: float, window: int) -> None:
        self._ratio = ratio
        self._window = window

    def count(self, run: Run, *, is_usable: bool) -> None:
        """Count one record in its turn; at the end of a run, stop the input that gave too many unusable ones."""
        run.records += 1
        run.unusable += not is_usable
        if run.records == self._window:
            run.is_stopped = run.is_stopped or run.unusable > self._ratio * self._window
            run.records = run.unusable = 0
