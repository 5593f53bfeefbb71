"""Train a sentiment model: `python -m models.train --config FILE --out DIR`; a killed run goes on where it was.

With `--label FILE --label-out FILE` a trained folder answers texts instead, as a teacher for another run (`soft.path`).
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from models.corpus.rows import DataError, read_rows
from models.text import TextEncoder
from models.training.answers import predict
from models.training.devices import DEVICE
from models.training.epochs import Epochs, plain_items
from models.training.judge import make_judge
from models.training.loop import Trainer
from models.training.network import SentimentNetwork, make_network
from models.training.prepare import prepare
from models.training.run import keep_config, logged
from models.training.sentiment import SentimentTask
from models.training.settings import SettingsError, TrainSettings, load_settings
from models.training.state import BEST, load

logger = logging.getLogger("models.train")


def network_of(settings: TrainSettings) -> tuple[SentimentNetwork, TextEncoder]:
    """A fresh network and the encoder of its texts. Raises: SettingsError."""
    torch.manual_seed(settings.seed)
    network = make_network(settings.backbone, settings.layers, settings.dropout, settings.hidden_dropout)
    return network, TextEncoder(Tokenizer.from_file(str(settings.backbone / "tokenizer.json")), settings.max_tokens)


def begin_with(network: SentimentNetwork, folder: Path) -> None:
    """Give a network the best weights of an ended run. Raises: SettingsError: it has none, or is of another shape."""
    if not (folder / BEST).exists():
        raise SettingsError(f"start: {folder} holds no {BEST}; name the folder of a run that has ended")
    try:
        network.load_state_dict(load(folder / BEST))
    except RuntimeError as error:
        raise SettingsError(f"start: {folder} holds a network of another shape; see `backbone` and `layers`") from error


def train(settings: TrainSettings, folder: Path) -> float:
    """Run to the end and return the best development figure. Raises: DataError, SettingsError."""
    prepared = prepare(settings)
    network, encoder = network_of(settings)
    if settings.start is not None:
        begin_with(network, settings.start)
    epochs = Epochs(prepared, settings, encoder)
    selection = settings.selection or tuple(settings.sources)
    merged = {name for name, one in settings.sources.items() if one.absent == "merged"}
    judge = make_judge(prepared.development, prepared.possible, merged, selection, encoder)
    task = SentimentTask(network, settings, encoder.pad, epochs, judge)
    tokens = sum(len(item.window.ids) for item in epochs(0))
    counts = len(prepared.training), len(prepared.development), len(prepared.soft)
    logger.info("%d training rows, %d development rows, %d soft; %d tokens in the first epoch", *counts, tokens)
    logger.info("%d rows are longer than a window: of these the first window is read", epochs.cut)
    return Trainer(task, settings, folder).run().best


def label(settings: TrainSettings, folder: Path, texts: Path, out: Path) -> int:
    """Answer the rows of a file with the best weights of a run; how many. Raises: DataError, SettingsError."""
    network, encoder = network_of(settings)
    network.load_state_dict(load(folder / BEST))
    rows = list(read_rows(texts))
    logits = predict(network.to(DEVICE), plain_items(rows, encoder), encoder.pad, "label", settings.precision)
    with out.open("w", encoding="utf-8") as lines:
        for row, one in zip(rows, logits, strict=True):
            rounded = [round(float(value), 3) for value in one]
            found = {"text": row.text, "target": row.target, "lang": row.lang, "logits": rounded}
            lines.write(json.dumps(found, ensure_ascii=False) + "\n")
    return len(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for a configuration or data that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train a sentiment model.")
    parser.add_argument("--config", type=Path, required=True, help="YAML file; models/training/configs has examples")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log, best weights")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    parser.add_argument("--threads", type=int, help="of torch; all cores if not given")
    parser.add_argument("--label", type=Path, metavar="FILE", help="answer these rows with the run's best weights")
    parser.add_argument("--label-out", type=Path, metavar="FILE", help="where the answers go")
    options = parser.parse_args(arguments)
    if bool(options.label) != bool(options.label_out):
        parser.error("--label and --label-out go together")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        settings = load_settings(options.config)
        if options.seed is not None:
            settings = replace(settings, seed=options.seed)
        with logged(options.out):
            if options.label:
                count = label(settings, options.out, options.label, options.label_out)
                logger.info("%s: %d rows", options.label_out, count)
            else:
                keep_config(options.config, options.seed, options.out)
                logger.info("best development figure: %.4f", train(settings, options.out))
    except (SettingsError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
