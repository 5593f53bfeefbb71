"""The names that every model answers in: three labels in a fixed order, and the kinds of risk.

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
