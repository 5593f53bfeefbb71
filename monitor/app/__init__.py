"""Composition root: a configuration and a command's arguments become a running monitor."""

from monitor.app.replay import ReplayArguments, Replayed, replay
from monitor.app.run import Run, start_roles, start_run
from monitor.app.scores import score_file, score_text
from monitor.app.states import reset_state, show_state
from monitor.app.topics import topics

__all__ = [
    "ReplayArguments",
    "Replayed",
    "Run",
    "replay",
    "reset_state",
    "score_file",
    "score_text",
    "show_state",
    "start_roles",
    "start_run",
    "topics",
]
