"""Composition root: a configuration and a command's arguments become a running monitor."""

from monitor.app.replay import ReplayArguments, Replayed, replay
from monitor.app.run import Run, start_run

__all__ = ["ReplayArguments", "Replayed", "Run", "replay", "start_run"]
