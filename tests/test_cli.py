"""The command line as scripts use it: help, exit codes, one clear sentence for what is wrong, what is left behind."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import __version__
from monitor.cli import main
from tests import feeds
from tests.feeds import START_MS, FeedShape
from tests.imports import ROOT

QUICK = (
    "detection: {look_backs: [15m, 1h, 4h], min_history: 12h, episode_gap: 2h}\n"
    "alerts: {cooldown: 3h, initial_threshold: 1.5, budget_per_topic_month: 100}\n"
    "server: {enabled: false}\n"
)
COMMANDS = ("run", "replay", "score", "check-config")

Ran = tuple[int, str, str]
"""Exit code, standard output, standard error."""


@pytest.fixture
def monitor(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process, as `python -m monitor` would."""

    def run(*arguments: object) -> Ran:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        out, error = capsys.readouterr()
        assert "Traceback" not in error
        return code, out, error

    return run


class Desk:
    """A folder with a small feed, its watchlist and a configuration that learns within hours."""

    def __init__(self, folder: Path) -> None:
        (self.feed,), self.watchlist = feeds.write(folder, 1, FeedShape())
        self.config = folder / "quick.yaml"
        self.config.write_text(QUICK, encoding="utf-8")
        self.alerts, self.state = folder / "alerts.jsonl", folder / "state.db"

    def replay(self, *more: object) -> tuple[object, ...]:
        """The command line of a replay."""
        command = ("replay", self.feed, "--watchlist", self.watchlist, "--alerts", self.alerts)
        return (*command, "--config", self.config, *more)

    def lines(self) -> list[dict[str, object]]:
        """The alerts file."""
        return [json.loads(line) for line in self.alerts.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def iso(hours: float) -> str:
    return datetime.fromtimestamp(START_MS / 1000 + hours * 3_600, tz=UTC).isoformat()


# ---- help and wrong use


def test_help_names_every_command(monitor: Callable[..., Ran]) -> None:
    code, out, _ = monitor("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(monitor: Callable[..., Ran], command: str) -> None:
    code, out, error = monitor(command, "--help")
    assert (code, error) == (0, "")
    assert f"usage: monitor {command}" in out


def test_replay_help_names_every_option_that_scripts_use(monitor: Callable[..., Ran]) -> None:
    _, out, _ = monitor("replay", "--help")
    for option in ("--watchlist", "--alerts", "--state", "--config", "--budget", "--from", "--to", "--as-of"):
        assert option in out


def test_version_is_that_of_the_package(monitor: Callable[..., Ran]) -> None:
    assert monitor("--version") == (0, f"monitor {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("frobnicate",),
        ("replay",),
        ("replay", "feed.jsonl"),
        ("replay", "feed.jsonl", "--alerts"),
        ("replay", "feed.jsonl", "--alerts", "a", "--budget", "plenty"),
        ("replay", "feed.jsonl", "--alerts", "a", "--from", "last Tuesday"),
        ("replay", "feed.jsonl", "--alerts", "a", "--frm", "2026-03-02"),
        ("score", "a", "text", "in", "pieces"),
        ("check-config",),
        ("run", "--nonsense"),
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_wrong_use_is_explained_with_exit_code_two(monitor: Callable[..., Ran], arguments: tuple[str, ...]) -> None:
    code, out, error = monitor(*arguments)
    assert (code, out) == (2, "")
    assert error.startswith("usage: monitor")
    assert "error: " in error


def test_time_that_cannot_be_read_is_shown_with_an_example(monitor: Callable[..., Ran]) -> None:
    _, _, error = monitor("replay", "feed.jsonl", "--alerts", "a", "--to", "31.12.2026")
    assert "--to" in error
    assert "'31.12.2026' is no ISO 8601 time, such as 2026-03-02T14:00:00Z" in error


@pytest.mark.slow
def test_the_same_command_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"monitor {__version__}\n")


# ---- one sentence for what is wrong


def test_missing_watchlist_names_the_key_and_the_remedy(monitor: Callable[..., Ran], desk: Desk) -> None:
    for command in (("replay", desk.feed, "--alerts", desk.alerts), ("run", desk.feed)):
        code, _, error = monitor(*command)
        assert code == 2
        assert "watchlist.path" in error
        assert "--watchlist FILE" in error


def test_run_without_a_feed_names_the_key_and_the_remedy(monitor: Callable[..., Ran], desk: Desk) -> None:
    code, _, error = monitor("run", "--watchlist", desk.watchlist, "--config", desk.config)
    assert code == 2
    assert "feeds.paths" in error


def test_feed_that_does_not_exist_is_named(monitor: Callable[..., Ran], desk: Desk, tmp_path: Path) -> None:
    desk.feed = tmp_path / "nowhere.jsonl"
    code, _, error = monitor(*desk.replay())
    assert code == 2
    assert "nowhere.jsonl" in error


@pytest.mark.parametrize("budget", ["0", "-1", "nan"])
def test_budget_that_nobody_can_keep_names_the_key(monitor: Callable[..., Ran], desk: Desk, budget: str) -> None:
    code, _, error = monitor(*desk.replay("--budget", budget))
    assert code == 2
    assert "alerts.budget_per_topic_month" in error


def test_stretch_that_holds_nothing_is_refused(monitor: Callable[..., Ran], desk: Desk) -> None:
    for end in (iso(20), iso(12)):
        code, _, error = monitor(*desk.replay("--from", iso(20), "--to", end))
        assert code == 2
        assert "--from" in error
        assert "--to" in error
    assert not desk.alerts.exists()


def test_all_faults_of_a_configuration_come_together(monitor: Callable[..., Ran], desk: Desk, tmp_path: Path) -> None:
    desk.config.write_text("detection: {floor: 99}\nalert: {cooldown: 3h}\nfeeds: {max_parts: many}\n")
    code, _, error = monitor("check-config", desk.config)
    assert code == 2
    assert "3 faults" in error
    assert all(key in error for key in ("detection.floor", "alert", "feeds.max_parts"))


# ---- check-config


def test_good_configuration_is_called_good_with_its_fingerprint(monitor: Callable[..., Ran], desk: Desk) -> None:
    code, out, error = monitor("check-config", desk.config, "--watchlist", desk.watchlist)
    assert (code, error) == (0, "")
    assert f"{desk.watchlist}: 4 topics, version " in out
    assert f"{desk.config}: every option is valid, configuration " in out


def test_ambiguous_aliases_are_reported(monitor: Callable[..., Ran], desk: Desk) -> None:
    with open(desk.watchlist, "a", encoding="utf-8") as file:
        file.write("HALX,Halden Bank,company,,Halden Bank,,\n")
    code, out, _ = monitor("check-config", desk.config, "--watchlist", desk.watchlist)
    assert code == 0
    assert "ambiguous: " in out
    assert "Halden Bank" in out


# ---- replay


def test_replay_of_a_small_feed_writes_alerts_in_order_of_time(monitor: Callable[..., Ran], desk: Desk) -> None:
    code, out, error = monitor(*desk.replay())
    assert (code, error) == (0, "")
    assert "alerts fired" in out
    lines = desk.lines()
    assert {"firing", "amended"} == {line["event"] for line in lines}
    assert [line["at"] for line in lines] == sorted(str(line["at"]) for line in lines)
    assert {line["topic"] for line in lines} <= {"HALD", "NWFD", "TESS", "KORV"}


def test_budget_on_the_command_line_overrules_the_configuration(monitor: Callable[..., Ran], desk: Desk) -> None:
    monitor(*desk.replay())
    (usual,) = {line["config"] for line in desk.lines()}
    assert monitor(*desk.replay("--budget", "50"))[0] == 0
    (changed,) = {line["config"] for line in desk.lines()}
    assert changed != usual


def test_from_and_to_leave_out_what_was_said_elsewhere(monitor: Callable[..., Ran], desk: Desk) -> None:
    """[from, to): what was said at `to` is left out."""
    assert monitor(*desk.replay("--from", iso(10), "--to", iso(30), "--state", desk.state))[0] == 0
    connection = sqlite3.connect(desk.state)
    try:
        first, last, count = connection.execute(
            "SELECT min(event_time_ms), max(event_time_ms), count(*) FROM documents"
        ).fetchone()
    finally:
        connection.close()
    assert START_MS + 10 * 3_600_000 <= first < last < START_MS + 30 * 3_600_000
    assert 20 < count < 150


def test_as_of_knows_only_what_had_arrived(monitor: Callable[..., Ran], desk: Desk) -> None:
    monitor(*desk.replay())
    everything = desk.lines()
    assert len(everything) >= 2
    assert monitor(*desk.replay("--as-of", everything[0]["at"]))[0] == 0
    known = desk.lines()
    assert 0 < len(known) < len(everything)
    assert known == everything[: len(known)], "what was known then had been decided then"


def test_time_without_a_zone_is_utc(monitor: Callable[..., Ran], desk: Desk) -> None:
    monitor(*desk.replay("--as-of", iso(40)))
    with_zone = desk.alerts.read_bytes()
    monitor(*desk.replay("--as-of", iso(40).removesuffix("+00:00")))
    assert desk.alerts.read_bytes() == with_zone


def test_same_command_again_leaves_the_same_bytes(monitor: Callable[..., Ran], desk: Desk) -> None:
    assert monitor(*desk.replay("--state", desk.state))[0] == 0
    once = desk.alerts.read_bytes()
    assert monitor(*desk.replay("--state", desk.state))[0] == 0
    assert desk.alerts.read_bytes() == once != b""


# ---- run


@pytest.mark.slow
def test_run_prints_an_alert_for_people_and_ends_with_its_input(desk: Desk) -> None:
    """Through a pipe: what was said is of this minute, so it is not too old to tell."""
    now = datetime.now(UTC).timestamp()
    lines = [_post(number, now - 90_000 + number * 60, "opens office number") for number in range(1_500)]
    lines += [_post(2_000 + n, now - 30 + n, text) for n, text in enumerate(NEWS_OF_A_BURST)]
    desk.config.write_text(QUICK.replace("12h", "4h"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "run", "-", "--watchlist", desk.watchlist, "--config", desk.config],
        cwd=ROOT,
        input="".join(lines),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "FIRING" in done.stdout
    assert "Halden Bank" in done.stdout
    assert "bankruptcy protection" in done.stdout


@pytest.mark.slow
def test_run_tells_nobody_of_what_is_long_past(desk: Desk) -> None:
    """A backfill through the same pipe computes alerts, and pages nobody."""
    long_ago = START_MS / 1000
    lines = [_post(number, long_ago + number * 60, "opens office number") for number in range(1_500)]
    lines += [_post(2_000 + n, long_ago + 90_000 + n, text) for n, text in enumerate(NEWS_OF_A_BURST)]
    desk.config.write_text(
        QUICK.replace("12h", "4h") + f"storage: {{path: {desk.state}}}\nlogging: {{format: json}}\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "run", "-", "--watchlist", desk.watchlist, "--config", desk.config],
        cwd=ROOT,
        input="".join(lines),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "FIRING" not in done.stdout
    connection = sqlite3.connect(desk.state)
    try:
        states = [row[0] for row in connection.execute("SELECT state FROM alert_events ORDER BY at_ms")]
    finally:
        connection.close()
    assert states[0] == "firing"


NEWS_OF_A_BURST = (
    "files for bankruptcy protection after weeks of losses",
    "faces a fraud probe by the regulator",
    "halts withdrawals, clients say they lost money",
    "shares plunge on profit warning",
)


def _post(number: int, at_seconds: float, text: str) -> str:
    fields = {"id": f"p{number}", "source": "wire", "author": f"w{number}", "text": f"Halden Bank {text} {number}"}
    return json.dumps({**fields, "published_at": datetime.fromtimestamp(at_seconds, tz=UTC).isoformat()}) + "\n"
