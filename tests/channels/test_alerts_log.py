"""The file channel: each turn a whole line, added and never taken away, whatever became of the file meanwhile."""

import os
import resource
from pathlib import Path

import orjson
import pytest

from monitor.channels.alerts_log import AlertsLog
from monitor.domain.alerts import AlertEvent, AlertState
from monitor.errors import ConfigError, DependencyError
from tests.storage.samples import alert

RESOLVED = alert(1, AlertState.RESOLVED, 8)


def lines(path: Path) -> list[tuple[int, str]]:
    return [(line["revision"], line["event"]) for line in map(orjson.loads, path.read_bytes().splitlines())]


def send(path: Path, *events: AlertEvent) -> None:
    channel = AlertsLog(path)
    for event in events:
        channel.send(event, "Norvane Bank")
    assert channel.flush() == {}


def test_each_turn_of_an_alert_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send(path, alert(0), RESOLVED)
    assert lines(path) == [(0, "firing"), (1, "resolved")]
    assert b"possible_repeat" not in path.read_bytes()


def test_possible_repeat_says_so(tmp_path: Path) -> None:
    channel = AlertsLog(tmp_path / "alerts.jsonl")
    channel.send(alert(0), "Norvane Bank", may_repeat=True)
    assert orjson.loads((tmp_path / "alerts.jsonl").read_bytes())["possible_repeat"] is True


def test_what_stands_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send(path, alert(0))
    send(path, RESOLVED)
    assert lines(path) == [(0, "firing"), (1, "resolved")]


def test_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path, moved = tmp_path / "alerts.jsonl", tmp_path / "alerts.jsonl.1"
    channel = AlertsLog(path)
    channel.send(alert(0), "Norvane Bank")
    path.rename(moved)
    channel.send(RESOLVED, "Norvane Bank")
    assert (lines(moved), lines(path)) == ([(0, "firing")], [(1, "resolved")])


def test_half_a_line_of_ours_is_taken_away_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send(path, alert(0))
    whole = path.read_bytes()
    for half in (b"{", b'{"id":"norvane', whole[:-1]):
        path.write_bytes(whole + half)
        send(path, RESOLVED)
        assert lines(path) == [(0, "firing"), (1, "resolved")]


def test_half_a_line_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_bytes(b"notify:\n  console: true")
    AlertsLog(path)
    assert path.read_bytes() == b"notify:\n  console: true"


def test_place_where_nothing_can_be_written_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"notify\.file: .*absent.* cannot be written .*name another file"):
        AlertsLog(tmp_path / "absent" / "alerts.jsonl")


def test_full_disk_is_a_dependency_that_fails_and_leaves_whole_lines_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send(path, alert(0))
    channel, size = AlertsLog(path), path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(DependencyError, match=r"notify\.file: .*cannot be written any more .*make room"):
            channel.send(RESOLVED, "Norvane Bank")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    send(path, RESOLVED)
    assert lines(path) == [(0, "firing"), (1, "resolved")]


def test_device_that_keeps_nothing_can_be_the_file() -> None:
    channel = AlertsLog(Path(os.devnull))
    channel.send(alert(0), "Norvane Bank")
