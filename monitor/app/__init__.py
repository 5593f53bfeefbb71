"""Composition root: a configuration and a command's arguments become a running monitor."""

from monitor.app.letters import list_letters, show_letter
from monitor.app.members import list_members, remove_member
from monitor.app.redriving import Redrive, redrive_letters
from monitor.app.replay import ReplayArguments, Replayed, replay
from monitor.app.run import Run, start_roles, start_run
from monitor.app.scores import score_file, score_text
from monitor.app.states import reset_state, show_state
from monitor.app.topics import topics
from monitor.delivery.redrive import Wanted

__all__ = [
    "Redrive",
    "ReplayArguments",
    "Replayed",
    "Run",
    "Wanted",
    "list_letters",
    "list_members",
    "redrive_letters",
    "remove_member",
    "replay",
    "reset_state",
    "score_file",
    "score_text",
    "show_letter",
    "show_state",
    "start_roles",
    "start_run",
    "topics",
]
