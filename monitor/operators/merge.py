"""Merge by time: from order of arrival to order of effective time, strictly below the watermark.

Every item is decided in order of (effective time, id, Kafka topic, partition, offset), so the order does not depend on
how the log's partitions were interleaved or where progress was cut. A reader's watermark is the least W over sources
that are not idle; once all are idle or ended, the greatest effective time of them + 1 ms holds. It never goes back.
A source that says nothing holds the watermark back for `max_hold`, measured by the times written in the others'
progress; then it is held out, and what it says later takes effect at the reader's watermark.
Two copies of one record may wait side by side (score crashed before it announced them, and scored them again, perhaps
with a newer model): the first counts.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from monitor.domain.document import InputPartition
from monitor.domain.progress import NO_TIME_MS, Progress, SourceProgress, SourceState

Item = TypeVar("Item")

NOT_HEARD_MS = -1
"""`heard_ms` of a source that is known by name only."""


@dataclass(slots=True)
class SourceView:
    """What this reader knows of one source: plain data."""

    position: int = 0
    watermark_ms: int = NO_TIME_MS
    greatest_effective_ms: int = NO_TIME_MS
    state: SourceState = SourceState.ACTIVE
    heard_ms: int = NOT_HEARD_MS
    is_held_out: bool = False


@dataclass(slots=True)
class MergeState(Generic[Item]):
    """The reader's watermark, its sources, and the items that are not decided yet."""

    watermark_ms: int = NO_TIME_MS
    latest_written_ms: int = NOT_HEARD_MS
    first_known_ms: dict[InputPartition, int] = field(default_factory=dict)
    sources: dict[InputPartition, SourceView] = field(default_factory=dict)
    undecided: list[tuple[int, str, str, int, int, Item]] = field(default_factory=list)


class MergeByTime(Generic[Item]):
    """Holds items until the watermark has passed their effective time, then gives them in one fixed order."""

    def __init__(self, max_hold_ms: int, state: MergeState[Item]) -> None:
        self._max_hold_ms = max_hold_ms
        self.state = state
        heapq.heapify(state.undecided)
        self._waiting = {entry[1:5] for entry in state.undecided}

    @property
    def watermark_ms(self) -> int:
        """Everything strictly below has been decided, or is ready in `release`."""
        return self.state.watermark_ms

    @property
    def held_out(self) -> list[InputPartition]:
        """Sources that the watermark no longer waits for: what they say is missing from what is decided."""
        sources = self.state.sources.items()
        return sorted(s for s, view in sources if view.is_held_out and view.state is SourceState.ACTIVE)

    def add(self, effective_ms: int, item_id: str, source: InputPartition, offset: int, item: Item) -> bool:
        """Take one item; False for a repeat, which is dropped: below a position already announced, or waiting here."""
        view = self.state.sources.get(source)
        if view is not None and offset < view.position:
            return False
        key = (item_id, source.kafka_topic, source.partition, offset)
        if key in self._waiting:
            return False
        self._waiting.add(key)
        # Only a source that was idle, held out or added can come too late for the order; it acts from now on.
        acts_ms = max(effective_ms, self.state.watermark_ms)
        heapq.heappush(self.state.undecided, (acts_ms, *key, item))
        return True

    def progress(
        self, progress: Progress, is_outdated: Callable[[SourceProgress], bool] = lambda told: False
    ) -> list[SourceProgress]:
        """Take one progress record; the parts of it that are news: not below a position that was told before.

        is_outdated: whether a part comes from who has lost its source, so that its word holds for nothing.
        """
        state = self.state
        state.latest_written_ms = max(state.latest_written_ms, progress.written_ms)
        for source in progress.known:
            if source not in state.sources:
                state.sources[source] = SourceView()
                state.first_known_ms[source] = state.latest_written_ms
        news = []
        for told in progress.sources:
            view = state.sources.setdefault(told.source, SourceView())
            state.first_known_ms.setdefault(told.source, state.latest_written_ms)
            # Whoever reads again what was told before is heard of: it is on its way, not silent.
            view.heard_ms = max(view.heard_ms, progress.written_ms)
            if told.to_position < view.position or is_outdated(told):
                continue
            view.position = told.to_position
            view.watermark_ms = max(view.watermark_ms, told.watermark_ms)
            view.greatest_effective_ms = max(view.greatest_effective_ms, told.greatest_effective_ms)
            view.state = told.state
            if view.is_held_out and view.watermark_ms >= state.watermark_ms:
                view.is_held_out = False
            news.append(told)
        self._hold_out_the_silent()
        self._advance()
        return news

    def release(self) -> Iterator[tuple[int, Item]]:
        """Every item strictly below the watermark with its effective time, in the fixed order."""
        undecided, watermark_ms = self.state.undecided, self.state.watermark_ms
        while undecided and undecided[0][0] < watermark_ms:
            entry = heapq.heappop(undecided)
            self._waiting.discard(entry[1:5])
            yield entry[0], entry[5]

    def _hold_out_the_silent(self) -> None:
        state = self.state
        for source, view in state.sources.items():
            heard_ms = view.heard_ms if view.heard_ms != NOT_HEARD_MS else state.first_known_ms[source]
            if view.state is SourceState.ACTIVE and state.latest_written_ms - heard_ms > self._max_hold_ms:
                view.is_held_out = True

    def _advance(self) -> None:
        state = self.state
        active = [v for v in state.sources.values() if v.state is SourceState.ACTIVE]
        waited_for = [v.watermark_ms for v in active if not v.is_held_out]
        if waited_for:
            reached_ms = min(waited_for)
        else:
            # Nobody is expected to speak: the latest word stands, and one millisecond decides what was said at it.
            # One that ended while it was held out is among them: what it said last would else never be decided.
            resting = [v.greatest_effective_ms for v in state.sources.values() if v.state is not SourceState.ACTIVE]
            reached_ms = max((ms + 1 for ms in resting if ms != NO_TIME_MS), default=NO_TIME_MS)
        state.watermark_ms = max(state.watermark_ms, reached_ms)
