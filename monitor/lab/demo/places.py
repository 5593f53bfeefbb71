"""Places: where the demo reads and writes. What it made is kept in out/demo, for whoever wants to look or replay it."""

import os
from pathlib import Path

from monitor.errors import ConfigError, DependencyError

FEED, WATCHLIST, ALERTS, HISTORY = "feed.jsonl", "watchlist.csv", "alerts.jsonl", "history.db"

_OUT = Path("out")
_BESIDE_HISTORY = ("-wal", "-shm")


def default_report() -> Path:
    """Where the report goes unless told. Raises: ConfigError: the folder cannot be made."""
    return _made(_OUT) / "report.html"


def kept_folder() -> Path:
    """Where the demo leaves its files. Raises: ConfigError: the folder cannot be made."""
    return _made(_OUT / "demo")


def check_file(option: str, path: Path) -> None:
    """Judge, before anything runs, whether a file can be written. Raises: ConfigError: no."""
    if path.is_dir():
        raise ConfigError(f"{option}: {path} is a folder; name a file in it")
    if not path.exists() and not path.parent.is_dir():
        raise ConfigError(f"{option}: there is no folder {path.parent}; make it, or name a file in another")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{option}: {path} may not be written; name a file in a folder of yours")


def write(path: Path, content: bytes) -> None:
    """Write a file. Raises: DependencyError: it failed, though it looked possible."""
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise DependencyError(f"{path} cannot be written ({exc.strerror}); look whether the disk is full") from exc


def keep(folder: Path, kept: Path) -> None:
    """Put what a finished run left in place of what the one before it left. Raises: DependencyError: it failed."""
    try:
        for ending in _BESIDE_HISTORY:
            # Those of an older history would be taken for parts of the new one.
            (kept / f"{HISTORY}{ending}").unlink(missing_ok=True)
        for path in sorted(folder.iterdir()):
            os.replace(path, kept / path.name)
    except OSError as exc:
        raise DependencyError(f"{kept} cannot be written ({exc.strerror}); look whether the disk is full") from exc


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"{folder.resolve()}: cannot be made ({exc.strerror}); start the demo in a folder that you may write"
        ) from exc
    return folder
