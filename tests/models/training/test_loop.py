"""A run that is broken off anywhere and started again ends in the same weights to the bit, and what the loop does.

The other half of that promise, a process that is killed, is in tests/models/test_train.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from models.train import network_of
from models.training.epochs import Epochs
from models.training.judge import make_judge
from models.training.loop import Trainer
from models.training.prepare import prepare
from models.training.sentiment import SentimentTask
from models.training.settings import SourceSettings, TrainSettings, load_settings
from models.training.state import Progress, load
from tests.models.training import tiny

KINDS: dict[str, dict[str, Any]] = {
    "dropout": {"hidden_dropout": 0.2},
    "cached": {"frozen": 1, "cache_frozen": True, "sources": {"made": SourceSettings(share=0.6)}},
    "adapters": {"lora_rank": 2},
}


class BrokenOff(Exception):
    """The run ends here."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrainSettings:
    folder = tmp_path_factory.mktemp("made")
    one = load_settings(tiny.write_config(folder))
    tiny.write_rows(one.data / "made.jsonl", tiny.texts(45))
    tiny.write_rows(one.data / "sides.jsonl", tiny.texts(20, seed=2, labels=("negative", "positive")))
    return one


def start(settings: TrainSettings, folder: Path) -> Trainer:
    prepared = prepare(settings)
    network, encoder = network_of(settings)
    judge = make_judge(prepared.development, prepared.possible, set(), tuple(settings.sources), encoder)
    task = SentimentTask(network, settings, encoder.pad, Epochs(prepared, settings, encoder), judge)
    return Trainer(task, settings, folder)


def weights(folder: Path) -> dict[str, bytes]:
    """Every number that a run leaves behind, by name."""
    state, best = load(folder / "state.pt"), load(folder / "best.pt")
    named = [*state["network"].items(), *state["average"].items(), *best.items()]
    return {f"{place}:{name}": value.numpy().tobytes() for place, (name, value) in enumerate(named)}


def break_off(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Step number `at` is not taken."""
    taken = Trainer._step

    def step(self: Trainer, *arguments: Any) -> float:
        if self.progress.step == at:
            raise BrokenOff
        return taken(self, *arguments)

    monkeypatch.setattr(Trainer, "_step", step)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_resumed_run_ends_in_the_same_weights_to_the_bit(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    one = replace(settings, **KINDS[kind])
    whole = start(one, tmp_path / "whole").run()
    assert whole.epoch == 2
    for number, at in enumerate((1, whole.step // 2, whole.step - 2)):
        folder = tmp_path / f"broken{number}"
        with monkeypatch.context() as patch:
            break_off(patch, at)
            with pytest.raises(BrokenOff):
                start(one, folder).run()
        torch.manual_seed(number)  # a new process does not start where the last one stood
        found = start(one, folder).run()
        assert found == whole
        assert weights(folder) == weights(tmp_path / "whole"), f"broken off at step {at}"


def test_finished_run_does_nothing_when_it_is_started_again(settings: TrainSettings, tmp_path: Path) -> None:
    one = replace(settings, epochs=1)
    first = start(one, tmp_path).run()
    before = weights(tmp_path)
    assert start(one, tmp_path).run() == first
    assert weights(tmp_path) == before


@pytest.mark.slow
def test_run_stops_without_gain_and_stays_stopped(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter([0.5, 0.4, 0.45, 0.9, 0.9])
    monkeypatch.setattr(SentimentTask, "judge", lambda self: (next(figures), {}))
    one = replace(settings, epochs=5, patience=2)
    assert start(one, tmp_path).run().epoch == 3
    assert start(one, tmp_path).run().epoch == 3
    assert next(figures) == 0.9


def test_best_epoch_is_kept_and_it_is_the_average_that_is_judged(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[dict[str, torch.Tensor]] = []
    figures = iter([0.5, 0.4])

    def judge(self: SentimentTask) -> tuple[float, dict[str, float]]:
        judged.append(copied(self.network))
        return next(figures), {"own_f1": 0.1}

    stepped: dict[str, torch.Tensor] = {}
    taken = Trainer._step

    def step(self: Trainer, *arguments: Any) -> float:
        value = taken(self, *arguments)
        stepped.update(copied(self._task.network))
        return value

    monkeypatch.setattr(SentimentTask, "judge", judge)
    monkeypatch.setattr(Trainer, "_step", step)
    progress = start(settings, tmp_path).run()
    assert [one["figure"] for one in progress.history] == [0.5, 0.4]
    best, last = load(tmp_path / "best.pt"), load(tmp_path / "state.pt")
    assert equal(best, judged[0])
    assert equal(last["average"], {name: judged[1][name] for name in last["average"]})
    assert equal(last["network"], stepped)
    assert not equal(judged[1], stepped)
    assert (tmp_path / "history.json").read_text(encoding="utf-8").count("figure") == 2


def copied(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: one.detach().clone() for name, one in network.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two states are equal to the bit."""
    return one.keys() == other.keys() and all(value.equal(other[name]) for name, value in one.items())


def test_rates_rise_and_fall_by_group(settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    taken = Trainer._step

    def step(self: Trainer, *arguments: Any) -> float:
        value = taken(self, *arguments)
        rates = [group["lr"] for group in self._optimizer.param_groups]
        seen.append((min(rates), max(rates)))
        return value

    monkeypatch.setattr(Trainer, "_step", step)
    start(replace(settings, warm_up=0.3), tmp_path).run()
    heads = [high for _, high in seen]
    assert heads[0] < max(heads) == pytest.approx(settings.head_rate)
    assert heads[-1] < 0.2 * settings.head_rate
    assert all(low < high for low, high in seen)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_gradients_are_clipped_in_either_precision(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    norms: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def clip_and_measure(parameters: list[torch.nn.Parameter], most: float) -> torch.Tensor:
        before = clip(parameters, most)
        norms.append(float(torch.stack([one.grad.norm() for one in parameters if one.grad is not None]).norm()))
        assert before > most
        return before

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", clip_and_measure)
    progress = start(replace(settings, epochs=1, clip=0.01, precision=precision), tmp_path).run()
    assert len(norms) == progress.step
    assert max(norms) < 0.0101
    assert all(one.dtype == torch.float32 for one in load(tmp_path / "best.pt").values())


def test_frozen_layers_are_the_backbones_in_the_end(settings: TrainSettings, tmp_path: Path) -> None:
    one = replace(settings, epochs=1, frozen=2)
    fresh = network_of(one)[0].state_dict()
    start(one, tmp_path).run()
    best = load(tmp_path / "best.pt")
    moved = {name for name, value in best.items() if not value.equal(fresh[name])}
    assert moved
    assert all(name.startswith("head.") or ".layer.2." in name for name in moved)


def test_nothing_is_shown_without_a_terminal(
    settings: TrainSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start(replace(settings, epochs=1, frozen=1, cache_frozen=True), tmp_path).run()
    assert capsys.readouterr() == ("", "")


def test_young_progress_is_beaten_by_any_figure() -> None:
    assert Progress().best < -1e9
