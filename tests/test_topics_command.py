"""`monitor topics` against a real broker: makes what is missing, changes nothing else, and tells every difference."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from monitor.transports.kafka_access import Access
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_plan import KafkaTopic, TopicPlan, differences, planned
from tests.imports import ROOT

OURS = {
    "sentiment.scored": 4,
    "sentiment.trends": 4,
    "sentiment.detections": 1,
    "sentiment.alerts": 2,
    "sentiment.dead-letter": 2,
    "sentiment.state": 5,
}


def monitor(folder: Path, wish: str, bootstrap: str, word: str, more: str = "") -> subprocess.CompletedProcess[str]:
    path = folder / "monitor.yaml"
    path.write_text(
        f"kafka:\n  bootstrap: [{bootstrap}]\n  prefix: t{word}.\n  partitions: 4\n  alert_partitions: 2\n"
        f"  replication_factor: 1\n  retention: 2d\n{more}",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "monitor", "topics", wish, "--config", str(path)]
    env = {key: value for key, value in os.environ.items() if key != "KAFKA_BOOTSTRAP"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
@pytest.mark.real
def test_topics_are_made_with_their_shapes_and_settings_and_only_once(
    kafka_bootstrap: str, fresh: str, tmp_path: Path
) -> None:
    missing = monitor(tmp_path, "--check", kafka_bootstrap, fresh)
    assert missing.returncode == 2
    assert f"t{fresh}.sentiment.scored: is missing; make it with: monitor topics --create" in missing.stdout
    assert missing.stdout.endswith("6 differences to the configuration.\n")
    made = monitor(tmp_path, "--create", kafka_bootstrap, fresh)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.count("made t") == 6
    again = monitor(tmp_path, "--create", kafka_bootstrap, fresh)
    assert (again.returncode, again.stdout) == (0, "6 Kafka topics are as configured.\n")
    assert monitor(tmp_path, "--check", kafka_bootstrap, fresh).returncode == 0
    admin = KafkaAdmin(Access((kafka_bootstrap,)))
    standing = admin.standing(f"t{fresh}.{name}" for name in OURS)
    admin.close()
    plain = {name.removeprefix(f"t{fresh}."): one for name, one in standing.items()}
    assert {name: one.shape.partitions for name, one in plain.items()} == OURS
    assert {one.settings["cleanup.policy"] for one in plain.values()} == {"delete"}
    assert {one.settings["message.timestamp.after.max.ms"] for one in plain.values()} == {"3600000"}
    assert plain["sentiment.scored"].settings["retention.ms"] == "172800000"
    assert plain["sentiment.state"].settings["retention.ms"] == "-1"
    assert plain["sentiment.state"].settings["retention.bytes"] == str(4 << 30)


@pytest.mark.slow
@pytest.mark.real
def test_each_difference_is_told_with_its_remedy_and_nothing_is_changed(
    kafka_bootstrap: str, fresh: str, tmp_path: Path
) -> None:
    assert monitor(tmp_path, "--create", kafka_bootstrap, fresh).returncode == 0
    scored, detections = f"t{fresh}.sentiment.scored", f"t{fresh}.sentiment.detections"
    client = KafkaAdminClient(bootstrap_servers=[kafka_bootstrap])
    client.create_partitions({detections: 2})
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, scored, {"cleanup.policy": "compact"})])
    client.close()
    more = "  input_topics: [absent.feed]\n"
    for wish in ("--check", "--create"):
        told = monitor(tmp_path, wish, kafka_bootstrap, fresh, more)
        assert told.returncode == 2, told.stderr
        lines = told.stdout.splitlines()
        assert lines == [
            f"{scored}: cleanup.policy is compact where delete is configured; kafka-configs --alter --entity-type "
            f"topics --entity-name {scored} --add-config cleanup.policy=delete",
            f"{detections}: has 2 partitions where 1 are configured; it must have one: stop every role, delete it, "
            "make it again, and give the state of alert up",
            "absent.feed: is missing; correct kafka.input_topics, or ask whoever writes the feed to make it",
            "3 differences to the configuration.",
        ]


@pytest.mark.slow
@pytest.mark.real
def test_feed_that_takes_times_of_any_future_is_told(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> None:
    name = f"t{fresh}.feed"
    admin = KafkaAdmin(Access((kafka_bootstrap,)))
    admin.create([KafkaTopic(name, 1, 1, {"message.timestamp.after.max.ms": str(2**63 - 1)})])
    admin.close()
    told = monitor(tmp_path, "--create", kafka_bootstrap, fresh, f"  input_topics: [{name}]\n")
    assert told.returncode == 2
    assert f"{name}: takes records with times up to {2**63 - 1} ms ahead" in told.stdout


@pytest.mark.slow
@pytest.mark.real
def test_more_replicas_than_brokers_names_the_option(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(f"kafka: {{bootstrap: ['{kafka_bootstrap}'], prefix: t{fresh}., replication_factor: 10}}\n")
    command = [sys.executable, "-m", "monitor", "topics", "--create", "--config", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3
    assert done.stderr.startswith("monitor: kafka.replication_factor: the brokers cannot keep that many replicas")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_broker_that_never_comes_is_one_sentence_and_exit_code_3(fresh: str, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        done = monitor(tmp_path, "--check", address, fresh, "  connect_timeout: 1s\n")
    assert done.returncode == 3
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("monitor: ")]
    assert told.startswith(f"monitor: kafka.bootstrap: no broker answered at {address} within ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_kafka_that_nobody_configured_is_wrong_use(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text("kafka: {partitions: 3}\n")
    command = [sys.executable, "-m", "monitor", "topics", "--check", "--config", str(path)]
    env = {key: value for key, value in os.environ.items() if key != "KAFKA_BOOTSTRAP"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "kafka.bootstrap: nobody said where Kafka is" in done.stderr


PLAN = TopicPlan(4, 2, 3, 86_400_000, 86_400_000, 1 << 30, 1_000_000)


def test_state_is_neither_compacted_nor_kept_by_time() -> None:
    (state,) = [topic for topic in planned(PLAN) if topic.name == "sentiment.state"]
    assert state.settings["cleanup.policy"] == "delete"
    assert (state.settings["retention.ms"], state.settings["retention.bytes"]) == ("-1", str(1 << 30))
    assert state.partitions == 5, "one for each trend state, one for alert's"


def test_three_replicas_are_safe_with_one_away() -> None:
    assert {topic.settings["min.insync.replicas"] for topic in planned(PLAN)} == {"2"}


def test_everything_missing_is_told_topic_by_topic() -> None:
    assert [one.kafka_topic for one in differences(planned(PLAN, "desk."), {})] == [f"desk.{name}" for name in OURS]
