"""What a scorer has computed since it was opened, for whoever watches it; plain counters that only grow."""

from dataclasses import dataclass, field

BACKEND_UNAVAILABLE = "backend_unavailable"
BACKEND_DISAGREES = "backend_disagrees"
FALLBACKS = (BACKEND_UNAVAILABLE, BACKEND_DISAGREES)
"""Why another backend serves than the one that was wanted: it is not to be had here, or its answers were other ones."""


@dataclass(slots=True)
class ScoringStats:
    """What was computed since the start; whoever reads it takes differences.

    One thread counts and others may read: a reader finds each counter whole, though not all of the same moment.

    Attributes:
        batches: runs of a network; windows: texts, or parts of long ones, in them.
        tokens: of these windows; padding_tokens: computed beside them for nothing. padding_tokens / (padding_tokens +
            tokens) is the padding ratio.
        seconds: wall time of scoring, from texts to judgements.
        cache_hits, cache_misses: distinct questions that were remembered, or were not.
        halvings: batches that were cut in two because they did not fit into memory, or to find what spoils them.
        rechecked: windows that were computed a second time because the first answer was in doubt.
        fallbacks: by reason, one of `FALLBACKS`.
    """

    batches: int = 0
    windows: int = 0
    tokens: int = 0
    padding_tokens: int = 0
    seconds: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    halvings: int = 0
    rechecked: int = 0
    fallbacks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FALLBACKS, 0))

    def fell_back(self, reason: str) -> None:
        """Count one. Raises: KeyError: the reason is none of `FALLBACKS`."""
        self.fallbacks[reason] = self.fallbacks[reason] + 1
