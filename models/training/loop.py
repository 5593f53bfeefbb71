"""The training loop: epochs of batches, weights averaged, judged after each epoch, resumed after a kill.

Order of events in a step: forward -> loss -> backward -> clip -> step -> average. A run that is started again in its
folder goes on with the batch after the last saved one, and ends in the same weights to the bit: what is random is
drawn from the seed, the epoch and the row, and what is not (dropout) has its generator's state saved.

What is learnt stands behind `Task`: a sentiment (`sentiment.py`) or a language (`language.py`).
"""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from models.training.average import Average
from models.training.batches import Batch, Item, batches, plan
from models.training.devices import DEVICE
from models.training.rates import factor, groups
from models.training.state import BEST, STATE, Progress, load, random_state, save, set_random_state

logger = logging.getLogger(__name__)

_TELL_EVERY = 50
"""Steps between two lines of the log: about a minute on two cores."""


class LoopSettings(Protocol):
    """What the loop reads of a run's settings; `settings.TrainSettings` explains each."""

    @property
    def epochs(self) -> int: ...
    @property
    def batch_rows(self) -> int: ...
    @property
    def batch_tokens(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def head_rate(self) -> float: ...
    @property
    def layer_decay(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def average(self) -> float: ...
    @property
    def clip(self) -> float: ...
    @property
    def patience(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def save_every_seconds(self) -> int: ...


class Task(Protocol):
    """What a run learns."""

    @property
    def network(self) -> Any:
        """The network that learns: `layers` are its encoder's, and its new parts are named `head.`."""
        ...

    @property
    def pad(self) -> int:
        """The id of the padding token."""
        ...

    def items(self, epoch: int) -> list[Item]:
        """What an epoch reads; the same whenever it is asked."""
        ...

    def begin(self, epoch: int, items: list[Item]) -> None:
        """Called before an epoch."""
        ...

    def recall(self, epoch: int) -> None:
        """Called when a run is resumed, for each epoch that it has done: what `begin` left behind is wanted again."""
        ...

    def loss(self, batch: Batch, epoch: int) -> Tensor:
        """What a batch costs."""
        ...

    def judge(self) -> tuple[float, dict[str, float]]:
        """(the figure that chooses the best epoch, higher is better; a table for the history)."""
        ...

    def best_state(self) -> dict[str, Tensor]:
        """What is kept of the network when it is the best so far."""
        ...


class Trainer:
    """One run in a folder of its own: state.pt, best.pt and history.json."""

    def __init__(self, task: Task, settings: LoopSettings, folder: Path) -> None:
        task.network.to(DEVICE)
        self._task = task
        self._settings = settings
        self._folder = folder
        named, depth = task.network.named_parameters(), len(task.network.layers)
        rates = settings.rate, settings.head_rate, settings.layer_decay, settings.weight_decay
        parameters = groups(named, depth, *rates)
        self._optimizer = torch.optim.AdamW(parameters, lr=settings.rate, fused=True)
        self._average = Average(task.network, settings.average)
        self._saved = 0.0
        self.progress = Progress()
        folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> Progress:
        """Train to the end, from where the folder's state stands. Raises: DataError: the state cannot be read."""
        settings, progress = self._settings, self._resume()
        self._saved = time.monotonic()
        total = settings.epochs * len(self._plan(self._task.items(0), 0))
        for earlier in range(progress.epoch):
            self._task.recall(earlier)
        while progress.epoch < settings.epochs and not self._is_over():
            epoch = progress.epoch
            if not progress.batch:
                torch.manual_seed(settings.seed * 1_000 + epoch)
            items = self._task.items(epoch)
            self._task.begin(epoch, items)
            self._epoch(epoch, items, total)
            progress.epoch, progress.batch = epoch + 1, 0
            self._judge()
            self._save()
        return progress

    def _is_over(self) -> bool:
        return bool(self._settings.patience) and self.progress.without_gain >= self._settings.patience

    def _epoch(self, epoch: int, items: list[Item], total: int) -> None:
        settings, progress, seed = self._settings, self.progress, self._seed(epoch)
        self._task.network.train()
        length = len(self._plan(items, epoch))
        running, seen, began = 0.0, 0, time.monotonic()
        stream = batches(items, settings.batch_rows, settings.batch_tokens, self._task.pad, seed, progress.batch)
        for batch in self._barred(stream, epoch, length):
            running, seen = running + self._step(batch.to(DEVICE), epoch, total), seen + 1
            if progress.step % _TELL_EVERY == 0:
                seconds = time.monotonic() - began
                where = f"epoch {epoch + 1} batch {progress.batch}/{length}"
                logger.info("%s loss %.4f %.0f s", where, running / seen, seconds)
                running, seen = 0.0, 0
            if time.monotonic() - self._saved > settings.save_every_seconds:
                self._save()

    def _barred(self, stream: Iterator[Batch], epoch: int, length: int) -> Iterator[Batch]:
        """The batches, with a bar on standard error where that is a terminal."""
        title = f"epoch {epoch + 1}/{self._settings.epochs}"
        with tqdm(total=length, initial=self.progress.batch, desc=title, unit="batch", disable=None) as bar:
            for batch in stream:
                yield batch
                bar.update()

    def _step(self, batch: Batch, epoch: int, total: int) -> float:
        settings, progress, network = self._settings, self.progress, self._task.network
        share = factor(progress.step, total, settings.warm_up)
        for group in self._optimizer.param_groups:
            group["lr"] = group["base"] * share
        value = self._task.loss(batch, epoch)
        value.backward()
        trained = [one for group in self._optimizer.param_groups for one in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, settings.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._average.update(network, progress.step)
        progress.step += 1
        progress.batch += 1
        return float(value.detach())

    def _judge(self) -> None:
        progress, network = self.progress, self._task.network
        self._average.swap(network)
        figure, table = self._task.judge()
        progress.history.append({"epoch": progress.epoch, "figure": figure, **table})
        logger.info("epoch %d: %.4f %s", progress.epoch, figure, json.dumps(table))
        if figure > progress.best:
            progress.best, progress.without_gain = figure, 0
            save(self._folder / BEST, {name: one.cpu() for name, one in self._task.best_state().items()})
        else:
            progress.without_gain += 1
        self._average.swap(network)
        history = json.dumps(progress.history, indent=1) + "\n"
        (self._folder / "history.json").write_text(history, encoding="utf-8")

    def _plan(self, items: list[Item], epoch: int) -> list[list[int]]:
        lengths = [len(item.window.ids) for item in items]
        return plan(lengths, self._settings.batch_rows, self._settings.batch_tokens, self._seed(epoch))

    def _seed(self, epoch: int) -> str:
        return f"{self._settings.seed}/{epoch}"

    def _save(self) -> None:
        content = {
            "network": self._task.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.values,
            "progress": {name: getattr(self.progress, name) for name in Progress.__slots__},
            **random_state(),
        }
        save(self._folder / STATE, content)
        self._saved = time.monotonic()

    def _resume(self) -> Progress:
        path = self._folder / STATE
        if path.exists():
            kept = load(path)
            self._task.network.load_state_dict(kept["network"])
            self._optimizer.load_state_dict(kept["optimizer"])
            self._average.values = kept["average"]
            self.progress = Progress(**kept["progress"])
            set_random_state(kept)
            logger.info("goes on at epoch %d, batch %d", self.progress.epoch + 1, self.progress.batch)
        return self.progress
