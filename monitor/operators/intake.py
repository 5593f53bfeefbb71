"""Intake: when an input gives so many unusable records that reading on does more harm than good.

The ratio is taken of whole runs of `window` records, so a small file with a bad line or two is read to its end, and
one bad vendor stops nothing but itself. Records are judged one by one in their order and the run is part of the
committed state, so that a resumed replay stops at the same record as an uninterrupted one.

That a text cannot be scored is known only when its batch is back. A run is therefore complete at its last record and
judged as soon as what is still out cannot change the judgement; the caller sees to that (`turns_on`).
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
        self._limit = ratio * window
        self._window = window

    def count(self, run: Run, *, is_usable: bool) -> bool:
        """Count one record in its turn; whether the run is complete by that, and must be judged before the next."""
        run.records += 1
        run.unusable += not is_usable
        return run.records == self._window

    def recant(self, run: Run) -> None:
        """One record of this run was counted as usable and is not."""
        run.unusable += 1

    def turns_on(self, run: Run, undecided: int) -> bool:
        """Whether the judgement depends on so many records of the run that may yet be recanted."""
        return run.unusable <= self._limit < run.unusable + undecided

    def judge(self, run: Run) -> None:
        """Stop the input that gave too many unusable records in a complete run; then the next run begins."""
        run.is_stopped = run.is_stopped or run.unusable > self._limit
        run.records = run.unusable = 0
