"""Copies: the same document counts once, and near copies of a text are one story, in bounded memory, for each topic.

A story begins with its first telling and collects syndicated, retweeted and lightly edited copies until it is older
than `horizon`; later the same words are a new story. Candidates share a band of the signature (locality-sensitive
hashing); a candidate is joined when the estimated similarity reaches the threshold.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from monitor.operators.signature import similarity

BANDS = struct.Struct("<8Q")
"""Eight bands of four 16-bit slots: a pair of similarity 0.8 shares one with probability .98, a pair of 0.3 with .06.

All bands look into one table: equal numbers in two different bands are as rare as equal numbers by chance, and a
candidate is only a candidate.
"""


@dataclass(slots=True)
class Story:
    """One text and its copies: who told it first, when, and how often it was told again."""

    first_id: str
    first_ms: int
    signature: bytes
    copies: int = 0


@dataclass(slots=True)
class StoryState:
    """A topic's recent stories, the oldest first, and the bands that find them."""

    stories: dict[str, Story] = field(default_factory=dict)
    bands: dict[int, str] = field(default_factory=dict)


def index(stories: Mapping[str, Story]) -> dict[int, str]:
    """The bands of stories, the oldest first: a band that two share leads to the later one."""
    return {key: first_id for first_id, story in stories.items() for key in BANDS.unpack(story.signature)}


class Stories:
    """Joins a topic's copies into stories. Stateless but for its settings: the state is an argument."""

    def __init__(self, horizon_ms: int, min_similarity: float, max_stories: int) -> None:
        self._horizon_ms = horizon_ms
        self._min_similarity = min_similarity
        self._max_stories = max_stories

    def assign(self, state: StoryState, document_id: str, signature: bytes, at_ms: int) -> tuple[Story, bool]:
        """The story that a document tells, and whether this is its first telling. In order of effective time."""
        self._forget(state, at_ms)
        if not signature:
            return Story(document_id, at_ms, signature), True
        keys, bands = BANDS.unpack(signature), state.bands
        refused: list[str] = []
        for key in keys:
            candidate = bands.get(key)
            if candidate is None or candidate in refused:
                continue
            story = state.stories[candidate]
            if similarity(story.signature, signature) >= self._min_similarity:
                story.copies += 1
                return story, False
            refused.append(candidate)
        if document_id in state.stories:
            # A live page keeps its id while its text and its date move on: what it told before is another story.
            # A band that it shared leads to the other story again, as it would after a restart: so all are found anew.
            del state.stories[document_id]
            bands = state.bands = index(state.stories)
        story = state.stories[document_id] = Story(document_id, at_ms, signature)
        for key in keys:
            bands[key] = document_id
        return story, True

    def _forget(self, state: StoryState, at_ms: int) -> None:
        oldest_ms = at_ms - self._horizon_ms
        stories = state.stories
        while stories:
            document_id = next(iter(stories))
            if stories[document_id].first_ms >= oldest_ms and len(stories) < self._max_stories:
                return
            for key in BANDS.unpack(stories.pop(document_id).signature):
                if state.bands.get(key) == document_id:
                    del state.bands[key]


def short_id(document_id: str) -> int:
    """The 8-byte id by which a topic remembers a document; the same on every machine."""
    return int.from_bytes(blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class SeenDocuments:
    """The documents of a topic inside the lateness horizon: each counts once, however often it is delivered."""

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms

    def is_first(self, seen: dict[int, int], document_id: str, at_ms: int) -> bool:
        """Remember a document in `seen` (id -> effective time, in that order) and tell whether it is new."""
        oldest_ms = at_ms - self._horizon_ms
        while seen:
            first = next(iter(seen))
            if seen[first] >= oldest_ms:
                break
            del seen[first]
        key = short_id(document_id)
        if key in seen:
            return False
        seen[key] = at_ms
        return True
