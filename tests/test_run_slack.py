"""`monitor run` with SLACK_WEBHOOK_URL in the environment, against a server on loopback that behaves as Slack does."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cli import main
from tests import feeds
from tests.channels.slack_server import SlackServer, slack_server
from tests.imports import ROOT
from tests.test_run import BAD, Monitor, history, post

SECRET = "hush-hush"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    with slack_server() as told:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", told.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield told


@pytest.fixture
def started() -> Iterator[list[Monitor]]:
    """Every monitor that a test starts; none outlives it."""
    running: list[Monitor] = []
    yield running
    for monitor in running:
        if monitor.process.poll() is None:
            monitor.kill()
        for stream in (monitor.process.stdout, monitor.process.stderr):
            if stream is not None:
                stream.close()


def follow_to_a_burst(folder: Path, started: list[Monitor]) -> Monitor:
    """A monitor that has read a quiet day and then bad news of Halden Bank, said just now."""
    now = datetime.now(UTC)
    feed = folder / "feed.jsonl"
    feed.write_text(history(now))
    monitor = Monitor(folder, str(feed))
    started.append(monitor)
    monitor.wait_for("the history", lambda: monitor.metric("sentiment_records_read_total") == 1400)
    with open(feed, "a") as file:
        for number, text in enumerate(BAD):
            file.write(post(2_000 + number, text.format(name="Halden Bank"), now + timedelta(seconds=number)))
    monitor.wait_for("the alert", lambda: "FIRING" in monitor.out)
    return monitor


def sent(monitor: Monitor, outcome: str) -> float:
    """Notifications of Slack with this outcome."""
    page = monitor.get("/metrics")[1]
    found = re.search(rf'^sentiment_notifications_total{{channel="slack",outcome="{outcome}"}} (\S+)$', page, re.M)
    assert found is not None, page
    return float(found[1])


@pytest.mark.slow
def test_the_variable_alone_brings_the_alert_to_slack_and_the_address_stays_secret(
    tmp_path: Path, server: SlackServer, started: list[Monitor]
) -> None:
    monitor = follow_to_a_burst(tmp_path, started)
    monitor.wait_for("the message", lambda: server.posts)
    monitor.wait_for("its count", lambda: sent(monitor, "sent") >= 1)
    page = monitor.get("/metrics")[1]
    assert monitor.stop() == 0
    assert server.faults == []
    told = json.dumps(server.posts[0], ensure_ascii=False)
    assert "FIRING · Halden Bank" in told
    assert "bankruptcy" in told
    assert monitor.log.count('"notification_sent"') == len(server.posts)
    assert SECRET not in monitor.log + monitor.out + page


@pytest.mark.slow
def test_what_slack_did_not_take_before_the_stop_is_sent_by_the_next_start(
    tmp_path: Path, server: SlackServer, started: list[Monitor]
) -> None:
    server.answers = [(503, {"Retry-After": "600"}, "")]
    monitor = follow_to_a_burst(tmp_path, started)
    monitor.wait_for("the first attempt", lambda: sent(monitor, "retried") == 1)
    assert monitor.stop() == 0
    assert "notifications_undelivered" in monitor.log
    assert len(server.posts) == 1

    again = Monitor(tmp_path, str(tmp_path / "feed.jsonl"))
    started.append(again)
    again.wait_for("the message", lambda: len(server.posts) >= 2)
    assert again.stop() == 0
    assert server.posts[1] == server.posts[0], "never taken, so no repeat"


@pytest.mark.slow
def test_a_replay_pages_nobody(tmp_path: Path, server: SlackServer) -> None:
    (feed,), watchlist = feeds.write(tmp_path, 1, feeds.FeedShape())
    config = tmp_path / "monitor.yaml"
    config.write_text("detection: {min_history: 1d}\nalerts: {initial_threshold: 1.0, budget_per_topic_month: 100}\n")
    alerts = tmp_path / "alerts.jsonl"
    command = [sys.executable, "-m", "monitor", "replay", str(feed), "--watchlist", str(watchlist)]
    command += ["--config", str(config), "--alerts", str(alerts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert alerts.read_text().count('"firing"') >= 1
    assert server.posts == []


def test_checking_a_configuration_does_not_show_the_address(
    tmp_path: Path, server: SlackServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "monitor.yaml"
    config.write_text("notify: {max_age: 30m}\n")
    assert main(["check-config", str(config)]) == 0
    monkeypatch.setenv("SLACK_WEBHOOK_URL", f"ftp://hooks.example/{SECRET}")
    assert main(["check-config", str(config)]) == 2
    shown = capsys.readouterr()
    assert "notify.slack_webhook_url: is no https URL (SLACK_WEBHOOK_URL)" in shown.err
    assert SECRET not in shown.out + shown.err
