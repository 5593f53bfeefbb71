"""Batching: pairs of text and target wait for company until a batch is full, its deadline has come, or it is cut.

One score serves every pair of equal text and target in a batch; a copy told forty times is read once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from monitor.ports import Score, Scorer, ScoreRequest

Item = TypeVar("Item")


class FlushReason(StrEnum):
    """Why a batch was closed: a closed set, each a counter label."""

    FULL = "full"
    DEADLINE = "deadline"
    CUT = "cut"


@dataclass(slots=True)
class Pending(Generic[Item]):
    """What waits for its scores: the item and one request for each of its targets."""

    item: Item
    requests: Sequence[ScoreRequest]


class Batcher(Generic[Item]):
    """Collects items and scores them together; loses, repeats and reorders nothing.

    Args:
        max_pairs: a batch is full at this many pairs (an item with more is a batch of its own).
        max_delay_ms: how long the first item of a batch waits at most, in the caller's clock.
    """

    def __init__(self, scorer: Scorer, max_pairs: int, max_delay_ms: int) -> None:
        self._scorer = scorer
        self._max_pairs = max_pairs
        self._max_delay_ms = max_delay_ms
        self._pending: list[Pending[Item]] = []
        self._pairs = 0
        self._first_ms = 0
        self.on_batch: Callable[[FlushReason, int], None] = lambda reason, pairs: None

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, item: Item, requests: Sequence[ScoreRequest], now_ms: int) -> list[tuple[Item, list[Score]]]:
        """Take one item; the scored batch if it is full by that."""
        if not self._pending:
            self._first_ms = now_ms
        self._pending.append(Pending(item, requests))
        self._pairs += len(requests)
        return self.flush(FlushReason.FULL) if self._pairs >= self._max_pairs else []

    def due(self, now_ms: int) -> list[tuple[Item, list[Score]]]:
        """The scored batch if its first item has waited long enough."""
        if self._pending and now_ms - self._first_ms >= self._max_delay_ms:
            return self.flush(FlushReason.DEADLINE)
        return []

    def flush(self, reason: FlushReason) -> list[tuple[Item, list[Score]]]:
        """Score what waits, now: each item with one score for each of its requests, in order."""
        pending, self._pending = self._pending, []
        if not pending:
            return []
        slots: dict[ScoreRequest, int] = {}
        for waiting in pending:
            for request in waiting.requests:
                slots.setdefault(request, len(slots))
        scores = self._scorer.score(list(slots)) if slots else []
        self.on_batch(reason, self._pairs)
        self._pairs = 0
        return [(waiting.item, [scores[slots[request]] for request in waiting.requests]) for waiting in pending]
