"""Who had which partition, and when: from what processes log each time that the group has moved.

    score      |== p0 ==== p1 ==|== p0 =============|
    score-2                        |== p1 =============|        p1 was unowned between the two
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Word:
    """What a process told: from this moment on it has these partitions of a role. `at` is in seconds of the epoch."""

    at: float
    process: str
    partitions: frozenset[str]


def words(process: str, role: str, told: Iterable[Mapping[str, object]]) -> list[Word]:
    """Those of one role in a process's `owns` events."""
    found = []
    for one in told:
        partitions = one["partitions"]
        assert isinstance(partitions, list)
        if one["role"] == role:
            at = datetime.fromisoformat(str(one["at"]).replace("Z", "+00:00")).timestamp()
            found.append(Word(at, process, frozenset(map(str, partitions))))
    return found


def gaps(words: Iterable[Word], until: float) -> dict[str, list[float]]:
    """By partition, in seconds, how long nobody had it, each time, between its first owner and `until`."""
    holders: dict[str, set[str]] = {}
    since: dict[str, float] = {}
    found: dict[str, list[float]] = {}
    for word in sorted(words, key=lambda one: one.at):
        for partition in word.partitions | holders.keys():
            had = holders.setdefault(partition, set())
            was_owned = bool(had)
            (had.add if partition in word.partitions else had.discard)(word.process)
            if was_owned and not had:
                since[partition] = word.at
            elif had and partition in since:
                found.setdefault(partition, []).append(word.at - since.pop(partition))
            found.setdefault(partition, [])
    for partition, at in since.items():
        found[partition].append(until - at)
    return found
