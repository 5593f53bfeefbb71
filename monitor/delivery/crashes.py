"""Crash markers: which record kills the process, found without blaming one that was only near.

A note lies in the commit's metadata of each input partition, so it is as durable as the commit, and fenced like it:

    run 1   commit 600 | records in hand .... x      x: the process dies
    run 2   commit 600 | records in hand .... x      two deaths at one commit: from now on one at a time
    run 3   commit 600 | mark 600, handle, commit 601 | mark 601, ... commit 700 | mark 700 x
    run 4                                                     the mark of 700 was seen at one death   | mark 700 x
    run 5   ... two deaths | mark 700 x          run 6   three: 700 is a dead letter, `crashed`; on with 701

A mark is taken back in the same commit that passes the record, and by the next run before it goes on; so each death is
counted for the one record that was marked in hand, and for none otherwise. Whatever kills at random counts too, but
must find the same record marked three times. What is left out: writing the note, and waiting until it is durable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

ALONE_AFTER = 2
"""Deaths at one commit. One is an accident; each more costs a restart before the search for a cause begins."""

CRASHED_AFTER = 3
"""Deaths of one marked record. Two kills may meet a record by chance where restarts are many; three hardly."""


class Way(StrEnum):
    """How the next record of a partition goes."""

    TOGETHER = "together"
    ALONE = "alone"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class CrashNote:
    """What the commit of one input partition remembers of deaths.

    Attributes:
        begun: runs that took records in hand at this commit and did not end well, the present one included.
        alone_left: records that still go one at a time.
        suspect: the offset of the record that was marked last, None when it was passed.
        deaths: deaths at which that record was in hand, marked.
        is_in_hand: whether it is in hand now.
    """

    begun: int = 0
    alone_left: int = 0
    suspect: int | None = None
    deaths: int = 0
    is_in_hand: bool = False

    def __post_init__(self) -> None:
        counts = (self.begun, self.alone_left, self.deaths, 0 if self.suspect is None else self.suspect)
        if min(counts) < 0 or (self.suspect is None and (self.deaths or self.is_in_hand)):
            raise ValueError(f"no such note: {self}")

    def as_fields(self) -> list[int | None]:
        """As numbers, for the commit's metadata."""
        return [self.begun, self.alone_left, self.suspect, self.deaths, int(self.is_in_hand)]

    @classmethod
    def of_fields(cls, fields: Sequence[int | None]) -> "CrashNote":
        """The note that was written. Raises: ValueError, TypeError: no note gives these numbers."""
        if any(type(field) is not int for place, field in enumerate(fields) if place != 2 or field is not None):
            raise TypeError(f"a note of deaths is five whole numbers, not {fields!r}")
        begun, alone_left, suspect, deaths, is_in_hand = fields
        return cls(begun or 0, alone_left or 0, suspect, deaths or 0, bool(is_in_hand))

    def arrived(self, stretch: int) -> "CrashNote":
        """The first record of an assignment is here; to be durable before it is taken in hand.

        Not earlier: a partition without records takes no part in what kills the process.

        Args:
            stretch: the most records that are read beyond a commit: the one that kills is among them.
        """
        alone_left = self.alone_left
        if self.begun >= ALONE_AFTER and not alone_left:
            alone_left = stretch
        return CrashNote(self.begun + 1, alone_left, self.suspect, self.deaths + self.is_in_hand, False)

    def way(self, offset: int) -> Way:
        """How the record at `offset`, the next one, goes."""
        if not self.alone_left:
            return Way.TOGETHER
        is_crashed = self.suspect == offset and self.deaths >= CRASHED_AFTER
        return Way.CRASHED if is_crashed else Way.ALONE

    def marked(self, offset: int) -> "CrashNote":
        """The record goes alone; to be durable before it is taken in hand."""
        deaths = self.deaths if self.suspect == offset else 0
        return replace(self, suspect=offset, deaths=deaths, is_in_hand=True)

    def passed(self) -> "CrashNote":
        """The commit moves on: over one record that went alone or is crashed, or over any number that went together."""
        return CrashNote(1, max(0, self.alone_left - 1))

    def ended(self) -> "CrashNote":
        """The run ends well, or the partition is handed over, with nothing in hand."""
        return replace(self, begun=max(0, self.begun - 1), is_in_hand=False)


UNTROUBLED = CrashNote()
"""Nothing is known: of a partition that was never read, or was left well."""


class Turns:
    """Nothing else is in hand beside a record that goes alone: what kills the process then is that record.

    A record that goes alone waits until the others are finished, and meanwhile no other begins.
    """

    def __init__(self) -> None:
        self._in_hand = 0
        self._is_alone = False
        self._is_awaited = False

    def take(self, way: Way) -> bool:
        """Take one record in hand; False when it must wait. One that is `CRASHED` is not handled and needs no turn."""
        if way is Way.CRASHED:
            raise ValueError("a record that is crashed is never taken in hand")
        if way is Way.ALONE and self._in_hand:
            self._is_awaited = True
            return False
        if self._is_alone or (way is Way.TOGETHER and self._is_awaited):
            return False
        self._in_hand += 1
        self._is_alone = way is Way.ALONE
        self._is_awaited = False
        return True

    def give_back(self) -> None:
        """One record is finished, or its partition is no longer ours."""
        if not self._in_hand:
            raise ValueError("nothing is in hand")
        self._in_hand -= 1
        self._is_alone = False

    def forget(self) -> None:
        """Whoever waited to go alone is no longer ours: the others may begin."""
        self._is_awaited = False
