"""Sentiment: calibrated probabilities of three labels, carried as integers so that sums never drift."""

from enum import StrEnum
from typing import NamedTuple

SCALE = 10_000
"""Probabilities travel as integers of 1/10,000: sums of them are exact in any order."""


class Label(StrEnum):
    """The three labels, in the order of every probability vector."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class RiskKind(StrEnum):
    """The kinds of risk that a bad report can be about; NONE where nothing names one."""

    NONE = "none"
    DEFAULT = "default"
    LIQUIDITY = "liquidity"
    FRAUD = "fraud"
    REGULATOR = "regulator"
    LITIGATION = "litigation"
    RECALL = "recall"
    CYBER = "cyber"
    ACCIDENT = "accident"
    LABOUR = "labour"
    MANAGEMENT = "management"
    EARNINGS = "earnings"
    RATING = "rating"
    MARKET = "market"


class ScoreMark(StrEnum):
    """What a scorer says of its own answer when that is worth less than it looks."""

    UNSUPPORTED_TARGET = "unsupported_target"
    """The answer is about the text as a whole: it does not name the target, or the scorer knows no targets."""
    UNTRAINED_LANGUAGE = "untrained_language"
    """Nobody trained the scorer on the text's language."""
    CUT = "cut"
    """A part of a long text that counts was not read."""


class Sentiment(NamedTuple):
    """Probabilities of the labels in units of 1/10,000; they sum to exactly 10,000."""

    negative: int
    neutral: int
    positive: int

    @staticmethod
    def from_probabilities(negative: float, neutral: float, positive: float) -> "Sentiment":
        """Round three probabilities that sum to about 1 to integers that sum to exactly 10,000."""
        rounded_negative = round(negative * SCALE)
        rounded_positive = min(round(positive * SCALE), SCALE - rounded_negative)
        return Sentiment(rounded_negative, SCALE - rounded_negative - rounded_positive, rounded_positive)

    @property
    def net(self) -> int:
        """Net score p(positive) - p(negative), in units of 1/10,000, from -10,000 to 10,000."""
        return self.positive - self.negative

    @property
    def label(self) -> Label:
        """The likeliest label; a tie goes to neutral, then to negative."""
        if self.neutral >= self.negative and self.neutral >= self.positive:
            return Label.NEUTRAL
        return Label.NEGATIVE if self.negative >= self.positive else Label.POSITIVE

    def leans_negative(self, least: int) -> bool:
        """Whether it speaks against its target with at least this probability, in 1/10,000, and more than for it."""
        return self.negative >= least and self.negative >= self.positive

    def leans_positive(self, least: int) -> bool:
        """Whether it speaks for its target with at least this probability, in 1/10,000, and more than against it."""
        return self.positive >= least and self.positive > self.negative
