"""Adapt a backbone to a domain: `python -m models.pretrain --config FILE --out DIR`, on unlabelled text.

DIR becomes a backbone for `models.train`. A killed run goes on where it was. Worth its hours where there is much text
of the own domain and few labels; `docs/experiments.md` says what it brought here.
"""

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from models.corpus.rows import DataError
from models.text import TextEncoder
from models.training.language import LanguageSettings, LanguageTask, load_language_settings, make_items, read_texts
from models.training.loop import Trainer
from models.training.run import keep_config, logged
from models.training.settings import SettingsError
from models.training.state import BEST, load

logger = logging.getLogger("models.pretrain")


def pretrain(settings: LanguageSettings, folder: Path) -> float:
    """Run to the end, write the backbone and return the best development loss. Raises: DataError, SettingsError."""
    words = settings.backbone / "tokenizer.json"
    if not words.is_file():
        raise SettingsError(f"backbone: {words} is missing; docs/training.md says how to get a backbone")
    tokenizer = Tokenizer.from_file(str(words))
    encoder = TextEncoder(tokenizer, settings.max_tokens)
    training, development = (make_items(texts, encoder) for texts in read_texts(settings))
    tokens = sum(len(item.window.ids) for item in training)
    logger.info("%d windows of %d tokens, %d for development", len(training), tokens, len(development))
    mask = next(found for name in ("<mask>", "[MASK]") if (found := tokenizer.token_to_id(name)) is not None)
    task = LanguageTask(settings, training, development, encoder.pad, mask)
    best = Trainer(task, settings, folder).run().best
    task.network.load_state_dict(load(folder / BEST))
    task.network.encoder.save_pretrained(folder)
    shutil.copy(words, folder / "tokenizer.json")
    return -best


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for a configuration or data that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m models.pretrain", description="Adapt a backbone to a domain.")
    parser.add_argument("--config", type=Path, required=True, help="YAML file; docs/training.md has an example")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run, and the backbone in the end")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    parser.add_argument("--threads", type=int, help="of torch; all cores if not given")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        settings = load_language_settings(options.config)
        if options.seed is not None:
            settings = replace(settings, seed=options.seed)
        with logged(options.out):
            keep_config(options.config, options.seed, options.out)
            logger.info("best development loss: %.4f", pretrain(settings, options.out))
    except (SettingsError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
