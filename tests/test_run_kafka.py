"""`monitor run` on Kafka as its users run it: roles in a process, health and metrics, drained on SIGTERM."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.cli import main
from tests import feeds
from tests.databases import Database
from tests.faults.kafka_world import World, make_world
from tests.feeds import FeedShape
from tests.kafka_monitor import Monitor, write_config

pytestmark = [pytest.mark.slow, pytest.mark.real]

@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    shape = FeedShape(documents=300, hours=96, bursts=12)
    return make_world(kafka_bootstrap, fresh, tmp_path, shape=shape)


@pytest.fixture
def config(world: World) -> Path:
    return write_config(world)


@pytest.fixture
def monitor(config: Path) -> Iterator[Monitor]:
    running = Monitor(config)
    try:
        yield running
    finally:
        running.kill()


def rows(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_every_role_in_one_process_serves_tells_and_drains(world: World, monitor: Monitor) -> None:
    monitor.wait_for("ready", lambda: monitor.get("/readyz")[0] == 200)
    conditions = json.loads(monitor.get("/readyz")[1])["conditions"]
    assert conditions.keys() == {"score", "trend", "alert", "notify", "archive"}
    world.feed()
    read = sum(map(len, world.lines))
    monitor.wait_for("records", lambda: monitor.metric("records_read_total") == read)
    monitor.wait_for("alerts", lambda: monitor.metric("alerts_total", 'state="firing"') >= 1)
    monitor.wait_for("notifications", lambda: monitor.metric("notifications_total", 'outcome="sent"') >= 1)
    assert monitor.get("/livez")[0] == 200
    assert monitor.metric("owned_partitions", 'worker="trend"') == 2
    assert monitor.metric("rebalanced_partitions_total", 'change="assigned"') >= 7
    monitor.wait_for("snapshots", lambda: monitor.metric("snapshots_total", 'worker="trend"') >= 2)
    # It is told at the next look, a second after the alert at most.
    begin = feeds.START_MS / 1_000
    monitor.wait_for("a watermark", lambda: monitor.metric("watermark_seconds", 'stage="alert"') > begin)
    # A drain finishes what each role has in hand; what lies between two of them stays on the log for the next start.
    monitor.wait_for("rows", lambda: rows(world.folder / "history.db", "scored") > 200)
    assert monitor.stop() == 0
    assert "FIRING" in monitor.out.upper()
    assert rows(world.folder / "history.db", "alert_events") >= 1


def run_over(world: World, config: Path, shares: list[slice]) -> None:
    """One run over a part of the feed: it reads exactly that, and ends well."""
    count = sum(len(lines[share]) for lines, share in zip(world.lines, shares, strict=True))
    running = Monitor(config)
    try:
        world.feed(shares)
        running.wait_for("records", lambda: running.metric("records_read_total") >= count)
        running.wait_for("commit", lambda: running.metric("commits_total") >= 4)
        assert running.metric("records_read_total") == count
        assert running.stop() == 0
        assert "handover_given_up" not in running.log
    finally:
        running.kill()


def test_second_process_goes_on_where_the_first_was_told_to_stop(world: World, config: Path) -> None:
    halves = [len(lines) // 2 for lines in world.lines]
    run_over(world, config, [slice(0, half) for half in halves])
    run_over(world, config, [slice(half, None) for half in halves])


def test_process_of_some_roles_is_ready_without_the_others(config: Path) -> None:
    running = Monitor(config, "--roles", "trend,alert")
    try:
        running.wait_for("ready", lambda: running.get("/readyz")[0] == 200)
        assert json.loads(running.get("/readyz")[1])["conditions"].keys() == {"trend", "alert"}
        assert running.stop() == 0
    finally:
        running.kill()


@pytest.mark.parametrize(
    ("change", "arguments", "code", "said"),
    [
        (("%", "%"), ["--roles", "score,poet"], 2, r"--roles: poet is no role that runs on Kafka; name some of score,"),
        (("%", "%"), ["--roles", "score", "feed.jsonl"], 2, r"--roles: on Kafka feeds are Kafka topics"),
        ((r"bootstrap: .*", "bootstrap: ['127.0.0.1:1']"), [], 3, r"kafka\.bootstrap: no broker answered at 127"),
        ((r"  prefix: .*", "  prefix: nobody-made-them."), [], 3, r"there is no Kafka topic .*monitor topics --create"),
        ((r"  bootstrap: .*", ""), ["--roles", "score"], 2, r"kafka\.bootstrap: nobody said where Kafka is"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_an_exit_code(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[str, str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    config.write_text(re.sub(*change, config.read_text()))
    watchlist = str(config.with_name("watchlist.csv"))
    assert main(["run", *arguments, "--config", str(config), "--watchlist", watchlist]) == code
    assert re.search(said, capsys.readouterr().err)


def test_archive_runs_over_postgresql_as_the_configuration_names_it(
    world: World, config: Path, database: Database, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "storage.password").write_text(database.password)
    text = config.read_text().replace("storage: {", f"secrets_dir: {secrets}\nstorage: {{url: '{database.url}', ")
    config.write_text(text)
    running = Monitor(config)
    try:
        world.feed()
        running.wait_for("alerts", lambda: running.metric("alerts_total", 'state="firing"') >= 1)
        running.wait_for("ready", lambda: running.get("/readyz")[0] == 200)
        assert running.stop() == 0
        assert database.password not in running.log
    finally:
        running.kill()
    assert database.admin("SELECT count(*) FROM scored")[0][0] > 200
    assert database.admin("SELECT count(*) FROM alert_events")[0][0] >= 1
    assert not (world.folder / "history.db").exists()
    assert rows(world.folder / "history.db.notify", "positions") >= 1


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("@.*/", "@127.0.0.1:1/"), 3, r"storage\.url: .* cannot be used now .*start the server, or correct storage"),
        (("//monitor_.*@", "//somebody@"), 2, r"storage\.url: .* refuses the login .*storage\.password"),
        (("$", "_absent"), 3, r"storage\.url: .*_absent is no database yet .*createdb"),
    ],
)
def test_database_that_cannot_be_used_is_one_sentence_and_an_exit_code(
    config: Path,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[str, str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("MONITOR_STORAGE__PASSWORD", database.password)
    url = re.sub(*change, database.url)
    config.write_text(config.read_text().replace("storage: {", f"storage: {{url: '{url}', connect_timeout: 1s, "))
    watchlist = str(config.with_name("watchlist.csv"))
    assert main(["run", "--roles", "archive", "--config", str(config), "--watchlist", watchlist]) == code
    told = capsys.readouterr().err
    assert re.search(said, told)
    assert database.password not in told
