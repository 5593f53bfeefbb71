"""Episodes: one stretch of trouble is one episode, from its first unusual look until it was usual for the gap.

severity     2.0   3.1   2.9   2.5    0     0 . . . gap . .   2.2
told         2.0   3.1    -    2.5    0     -                 2.2
episode      |-------------------------------|   none          |- another
"""

from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import HOUR_MS, MINUTE_MS
from monitor.domain.alerts import Silence
from monitor.operators.detect import Finding
from monitor.operators.episode import FALL_STEP, EpisodeState, Turn, turn

NOON_MS = 1_772_452_800_000
GAP_MS = 2 * HOUR_MS
QUIET = Silence.BELOW_FLOOR


def finding(severity: float) -> Finding:
    return Finding(severity, HOUR_MS, 4, 0.2, 100, 9, 4)


class Life:
    """One topic's looks in order, in minutes after noon."""

    def __init__(self) -> None:
        self.episode: EpisodeState | None = None

    def look(self, minute: float, severity: float | None) -> Turn:
        """`severity` None: usual."""
        found = QUIET if severity is None else finding(severity)
        made = turn(self.episode, found, round(NOON_MS + minute * MINUTE_MS), GAP_MS)
        self.episode = made.episode
        return made

    def tells(self, minute: float, severity: float | None) -> float | None:
        """What goes out: a severity, 0 that it is usual again, None nothing."""
        made = self.look(minute, severity)
        if made.is_over:
            assert made.tell is None
            return 0.0
        return made.tell.severity if made.tell is not None else None

    @property
    def start_minute(self) -> float | None:
        return None if self.episode is None else (self.episode.start_ms - NOON_MS) / MINUTE_MS


def test_first_unusual_look_begins_an_episode_and_is_told() -> None:
    life = Life()
    assert life.tells(0, None) is None
    assert life.start_minute is None
    assert life.tells(5, 1.2) == 1.2
    assert life.start_minute == 5


def test_every_rise_is_told_and_small_falls_are_not() -> None:
    life = Life()
    told = [life.tells(minute, severity) for minute, severity in enumerate([2.0, 2.001, 2.001, 1.9, 1.502, 1.5, 1.6])]
    assert told == [2.0, 2.001, None, None, None, 1.5, 1.6]


def test_fall_is_told_from_a_whole_step_on() -> None:
    life = Life()
    life.look(0, 3.0)
    assert life.tells(1, 3.0 - FALL_STEP + 0.01) is None
    assert life.tells(2, 3.0 - FALL_STEP) == 3.0 - FALL_STEP


def test_end_is_told_once() -> None:
    life = Life()
    life.look(0, 2.0)
    assert [life.tells(minute, None) for minute in (30, 31, 32)] == [0.0, None, None]


def test_relapse_within_the_gap_is_the_same_episode() -> None:
    life = Life()
    life.look(0, 2.0)
    life.look(30, None)
    assert life.tells(150, 2.1) == 2.1
    assert life.start_minute == 0


def test_relapse_after_the_gap_is_another_episode() -> None:
    life = Life()
    life.look(0, 2.0)
    life.look(30, None)
    assert life.tells(151, 2.1) == 2.1
    assert life.start_minute == 151


def test_gap_is_counted_from_when_it_became_usual_again() -> None:
    """Severity held until minute 240, though no look was due in between; at minute 300 it was quiet for an hour."""
    life = Life()
    life.look(0, 2.0)
    assert life.tells(240, None) == 0.0
    assert life.tells(300, 2.0) == 2.0
    assert life.start_minute == 0


def test_stretch_without_a_look_is_as_unusual_as_before_it() -> None:
    """Nothing changed for three hours, so nobody looked: the next document belongs to the same trouble."""
    life = Life()
    life.look(0, 2.0)
    assert life.tells(180, 2.6) == 2.6
    assert life.start_minute == 0


def test_episode_is_forgotten_after_the_gap_and_not_before() -> None:
    life = Life()
    life.look(0, 2.0)
    life.look(30, None)
    assert life.look(150, None).episode is not None
    assert life.look(150.001, None).episode is None
    assert life.look(160, None) == Turn(None, None)


@given(st.lists(st.tuples(st.integers(1, 200), st.one_of(st.none(), st.floats(1, 9))), max_size=60))
def test_whoever_hears_only_what_is_told_knows_the_severity_within_a_step(
    looks: list[tuple[int, float | None]],
) -> None:
    """Rises exactly, falls within a step; and an episode's start never changes while it lives."""
    life, minute, heard = Life(), 0, 0.0
    for pause, severity in looks:
        minute += pause
        before = life.start_minute
        told = life.tells(minute, severity)
        heard = heard if told is None else told
        if severity is None:
            assert heard == 0.0
        else:
            assert severity <= heard < severity + FALL_STEP
            assert life.start_minute in (before, minute)
