"""The command line: one thin function for each command of DESIGN section 10.

An error that we raise on purpose is one sentence on standard error and its exit code; anything else is a bug, with its
trace.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Protocol

from monitor import __version__, app
from monitor.cli_kafka import add_dead_letters, add_members
from monitor.clock import SystemClock
from monitor.config import Config, explain_faults, load_config
from monitor.errors import ConfigError, ExitCode, MonitorError
from monitor.logs import configure
from monitor.operators.aliases import ambiguity_report
from monitor.watchlist import load_watchlist


class _Running(Protocol):
    """A monitor at work."""

    is_stopping: bool

    def run(self) -> int: ...
    def stop(self) -> None: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except ConfigError as exc:
        print(f"monitor: {explain_faults(exc)}", file=sys.stderr)
        return exc.exit_code
    except MonitorError as exc:
        print(f"monitor: {exc}", file=sys.stderr)
        return exc.exit_code
    except KeyboardInterrupt:
        print("monitor: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell, and nothing to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DEPENDENCY_DOWN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="monitor", description="Follows the sentiment of feeds and alerts on bad news."
    )
    parser.add_argument("--version", action="version", version=f"monitor {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="follow feeds as they grow and alert on the console")
    run.add_argument("feeds", nargs="*", metavar="FEED", help="JSON-lines file, RSS or Atom URL; - is standard input")
    run.add_argument("--roles", metavar="ROLES", help="on Kafka: score,trend,alert,notify,archive, or some of them")
    _common(run)
    run.set_defaults(command=_run)

    replay = commands.add_parser("replay", help="run a feed in event time as fast as it goes")
    replay.add_argument("feeds", nargs="+", metavar="FEED", help="JSON-lines file, plain or gzip; - is standard input")
    _common(replay)
    replay.add_argument("--alerts", type=Path, required=True, metavar="FILE", help="where alerts go, JSON lines")
    replay.add_argument("--state", type=Path, metavar="FILE", help="SQLite file: goes on where a run was cut off")
    replay.add_argument("--budget", type=float, metavar="N", help="alerts accepted for each topic and month")
    replay.add_argument("--from", dest="from_ms", type=_time, metavar="T", help="leave out what was said before")
    replay.add_argument("--to", dest="to_ms", type=_time, metavar="T", help="leave out what was said at T or later")
    replay.add_argument("--as-of", dest="as_of_ms", type=_time, metavar="T", help="know only what had arrived by T")
    replay.add_argument("--report", type=Path, metavar="FILE", help="write all that was found as one page of HTML")
    replay.add_argument("--show", action="store_true", help="print each alert as it fires, rises and resolves")
    replay.set_defaults(command=_replay)

    demo = commands.add_parser("demo", help="show the whole monitor, live, on a story of invented companies")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="which story (default: %(default)s)")
    demo.add_argument("--summary", type=Path, metavar="FILE", help="where planted against found goes, JSON")
    demo.add_argument("--report", type=Path, metavar="FILE", help="where the report goes (default: out/report.html)")
    demo.add_argument("--no-serve", action="store_true", help="end when the story ends, with a terminal too")
    demo.set_defaults(command=_demo)

    score = commands.add_parser("score", help="say what the monitor makes of a text, or of each line of a file")
    score.add_argument("given", nargs="?", metavar="TEXT|FILE", help="a text; with --out a file of JSON lines")
    score.add_argument("--out", metavar="FILE", help="where a file's answers go, JSON lines; - is standard output")
    score.add_argument("--target", metavar="T", help="whom it is asked about, as the text names it")
    score.add_argument("--lang", metavar="L", help="the text's language, such as en or zh, if it is known")
    score.add_argument("--explain", action="store_true", help="name the words that moved the score")
    score.add_argument("--config", type=Path, metavar="FILE", help="YAML; without it the defaults hold")
    score.set_defaults(command=_score)

    topics = commands.add_parser("topics", help="make our Kafka topics, or compare them with the configuration")
    wish = topics.add_mutually_exclusive_group(required=True)
    wish.add_argument("--create", action="store_true", help="make those that are missing; no other is changed")
    wish.add_argument("--check", action="store_true", help="tell every difference, with its remedy")
    topics.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML, with a section kafka")
    topics.set_defaults(command=_topics)

    state = commands.add_parser("state", help="show what roles have committed on Kafka, or give a state up")
    wishes = state.add_subparsers(required=True, metavar="WISH")
    shown = wishes.add_parser("show", help="tell where each role stands, and which snapshots it would begin with")
    reset = wishes.add_parser("reset", help="begin a partition again at its earliest record, with empty state")
    reset.add_argument("--role", required=True, metavar="R", help="score, trend or alert; none of it may run")
    reset.add_argument("--partition", required=True, metavar="TOPIC/N", help="as a message names it")
    for wish_of_state, command in ((shown, _show_state), (reset, _reset_state)):
        wish_of_state.add_argument("--config", type=Path, required=True, metavar="FILE", help="with a section kafka")
        wish_of_state.set_defaults(command=command)

    add_dead_letters(commands, lambda arguments: _load(arguments, {}), _time)
    add_members(commands, lambda arguments: _load(arguments, {}))

    check = commands.add_parser("check-config", help="judge a configuration, and the watchlist that it names")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--watchlist", type=Path, metavar="FILE", help="judge this watchlist too")
    check.set_defaults(command=_check_config)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watchlist", type=Path, metavar="FILE", help="who is watched: CSV or YAML")
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML; without it the defaults hold")


def _time(text: str) -> int:
    """ISO 8601 to UTC milliseconds; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time, such as 2026-03-02T14:00:00Z") from exc
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _load(arguments: argparse.Namespace, command_line: dict[str, object]) -> Config:
    config = load_config(arguments.config, os.environ, command_line)
    configure(config.logging.level, config.logging.format)
    for warning in config.warnings:
        print(f"monitor: {warning}", file=sys.stderr)
    return config


