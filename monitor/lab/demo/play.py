"""The play: story told, replayed by the monitor as any feed is, shown, judged, reported, and served.

Order of events: places judged -> story written -> replay, live where somebody looks -> verdict -> report -> summary ->
the words at the end -> served while there is a terminal.
"""

import os
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from prometheus_client import CollectorRegistry

from monitor import __version__
from monitor.app import ReplayArguments, Replayed, replay
from monitor.app.embedded import Embedded
from monitor.app.scoring import device_loss_told
from monitor.clock import DAY_MS, Clock
from monitor.config import ScorerKind, load_config
from monitor.errors import ConfigError, ExitCode
from monitor.lab.demo import places
from monitor.lab.demo.ending import (
    OWN_FEED,
    Figures,
    LeftOut,
    figures_lines,
    names_of,
    summary_json,
    verdict_lines,
    write_lines,
)
from monitor.lab.demo.screen import Screen
from monitor.lab.demo.serving import serve
from monitor.lab.demo.view import Plot
from monitor.lab.demo.watcher import Watcher
from monitor.lab.story import Story, StorySettings, tell, watchlist_table
from monitor.lab.verdict import Verdict, judge
from monitor.logs import configure
from monitor.metrics import Metrics
from monitor.observe import RunObserver
from monitor.web.health import CONDITIONS, Health

DEMO_OPTIONS: dict[str, object] = {
    # Alerts come with commits: about seven to a day of the story, so that they come while it is watched.
    "storage.commit_documents": 64,
    # One alert for each company in four months is what a desk with forty of them accepts gladly; the story's bad news
    # stands far above what it takes, and the flurries of its chatter do not.
    "alerts.budget_per_topic_month": 0.25,
}
"""How the demo's monitor differs from one with the defaults, by option path."""
_WITH_A_MODEL: dict[str, object] = {"storage.commit_documents": 256}
"""A model reads batches of fewer texts at three quarters of its rate; some 500 documents a second make two commits."""


_SCORER_VARIABLES = "MONITOR_SCORER__"


@dataclass(frozen=True, slots=True)
class DemoArguments:
    """What the demo is asked for; `report` None: where `make run` has it. Only with a terminal `serves` means much."""

    seed: int = 1
    summary: Path | None = None
    report: Path | None = None
    serves: bool = True


@dataclass(frozen=True, slots=True)
class Played:
    """What the play came to."""

    verdict: Verdict
    figures: Figures
    left_out: LeftOut


def demo(arguments: DemoArguments, out: TextIO, clock: Clock) -> ExitCode:
    """Play the demo to its end.

    Raises: ConfigError: a seed or a place that cannot be; nothing has run then. DependencyError: the disk failed.
    DeviceLostError: nothing can be scored any more. KeyboardInterrupt: Ctrl-C before the end; the terminal is as it
    was.
    """
    if arguments.seed < 0:
        raise ConfigError(f"--seed: {arguments.seed} is negative; give 0 or more")
    if arguments.summary is not None:
        places.check_file("--summary", arguments.summary)
    report = places.default_report() if arguments.report is None else arguments.report
    places.check_file("--report", report)
    return _Play(arguments, report, out, clock).run()


