"""The names that every model answers in: three labels in a fixed order, kinds of risk, and what may limit an answer.

`models/` knows nothing of `monitor/`, so the names are written here once more; `tests/models/test_labels.py` keeps the
two equal.
"""

from typing import Final

LABELS: Final = ("negative", "neutral", "positive")
"""Label names, in the order of every probability vector and every logit."""

NEGATIVE, NEUTRAL, POSITIVE = range(3)

NO_RISK: Final = "none"

RISKS: Final = (
    NO_RISK,
    "default",
    "liquidity",
    "fraud",
    "regulator",
    "litigation",
    "recall",
    "cyber",
    "accident",
    "labour",
    "management",
    "earnings",
    "rating",
    "market",
)
"""Kinds of risk that a bad report can be about. The order breaks ties: what is named first weighs more."""

UNSUPPORTED_TARGET: Final = "unsupported_target"
UNTRAINED_LANGUAGE: Final = "untrained_language"
CUT: Final = "cut"

MARKS: Final = (UNSUPPORTED_TARGET, UNTRAINED_LANGUAGE, CUT)
"""What limits an answer: it is about the text as a whole, because the text does not name the target or the model knows
no targets; nobody trained the model on the text's language; a part of the text that counts was not read.
"""
