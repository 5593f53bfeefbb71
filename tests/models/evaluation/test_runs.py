"""A training run as a scorer: a tiny run is made in place."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from models.corpus.rows import DataError
from models.evaluation.leave_out import start_training
from models.evaluation.lineup import open_scorer
from models.evaluation.runs import RunScorer
from models.pooling import softmax
from models.scorer import Pair
from models.train import network_of
from models.training.settings import load_settings
from tests.models.training.tiny import write_config


def run(folder: Path) -> Path:
    """A run folder with weights as they were drawn."""
    network, _ = network_of(load_settings(write_config(folder)))
    torch.save(network.state_dict(), folder / "best.pt")
    return folder


def test_answers_are_those_of_the_best_weights_alone_or_in_company(tmp_path: Path) -> None:
    scorer = RunScorer(run(tmp_path))
    pairs = [Pair("Hexley reports loss", "Hexley", "en"), Pair("a gain", "", "en"), Pair("", "", "en")]
    together = scorer.score(pairs)
    for pair, found in zip(pairs, together, strict=True):
        [alone] = scorer.score([pair])
        assert (alone.negative, alone.positive) == pytest.approx((found.negative, found.positive), abs=1e-5)
        assert found.negative + found.neutral + found.positive == pytest.approx(1)
    assert together[0] != together[1]
    assert scorer.name == f"run-{tmp_path.name}"


def test_logits_are_told_by_window_and_short_texts_have_one(tmp_path: Path) -> None:
    scorer = RunScorer(run(tmp_path))
    pairs = [Pair("Hexley reports loss", "", "en"), Pair("Hexley reports a loss today. " * 9, "", "en")]
    logits, counts = scorer.logits(pairs)
    assert len(counts[0]) == 1 and len(counts[1]) > 1
    assert logits.shape == (sum(map(len, counts)), 3)
    found = scorer.score(pairs)[0]
    assert (found.negative, found.neutral, found.positive) == pytest.approx(softmax(logits[0].tolist(), 1.0))
    assert scorer.score([]) == []


def test_run_is_not_judged_on_rows_that_it_knows(tmp_path: Path) -> None:
    run(tmp_path)  # its ratio is .2
    assert open_scorer(str(tmp_path), list, 0.2).name == f"run-{tmp_path.name}"
    for ratio in (0.1, None):
        with pytest.raises(DataError, match=r"trained on what is judged: judge it with --development 0\.2"):
            open_scorer(str(tmp_path), list, ratio)


def test_run_without_weights_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path)
    with pytest.raises(DataError, match=r"best\.pt"):
        RunScorer(tmp_path)


@pytest.mark.slow
def test_started_training_leaves_a_run_that_can_be_judged(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert start_training(write_config(tmp_path, epochs=1), out) == 0
    assert len(RunScorer(out).score([Pair("Hexley reports loss", "", "en")])) == 1
