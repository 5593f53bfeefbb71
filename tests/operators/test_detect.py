"""Detect: the tail against values worked out exactly, every gate with its reason, and when a look is due again."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.alerts import Silence
from monitor.domain.document import DocumentId, InputPartition
from monitor.domain.progress import SourceProgress, SourceState
from monitor.domain.sentiment import RiskKind
from monitor.operators.baseline import Baseline, HistoryState
from monitor.operators.detect import MAX_SEVERITY, Detector, Finding, tail_severity
from monitor.operators.lookback import Carrier, LookBack, LookBackState
from monitor.operators.volume import FeedVolume, VolumeState

DAY_0 = 20_514
NOON_MS = (DAY_0 + 30) * DAY_MS + 12 * HOUR_MS
MINUTES = (15, 60, 240)

# ---- the tail


def exact_binomial_tail(observed: int, expected: Fraction, size: int) -> Fraction:
    """P(N >= observed) of a negative binomial of whole `size`, summed from its definition."""
    success = size / (size + expected)
    terms = (math.comb(k + size - 1, k) * success**size * (1 - success) ** k for k in range(observed))
    return 1 - sum(terms, Fraction(0))


def exact_poisson_tail(observed: int, expected: Fraction) -> Decimal:
    """P(N >= observed) of a Poisson; the least of them is 1e-100, so sixty digits would not do."""
    with localcontext() as context:
        context.prec = 160
        mean = Decimal(expected.numerator) / Decimal(expected.denominator)
        term, below = (-mean).exp(), Decimal(0)
        for k in range(observed):
            below += term
            term = term * mean / (k + 1)
        return 1 - below


@pytest.mark.parametrize("observed", [1, 2, 3, 7, 25])
@pytest.mark.parametrize("expected", ["1/1000", "1/20", "1/2", "3", "17/2"])
@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_tail_of_the_negative_binomial_is_exact(observed: int, expected: str, size: int) -> None:
    mean = Fraction(expected)
    found = tail_severity(observed, float(mean), 1 / size)
    if observed <= mean:
        assert found == 0.0
    else:
        tail = exact_binomial_tail(observed, mean, size)
        assert found == pytest.approx(math.log10(tail.denominator) - math.log10(tail.numerator), rel=1e-6)


@pytest.mark.parametrize("observed", [1, 2, 3, 7, 25])
@pytest.mark.parametrize("expected", ["1/1000", "1/20", "1/2", "3", "17/2"])
@pytest.mark.parametrize("dispersion", [0.0, 1e-8])
def test_tail_without_dispersion_is_that_of_a_poisson(observed: int, expected: str, dispersion: float) -> None:
    mean = Fraction(expected)
    found = tail_severity(observed, float(mean), dispersion)
    if observed <= mean:
        assert found == 0.0
    else:
        assert found == pytest.approx(-float(exact_poisson_tail(observed, mean).log10()), rel=1e-5)


counts = st.integers(0, 400)
means = st.floats(1e-6, 200)
dispersions = st.one_of(st.just(0.0), st.floats(1e-3, 10))


@given(observed=counts, expected=means, dispersion=dispersions)
def test_more_observed_is_never_less_severe(observed: int, expected: float, dispersion: float) -> None:
    fewer, more = (tail_severity(count, expected, dispersion) for count in (observed, observed + 1))
    assert 0.0 <= fewer <= more + 1e-9 <= MAX_SEVERITY + 1e-9


@given(observed=counts, expected=means, factor=st.floats(1.0, 50.0), dispersion=dispersions)
def test_more_expected_is_never_more_severe(observed: int, expected: float, factor: float, dispersion: float) -> None:
    usual, more = (tail_severity(observed, mean, dispersion) for mean in (expected, expected * factor))
    assert more <= usual + 1e-6


@given(expected=means, dispersion=dispersions, share=st.floats(0, 1))
def test_what_is_not_above_the_expected_is_not_severe(expected: float, dispersion: float, share: float) -> None:
    assert tail_severity(math.floor(expected * share), expected, dispersion) == 0.0


@pytest.mark.parametrize(
    ("observed", "expected", "dispersion"), [(1, 0.0, 0.5), (10**6, 1e-300, 0.0), (10**5, 1e-9, 1e-3)]
)
def test_beyond_what_a_double_holds_severity_has_a_greatest_value(
    observed: int, expected: float, dispersion: float
) -> None:
    assert tail_severity(observed, expected, dispersion) == MAX_SEVERITY


def test_severity_of_one_needs_ten_times_as_rare_a_count_as_severity_of_none() -> None:
    """One story where a thousandth is usual: probability 0.000999, severity 3.0."""
    assert tail_severity(1, 0.001, 0.0) == pytest.approx(3.0, abs=0.001)


# ---- a look


class Scene:
    """One topic at noon of the thirtieth day of a feed that says the same in every hour."""

    def __init__(self) -> None:
        self.look_back = LookBackState()
        self.history = HistoryState(DAY_0)
        self.volume = FeedVolume(4 * HOUR_MS, 60 * DAY_MS, VolumeState())
        self.baseline = Baseline(60 * DAY_MS, 2.0, 0.5, 3.0, 2)
        hours = range(DAY_0 * 24, (DAY_0 + 31) * 24)
        table = tuple(("wire", hour * 60, 100) for hour in hours)
        feed = InputPartition("feeds.news")
        self.volume.told(SourceProgress(feed, 0, 1, 0, 0, SourceState.ACTIVE, table))
        self.volume.advance(NOON_MS)

    def say(self, minutes_ago: float, *, author: str | None = None, is_bad: bool = True) -> "Scene":
        """A first telling so long before noon; in order of time."""
        at_ms = round(NOON_MS - minutes_ago * MINUTE_MS)
        number = len(self.look_back.documents_ms)
        origin = f"wire@{author}" if author else f"wire:{number}"
        carrier = Carrier(
            DocumentId(f"wire:{number}"), at_ms, origin, "wire", "", None, -1, RiskKind.NONE, (), "lexicon-1"
        )
        LookBack(4 * HOUR_MS, 100).add(
            self.look_back, at_ms, is_positive_story=not is_bad, carrier=carrier if is_bad else None
        )
        return self

    def look(self, at_ms: int = NOON_MS, **changes: float) -> Finding | Silence:
        return detector(**changes).look(self.look_back, self.history, self.baseline, self.volume, at_ms)

    def found(self, **changes: float) -> Finding:
        finding = self.look(NOON_MS, **changes)
        assert isinstance(finding, Finding), finding
        return finding


def detector(
    *,
    floor: float = 1.0,
    min_documents: float = 2,
    min_origins: float = 2,
    min_negative_ratio: float = 0.5,
    min_history_days: float = 7,
) -> Detector:
    return Detector(
        [minutes * MINUTE_MS for minutes in MINUTES],
        floor,
        round(min_documents),
        round(min_origins),
        min_negative_ratio,
        round(min_history_days * DAY_MS),
    )


def test_burst_in_a_quiet_topic_is_found_with_the_counts_that_make_it_so() -> None:
    scene = Scene().say(200).say(12).say(9, is_bad=False).say(5).say(2)
    found = scene.found()
    assert (found.look_back_ms, found.observed, found.origins, found.documents) == (15 * MINUTE_MS, 3, 3, 4)
    # The feed speaks at whole hours, so all that is known of these fifteen minutes is the topic's own four.
    usual = scene.baseline.usual(HistoryState(DAY_0), scene.volume, NOON_MS)
    expected = 4 * sum(rate for _, rate in usual.rates)
    assert (found.volume, found.expected) == (0, round(expected, 4))
    assert found.severity == round(tail_severity(3, expected, 0.5), 3)


def test_volume_of_the_look_back_sets_what_is_expected() -> None:
    found = Scene().say(50).say(45).say(40).found()
    assert (found.look_back_ms, found.volume) == (HOUR_MS, 100)
    usual = Scene().baseline.usual(HistoryState(DAY_0), Scene().volume, NOON_MS)
    assert found.expected == round(100 * sum(rate for _, rate in usual.rates), 4)


def test_severity_is_the_greatest_over_all_look_backs() -> None:
    """Three in the last hour and five in four hours: each look-back alone is less severe than the best of them."""
    scene = Scene().say(230).say(200).say(55).say(40).say(20)
    by_length = {}
    for minutes in MINUTES[1:]:
        alone = Detector([minutes * MINUTE_MS], 0.5, 2, 2, 0.5, 7 * DAY_MS)
        found = alone.look(scene.look_back, scene.history, scene.baseline, scene.volume, NOON_MS)
        assert isinstance(found, Finding)
        by_length[minutes * MINUTE_MS] = found
    assert scene.found() == max(by_length.values(), key=lambda found: found.severity)
    assert len({found.severity for found in by_length.values()}) == 2


def test_twelve_posts_of_one_author_are_one_voice_and_found_by_no_rule() -> None:
    scene = Scene()
    for minute in range(12):
        scene.say(14 - minute, author="tin_kettle")
    assert scene.look() is Silence.TOO_FEW_ORIGINS
    scene.say(0, author="harbour_view")
    found = scene.found()
    assert found.observed == 2, "twelve posts and one are two voices"
    assert found.severity < tail_severity(3, found.expected, 0.5)


def test_too_few_documents_are_nothing() -> None:
    assert Scene().look() is Silence.TOO_FEW_DOCUMENTS
    assert Scene().say(1).look() is Silence.TOO_FEW_DOCUMENTS
    assert Scene().say(2).say(1).look(min_documents=3) is Silence.TOO_FEW_DOCUMENTS
    assert isinstance(Scene().say(3).say(2).say(1).look(min_documents=3), Finding)


def test_talk_that_is_mostly_good_is_no_bad_news() -> None:
    scene = Scene()
    for minute in range(9, 4, -1):
        scene.say(minute, is_bad=False)
    scene.say(3).say(2)
    assert scene.look() is Silence.NO_DIRECTION
    assert isinstance(scene.look(min_negative_ratio=2 / 7), Finding)


def test_what_is_usual_for_the_topic_is_below_the_floor() -> None:
    scene = Scene()
    for day in range(30):
        for number in range(600):
            scene.baseline.add(scene.history, "wire", (DAY_0 + day) * DAY_MS + number)
    for minute in range(200, 0, -20):
        scene.say(minute)
    assert scene.look() is Silence.BELOW_FLOOR


def test_topic_that_is_not_watched_long_enough_is_warming_up() -> None:
    scene = Scene().say(3).say(2)
    scene.history.start_day = DAY_0 + 24
    assert scene.look() is Silence.WARMING_UP
    assert isinstance(scene.look(min_history_days=6), Finding)


def test_document_at_the_far_edge_of_a_look_back_has_left_it() -> None:
    assert Scene().say(240).say(1).look() is Silence.TOO_FEW_DOCUMENTS
    assert isinstance(Scene().say(239.999).say(1).look(), Finding)


def test_burst_of_two_at_the_end_of_a_silence_is_measured_by_at_least_itself() -> None:
    """The feed has said nothing for four hours but these two, in the minute in hand: that is no infinite surprise."""
    scene = Scene().say(-0.2).say(-0.1)
    scene.volume = FeedVolume(4 * HOUR_MS, 60 * DAY_MS, VolumeState())
    table = tuple(("wire", hour * 60, 100) for hour in range(DAY_0 * 24, (DAY_0 + 29) * 24))
    scene.volume.told(SourceProgress(InputPartition("feeds.news"), 0, 1, 0, 0, SourceState.ACTIVE, table))
    scene.volume.advance(NOON_MS)
    found = scene.look(NOON_MS + 12_000)
    assert isinstance(found, Finding)
    assert found.volume == 0
    assert found.expected > 0
    assert found.severity < 20


# ---- when to look again


def test_next_look_is_at_the_first_whole_minute_at_which_a_carrier_has_left() -> None:
    scene = Scene().say(13.5).say(3)
    assert detector().next_change_ms(scene.look_back, NOON_MS) == NOON_MS + 2 * MINUTE_MS
    exactly = Scene().say(13).say(3)
    assert detector().next_change_ms(exactly.look_back, NOON_MS) == NOON_MS + 2 * MINUTE_MS


def test_look_back_that_is_no_longer_populated_is_not_waited_for() -> None:
    """At the second look 15 minutes hold one story: the next change is when the first one leaves the hour."""
    scene = Scene().say(14).say(3)
    assert detector().next_change_ms(scene.look_back, NOON_MS + 2 * MINUTE_MS) == NOON_MS + 46 * MINUTE_MS
    assert detector().next_change_ms(scene.look_back, NOON_MS + 300 * MINUTE_MS) is None


@given(ages=st.lists(st.integers(0, 250 * 60), min_size=2, max_size=12))
def test_between_two_looks_the_counts_do_not_change(ages: list[int]) -> None:
    """So that looking at every minute would find nothing that the looks in hand do not."""
    scene = Scene()
    for seconds in sorted(ages, reverse=True):
        scene.say(seconds / 60)
    due_ms = detector().next_change_ms(scene.look_back, NOON_MS)
    until_ms = due_ms if due_ms is not None else NOON_MS + 300 * MINUTE_MS
    assert until_ms > NOON_MS
    assert until_ms % MINUTE_MS == 0
    for minutes in MINUTES:
        inside = [
            sum(carrier_ms > at_ms - minutes * MINUTE_MS for carrier_ms in scene.look_back.carriers_ms)
            for at_ms in range(NOON_MS, until_ms, MINUTE_MS)
        ]
        assert len({count for count in inside if count >= 2}) <= 1
