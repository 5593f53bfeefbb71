"""What a scorer is worth when it may keep silent: how many texts it answers against how often it is right."""

from dataclasses import dataclass

import numpy as np

from models.evaluation.metrics import BoolArray, FloatArray

_STEPS = 20


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answers of at least some confidence.

    Attributes:
        coverage: their share of all. accuracy: the share of them that is right. confidence: of the least sure one.
    """

    coverage: float
    accuracy: float
    confidence: float


def coverage_curve(confidence: FloatArray, is_right: BoolArray, steps: int = _STEPS) -> list[Coverage]:
    """Accuracy by coverage, least coverage first; the last point answers everything.

    Answers of equal confidence are given or kept together, so a scorer that is always as sure has one point.
    """
    ranked = np.sort(confidence)[::-1]
    found: list[Coverage] = []
    for step in range(1, steps + 1):
        least = float(ranked[max(round(len(ranked) * step / steps), 1) - 1])
        given = confidence >= least
        if not found or least < found[-1].confidence:
            found.append(Coverage(float(given.mean()), float(is_right[given].mean()), least))
    return found


def accuracy_at(curve: list[Coverage], coverage: float) -> float:
    """The accuracy where at least this share is answered."""
    return next(one.accuracy for one in curve if one.coverage >= coverage - 1e-9)
