"""The folder of a run: its configuration, which must not change under it, and its log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from tqdm.contrib.logging import logging_redirect_tqdm

from models.training.configuration import SettingsError, read_yaml
from models.training.state import STATE

CONFIG = "config.yaml"
MAY_CHANGE = ("save_every_seconds",)
"""Keys that a resumed run may have otherwise: they change no weight."""
_DEFAULT_SEED = 1


def keep_config(config: Path, seed: int | None, folder: Path) -> None:
    """Write the run's config.yaml, with the seed where one is given.

    Raises: SettingsError: the folder holds the state of a run that was started with other settings.
    """
    kept = folder / CONFIG
    text = config.read_text(encoding="utf-8")
    if seed is not None:
        text = yaml.safe_dump(read_yaml(config) | {"seed": seed}, sort_keys=False, allow_unicode=True)
    if (folder / STATE).exists() and kept.exists():
        old, new = _deciding(kept.read_text(encoding="utf-8")), _deciding(text)
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                raise SettingsError(
                    f"{key}: the run in {folder} was started with {old.get(key)!r}, not {new.get(key)!r}; "
                    "name another folder with --out, or remove this one"
                )
    kept.write_text(text, encoding="utf-8")


def _deciding(text: str) -> dict[str, Any]:
    keys = {"seed": _DEFAULT_SEED} | yaml.safe_load(text)
    return {key: value for key, value in keys.items() if key not in MAY_CHANGE}


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Make the folder, and log into its log.txt and to standard error, where progress bars leave room for the lines."""
    folder.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    before = root.level
    file = logging.FileHandler(folder / "log.txt", encoding="utf-8")
    handlers: list[logging.Handler] = [logging.StreamHandler(), file]
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with logging_redirect_tqdm():
            yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
