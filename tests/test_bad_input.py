"""Bad input through the commands themselves: one clear sentence or a counted dead letter; good records still count."""

import gzip
import json
import os
import resource
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.cli import main
from tests import feeds
from tests.feeds import FeedShape
from tests.imports import ROOT

GOOD = json.dumps(
    {"id": "good-1", "source": "wire", "published_at": "2026-03-02T09:00:00Z", "text": "Halden Bank opens an office"}
).encode()
GOOD_LATER = GOOD.replace(b"good-1", b"good-2").replace(b"09:00", b"09:05")


class Replayed:
    """A replay of some bytes: its exit code, its history, and what it said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.feed = folder / "feed.jsonl"
        self.watchlist = feeds.write_watchlist(folder)
        self.more_feeds: list[Path] = []
        self.error = ""

    def run(self, data: bytes, *more: str) -> int:
        """Replay these bytes."""
        self.feed.write_bytes(data)
        return self.again(*more)

    def again(self, *more: str) -> int:
        """Replay what is there."""
        command = ["replay", str(self.feed), *map(str, self.more_feeds), "--watchlist", str(self.watchlist)]
        command += ["--alerts", str(self._folder / "alerts.jsonl"), "--state", str(self._folder / "state.db"), *more]
        code = main(command)
        self.error = self._capsys.readouterr().err
        return code

    def select(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the history."""
        connection = sqlite3.connect(self._folder / "state.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    @property
    def scored(self) -> list[str]:
        """Ids of the documents that were scored."""
        return [str(row[0]) for row in self.select("SELECT document_id FROM scored ORDER BY 1")]

    @property
    def dead(self) -> list[str]:
        """Reasons of the dead letters."""
        return [str(row[0]) for row in self.select("SELECT reason FROM dead_letters ORDER BY 1")]


@pytest.fixture
def replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Replayed:
    return Replayed(tmp_path, capsys)


def test_an_empty_file_is_a_feed_without_documents(replayed: Replayed) -> None:
    assert replayed.run(b"") == 0
    assert replayed.scored == []
    assert replayed.dead == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (os.urandom(2_000).replace(b"\n", b"") + b"\xff", ("not_utf8", "not_json")),
        (b'{"text": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", ("too_deep",)),
        (b'{"text": "Halden Bank", "published_at": "1970-01-01T00:00:00Z"}', ("time_out_of_range",)),
        (b'{"text": "Halden Bank", "published_at": "2100-01-01T00:00:00Z"}', ("far_future",)),
        (b'{"text": "Halden Bank"}', ("no_time",)),
        (b'{"published_at": "2026-03-02T09:00:00Z", "text": "  "}', ("no_text",)),
        (b'{"published_at": "2026-03-02T09:00:00Z", "text": 17}', ("bad_field",)),
        (b'{"published_at": "next Tuesday", "text": "Halden Bank"}', ("bad_time",)),
        (b'{"published_at": "2026-03-02T09:0', ("not_json",)),
        (b"[1, 2, 3]", ("not_an_object",)),
        (b'{"text": "' + b"x" * 1_100_000 + b'"}', ("oversize",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_good_records_around_a_bad_one_still_count(replayed: Replayed, bad: bytes, reason: tuple[str, ...]) -> None:
    assert replayed.run(b"\n".join([GOOD, bad, GOOD_LATER, b""])) == 0
    assert replayed.scored == ["wire:good-1", "wire:good-2"]
    assert len(replayed.dead) == 1
    assert replayed.dead[0] in reason


@pytest.mark.parametrize(
    "line",
    [
        GOOD[:-1] + b', "score": NaN}',
        GOOD[:-1] + b', "likes": Infinity}',
        GOOD.replace(b"an office", b"an office \\ud83d"),
        GOOD[:-1] + b', "source": "wire"}',
        GOOD[:-1] + b', "likes": 123456789012345678901234567890}',
        b"\xef\xbb\xbf" + GOOD,
        GOOD + b"\r",
    ],
    ids=["nan", "infinity", "lone surrogate", "duplicate key", "huge number", "byte order mark", "carriage return"],
)
def test_what_is_odd_but_readable_counts(replayed: Replayed, line: bytes) -> None:
    assert replayed.run(line + b"\n") == 0
    assert replayed.scored == ["wire:good-1"]
    assert replayed.dead == []


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_one_dead_letter_and_does_not_grow_the_process(
    tmp_path: Path, replayed: Replayed
) -> None:
    with open(replayed.feed, "wb") as file:
        file.write(GOOD + b'\n{"text": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + GOOD_LATER + b"\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert replayed.again() == 0
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 30_000
    assert replayed.dead == ["oversize"]
    assert replayed.scored == ["wire:good-1", "wire:good-2"]


def test_a_truncated_gzip_gives_what_is_whole_and_says_that_it_is_cut(replayed: Replayed) -> None:
    lines = b"".join(GOOD.replace(b"good-1", b"good-%d" % n) + b"\n" for n in range(3_000))
    packed = gzip.compress(lines)
    assert replayed.run(packed[: len(packed) * 2 // 3]) == 0
    assert len(replayed.scored) > 100
    assert replayed.dead == ["truncated"]


def test_a_feed_of_noise_stops_with_exit_code_four(replayed: Replayed) -> None:
    assert replayed.run(b"\n".join(b"noise %d" % n for n in range(3_000)) + b"\n") == 4
    assert "unusable" in replayed.error


@pytest.mark.slow
def test_a_bad_feed_stops_at_the_same_record_when_it_is_resumed(replayed: Replayed, tmp_path: Path) -> None:
    """1,000 records are a run; the second run is bad, and commits fall inside it."""
    good = [GOOD.replace(b"good-1", b"good-%d" % n) for n in range(1_300)]
    data = b"\n".join([*good, *(b"noise %d" % n for n in range(2_000))]) + b"\n"
    config = tmp_path / "small.yaml"
    config.write_text("storage: {commit_documents: 100}\n")
    assert replayed.run(data, "--config", str(config)) == 4
    whole = replayed.dead
    assert len(whole) == 700
    (tmp_path / "state.db").unlink()
    (tmp_path / "state.db.lock").unlink()
    kill_at = data.index(b"noise 300\n")
    assert replayed.run(data[:kill_at], "--config", str(config)) == 0
    assert replayed.run(data, "--config", str(config)) == 4
    assert replayed.dead == whole


def test_one_bad_feed_stops_nothing_but_itself(replayed: Replayed, tmp_path: Path) -> None:
    noise = tmp_path / "noise.jsonl"
    noise.write_bytes(b"\n".join(b"noise %d" % n for n in range(3_000)) + b"\n")
    replayed.more_feeds = [noise]
    assert replayed.run(GOOD + b"\n" + GOOD_LATER + b"\n") == 0
    assert replayed.scored == ["wire:good-1", "wire:good-2"]


def test_a_topic_that_nobody_watches_is_counted_nowhere_but_read(replayed: Replayed) -> None:
    assert replayed.run(GOOD.replace(b"Halden Bank", b"Somebody else") + b"\n") == 0
    assert replayed.scored == []
    assert replayed.dead == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "watchlist"),
        ("id,name,kind,tickers,aliases_en,aliases_zh,exclude\n", "watchlist"),
        ("id,name,kind,tickers,aliases_en,aliases_zh,exclude\nA,One,company,,,,\nA,Two,company,,,,\n", "A"),
    ],
    ids=["empty", "only a header", "two topics with one id"],
)
def test_a_wrong_watchlist_is_one_sentence_and_exit_code_two(replayed: Replayed, content: str, words: str) -> None:
    replayed.watchlist.write_text(content, encoding="utf-8")
    assert replayed.run(GOOD + b"\n") == 2
    assert words in replayed.error
    assert "Traceback" not in replayed.error


def test_a_damaged_state_names_the_file_and_the_remedy(replayed: Replayed, tmp_path: Path) -> None:
    assert replayed.run(GOOD + b"\n") == 0
    path = tmp_path / "state.db"
    data = bytearray(path.read_bytes())
    data[200:-200] = os.urandom(len(data) - 400)
    path.write_bytes(bytes(data))
    assert replayed.again() == 2
    assert "state.db" in replayed.error
    assert "Traceback" not in replayed.error


def test_a_state_of_another_command_is_refused_by_what_differs(replayed: Replayed) -> None:
    assert replayed.run(GOOD + b"\n") == 0
    assert replayed.again("--budget", "3") == 2
    assert "another config" in replayed.error


def test_an_alerts_file_that_was_cut_is_refused(replayed: Replayed, tmp_path: Path) -> None:
    paths, _ = feeds.write(tmp_path / "more", 1, FeedShape())
    (tmp_path / "quick.yaml").write_text(
        "detection: {look_backs: [15m, 1h, 4h], min_history: 12h, episode_gap: 2h}\n"
        "alerts: {cooldown: 3h, initial_threshold: 1.5, budget_per_topic_month: 100}\n"
    )
    config = ("--config", str(tmp_path / "quick.yaml"))
    assert replayed.run(paths[0].read_bytes(), *config) == 0
    alerts = tmp_path / "alerts.jsonl"
    assert alerts.stat().st_size > 100
    os.truncate(alerts, 50)
    assert replayed.again(*config) == 2
    assert "alerts.jsonl" in replayed.error


@pytest.mark.slow
def test_a_read_only_place_for_the_state_is_a_wrong_configuration(replayed: Replayed, tmp_path: Path) -> None:
    replayed.feed.write_bytes(GOOD + b"\n")
    folder = tmp_path / "locked"
    folder.mkdir()
    command = ["replay", str(replayed.feed), "--watchlist", str(replayed.watchlist)]
    command += ["--alerts", str(tmp_path / "a"), "--state", str(folder / "state.db")]
    code, error = _as_nobody(command, folder)
    assert code == 2
    assert "state.db" in error or "locked" in error
    assert "Traceback" not in error


def test_a_full_disk_under_the_alerts_ends_with_exit_code_three(replayed: Replayed, tmp_path: Path) -> None:
    paths, _ = feeds.write(tmp_path / "more", 1, FeedShape())
    replayed.feed.write_bytes(paths[0].read_bytes())
    (tmp_path / "quick.yaml").write_text(
        "detection: {look_backs: [15m, 1h, 4h], min_history: 12h, episode_gap: 2h}\n"
        "alerts: {cooldown: 3h, initial_threshold: 1.5, budget_per_topic_month: 100}\n"
    )
    command = ["replay", str(replayed.feed), "--watchlist", str(replayed.watchlist), "--alerts", "/dev/full"]
    assert main([*command, "--config", str(tmp_path / "quick.yaml")]) == 3


@pytest.mark.slow
def test_a_full_disk_under_the_state_ends_with_exit_code_three_and_can_be_resumed(
    replayed: Replayed, tmp_path: Path
) -> None:
    paths, _ = feeds.write(tmp_path / "more", 1, FeedShape(documents=3_000))
    replayed.feed.write_bytes(paths[0].read_bytes())
    command = ["replay", str(replayed.feed), "--watchlist", str(replayed.watchlist)]
    command += ["--alerts", str(tmp_path / "alerts.jsonl"), "--state", str(tmp_path / "state.db")]

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    code, error = _in_process(command, small_files)
    assert code == 3, error
    assert "Traceback" not in error
    assert replayed.again() == 0
    assert len(replayed.scored) > 2_000


def test_a_port_that_is_taken_names_the_key(
    replayed: Replayed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replayed.feed.write_bytes(GOOD + b"\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = tmp_path / "monitor.yaml"
        config.write_text(f"server: {{port: {taken.getsockname()[1]}}}\n")
        command = ["run", str(replayed.feed), "--watchlist", str(replayed.watchlist), "--config", str(config)]
        assert main(command) == 2
    assert "server.port" in capsys.readouterr().err


def _in_process(command: list[str], before: Callable[[], None]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *command], cwd=ROOT, capture_output=True, text=True, preexec_fn=before
    )
    return done.returncode, done.stderr


def _as_nobody(command: list[str], locked: Path) -> tuple[int, str]:
    """Run where the folder cannot be written, also when the tests run as root."""
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.geteuid() != 0:
        return _in_process(command, lambda: None)
    readonly = "/proc/state.db"  # no file can be made there, not even by root
    return _in_process([readonly if part.endswith("state.db") else part for part in command], lambda: None)
