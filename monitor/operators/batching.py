"""Batching: pairs of text and target wait for company until a batch is full, its deadline has come, or it is cut.

One score serves every pair of equal text and target in a batch; a copy told forty times is read once. While one batch
is being scored the next may fill (`max_ahead`); answers are handed on in the order of the items all the same. An item
of which a pair cannot be scored is given back as `Poison`, in its place, and the rest of its batch is scored.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from monitor.errors import UnscorableError
from monitor.ports import Answer, Score, Scorer, ScoreRequest

Item = TypeVar("Item")


class FlushReason(StrEnum):
    """Why a batch was closed: a closed set, each a counter label."""

    FULL = "full"
    DEADLINE = "deadline"
    INTAKE = "intake"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Poison:
    """Why an item has no scores: the first of its requests that the scorer cannot answer."""

    request: ScoreRequest


@dataclass(slots=True)
class Pending(Generic[Item]):
    """What waits for its scores: the item and one request for each of its targets."""

    item: Item
    requests: Sequence[ScoreRequest]


@dataclass(slots=True)
class Batch(Generic[Item]):
    """What was sent to the scorer: the items, their distinct requests, and where the scores will be."""

    pending: Sequence[Pending[Item]]
    requests: list[ScoreRequest]
    answer: Answer


class Batcher(Generic[Item]):
    """Collects items and scores them together; loses, repeats and reorders nothing.

    Args:
        max_pairs: a batch is full at this many pairs (an item with more is a batch of its own).
        max_delay_ms: how long the first item of a batch waits at most to be sent, in the caller's clock.
        max_ahead: batches that may be with the scorer when `add` and `due` return. 0 waits for each; 1 keeps a scorer
            busy that works beside the caller; more only holds more in hand.
    """

    def __init__(self, scorer: Scorer, max_pairs: int, max_delay_ms: int, max_ahead: int = 0) -> None:
        self._scorer = scorer
        self._max_pairs = max_pairs
        self._max_delay_ms = max_delay_ms
        self._max_ahead = max_ahead
        self._pending: list[Pending[Item]] = []
        self._sent: deque[Batch[Item]] = deque()
        self._pairs = 0
        self._first_ms = 0
        self.on_batch: Callable[[FlushReason, int], None] = lambda reason, pairs: None

    def __len__(self) -> int:
        return len(self._pending) + sum(len(batch.pending) for batch in self._sent)

    def __iter__(self) -> Iterator[Item]:
        """Every item in hand, in order."""
        for batch in self._sent:
            yield from (waiting.item for waiting in batch.pending)
        yield from (waiting.item for waiting in self._pending)

    def add(
        self, item: Item, requests: Sequence[ScoreRequest], now_ms: int
    ) -> list[tuple[Item, list[Score] | Poison]]:
        """Take one item; what was scored by now, if a batch is full by that."""
        if not self._pending:
            self._first_ms = now_ms
        self._pending.append(Pending(item, requests))
        self._pairs += len(requests)
        if self._pairs < self._max_pairs:
            return []
        self._send(FlushReason.FULL)
        return self._collect(self._max_ahead)

    def due(self, now_ms: int) -> list[tuple[Item, list[Score] | Poison]]:
        """Send the batch in hand if its first item has waited long enough; what was scored by now."""
        if not self._pending or now_ms - self._first_ms < self._max_delay_ms:
            return []
        self._send(FlushReason.DEADLINE)
        return self._collect(self._max_ahead)

    def flush(self, reason: FlushReason) -> list[tuple[Item, list[Score] | Poison]]:
        """Score all that is in hand, now: each item with one score for each of its requests, in order."""
        self._send(reason)
        return self._collect(0)

    def forget(self) -> None:
        """Let the scorer forget its answers; only right after `flush`, while nothing is in hand."""
        self._scorer.forget()

    def _send(self, reason: FlushReason) -> None:
        pending, self._pending = self._pending, []
        if not pending:
            return
        requests = list(dict.fromkeys(request for waiting in pending for request in waiting.requests))
        self._sent.append(Batch(pending, requests, self._submit(requests)))
        self.on_batch(reason, self._pairs)
        self._pairs = 0

    def _submit(self, requests: list[ScoreRequest]) -> Answer:
        return self._scorer.submit(requests) if requests else list

    def _collect(self, keep: int) -> list[tuple[Item, list[Score] | Poison]]:
        """The answers of all batches but the last `keep`; waits for them."""
        done: list[tuple[Item, list[Score] | Poison]] = []
        while len(self._sent) > keep:
            # Taken away once it is answered: if that fails, what is in hand is still known to be so.
            batch = self._sent[0]
            scores = self._scores(batch)
            self._sent.popleft()
            for waiting in batch.pending:
                found = [scores.get(request) for request in waiting.requests]
                got = [score for score in found if score is not None]
                if len(got) == len(found):
                    done.append((waiting.item, got))
                else:
                    done.append((waiting.item, Poison(waiting.requests[found.index(None)])))
        return done

    def _scores(self, batch: Batch[Item]) -> dict[ScoreRequest, Score]:
        """The score of each request of a batch that can be scored."""
        requests, answer = batch.requests, batch.answer
        while True:
            try:
                return dict(zip(requests, answer(), strict=True))
            except UnscorableError as exc:
                refused = set(exc.numbers)
                requests = [request for number, request in enumerate(requests) if number not in refused]
                answer = self._submit(requests)
