"""Notify on Kafka: each turn of an alert reaches the file and Slack once, and whatever kills it loses none. What may
have been sent before says so, is counted, and never more than one of two says nothing.

    poll | acknowledged | ledger: undecided | snapshot written | sent | outputs sent | ledger: told | committed
"""

import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import RoleName
from monitor.app.distributed.worker import Seam
from monitor.channels.words import POSSIBLE_REPEAT
from monitor.domain.streams import Stream
from monitor.storage.store import EmbeddedStore
from tests.channels.slack_server import SlackServer, slack_server
from tests.faults.decided import Decided, read_up_to, until
from tests.faults.effects import Kind
from tests.faults.embedded import embedded_effects
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, make_world, quick_config
from tests.faults.told_ends import environment
from tests.feeds import START_MS, FeedShape

pytestmark = [pytest.mark.slow, pytest.mark.real]

FEED_HOURS = 96
POLLED = 4
"""Turns that notify takes at once, so that those that are told make several rounds."""

Turn = tuple[str, int]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server
    assert server.faults == []


def conditions_of(folder: Path, slack: SlackServer, *, is_news: bool = True) -> Conditions:
    """Notify with a file and Slack, in the last hours of the feed's time, or in those of the machine."""
    ago_ms = time.time_ns() // 1_000_000 - (START_MS + (FEED_HOURS + 1) * 3_600_000) if is_news else 0
    limit = "30d" if is_news else "1h"
    config: dict[str, object] = {"notify__file": str(folder / "alerts.jsonl"), "notify__max_age": limit}
    return Conditions(options=config, environment=environment(slack), poll_records=POLLED, ago_ms=ago_ms)


@pytest.fixture
def roles(decided: Decided, kafka_bootstrap: str, tmp_path: Path) -> Iterator[Roles]:
    found = Roles(decided.at(tmp_path), kafka_bootstrap, decided.word)
    yield found
    found.kill()


def filed(folder: Path) -> list[tuple[Turn, bool]]:
    """Each line of the file: which turn, and whether it may be a repeat. A line that is not whole fails."""
    path = folder / "alerts.jsonl"
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return [((line["id"], line["revision"]), line.get("possible_repeat", False)) for line in lines]


def posted(slack: SlackServer) -> list[tuple[str, bool]]:
    """Each message: all of it but the mark, and whether it may be a repeat."""
    found = []
    for post in list(slack.posts):
        blocks = [block for block in post["blocks"] if not is_mark(block)]
        found.append((json.dumps({**post, "blocks": blocks}, sort_keys=True), len(blocks) < len(post["blocks"])))
    return found


def is_mark(block: dict[str, Any]) -> bool:
    return POSSIBLE_REPEAT in json.dumps(block)


def assert_told(told: list[tuple[Any, bool]], count: int) -> int:
    """Each of so many is told, and unmarked at most once; how often one was told as a possible repeat."""
    unmarked = Counter(what for what, may_repeat in told if not may_repeat)
    assert [what for what, times in unmarked.items() if times > 1] == []
    assert len({what for what, _ in told}) == count
    return sum(may_repeat for _, may_repeat in told)


def has_told_all(decided: Decided, folder: Path, slack: SlackServer) -> bool:
    turns = decided.turns()
    return {turn for turn, _ in filed(folder)} == turns and len({what for what, _ in posted(slack)}) == len(turns)


def test_alert_reaches_file_and_slack_once_from_the_feed_on(
    kafka_bootstrap: str, fresh: str, tmp_path: Path, slack: SlackServer
) -> None:
    shape = FeedShape(documents=600, hours=FEED_HOURS, bursts=12)
    world = make_world(kafka_bootstrap, fresh, tmp_path, shape=shape)
    expected = embedded_effects(tmp_path / "embedded", quick_config(), shape=shape)
    turns = {(str(one.name[0]), one.revision) for one in expected.bodies if one.kind is Kind.ALERT}
    assert len(turns) >= 4
    conditions_of(tmp_path, slack).write(tmp_path)
    roles = Roles(world, kafka_bootstrap, fresh)
    try:
        roles.start("score,trend,alert,notify")
        world.feed()
        until(lambda: len(filed(tmp_path)) >= len(turns) <= len(slack.posts), "the last turn", roles.check)
        roles.stop()
    finally:
        roles.kill()
    assert sorted(filed(tmp_path)) == sorted((turn, False) for turn in turns)
    assert assert_told(posted(slack), len(turns)) == 0


