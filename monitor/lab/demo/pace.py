"""Pace: how fast the story's hours pass for somebody who watches. Sleeps only through the clock, and only to wait.

The week of learning goes by quickly, a working day with its events slowly enough to be followed, a week-end in
between. A machine that cannot keep up is never held back: it is late already, and late it stays.
"""

from collections.abc import Callable

from monitor.clock import DAY_MS, Clock
from monitor.lab.story.sources import weekday_of

LEARNING_DAYS, LEARNING_DAY_SECONDS = 7, 0.4
"""Nothing can alert before; three seconds in all. Longer, and the first alert is not there within ten."""
WORKING_DAY_SECONDS = 2.6
"""An alert's sentence takes two seconds to read; with five such days the whole stays below half a minute."""
REST_DAY_SECONDS = 1.0

FRAME_SECONDS = 0.1
"""Between two frames: ten a second look live, more only flicker."""
LEAST_SECONDS = 0.001
"""Less is not waited for: clocks count in milliseconds."""


class Pace:
    """Waits until the story's hour is due."""

    def __init__(self, clock: Clock, story_start_ms: int) -> None:
        self._clock = clock
        self._story_start_ms = story_start_ms
        self._started_seconds = clock.monotonic_seconds()
        self.shown_seconds = 0.0
        """What was spent on whoever watches: drawing and waiting."""

    def wait_for(self, story_ms: int, draw: Callable[[], None]) -> None:
        """Draw, and go on drawing until the wall clock has come to where this hour of the story belongs."""
        begun_seconds = self._clock.monotonic_seconds()
        due_seconds = self._started_seconds + seconds_until(story_ms, self._story_start_ms)
        draw()
        while (left_seconds := due_seconds - self._clock.monotonic_seconds()) >= LEAST_SECONDS:
            self._clock.sleep(min(left_seconds, FRAME_SECONDS))
            draw()
        self.shown_seconds += self._clock.monotonic_seconds() - begun_seconds


def seconds_until(story_ms: int, story_start_ms: int) -> float:
    """How long after the start of the show an hour of the story is due."""
    passed_ms = max(story_ms - story_start_ms, 0)
    days, in_day_ms = divmod(passed_ms, DAY_MS)
    whole = sum(_day_seconds(day, story_start_ms) for day in range(days))
    return whole + _day_seconds(days, story_start_ms) * in_day_ms / DAY_MS


def _day_seconds(day: int, story_start_ms: int) -> float:
    if day < LEARNING_DAYS:
        return LEARNING_DAY_SECONDS
    return WORKING_DAY_SECONDS if weekday_of(story_start_ms + day * DAY_MS) < 5 else REST_DAY_SECONDS
