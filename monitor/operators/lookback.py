"""Look-back: what a topic's recent documents were, counted over any stretch that ends now.

Times are effective times, so counts only ever grow at the end; a count over a look-back is one binary search.
A copy of a story that is still remembered counts as a document, never as another opinion.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind

TRIM_AT = 64
"""Expired entries that are worth a move of the list."""


@dataclass(slots=True)
class Carrier:
    """A first telling of bad news: what it takes to show it as evidence. `origin` is its author, or itself."""

    document_id: DocumentId
    effective_ms: int
    origin: str
    source: str
    headline: str
    url: str | None
    net: int
    risk: RiskKind
    cues: tuple[str, ...]
    scorer: str


@dataclass(slots=True)
class LookBackState:
    """A topic's recent documents: times of all, of positive first tellings, and the carriers; each in order of time."""

    documents_ms: list[int] = field(default_factory=list)
    positive_ms: list[int] = field(default_factory=list)
    carriers_ms: list[int] = field(default_factory=list)
    carriers: list[Carrier] = field(default_factory=list)


class LookBack:
    """Adds to and counts in a topic's look-back state; bounded by the horizon and a number of documents."""

    def __init__(self, horizon_ms: int, max_documents: int) -> None:
        self._horizon_ms = horizon_ms
        self._max_documents = max_documents

    def add(self, state: LookBackState, at_ms: int, *, is_positive_story: bool, carrier: Carrier | None) -> None:
        """Count one document; in order of effective time."""
        state.documents_ms.append(at_ms)
        if carrier is not None:
            state.carriers_ms.append(at_ms)
            state.carriers.append(carrier)
        elif is_positive_story:
            state.positive_ms.append(at_ms)
        self._forget(state, at_ms)

    def _forget(self, state: LookBackState, at_ms: int) -> None:
        oldest_ms = at_ms - self._horizon_ms
        for times in (state.documents_ms, state.positive_ms):
            if times and times[0] <= oldest_ms:
                expired = bisect_right(times, oldest_ms)
                if expired >= TRIM_AT or expired == len(times):
                    del times[:expired]
            # A topic that outruns the bound keeps its newest documents: counts saturate, which only dulls a burst.
            if len(times) > self._max_documents:
                del times[: self._max_documents // 2]
        if state.carriers_ms and state.carriers_ms[0] <= oldest_ms:
            expired = bisect_right(state.carriers_ms, oldest_ms)
            del state.carriers_ms[:expired], state.carriers[:expired]
        if len(state.carriers) > self._max_documents:
            del state.carriers_ms[: self._max_documents // 2], state.carriers[: self._max_documents // 2]


def count_since(times: list[int], since_ms: int) -> int:
    """How many of the times, in ascending order, lie after `since_ms`."""
    return len(times) - bisect_right(times, since_ms)


def independent_origins(carriers: list[Carrier]) -> int:
    """Independent origins among carriers: each is a first telling, so stories are distinct; authors need not be."""
    return len({carrier.origin for carrier in carriers})
