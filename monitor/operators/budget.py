"""Budget: the severity from which on somebody is told, so that the desk gets as many alerts as it accepts.

Nominal probabilities are off by orders of magnitude, so the threshold comes from what was measured: the peaks of past
episodes of all topics. It is worked out from whole event-time days and holds for a day, so every run has the same.
While there are few days to learn from, a nominal threshold weighs in.
"""

import math
from dataclasses import dataclass, field

from monitor.clock import DAY_MS
from monitor.domain.topics import TopicId

LEARNING_DAYS = 30.0
"""Days of feed after which the threshold is all measured. Fewer, and one lively week sets it; the median desk's budget
is a dozen alerts in that time, enough to order."""

NOMINAL_TESTS = 2_500.0
"""Independent looks at a topic in a month that nominal tails are taken to stand for. With it the first weeks' threshold
follows from the budget: a desk that accepts little waits for more from the first day on (decision 0012)."""

MIN_PEAKS, SPARE_PEAKS = 1_000, 4.0
"""Peaks kept at least, and for each alert that the budget allows within its memory. The threshold is the peak of that
rank; four times as many leave room for a budget that is raised without losing what was learned."""

DAYS_PER_MONTH = 30.4375
WORKING_DAYS_PER_WEEK = 5.0


@dataclass(slots=True)
class BudgetState:
    """Peaks of episodes by (topic, episode start), the first day seen, and the threshold in force since which day."""

    first_day: int | None = None
    peaks: dict[tuple[TopicId, int], float] = field(default_factory=dict)
    threshold: float | None = None
    threshold_day: int = -1
    spent: list[int] = field(default_factory=list)


class AlertBudget:
    """Keeps the number of alerts near what was agreed.

    Args:
        per_working_day: alerts that the whole desk accepts on a working day.
        per_topic_month: alerts for each topic and month; overrides the former where given.
        initial_threshold: severity, in force until there is something to learn from; None follows from the budget.
        memory_ms: how far back peaks are learned from.
    """

    def __init__(
        self, per_working_day: float, per_topic_month: float | None, initial_threshold: float | None, memory_ms: int
    ) -> None:
        self._per_working_day = per_working_day
        self._per_topic_month = per_topic_month
        self._initial_threshold = initial_threshold
        self._memory_days = memory_ms // DAY_MS

    def per_day(self, topics_watched: int) -> float:
        """Alerts a calendar day that the budget allows."""
        if self._per_topic_month is not None:
            return self._per_topic_month * topics_watched / DAYS_PER_MONTH
        return self._per_working_day * WORKING_DAYS_PER_WEEK / 7.0

    def _initial(self, topics_watched: int) -> float:
        """The threshold before anything was measured: nominal tails at so many looks give the budget's alerts."""
        if self._initial_threshold is not None:
            return self._initial_threshold
        per_topic_month = self.per_day(topics_watched) * DAYS_PER_MONTH / max(1, topics_watched)
        return max(1.0, math.log10(NOMINAL_TESTS / per_topic_month))

    def observe(self, state: BudgetState, topic_id: TopicId, episode_start_ms: int, severity: float) -> None:
        """Learn the severity of one detection; an episode counts once, by its peak."""
        if state.first_day is None:
            state.first_day = episode_start_ms // DAY_MS
        key = (topic_id, episode_start_ms)
        if severity > state.peaks.get(key, 0.0):
            state.peaks[key] = severity

    def threshold(self, state: BudgetState, topics_watched: int, at_ms: int) -> float:
        """The severity from which on a detection becomes an alert, from episodes that began before this day."""
        day = at_ms // DAY_MS
        if state.threshold is None or day > state.threshold_day:
            state.threshold = round(self._work_out(state, topics_watched, day), 3)
            state.threshold_day = day
        return state.threshold

    def dearness(self, state: BudgetState, topics_watched: int, at_ms: int) -> float:
        """Times the threshold that the next alert must reach: 1 while the last week has room, then ever more.

        Room is twice the budget, and never less than one a day. A hard stop would spend a storm's budget on its first
        gusts: what is far more unusual than what was told must still get through.
        """
        since_ms = at_ms - 7 * DAY_MS
        state.spent = [spent_ms for spent_ms in state.spent if spent_ms > since_ms]
        room = max(7.0, 14.0 * self.per_day(topics_watched))
        return 1.0 + max(0.0, 2.0 * (len(state.spent) + 1.0 - room) / room)

    def spend(self, state: BudgetState, at_ms: int) -> None:
        """An alert fired."""
        state.spent.append(at_ms)

    def _work_out(self, state: BudgetState, topics_watched: int, day: int) -> float:
        oldest_day = day - self._memory_days
        for key in [key for key in state.peaks if key[1] // DAY_MS < oldest_day]:
            del state.peaks[key]
        self._forget_the_low(state, topics_watched)
        if state.first_day is None or day <= state.first_day:
            return self._initial(topics_watched)
        days = min(day - state.first_day, self._memory_days)
        allowed = self.per_day(topics_watched) * days
        peaks = sorted((peak for (_, start), peak in state.peaks.items() if start // DAY_MS < day), reverse=True)
        whole = int(allowed)
        # Where fewer episodes came than the budget allows, every detection may be told: the floor is trend's.
        measured = peaks[whole] if whole < len(peaks) else 0.0
        trust = min(1.0, days / LEARNING_DAYS)
        return trust * measured + (1.0 - trust) * self._initial(topics_watched)

    def _forget_the_low(self, state: BudgetState, topics_watched: int) -> None:
        """Keep the peaks that a threshold could ever fall among: memory follows the budget, not the noise."""
        kept = max(MIN_PEAKS, int(SPARE_PEAKS * self.per_day(topics_watched) * self._memory_days))
        if len(state.peaks) > kept:
            highest = sorted(state.peaks, key=lambda key: (-state.peaks[key], key[1], key[0]))[:kept]
            state.peaks = {key: state.peaks[key] for key in sorted(highest, key=lambda key: (key[1], key[0]))}
