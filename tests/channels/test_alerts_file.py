"""The alerts file: lines that others script, and the same bytes again after any stop."""

import os
from pathlib import Path

import orjson
import pytest

from monitor.channels.alerts_file import LENGTH_KEY, AlertsFile, iso, line
from monitor.domain.alerts import AlertEvent, AlertId, AlertState, Detection, Evidence, Rule
from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId
from monitor.errors import ConfigError, DependencyError, StateError

NOON_MS = 1_772_452_800_000
"""2026-03-02T12:00:00Z."""

EVIDENCE = Evidence(
    DocumentId("wire:7"),
    NOON_MS,
    "wire",
    "Halden Bank halts withdrawals",
    None,
    -8_000,
    RiskKind.LIQUIDITY,
    ("halts withdrawals",),
    3,
    10_000,
)


def event(number: int = 1, state: AlertState = AlertState.FIRING) -> AlertEvent:
    detection = Detection(
        partition=0,
        topic_id=TopicId("HALD"),
        rule=Rule.NEGATIVE_BURST,
        at_ms=NOON_MS,
        episode_start_ms=NOON_MS - 60_000,
        severity=3.25,
        look_back_ms=3_600_000,
        observed=5,
        expected=0.31,
        volume=900,
        documents=12,
        origins=5,
        risk=RiskKind.LIQUIDITY,
        evidence=(EVIDENCE,),
        topics_watched=86,
        scorer="lexicon-1",
        watchlist="w-1",
    )
    alert_id = AlertId(f"HALD|negative_burst|{number}")
    return AlertEvent(alert_id, number, state, NOON_MS + 2_001, NOON_MS, 3.25, 3.0, detection, "config-1")


def written(path: Path) -> list[str]:
    """The ids in the file, one for each line."""
    return [orjson.loads(each)["id"] for each in path.read_bytes().splitlines()]


# ---- the form


def test_line_is_json_with_what_others_script_first() -> None:
    text = line(event(), "Halden Bank")
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    fields = orjson.loads(text)
    assert list(fields)[:5] == ["id", "topic", "at", "severity", "event"]
    assert fields == {
        "id": "HALD|negative_burst|1",
        "topic": "HALD",
        "at": "2026-03-02T12:00:02.001Z",
        "severity": 3.25,
        "event": "firing",
        "name": "Halden Bank",
        "rule": "negative_burst",
        "revision": 1,
        "since": "2026-03-02T11:59:00Z",
        "threshold": 3.0,
        "look_back_seconds": 3_600,
        "observed": 5,
        "expected": 0.31,
        "documents": 12,
        "origins": 5,
        "risk": "liquidity",
        "carried_by": ["wire:7"],
        "scorer": "lexicon-1",
        "watchlist": "w-1",
        "config": "config-1",
        "coverage": 1.0,
        "members": [],
    }


def test_name_with_line_breaks_and_chinese_stays_one_line() -> None:
    text = line(event(), "哈尔登\n银行 \u2028 ltd")
    assert text.count(b"\n") == 1
    assert orjson.loads(text)["name"] == "哈尔登\n银行 \u2028 ltd"


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NOON_MS, "2026-03-02T12:00:00Z"),
        (NOON_MS + 1, "2026-03-02T12:00:00.001Z"),
        (NOON_MS + 999, "2026-03-02T12:00:00.999Z"),
        (4_102_444_799_993, "2099-12-31T23:59:59.993Z"),
    ],
)
def test_time_is_iso_in_utc_with_milliseconds_only_where_there_are_any(time_ms: int, text: str) -> None:
    assert iso(time_ms) == text


def test_only_firing_and_amended_are_written(tmp_path: Path) -> None:
    channel = AlertsFile(tmp_path / "alerts.jsonl", {})
    for number, state in enumerate(AlertState):
        channel.send(event(number, state), "Halden Bank")
    channel.close()
    assert [orjson.loads(each)["event"] for each in (tmp_path / "alerts.jsonl").read_bytes().splitlines()] == [
        "firing",
        "amended",
    ]


def test_line_is_there_for_whoever_follows_the_file_before_any_flush(tmp_path: Path) -> None:
    channel = AlertsFile(tmp_path / "alerts.jsonl", {})
    channel.send(event(), "Halden Bank")
    assert written(tmp_path / "alerts.jsonl") == ["HALD|negative_burst|1"]
    channel.close()


# ---- from the committed length on


def test_run_that_was_cut_off_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """Lines 2 and 3 were written after the last commit: the run that goes on writes them again, once."""
    path = tmp_path / "alerts.jsonl"
    whole = b"".join(line(event(number), "Halden Bank") for number in (1, 2, 3))
    channel = AlertsFile(path, {})
    channel.send(event(1), "Halden Bank")
    kept = channel.flush()
    channel.send(event(2), "Halden Bank")
    channel.send(event(3), "Halden Bank")
    channel.close()
    again = AlertsFile(path, kept)
    assert written(path) == ["HALD|negative_burst|1"]
    again.send(event(2), "Halden Bank")
    again.send(event(3), "Halden Bank")
    assert again.flush()[LENGTH_KEY] == str(len(whole))
    again.close()
    assert path.read_bytes() == whole


def test_half_a_line_of_a_run_that_was_killed_is_cut_away(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    first = line(event(1), "Halden Bank")
    channel = AlertsFile(path, {})
    channel.send(event(1), "Halden Bank")
    kept = channel.flush()
    channel.close()
    path.write_bytes(first + line(event(2), "Halden Bank")[:40])
    AlertsFile(path, kept).close()
    assert path.read_bytes() == first


def test_another_file_of_that_length_is_refused_and_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = AlertsFile(path, {})
    channel.send(event(1), "Halden Bank")
    kept = channel.flush()
    channel.close()
    other = tmp_path / "holiday.txt"
    other.write_bytes(b"x" * 10_000)
    with pytest.raises(StateError, match="another file"):
        AlertsFile(other, kept)
    assert other.read_bytes() == b"x" * 10_000


@pytest.mark.parametrize("kept", [{}, {LENGTH_KEY: "0"}])
def test_new_run_begins_the_file_anew(tmp_path: Path, kept: dict[str, str]) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b"what another run left\n")
    AlertsFile(path, kept).close()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("left", [None, b"", b"{}\n"])
def test_file_that_is_shorter_than_committed_is_refused_by_name_and_left_alone(
    tmp_path: Path, left: bytes | None
) -> None:
    path = tmp_path / "alerts.jsonl"
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(StateError, match=r"alerts\.jsonl does not hold the 400 bytes.*--state"):
        AlertsFile(path, {LENGTH_KEY: "400"})
    assert (path.read_bytes() if path.exists() else None) == left


# ---- what can go wrong


def test_missing_directory_names_the_option_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--alerts .*directory does not exist; create it"):
        AlertsFile(tmp_path / "no" / "alerts.jsonl", {})


def test_place_that_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--alerts .*cannot be written"):
        AlertsFile(tmp_path, {})


def test_full_disk_is_told_as_such() -> None:
    channel = AlertsFile(Path("/dev/full"), {})
    with pytest.raises(DependencyError, match="free some space"):
        channel.send(event(), "Halden Bank")
    channel.close()


def test_device_needs_not_be_durable_and_keeps_no_length() -> None:
    channel = AlertsFile(Path(os.devnull), {})
    channel.send(event(), "Halden Bank")
    assert channel.flush() == {}
    channel.close()


def test_file_interrupts_nobody() -> None:
    assert AlertsFile.tells_people is False
