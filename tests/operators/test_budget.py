"""Budget: the threshold is measured, holds for a day, and keeps the desk near what it agreed to."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS
from monitor.domain.topics import TopicId
from monitor.operators.budget import DAYS_PER_MONTH, LEARNING_DAYS, AlertBudget, BudgetState

DAY_0 = 20_514
INITIAL = 3.0
MEMORY_DAYS = 60
TOPICS = 60


def day_ms(day: float) -> int:
    return round((DAY_0 + day) * DAY_MS)


def budget(*, per_working_day: float = 2.0, per_topic_month: float | None = None) -> AlertBudget:
    return AlertBudget(per_working_day, per_topic_month, INITIAL, MEMORY_DAYS * DAY_MS)


def observe(operator: AlertBudget, state: BudgetState, day: float, severity: float, topic: str = "halden") -> None:
    operator.observe(state, TopicId(topic), day_ms(day), severity)


# ---- what the budget allows


def test_budget_is_of_working_days_for_the_desk_or_of_months_for_each_topic() -> None:
    assert budget(per_working_day=2.0).per_day(500) == pytest.approx(10 / 7)
    assert budget(per_topic_month=0.5).per_day(60) == pytest.approx(0.5 * 60 / 30.4375)


# ---- the threshold


def test_threshold_is_the_nominal_one_before_there_is_anything_to_learn_from() -> None:
    operator, state = budget(), BudgetState()
    assert operator.threshold(state, TOPICS, day_ms(0)) == INITIAL
    observe(operator, state, 1.0, 9.0)
    assert operator.threshold(state, TOPICS, day_ms(1.5)) == INITIAL


def test_threshold_holds_for_a_day_whatever_happens_in_it() -> None:
    operator, state = budget(per_topic_month=0.1), BudgetState()
    for day in range(40):
        observe(operator, state, day, 2.0 + day / 100)
    morning = operator.threshold(state, TOPICS, day_ms(40))
    for number in range(50):
        observe(operator, state, 40.1 + number / 1_000, 9.0, f"topic{number}")
        assert operator.threshold(state, TOPICS, day_ms(40.1 + number / 1_000)) == morning
    assert operator.threshold(state, TOPICS, day_ms(41)) > morning


def test_episode_of_yesterday_that_grows_today_counts_tomorrow() -> None:
    operator, state = budget(per_topic_month=0.1), BudgetState()
    for day in range(40):
        observe(operator, state, day, 2.0 + day / 100)
    morning = operator.threshold(state, TOPICS, day_ms(40))
    for day in range(30, 40):
        observe(operator, state, day, 9.0)
    assert operator.threshold(state, TOPICS, day_ms(40.9)) == morning
    assert operator.threshold(state, TOPICS, day_ms(41)) == 9.0


def test_threshold_does_not_depend_on_when_in_the_day_it_is_first_asked_for() -> None:
    found = []
    for asked in (40.0, 40.5):
        operator, state = budget(per_topic_month=0.1), BudgetState()
        for day in range(40):
            observe(operator, state, day + 0.2, 2.0 + day / 100)
        if asked == 40.5:
            observe(operator, state, 40.3, 9.0)
        found.append(operator.threshold(state, TOPICS, day_ms(asked)))
    assert found[0] == found[1]


def test_threshold_lets_through_as_many_past_episodes_as_the_budget_allows() -> None:
    """Sixty days, one episode a day with severities 1.0, 1.1, 1.2 ...; twelve are allowed."""
    operator, state = budget(per_topic_month=DAYS_PER_MONTH * 12 / 60), BudgetState()
    for day in range(60):
        observe(operator, state, day, 1.0 + day / 10)
    threshold = operator.threshold(state, 1, day_ms(60))
    assert sum(1.0 + day / 10 > threshold for day in range(60)) == 12


def test_nominal_threshold_weighs_in_while_there_are_few_days() -> None:
    operator = budget(per_topic_month=DAYS_PER_MONTH / 3)
    found = []
    for days in (3, 15, 30):
        state = BudgetState()
        for day in range(days):
            observe(operator, state, day, 5.0)
        found.append(operator.threshold(state, 1, day_ms(days)))
    assert found == [pytest.approx(INITIAL + (5.0 - INITIAL) * days / LEARNING_DAYS, abs=1e-3) for days in (3, 15, 30)]


def test_episode_counts_once_by_its_peak() -> None:
    operator, one, many = budget(per_topic_month=3.0), BudgetState(), BudgetState()
    for day in range(40):
        observe(operator, one, day, 4.0)
        for severity in (1.5, 4.0, 2.0, 3.9):
            observe(operator, many, day, severity)
    assert operator.threshold(one, 1, day_ms(40)) == operator.threshold(many, 1, day_ms(40))


def test_episodes_beyond_the_memory_are_forgotten() -> None:
    operator, state = budget(per_topic_month=1.0), BudgetState()
    for day in range(200):
        observe(operator, state, day, 3.0)
        operator.threshold(state, 1, day_ms(day))
        assert len(state.peaks) <= MEMORY_DAYS + 2


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(1, 9)), max_size=80), st.floats(0.01, 30))
def test_threshold_lies_between_none_and_the_greatest_that_was_seen(
    episodes: list[tuple[int, float]], per_topic_month: float
) -> None:
    operator, state = budget(per_topic_month=per_topic_month), BudgetState()
    for number, (day, severity) in enumerate(sorted(episodes)):
        observe(operator, state, day, severity, f"topic{number}")
    greatest = max([INITIAL, *(severity for _, severity in episodes)])
    assert 0.0 <= operator.threshold(state, TOPICS, day_ms(51)) <= greatest + 0.001


# ---- what may be spent


def has_room(operator: AlertBudget, state: BudgetState, at_ms: int) -> bool:
    return operator.dearness(state, TOPICS, at_ms) == 1.0


def test_week_has_room_for_twice_its_budget_at_the_usual_price() -> None:
    operator, state = budget(per_topic_month=2.0), BudgetState()
    allowed = round(14 * operator.per_day(TOPICS) - 0.5)
    fired = 0
    while has_room(operator, state, day_ms(3)) and fired < 1_000:
        operator.spend(state, day_ms(3))
        fired += 1
    assert fired == allowed
    assert not has_room(operator, state, day_ms(3 + 6.99))
    assert has_room(operator, state, day_ms(3 + 7))


def test_price_doubles_within_half_the_room_and_goes_on_rising() -> None:
    operator, state = budget(per_topic_month=2.0), BudgetState()
    room = 14 * operator.per_day(TOPICS)
    prices = []
    for number in range(round(2 * room)):
        prices.append(operator.dearness(state, TOPICS, day_ms(3)))
        operator.spend(state, day_ms(3) + number)
    assert prices == sorted(prices)
    assert prices[round(1.5 * room) - 1] == pytest.approx(2.0, abs=0.1)
    assert prices[-1] == pytest.approx(3.0, abs=0.1)


def test_small_budget_still_leaves_room_for_one_a_day() -> None:
    operator, state = budget(per_topic_month=0.001), BudgetState()
    for number in range(7):
        assert has_room(operator, state, day_ms(3) + number)
        operator.spend(state, day_ms(3) + number)
    assert not has_room(operator, state, day_ms(4))


def test_threshold_before_anything_was_measured_follows_from_the_budget() -> None:
    """The less a desk accepts, and the more topics share it, the more unusual must the first alerts be."""
    desk = AlertBudget(2.0, None, None, 60 * DAY_MS)
    by_topics = [desk.threshold(BudgetState(), topics, day_ms(0)) for topics in (40, 1_000, 10_000)]
    assert by_topics == sorted(by_topics)
    assert by_topics[0] == pytest.approx(3.36, abs=0.01)
    assert by_topics[2] == pytest.approx(5.76, abs=0.01)
    by_topic_month = AlertBudget(2.0, 0.25, None, 60 * DAY_MS)
    assert by_topic_month.threshold(BudgetState(), 40, day_ms(0)) == 4.0
    assert by_topic_month.threshold(BudgetState(), 9_999, day_ms(0)) == 4.0
    assert AlertBudget(2.0, 1e6, None, 60 * DAY_MS).threshold(BudgetState(), 40, day_ms(0)) == 1.0


# ---- a year


@dataclass
class Year:
    """A synthetic year: episodes at random moments, severities with a tail that no nominal threshold knows."""

    per_topic_month: float
    scale: float
    episodes_a_month: float = 4.0
    seed: int = 1
    fired: list[float] = field(default_factory=list)

    def live(self) -> "Year":
        rng, operator, state = random.Random(self.seed), budget(per_topic_month=self.per_topic_month), BudgetState()
        expected = self.episodes_a_month * TOPICS * 365 / DAYS_PER_MONTH
        moments = sorted(rng.uniform(0, 365) for _ in range(round(expected)))
        for number, day in enumerate(moments):
            severity = 1.0 + rng.expovariate(1.0) * self.scale
            at_ms = day_ms(day)
            threshold = operator.threshold(state, TOPICS, at_ms)
            observe(operator, state, day, severity, f"topic{number % TOPICS}")
            if severity >= threshold * operator.dearness(state, TOPICS, at_ms):
                operator.spend(state, at_ms)
                self.fired.append(day)
        return self

    def rate_after(self, day: float) -> float:
        """Alerts for each topic and month."""
        return sum(fired >= day for fired in self.fired) / TOPICS / ((365 - day) / DAYS_PER_MONTH)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.2, 0.7, 5.0], ids=["timid tail", "usual tail", "wild tail"])
@pytest.mark.parametrize("per_topic_month", [0.1, 0.5, 2.0])
def test_year_of_alerts_stays_near_the_budget(per_topic_month: float, scale: float, seed: int) -> None:
    """Nominal severities are wrong by orders of magnitude in two of three worlds; after learning it does not matter."""
    year = Year(per_topic_month, scale, seed=seed).live()
    assert year.rate_after(45) == pytest.approx(per_topic_month, rel=0.4)


def test_budget_that_nothing_fills_is_not_filled() -> None:
    """Fewer episodes than alerts allowed: every one of them is told."""
    year = Year(5.0, 0.7, episodes_a_month=1.0).live()
    assert year.rate_after(45) == pytest.approx(1.0, rel=0.15)


def test_day_on_which_everything_moves_does_not_flood_the_desk() -> None:
    operator, state = budget(per_topic_month=0.5), BudgetState()
    rng = random.Random(4)
    for day in range(60):
        observe(operator, state, day, 1.0 + rng.expovariate(2.0), f"topic{day}")
    told = 0
    for number in range(5_000):
        at_ms = day_ms(60) + number * (HOUR_MS // 1_000)
        if operator.threshold(state, TOPICS, at_ms) * operator.dearness(state, TOPICS, at_ms) <= 6.0:
            operator.spend(state, at_ms)
            told += 1
    room = 14 * operator.per_day(TOPICS)
    # The price of the next one is that of a severity of 6 after two and a half times the usual room.
    assert room <= told <= 4 * room


def test_memory_follows_the_budget_and_not_the_number_of_episodes() -> None:
    """A thousand low peaks a day for two weeks: those that no threshold could fall among are forgotten."""
    budget = AlertBudget(2.0, None, 3.0, 60 * DAY_MS)
    state = BudgetState()
    for day in range(14):
        for number in range(1_000):
            at_ms = day * DAY_MS + number * 60_000
            budget.threshold(state, 100, at_ms)
            budget.observe(state, TopicId(f"t{number}"), at_ms, 1.0 + (number % 97) / 100)
        assert len(state.peaks) <= 2_000
    assert min(state.peaks.values()) >= 1.0
    assert max(state.peaks.values()) == 1.96
