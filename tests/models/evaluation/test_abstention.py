"""Accuracy by how much is answered."""

import numpy as np

from models.evaluation.abstention import accuracy_at, coverage_curve


def test_surest_answers_come_first_and_the_last_point_answers_everything() -> None:
    confidence = np.array([0.5, 0.9, 0.6, 0.8])
    curve = coverage_curve(confidence, np.array([False, True, False, True]), steps=4)
    assert [(one.coverage, one.accuracy) for one in curve] == [(0.25, 1.0), (0.5, 1.0), (0.75, 2 / 3), (1.0, 0.5)]
    assert [one.confidence for one in curve] == [0.9, 0.8, 0.6, 0.5]


def test_scorer_that_is_always_as_sure_has_one_point() -> None:
    [only] = coverage_curve(np.full(7, 0.98), np.arange(7) < 3)
    assert (only.coverage, only.accuracy) == (1.0, 3 / 7)


def test_accuracy_is_told_where_at_least_so_much_is_answered() -> None:
    curve = coverage_curve(np.array([0.9, 0.9, 0.9, 0.5]), np.array([True, True, False, False]), steps=4)
    assert accuracy_at(curve, 0.5) == 2 / 3
    assert accuracy_at(curve, 1.0) == 0.5
