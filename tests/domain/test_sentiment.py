"""Sentiment: probabilities as integers that sum to exactly 10,000, whatever rounding does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.sentiment import SCALE, Label, Sentiment

WEIGHTS = st.tuples(*[st.floats(0, 1)] * 3).filter(lambda weights: sum(weights) > 1e-6)


@given(WEIGHTS)
def test_rounded_probabilities_sum_to_the_scale_and_stay_within_it(weights: tuple[float, float, float]) -> None:
    total = sum(weights)
    negative, neutral, positive = (weight / total for weight in weights)
    sentiment = Sentiment.from_probabilities(negative, neutral, positive)
    assert sentiment.negative + sentiment.neutral + sentiment.positive == SCALE
    assert min(sentiment.negative, sentiment.neutral, sentiment.positive) >= 0
    assert abs(sentiment.negative - negative * SCALE) <= 1
    assert abs(sentiment.neutral - neutral * SCALE) <= 1
    assert abs(sentiment.positive - positive * SCALE) <= 1


def test_two_halves_that_both_round_up_leave_nothing_below_zero() -> None:
    assert Sentiment.from_probabilities(0.50006, 0.0, 0.50006) == Sentiment(5_001, 0, 4_999)
    assert Sentiment.from_probabilities(0.00006, 0.00008, 0.99986) == Sentiment(1, 0, 9_999)


@pytest.mark.parametrize(
    ("sentiment", "net"),
    [
        (Sentiment(SCALE, 0, 0), -SCALE),
        (Sentiment(0, SCALE, 0), 0),
        (Sentiment(0, 0, SCALE), SCALE),
        (Sentiment(2_500, 4_000, 3_500), 1_000),
    ],
)
def test_net_score_is_positive_less_negative(sentiment: Sentiment, net: int) -> None:
    assert sentiment.net == net


@pytest.mark.parametrize(
    ("sentiment", "label"),
    [
        (Sentiment(5_001, 4_999, 0), Label.NEGATIVE),
        (Sentiment(0, 4_999, 5_001), Label.POSITIVE),
        (Sentiment(5_000, 5_000, 0), Label.NEUTRAL),
        (Sentiment(0, 5_000, 5_000), Label.NEUTRAL),
        (Sentiment(4_000, 2_000, 4_000), Label.NEGATIVE),
        (Sentiment(3_000, 3_000, 4_000), Label.POSITIVE),
    ],
)
def test_likeliest_label_wins_and_a_tie_goes_to_neutral_then_to_negative(sentiment: Sentiment, label: Label) -> None:
    assert sentiment.label is label
