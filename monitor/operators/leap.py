"""Far future without an arrival time: is a lone leap ahead the feed's own clock, or one bad date?

A file that does not say when its records arrived gives nothing to judge a date by but the records around it. One bad
date believed would carry the partition's watermark away and make every later document late. So a record that leaps
further ahead than `max_leap` waits for its followers: one of them that is about as late in time vouches for it; when
`FOLLOWERS` of them have fallen back behind it, it stands alone and is judged far future.
A record with a known arrival is bounded by it, and always believed; but it too waits its turn behind one that is held,
or the partition would be read out of order.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

FOLLOWERS = 8
"""Followers that must contradict a leap. Fewer, and a burst of late records condemns an honest one after a pause in
the feed; more only holds a bad record, and what is behind it, longer in hand."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Judged(Generic[Item]):
    """An item in its turn, and whether its date was believed."""

    item: Item
    is_far_future: bool


class LeapGuard(Generic[Item]):
    """Judges the dates of one partition's records in their order; its state is `believed_ms`, the greatest believed."""

    def __init__(self, max_leap_ms: int, believed_ms: int) -> None:
        self._max_leap_ms = max_leap_ms
        self.believed_ms = believed_ms
        self._held: deque[tuple[int, bool, Item]] = deque()

    @property
    def first_held(self) -> Item | None:
        """The earliest item that still waits for its followers: nothing from it on may be committed."""
        return self._held[0][2] if self._held else None

    def believes(self, event_time_ms: int, *, is_bounded: bool = False) -> bool:
        """Whether an item with this date (`is_bounded`: its arrival is known) is believed at once; if so, take it.

        False: nothing was taken, and the item must go through `add`. Nearly every item is judged here.
        """
        if self._held or not (is_bounded or event_time_ms <= self.believed_ms + self._max_leap_ms):
            return False
        if event_time_ms > self.believed_ms:
            self.believed_ms = event_time_ms
        return True

    def add(self, event_time_ms: int, item: Item, *, is_bounded: bool = False) -> Iterator[Judged[Item]]:
        """Take the next item (`is_bounded`: its arrival is known); give every item that can be judged by now."""
        if self.believes(event_time_ms, is_bounded=is_bounded):
            yield Judged(item, is_far_future=False)
            return
        self._held.append((event_time_ms, is_bounded, item))
        yield from self._judge(at_end=False)

    def finish(self) -> Iterator[Judged[Item]]:
        """The feed has ended: judge the rest by the followers that there are; with none, nothing speaks against it."""
        yield from self._judge(at_end=True)

    def _judge(self, *, at_end: bool) -> Iterator[Judged[Item]]:
        while self._held:
            time_ms, is_bounded, item = self._held[0]
            if not is_bounded and time_ms > self.believed_ms + self._max_leap_ms:
                followers = len(self._held) - 1
                vouched = any(later >= time_ms - self._max_leap_ms for later, _, _ in islice(self._held, 1, None))
                if not vouched and followers < FOLLOWERS and not at_end:
                    return
                if not vouched and followers:
                    self._held.popleft()
                    yield Judged(item, is_far_future=True)
                    continue
            self.believed_ms = max(self.believed_ms, time_ms)
            self._held.popleft()
            yield Judged(item, is_far_future=False)
