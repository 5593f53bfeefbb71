"""`monitor replay`: a feed in event time, as fast as it goes, cut off anywhere and gone on with."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from monitor.app.building import Knowledge
from monitor.app.embedded import Embedded, join, no_seam
from monitor.app.scorer_thread import ScorerThread
from monitor.app.scoring import device_loss_told, make_scorer
from monitor.channels.alerts_file import AlertsFile
from monitor.channels.console import ConsoleChannel
from monitor.clock import Clock, Laps
from monitor.config import Config, ScorerKind
from monitor.domain.alerts import AlertState
from monitor.domain.document import InputPartition
from monitor.engine import Pace, Seam
from monitor.errors import ExitCode, StateError
from monitor.observe import EngineObserver, ProgressBar
from monitor.ports import Channel, Scorer
from monitor.storage.history import History
from monitor.storage.store import EmbeddedStore, StoredState
from monitor.tags import LiveTags
from monitor.transports.files import FileFeed
from monitor.watchlist import Watchlist, WatchlistFile

POLL_RECORDS = 512
"""Large enough that a call's cost is shared, small enough that what is in hand stays in the processor's cache."""

COMMAND_KEY = "command"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has come to, for a report or a summary, while its history is still open.

    `counts` of the roles in `embedded` are of this process; the history also holds what earlier ones left.
    """

    embedded: Embedded
    history: History
    watchlist: Watchlist
    scorer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ReplayArguments:
    """What a replay is asked for; times in UTC milliseconds.

    `show` gets each alert as a person reads it, `say` a summary at the end; None: nobody looks. `on_end` is called
    with the history, which is kept in memory where there is no `state`. `watch` gives who is told how the loop goes,
    in place of a progress bar; it is called before anything is read. `is_resumable`: somebody may go on with the
    `state`, so that the scorer forgets its answers at each commit.
    """

    feeds: tuple[str, ...]
    watchlist: Path
    alerts: Path
    state: Path | None
    from_ms: int | None
    to_ms: int | None
    as_of_ms: int | None
    show: TextIO | None = None
    say: TextIO | None = None
    on_end: Callable[[Replayed], None] | None = None
    watch: Callable[[Embedded], EngineObserver] | None = None
    is_resumable: bool = True


def replay(
    config: Config,
    arguments: ReplayArguments,
    clock: Clock,
    on_seam: Callable[[Seam], None] = no_seam,
    laps: Laps | None = None,
) -> ExitCode:
    """Run a feed in event time as fast as it goes, into an alerts file and, with a state, a history.

    Raises: ConfigError, StateError, DependencyError, DeviceLostError: each names what is wrong and the remedy.
    """
    started = clock.monotonic_seconds()
    watchlist = WatchlistFile(arguments.watchlist).current
    with ExitStack() as open_things:
        goes_on = arguments.state is not None and arguments.state.exists()
        store = open_things.enter_context(EmbeddedStore.open(arguments.state)) if goes_on else None
        stored = store.load() if store else StoredState({}, {}, {})
        model = make_scorer(config, _command_of(stored).get("scorer", ""))
        # A state is made only now: a checkpoint that cannot be used must leave none behind.
        if store is None and (arguments.state is not None or arguments.on_end is not None):
            store = open_things.enter_context(EmbeddedStore.open(arguments.state))
        open_things.enter_context(device_loss_told(_kept(arguments.state)))
        feed = FileFeed(arguments.feeds, follow=False, clock=None, max_record_bytes=config.feeds.max_record_bytes)
        open_things.callback(feed.close)
        scorer: Scorer = model
        if config.scorer.kind is ScorerKind.MODEL:
            # Its runtime lets go of Python's lock, so the rest of the monitor works beside it.
            scorer = open_things.enter_context(ScorerThread(model))
        arguments = _settle_command(config, arguments, watchlist, scorer.name, feed.partitions, stored, clock)
        alerts_file = AlertsFile(arguments.alerts, stored.meta)
        open_things.callback(alerts_file.close)
        channels: list[Channel] = [alerts_file]
        # A replay pages nobody: its only channels are the file, and the terminal of who asked to be shown.
        if arguments.show is not None:
            channels.append(ConsoleChannel(arguments.show, color=None, width=None))
        knowledge = Knowledge(arguments.as_of_ms, arguments.from_ms, arguments.to_ms)
        tags = LiveTags(watchlist, None)
        embedded = join(
            config,
            feed,
            tags,
            scorer,
            channels,
            store,
            stored,
            knowledge=knowledge,
            is_live=False,
            max_age_ms=None,
            laps=laps or Laps(),
            forgets_at_commits=arguments.state is not None and arguments.is_resumable,
        )
        embedded.take_work, embedded.backend = model.take_work, model.backend
        pace = Pace(
            is_live=False,
            # Who asks for small commits gets them: one falls due only after what was read together.
            poll_records=min(POLL_RECORDS, config.storage.commit_documents),
            progress_every_ms=0,
            commit_every_ms=0,
            commit_records=config.storage.commit_documents,
            retention_ms=0,
        )
        observer = _observer(arguments, embedded, open_things)
        command = _command(config, arguments, watchlist.version, scorer.name, feed.partitions)
        engine = embedded.engine(
            clock, pace, observer, maintenance=lambda: None, meta={COMMAND_KEY: command}, on_seam=on_seam
        )
        is_done = engine.run()
        if arguments.say is not None:
            arguments.say.write(_summary(embedded, clock.monotonic_seconds() - started))
        if arguments.on_end is not None and store is not None:
            seconds = clock.monotonic_seconds() - started
            arguments.on_end(Replayed(embedded, store.history, watchlist, scorer.name, seconds))
    return ExitCode.DONE if is_done else ExitCode.TOO_MANY_UNUSABLE


