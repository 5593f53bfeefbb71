"""Running replays in tests: a configuration that can learn within hours, and everything a run leaves behind."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.app import ReplayArguments, replay
from monitor.clock import ManualClock
from monitor.config import Config, load_config
from monitor.engine import Seam
from monitor.errors import ExitCode
from tests.feeds import START_MS

AS_OF_MS = START_MS + 400 * 86_400_000

QUICK: dict[str, object] = {
    "scorer.kind": "lexicon",
    "detection.look_backs": ["15m", "1h", "4h"],
    "detection.min_history": "12h",
    "detection.episode_gap": "2h",
    "alerts.cooldown": "3h",
    "alerts.initial_threshold": 1.5,
    "alerts.budget_per_topic_month": 100,
}
"""A topic's past is known after half a day: feeds of two days are enough to see alerts fire, rise and resolve."""

HISTORY = ("documents", "scored", "windows", "detections", "alert_events", "dead_letters", "suppressed")


@dataclass(frozen=True)
class Left:
    """What a replay leaves behind: the alerts file's bytes and the rows of the history, as text, in order of key."""

    alerts: bytes
    history: dict[str, list[str]]


def quick_config(**more: object) -> Config:
    """The quick configuration with more options, dots in their names written as two underscores."""
    return config_in({}, more)


def config_in(environment: Mapping[str, str], more: Mapping[str, object]) -> Config:
    """The same in an environment, by which alone comes what is secret."""
    named = {key.replace("__", "."): value for key, value in more.items()}
    return load_config(None, environment, {**QUICK, **named})


def run(
    feeds: list[Path],
    watchlist: Path,
    folder: Path,
    config: Config,
    *,
    name: str = "run",
    on_seam: Callable[[Seam], None] = lambda seam: None,
) -> Left:
    """One replay into `folder`, with its state; asserts that it ends well."""
    arguments = ReplayArguments(
        tuple(map(str, feeds)), watchlist, folder / f"{name}.jsonl", folder / f"{name}.db", None, None, AS_OF_MS
    )
    assert replay(config, arguments, ManualClock(AS_OF_MS), on_seam) is ExitCode.DONE
    return left(folder, name)


def left(folder: Path, name: str = "run") -> Left:
    """Read what a replay left."""
    connection = sqlite3.connect(folder / f"{name}.db")
    try:
        history = {table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))) for table in HISTORY}
    finally:
        connection.close()
    return Left((folder / f"{name}.jsonl").read_bytes(), history)
