"""Counts and figures, worked by hand."""

import numpy as np
import pytest

from models.evaluation.metrics import cells, confusion, kappa, measures


def test_measures_are_those_of_a_table_worked_by_hand() -> None:
    found = measures(confusion([0, 0, 0, 1, 2], [0, 0, 1, 0, 2]))
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["negative_precision"] == pytest.approx(2 / 3)
    assert found["negative_recall"] == pytest.approx(2 / 3)
    assert found["neutral_f1"] == 0.0
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert found["weighted_f1"] == pytest.approx((3 * 2 / 3 + 0 + 1) / 5)


def test_class_that_a_set_lacks_is_left_out_of_macro_f1() -> None:
    assert measures(confusion([0, 2], [0, 2]))["macro_f1"] == 1.0


def test_never_answering_negative_has_no_precision_and_does_not_fail() -> None:
    assert {key: float(value) for key, value in measures(confusion([0], [1])).items()} == {
        "accuracy": 0.0,
        "macro_f1": 0.0,
        "weighted_f1": 0.0,
        **{
            f"{label}_{what}": 0.0
            for label in ("negative", "neutral", "positive")
            for what in ("precision", "recall", "f1")
        },
    }


def test_many_tables_are_judged_at_once_as_one_by_one() -> None:
    tables = np.random.default_rng(1).integers(0, 9, (4, 3, 3))
    together = measures(tables)
    for number, table in enumerate(tables):
        alone = {key: float(value) for key, value in measures(table).items()}
        assert {key: float(value[number]) for key, value in together.items()} == pytest.approx(alone)


def test_cells_of_rows_sum_to_the_confusion_table() -> None:
    gold, answers = np.array([0, 1, 1, 2]), np.array([0, 2, 2, 1])
    assert cells(gold, answers).sum(axis=0).reshape(3, 3).tolist() == confusion(gold, answers).tolist()


def test_kappa_is_that_of_a_table_worked_by_hand() -> None:
    first, second = [0] * 25 + [1] * 25, [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    assert kappa(first, second) == pytest.approx(0.4)  # seen .7, chance .5


def test_kappa_of_passes_that_always_say_the_same_is_one() -> None:
    assert kappa([1, 1], [1, 1]) == 1.0
    assert kappa([0, 1, 2], [0, 1, 2]) == 1.0
