"""Fitting the lexicon's constants. All texts are invented."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from models import fit_lexicon
from models.fit_lexicon import Sample, fit, is_held_out, probabilities


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"text": text, "label": label, "entity": None, "lang": "en"}) for text, label in rows]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


def test_a_fifth_is_held_out_and_equal_texts_stay_on_one_side() -> None:
    held = [is_held_out(f"headline number {number}") for number in range(2_000)]
    assert 0.17 < sum(held) / len(held) < 0.23
    assert is_held_out("Shares FELL  today") == is_held_out("shares fell today")


def test_held_out_fifth_is_the_one_that_the_documented_figures_came_from() -> None:
    assert [number for number in range(30) if is_held_out(f"headline number {number}")] == [2, 3, 4, 22]


def test_fit_finds_the_constants_that_made_the_labels() -> None:
    truth = np.array([-1.2, 1.6, 0.4, -0.8, 1.3, 0.3])
    grid = np.array([[bad, good] for bad in np.linspace(0, 2, 8) for good in np.linspace(0, 2, 8)])
    evidence, labels = np.repeat(grid, 3, axis=0), np.tile([0, 1, 2], len(grid))
    possible = np.ones((len(labels), 3), np.bool_)
    # Every point stands there with each label, weighted by its true chance: there is no noise to fit.
    chances = probabilities(truth, Sample(grid, labels[: len(grid)], possible[: len(grid)], np.ones(len(grid))))
    fitted = fit(Sample(evidence, labels, possible, chances.ravel()))
    assert np.abs(fitted - truth).max() < 0.02


def test_slopes_stay_positive_where_the_data_would_turn_them() -> None:
    evidence = np.array([[2.0, 0.0], [0.0, 0.0]] * 50)
    labels = np.array([2, 0] * 50)
    fitted = fit(Sample(evidence, labels, np.ones((100, 3), np.bool_), np.ones(100)))
    assert (fitted[[1, 2, 4, 5]] > 0).all()


def test_impossible_class_gets_no_probability() -> None:
    possible = np.array([[True, False, True]])
    found = probabilities(np.zeros(6), Sample(np.zeros((1, 2)), np.array([0]), possible, np.ones(1)))
    assert found.tolist() == [[0.5, 0.0, 0.5]]


def test_fit_command_prints_constants_and_how_honest_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(f"Fraud at Hexley {n}", "negative") for n in range(40)] + [(f"Board {n}", "neutral") for n in range(40)]
    write(tmp_path / "made.jsonl.gz", [*rows, *((f"Record profit {n}", "positive") for n in range(40))])
    write(tmp_path / "nwgi.jsonl.gz", [("left out", "negative")])
    fit_lexicon.main(["--data", str(tmp_path)])
    printed = capsys.readouterr().out
    assert printed.startswith("negative: prior -")
    assert "observed 1.00" in printed
