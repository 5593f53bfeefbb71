"""One bad vendor stops nothing but itself: its input is paused and told, the others go on; exit 4 when all are."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaProducer

from monitor.errors import ExitCode
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_plan import KafkaTopic
from tests.faults.kafka_world import Conditions, World, make_world
from tests.feeds import START_MS, FeedShape
from tests.kafka_monitor import CONFIG, PATIENCE_SECONDS, Monitor, write_config

pytestmark = [pytest.mark.slow, pytest.mark.real]

HOUR_MS = 3_600_000
WINDOW = 50
STRICT = CONFIG.replace("idle_after: 1s", f"idle_after: 1s, dead_letter_window: {WINDOW}")
JUNK = [b"{oops"] * (3 * WINDOW)


def said(vendor: str, days: int, every_ms: int) -> list[bytes]:
    """What a vendor that keeps its hours says in some days."""
    lines = []
    for number, at_ms in enumerate(range(START_MS, START_MS + days * 24 * HOUR_MS, every_ms)):
        at = datetime.fromtimestamp(at_ms / 1_000, tz=UTC).isoformat()
        fields = {"id": f"{vendor}-{number}", "source": vendor, "published_at": at, "observed_at": at}
        lines.append(json.dumps({**fields, "text": f"Halden Bank opens branch {number}"}).encode())
    return lines


class TwoInputs:
    """A world with an input of one partition beside its own of one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.good = world.cluster.inputs[0]
        self.bad = f"{world.cluster.prefix}feeds.vendor"
        admin = KafkaAdmin(world.cluster.access)
        admin.create([KafkaTopic(self.bad, 1, 1)])
        admin.close()
        both = STRICT.replace("%(prefix)sfeeds.news]", f"%(prefix)sfeeds.news, {self.bad}]")
        self.config = write_config(world, both)

    def write(self, kafka_topic: str, lines: list[bytes]) -> None:
        producer = KafkaProducer(**self.world.cluster.access.options("crawler"))
        for future in [producer.send(kafka_topic, line, partition=0) for line in lines]:
            future.get(30)
        producer.close()

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """The history."""
        connection = sqlite3.connect(self.world.folder / "history.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture
def inputs(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> Iterator[TwoInputs]:
    shape = FeedShape(documents=1, hours=1, bursts=0)
    yield TwoInputs(make_world(kafka_bootstrap, fresh, tmp_path, shape=shape, conditions=Conditions(partitions=1)))


def test_input_full_of_junk_is_paused_and_told_and_the_other_goes_on(inputs: TwoInputs) -> None:
    """Four days of both; then one sends junk, and the other a day more: that is decided, and the silence told."""
    north, south = said("north", 4, HOUR_MS // 6), said("south", 5, HOUR_MS // 2)
    running = Monitor(inputs.config)
    try:
        inputs.write(inputs.bad, [*north, *JUNK])
        inputs.write(inputs.good, south)
        running.wait_for("the pause", lambda: running.metric("input_state", f'input="{inputs.bad}/0",state="paused"'))
        running.wait_for("the other", lambda: running.metric("records_read_total", f'"{inputs.good}/0"') == len(south))
        told = "SELECT DISTINCT topic_id FROM alert_events WHERE topic_id LIKE 'feed:%'"
        running.wait_for("the feed's alert", lambda: inputs.ask(told) == [("feed:north",)])
        decided = "SELECT count(DISTINCT document_id) FROM scored WHERE document_id LIKE 'south:%'"
        running.wait_for("every decision", lambda: inputs.ask(decided) == [(len(south),)])
        code, body = running.get("/readyz")
        condition = json.loads(body)["conditions"]["score"]
        assert (code, condition["ready"]) == (200, True)
        assert condition["note"] == f"stopped for too many unusable records: {inputs.bad}/0"
        assert running.log.count("input_stopped") == 1
        assert running.metric("input_state", f'input="{inputs.good}/0",state="paused"') == 0
        # Half a run of junk is bearable, and more than one run is not read: what was read with it counts for nothing.
        assert running.metric("dead_letters_total") <= 2 * WINDOW
        assert running.stop() == ExitCode.DONE
    finally:
        running.kill()


def test_role_stops_when_every_input_is_paused(inputs: TwoInputs) -> None:
    inputs.write(inputs.bad, JUNK)
    inputs.write(inputs.good, JUNK)
    running = Monitor(inputs.config)
    try:
        assert running.process.wait(PATIENCE_SECONDS) == ExitCode.TOO_MANY_UNUSABLE
        assert "every input was stopped for too many unusable records" in running.log
    finally:
        running.kill()


def test_two_processes_stop_when_the_inputs_of_both_are_paused(inputs: TwoInputs) -> None:
    """Each has one input; neither ends while the other's may still be good."""
    first = Monitor(inputs.config, "--roles", "score", name="first")
    second = Monitor(inputs.config, "--roles", "score", name="second")
    both = (first, second)
    try:
        for one in both:
            one.wait_for("its input", partial(one.owns, 1))
        has_bad = f'sentiment_input_state{{input="{inputs.bad}/0"'
        bad, good = sorted(both, key=lambda one: has_bad in one.get("/metrics")[1], reverse=True)
        inputs.write(inputs.bad, JUNK)
        bad.wait_for("the pause", lambda: bad.metric("input_state", 'state="paused"') == 1)
        inputs.write(inputs.good, said("south", 1, HOUR_MS))
        good.wait_for("good records", lambda: good.metric("records_read_total") == 24)
        assert bad.process.poll() is None
        inputs.write(inputs.good, JUNK)
        codes: list[int] = []
        while len(codes) < 2:
            # Whoever takes over what the other leaves judges it again, and so must be sent more.
            for one in both:
                if one.process.poll() is not None:
                    codes = [code for each in both if (code := each.process.poll()) is not None]
                    continue
                inputs.write(inputs.bad, JUNK)
                inputs.write(inputs.good, JUNK)
        assert codes == [ExitCode.TOO_MANY_UNUSABLE] * 2
    finally:
        for one in both:
            one.kill()