def test_nothing_is_told_again_by_a_process_that_was_stopped_well(
    decided: Decided, roles: Roles, tmp_path: Path, slack: SlackServer
) -> None:
    conditions_of(tmp_path, slack).write(tmp_path)
    for name in ("first", "second"):
        roles.start("notify", name=name)
        until(partial(has_joined, roles, name), "its partitions", roles.check)
        until(lambda: has_told_all(decided, tmp_path, slack), "the last turn", roles.check)
        roles.stop()
    assert len(filed(tmp_path)) == len(slack.posts) == len(decided.turns()) >= 2 * POLLED


def has_joined(roles: Roles, name: str) -> bool:
    return "partitions_assigned" in roles.log(name)


@pytest.mark.parametrize("seam", [Seam.ACKNOWLEDGED, Seam.SNAPSHOT_WRITTEN, Seam.OUTPUTS_SENT, Seam.COMMITTED])
def test_kill_at_a_seam_loses_no_turn_and_marks_what_may_be_a_repeat(
    decided: Decided, roles: Roles, tmp_path: Path, slack: SlackServer, seam: Seam
) -> None:
    conditions_of(tmp_path, slack).write(tmp_path)
    dying = roles.start("notify", "notify", seam.value, "2")
    assert dying.wait(60.0) == -signal.SIGKILL, roles.log("notify")[-3_000:]
    assert not has_told_all(decided, tmp_path, slack), "there was work in hand"
    roles.start("notify")
    until(lambda: has_told_all(decided, tmp_path, slack), "the last turn", roles.check)
    roles.stop()
    turns = decided.turns()
    again_filed = assert_told(filed(tmp_path), len(turns))
    again_posted = assert_told(posted(slack), len(turns))
    assert roles.log("notify").count("alert_may_repeat") == again_filed, "each is told in the log"
    if seam in (Seam.SNAPSHOT_WRITTEN, Seam.OUTPUTS_SENT):
        assert 1 <= again_filed <= POLLED
        assert again_posted >= 1
    else:
        assert again_filed == 0
    # What was sent before the process died, and what may not have been: only where both may be, there are two.
    assert (len(filed(tmp_path)) > len(turns)) == (seam is Seam.OUTPUTS_SENT)


def test_ledger_that_was_killed_with_messages_on_their_way_has_them(
    decided: Decided, roles: Roles, tmp_path: Path, slack: SlackServer
) -> None:
    """Slack is down when the process dies: the next one sends all that it was to send."""
    slack.answers.append((503, {"Retry-After": "600"}, "later"))
    conditions_of(tmp_path, slack).write(tmp_path)
    roles.start("notify")
    until(lambda: {turn for turn, _ in filed(tmp_path)} == decided.turns(), "the file", roles.check)
    until(lambda: ledger_is_written(decided, tmp_path), "the end of the log", roles.check)
    assert len(slack.posts) == 1, "and that was refused"
    slack.posts.clear()
    roles.running["notify"].kill()
    roles.running["notify"].wait()
    roles.start("notify")
    until(lambda: has_told_all(decided, tmp_path, slack), "the last turn", roles.check)
    roles.stop()
    assert assert_told(filed(tmp_path), len(decided.turns())) == 0
    assert_told(posted(slack), len(decided.turns()))


def ledger_is_written(decided: Decided, folder: Path) -> bool:
    """Whether notify has stored that it has read all; read past its lock, which another process holds."""
    with closing(sqlite3.connect(f"file:{folder}/history.db.notify?mode=ro", uri=True)) as connection:
        positions = dict(connection.execute("SELECT source_partition, position FROM positions"))
        ((undecided,),) = connection.execute("SELECT value FROM meta WHERE key = 'undecided'")
    return undecided == "[]" and read_up_to(positions, RoleName.NOTIFY, decided.ends(Stream.ALERTS))


def history_is_written(decided: Decided, folder: Path) -> bool:
    """Whether archive has stored that it has read all."""
    with closing(sqlite3.connect(f"file:{folder}/history.db?mode=ro", uri=True)) as connection:
        positions = dict(connection.execute("SELECT source_partition, position FROM positions"))
    return read_up_to(positions, RoleName.ARCHIVE, decided.archived())


def test_alert_older_than_the_limit_is_recorded_and_told_to_nobody(
    decided: Decided, roles: Roles, tmp_path: Path, slack: SlackServer
) -> None:
    conditions_of(tmp_path, slack, is_news=False).write(tmp_path)
    roles.start("notify,archive")
    until(lambda: {turn for turn, _ in filed(tmp_path)} == decided.turns(), "the file", roles.check)
    until(lambda: ledger_is_written(decided, tmp_path), "the end of the log", roles.check)
    until(lambda: history_is_written(decided, tmp_path), "the end of the logs", roles.check)
    roles.stop()
    assert slack.posts == []
    with EmbeddedStore.open(tmp_path / "history.db") as store:
        assert {(event.alert_id, event.revision) for event in store.history.alerts()} == decided.turns()