def _kept(state: Path | None) -> str:
    """What a replay that loses its device leaves."""
    if state is None:
        return "without --state nothing of the replay is kept; give the same command again"
    return f"what was committed is in {state}, and the same command goes on from there"


def _observer(arguments: ReplayArguments, embedded: Embedded, open_things: ExitStack) -> EngineObserver:
    if arguments.watch is not None:
        return arguments.watch(embedded)
    progress = ProgressBar()
    open_things.callback(progress.close)
    return progress


def _summary(embedded: Embedded, seconds: float) -> str:
    """What a person wants to know at the end, in two lines."""
    score, trend, alert = embedded.score, embedded.trend, embedded.alert
    read, dead = score.counts["read"], score.dead.total()
    told = alert.alerts_told
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(score.dead.items()))
    return (
        f"{read:,} records in {seconds:.1f} s: {score.counts['scored']:,} name a watched topic, "
        f"{trend.counts['copy']:,} copies, {trend.counts['repeat']:,} repeats, {score.counts['late']:,} late, "
        f"{dead:,} unusable{f' ({reasons})' if reasons else ''}\n"
        f"{told[AlertState.FIRING]:,} alerts fired, {told[AlertState.AMENDED]:,} rose, "
        f"{told[AlertState.RESOLVED]:,} resolved; {alert.suppressed.total():,} detections told nobody\n"
    )


def _command(
    config: Config,
    arguments: ReplayArguments,
    watchlist: str,
    scorer: str,
    partitions: Sequence[InputPartition],
) -> str:
    """What must be the same for a replay to go on where it was cut off."""
    return json.dumps(
        {
            "feeds": [str(partition) for partition in partitions],
            "watchlist": watchlist,
            "scorer": scorer,
            "config": config.fingerprint,
            "from": arguments.from_ms,
            "to": arguments.to_ms,
            "as_of": arguments.as_of_ms,
        },
        sort_keys=True,
    )


def _command_of(stored: StoredState) -> dict[str, Any]:
    """What `_command` said of the run that began a state; empty where none did."""
    found: dict[str, Any] = json.loads(stored.meta.get(COMMAND_KEY, "{}"))
    return found


def _settle_command(
    config: Config,
    arguments: ReplayArguments,
    watchlist: Watchlist,
    scorer: str,
    partitions: Sequence[InputPartition],
    stored: StoredState,
    clock: Clock,
) -> ReplayArguments:
    """Fix the moment of knowledge, and refuse to go on with a state that another command began."""
    before = _command_of(stored)
    if arguments.as_of_ms is None:
        arguments = replace(arguments, as_of_ms=before.get("as_of", clock.now_ms()))
    if before:
        now = json.loads(_command(config, arguments, watchlist.version, scorer, partitions))
        changed = sorted(key for key in now if now[key] != before.get(key))
        if changed:
            raise StateError(
                f"--state {arguments.state} was begun with another {', '.join(changed)}; "
                "give the same command again, or another --state"
            )
    return arguments
