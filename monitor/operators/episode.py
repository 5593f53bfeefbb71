"""Episodes: one stretch of unusual time of one topic, from the first look above the floor until it has passed.

The episode's start is part of an alert's identity, so it is a fact of effective time alone. A detection goes out when
the severity rises above what was last told, and when it has fallen by `FALL_STEP` or to nothing: the alert role needs
every rise (the very document that crosses its threshold decides when it could be told) and few falls.
"""

from dataclasses import dataclass

from monitor.domain.alerts import Silence
from monitor.operators.detect import Finding

FALL_STEP = 0.5
"""Severity. A finer step tells the alert role nothing that its hysteresis would act on."""


@dataclass(slots=True)
class EpisodeState:
    """An episode in being: when it began, what was last told (0: that it is usual), and until when it was unusual."""

    start_ms: int
    told_severity: float
    told_ms: int
    unusual_ms: int
    next_check_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a look means: the episode it belongs to (None: none), the finding to tell (None: nothing new)."""

    episode: EpisodeState | None
    tell: Finding | None
    is_over: bool = False


def turn(episode: EpisodeState | None, found: Finding | Silence, at_ms: int, gap_ms: int) -> Turn:
    """What to do after a look at `at_ms`. `gap_ms`: quiet time after which the next unusual look is a new episode."""
    if isinstance(found, Finding):
        # Nobody looks while nothing changes: as long as it was not told to be usual, it was unusual in between too.
        was_quiet = episode is not None and episode.told_severity <= 0.0
        if episode is None or (was_quiet and at_ms - episode.unusual_ms > gap_ms):
            return Turn(EpisodeState(at_ms, found.severity, at_ms, at_ms), found)
        episode.unusual_ms = at_ms
        if found.severity > episode.told_severity or found.severity <= episode.told_severity - FALL_STEP:
            episode.told_severity, episode.told_ms = found.severity, at_ms
            return Turn(episode, found)
        return Turn(episode, None)
    if episode is None:
        return Turn(None, None)
    if episode.told_severity > 0.0:
        # It is quiet now, though the episode lives on for a while: a relapse is the same trouble, not another.
        episode.told_severity, episode.told_ms, episode.unusual_ms = 0.0, at_ms, at_ms
        return Turn(episode, None, is_over=True)
    if at_ms - episode.unusual_ms > gap_ms:
        return Turn(None, None)
    return Turn(episode, None)
