"""The commands of whoever runs the monitor on Kafka: dead letters, and who is in the roles' groups."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from monitor import app
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.domain.document import DeadLetterReason
from monitor.errors import ConfigError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Load = Callable[[argparse.Namespace], Config]
"""Reads the configuration that a command line names."""


def add_dead_letters(commands: "Commands", load: Load, time: Callable[[str], int]) -> None:
    """`monitor dead-letters`."""
    letters = commands.add_parser("dead-letters", help="what could not be used: list it, show it, send it again")
    wishes = letters.add_subparsers(required=True, metavar="WISH")

    listed = wishes.add_parser("list", help="one line each: position, reason, time, first words")
    _filters(listed, time)
    listed.add_argument("--limit", type=_count, metavar="N", help="the newest N only")
    listed.add_argument("--json", action="store_true", help="JSON lines, for scripts")
    _store(listed)
    listed.set_defaults(command=lambda arguments: _list_letters(arguments, load))

    shown = wishes.add_parser("show", help="one letter: its headers, and every byte that was kept")
    shown.add_argument("position", metavar="POSITION", help="as the list names it, such as feeds.news/2@4711")
    shown.add_argument("--json", action="store_true", help="as JSON, the bytes in base64")
    _store(shown)
    shown.set_defaults(command=lambda arguments: _show_letter(arguments, load))

    sent = wishes.add_parser(
        "redrive",
        help="send records to their input again, each once",
        description="Sends records to the partition that they came from, and marks them: the same command again sends "
        "none of those. What was not kept whole is never sent.",
    )
    sent.add_argument("positions", nargs="*", metavar="POSITION", help="these, whatever their reason")
    sent.add_argument(
        "--all", action="store_true", help="every reason outside the record: far_future, poison, oversize"
    )
    _filters(sent, time)
    sent.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    sent.add_argument("--force", action="store_true", help="with --reason crashed: what killed the process, too")
    _config(sent)
    sent.set_defaults(command=lambda arguments: _redrive(arguments, load))


def add_members(commands: "Commands", load: Load) -> None:
    """`monitor members`."""
    members = commands.add_parser("members", help="who shares each role's work on Kafka, and let one go")
    wishes = members.add_subparsers(required=True, metavar="WISH")
    listed = wishes.add_parser("list", help="each process in each role's group, and its partitions")
    _config(listed)
    listed.set_defaults(command=lambda arguments: app.list_members(load(arguments), sys.stdout, SystemClock()))
    removed = wishes.add_parser("remove", help="on scale-down: give a static member's partitions to the others at once")
    removed.add_argument("--role", required=True, metavar="R", help="trend is the one with static members")
    removed.add_argument("--static-id", required=True, metavar="ID", help="its kafka.static_id")
    _config(removed)
    removed.set_defaults(
        command=lambda arguments: app.remove_member(
            load(arguments), arguments.role, arguments.static_id, sys.stdout, SystemClock()
        )
    )


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="with a section kafka")


def _store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="with a section kafka, or storage.path")
    parser.add_argument("--state", type=Path, metavar="FILE", help="ask this history, as run and replay write it")


def _filters(parser: argparse.ArgumentParser, time: Callable[[str], int]) -> None:
    parser.add_argument("--reason", action="append", type=_reason, metavar="R", help="of this reason; may be repeated")
    parser.add_argument("--source", metavar="TOPIC[/N]", help="of this input, or one partition of it")
    parser.add_argument("--since", dest="since_ms", type=time, metavar="T", help="written at T or later")


def _reason(text: str) -> DeadLetterReason:
    try:
        return DeadLetterReason(text)
    except ValueError as exc:
        known = ", ".join(reason.value for reason in DeadLetterReason)
        raise argparse.ArgumentTypeError(f"{text!r} is no reason; the reasons are {known}") from exc


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of letters, such as 20")
    return int(text)


def _wanted(arguments: argparse.Namespace, positions: frozenset[str] | None = None) -> app.Wanted:
    reasons = frozenset(arguments.reason) if arguments.reason else None
    return app.Wanted(positions, reasons, arguments.source, arguments.since_ms)


def _list_letters(arguments: argparse.Namespace, load: Load) -> int:
    return app.list_letters(
        load(arguments),
        _wanted(arguments),
        sys.stdout,
        SystemClock(),
        limit=arguments.limit,
        as_json=arguments.json,
        store=arguments.state,
    )


def _show_letter(arguments: argparse.Namespace, load: Load) -> int:
    return app.show_letter(
        load(arguments),
        arguments.position,
        sys.stdout,
        SystemClock(),
        as_json=arguments.json,
        store=arguments.state,
    )


def _redrive(arguments: argparse.Namespace, load: Load) -> int:
    positions, chosen = arguments.positions, bool(arguments.reason) or arguments.all
    if not positions and not chosen:
        raise ConfigError("redrive: say what to send again: POSITION ..., --reason R, or --all")
    if positions and (chosen or arguments.source or arguments.since_ms is not None):
        raise ConfigError("redrive: a POSITION says it all; give it without --reason, --all, --source or --since")
    if arguments.reason and arguments.all:
        raise ConfigError("redrive: give --reason R, or --all, which is every reason outside the record")
    wanted = _wanted(arguments, frozenset(positions) if positions else None)
    redrive = app.Redrive(wanted, dry_run=arguments.dry_run, force=arguments.force)
    return app.redrive_letters(load(arguments), redrive, sys.stdout, SystemClock())