class _Play:
    def __init__(self, arguments: DemoArguments, report: Path, out: TextIO, clock: Clock) -> None:
        self._started_seconds = clock.monotonic_seconds()
        self._arguments = arguments
        self._report = report
        self._out = out
        self._clock = clock
        self._has_terminal = out.isatty()
        # Of the environment only who judges the texts: what the story is judged by is not for the machine to change.
        given = {name: value for name, value in os.environ.items() if name.startswith(_SCORER_VARIABLES)}
        self._config = load_config(None, given, DEMO_OPTIONS)
        if self._config.scorer.kind is ScorerKind.MODEL:
            self._config = load_config(None, given, {**DEMO_OPTIONS, **_WITH_A_MODEL})
        # The screen is the story's: the log speaks only of what went wrong.
        configure("warning", "console")
        self._settings = StorySettings(seed=arguments.seed)
        self._registry = CollectorRegistry()
        self._metrics = Metrics(self._registry)
        self._health = Health(clock)

    def run(self) -> ExitCode:
        story = tell(self._settings)
        kept = places.kept_folder()
        with tempfile.TemporaryDirectory(prefix="demo-", dir=kept.parent) as name:
            folder = Path(name)
            places.write(folder / places.FEED, b"".join(line + b"\n" for line in story.records))
            places.write(folder / places.WATCHLIST, watchlist_table(story.watchlist).encode())
            with device_loss_told("a demo that was cut off keeps nothing; start it again"):
                played = self._play(story, folder)
            places.keep(folder, kept)
        if self._arguments.summary is not None:
            places.write(self._arguments.summary, summary_json(played.figures, played.verdict))
        names = names_of(story.watchlist)
        write_lines([*verdict_lines(played.verdict, names), *figures_lines(played.figures, played.left_out)], self._out)
        self._say("", f"The report with every alert and its reasons: {self._report}")
        self._say(f"The feed, the watchlist, the alerts and the history: {kept}{os.sep}")
        self._say("", "The same on a feed of your own:")
        # In one piece however narrow the terminal is, so that it can be copied.
        self._out.write(f"  {OWN_FEED}\n\n")
        self._out.flush()
        if self._has_terminal and self._arguments.serves:
            for condition in CONDITIONS:
                self._health.set_ready(condition, True)
            serve(self._report.read_bytes(), self._registry, self._health, self._clock, self._announce)
        return ExitCode.DONE

    def _play(self, story: Story, folder: Path) -> Played:
        watchers: list[Watcher] = []
        played: list[Played] = []
        plot = Plot(self._settings.start_ms, self._settings.days, len(story.records), len(story.watchlist))

        def watch(screen: Screen | None, embedded: Embedded) -> Watcher:
            watchers.append(Watcher(embedded, self._observer(embedded), self._clock, plot, screen))
            return watchers[0]

        def end(replayed: Replayed) -> None:
            played.append(self._judge(replayed, story, watchers[0]))

        def run(screen: Screen | None) -> None:
            arguments = ReplayArguments(
                feeds=(str(folder / places.FEED),),
                watchlist=folder / places.WATCHLIST,
                alerts=folder / places.ALERTS,
                state=folder / places.HISTORY,
                from_ms=None,
                to_ms=None,
                # What the story tells has all arrived by then, whatever day this machine takes for today.
                as_of_ms=self._settings.start_ms + (self._settings.days + 1) * DAY_MS,
                show=self._out if screen is None else None,
                on_end=end,
                watch=partial(watch, screen),
                is_resumable=False,
            )
            replay(self._config, arguments, self._clock)

        if self._has_terminal and os.environ.get("TERM") != "dumb":
            with Screen(self._out, self._clock) as screen:
                run(screen)
        else:
            run(None)
        return played[0]

    def _observer(self, embedded: Embedded) -> RunObserver:
        metrics = self._metrics
        for source in embedded.feed.partitions:
            metrics.open_input(str(source))
        metrics.topics.set(embedded.tags.topics)
        return RunObserver(
            metrics,
            self._health,
            self._clock,
            embedded.score,
            embedded.trend,
            embedded.alert,
            embedded.notify,
            embedded.laps,
            embedded.take_work,
        )

    def _judge(self, replayed: Replayed, story: Story, watcher: Watcher) -> Played:
        course, first = watcher.course, watcher.first_alert_seconds
        documents_per_second = watcher.documents_per_second
        verdict = judge(story.planted, course.events)
        # Here, because pandas takes a third of a second, in which the first card could already be there.
        from monitor.lab.report import heading_of, write_report

        self._metrics.set_build(
            version=__version__,
            scorer=replayed.scorer,
            watchlist=replayed.watchlist.version,
            config=self._config.fingerprint,
        )
        self._metrics.set_scorer(backend=replayed.embedded.backend, checkpoint=replayed.scorer)
        title = "Two weeks of invented news: the story of the demo"
        heading = heading_of(self._config, replayed.watchlist, replayed.scorer, title=title)
        write_report(replayed.history, replayed.embedded.tags.name_of, self._report, heading=heading, verdict=verdict)
        figures = Figures(
            seed=self._arguments.seed,
            documents=course.records,
            seconds=self._clock.monotonic_seconds() - self._started_seconds,
            documents_per_second=documents_per_second,
            first_alert_seconds=None if first is None else first - self._started_seconds,
        )
        left_out = LeftOut(
            copies=self._counted("copies_total"),
            repeats=self._counted("repeats_total"),
            listed=course.listed,
            late=self._counted("late_documents_total"),
            unwatched=self._counted("documents_total", outcome="unwatched"),
            dead=sorted(course.dead.items()),
        )
        return Played(verdict, figures, left_out)

    def _counted(self, name: str, **labels: str) -> int:
        return int(self._registry.get_sample_value(f"sentiment_{name}", labels) or 0)

    def _announce(self, url: str) -> None:
        self._say(f"Served here until Ctrl-C: {url} (the report) and {url}metrics (figures of this run)")

    def _say(self, *lines: str) -> None:
        write_lines([("", line, "") for line in lines], self._out)