def _watchlist(arguments: argparse.Namespace, config: Config) -> Path:
    path: Path | None = arguments.watchlist or config.watchlist.path
    if path is None:
        raise ConfigError(
            "watchlist.path: nobody is watched yet; give --watchlist FILE, or name it in the configuration"
        )
    return path


def _replay(arguments: argparse.Namespace) -> int:
    if None not in (arguments.from_ms, arguments.to_ms) and arguments.from_ms >= arguments.to_ms:
        raise ConfigError("--to: nothing lies between --from and --to; give a --to that is later than --from")
    on_end = None if arguments.report is None else _reporter(arguments.report)
    given = {} if arguments.budget is None else {"alerts.budget_per_topic_month": arguments.budget}
    config = _load(arguments, dict(given))
    return app.replay(
        config,
        app.ReplayArguments(
            feeds=tuple(arguments.feeds),
            watchlist=_watchlist(arguments, config),
            alerts=arguments.alerts,
            state=arguments.state,
            from_ms=arguments.from_ms,
            to_ms=arguments.to_ms,
            as_of_ms=arguments.as_of_ms,
            show=sys.stdout if arguments.show else None,
            say=sys.stdout,
            on_end=on_end,
        ),
        SystemClock(),
    )


def _score(arguments: argparse.Namespace) -> int:
    given, out = arguments.given, arguments.out
    if given is None:
        raise ConfigError("TEXT: there is nothing to score; give a text, or a file with --out")
    if out is None and given == "-":
        raise ConfigError("--out: say where the scores of standard input go; --out - is standard output")
    if out is not None and (arguments.target is not None or arguments.lang is not None):
        raise ConfigError('--target, --lang: are for one text; in a file each line has its own "target" and "lang"')
    config = _load(arguments, {})
    if out is None:
        return app.score_text(config, given, arguments.target or "", arguments.lang, sys.stdout, arguments.explain)
    return app.score_file(config, given, out, sys.stdin.buffer, sys.stdout.buffer, arguments.explain)


def _demo(arguments: argparse.Namespace) -> int:
    # Here, because the report brings in libraries that take half a second, and no other command needs them.
    from monitor.lab.demo import DemoArguments, demo

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # As an exception, so that the terminal is given back as it was.
    signal.signal(signal.SIGTERM, stop)
    given = DemoArguments(arguments.seed, arguments.summary, arguments.report, not arguments.no_serve)
    return demo(given, sys.stdout, SystemClock())


def _reporter(out: Path) -> Callable[[app.Replayed], None]:
    """Writes the report once a replay has ended. Raises: ConfigError: it could not be written there."""
    # Here, because pandas takes half a second, and no command needs it that writes no report.
    from monitor.lab.report import check_place, heading_of, write_report

    def write(replayed: app.Replayed) -> None:
        embedded = replayed.embedded
        heading = heading_of(embedded.config, replayed.watchlist, replayed.scorer)
        write_report(replayed.history, embedded.tags.name_of, out, heading=heading)
        print(f"The report is in {out}.")

    check_place(out)

    return write


def _run(arguments: argparse.Namespace) -> int:
    config = _load(arguments, {})
    feeds = tuple(arguments.feeds) or config.feeds.paths
    # A broker in the environment is no reason to leave a feed that was named unread.
    is_on_kafka = arguments.roles is not None or (config.kafka.bootstrap is not None and not feeds)
    if is_on_kafka and arguments.feeds:
        raise ConfigError("--roles: on Kafka feeds are Kafka topics; name them in kafka.input_topics, and no FEED here")
    if not feeds and not is_on_kafka:
        raise ConfigError("feeds.paths: there is nothing to read; name a file, a URL, or - for standard input")
    running: _Running | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        """A first signal drains; a second one ends the process at once, and the next start resumes from the commit."""
        if running is None:
            raise SystemExit(ExitCode.DONE)  # still starting: nothing is in hand
        if running.is_stopping:
            os._exit(128 + number)
        running.stop()

    # Before anything is served, so that who reads the address from the log can already stop it.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    watchlist = _watchlist(arguments, config)
    if is_on_kafka:
        roles = [name.strip() for name in (arguments.roles or "").split(",") if name.strip()]
        running = app.start_roles(config, roles, watchlist, sys.stdout, SystemClock())
    else:
        running = app.start_run(config, feeds, watchlist, sys.stdout, SystemClock())
    return running.run()


def _topics(arguments: argparse.Namespace) -> int:
    config = _load(arguments, {})
    return app.topics(config, create=arguments.create, say=sys.stdout, clock=SystemClock())


def _show_state(arguments: argparse.Namespace) -> int:
    return app.show_state(_load(arguments, {}), sys.stdout, SystemClock())


def _reset_state(arguments: argparse.Namespace) -> int:
    config = _load(arguments, {})
    return app.reset_state(config, arguments.role, arguments.partition, sys.stdout, SystemClock())


def _check_config(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.file, os.environ, {})
    for warning in config.warnings:
        print(f"warning: {warning}")
    path = arguments.watchlist or config.watchlist.path
    if path is not None:
        watchlist = load_watchlist(path)
        print(f"{path}: {len(watchlist.topics)} topics, version {watchlist.version}")
        for ambiguous in ambiguity_report(watchlist.topics):
            print(f"  ambiguous: {ambiguous}")
    print(f"{arguments.file}: every option is valid, configuration {config.fingerprint}")
    return ExitCode.DONE
