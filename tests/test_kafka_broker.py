"""The broker for development and tests: up by one command, down without a trace, and clear about what is missing."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports import ROOT
from tools.kafka import artifacts
from tools.kafka.artifacts import BrokerError, cache_folder, class_path, find_program
from tools.kafka.cluster import Cluster
from tools.kafka.properties import CONTROLLER, OPEN, Node, properties_of

COMMAND = [sys.executable, "-m", "tools.kafka"]


def is_open(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture
def foreground(kafka_bootstrap: str) -> Iterator[subprocess.Popen[str]]:
    """`make kafka`; the fixture that it asks for says what is missing where no broker can be had."""
    env = {key: value for key, value in os.environ.items() if key != "KAFKA_BOOTSTRAP"}
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.real
@pytest.mark.slow
def test_make_kafka_says_where_it_listens_and_ends_without_a_trace(foreground: subprocess.Popen[str]) -> None:
    assert foreground.stdout is not None
    line = foreground.stdout.readline()
    found = re.fullmatch(r"Kafka listens on (127\.0\.0\.1:\d+); Ctrl-C stops it\.\n", line)
    assert found is not None, line
    assert is_open(found[1])
    foreground.send_signal(signal.SIGINT)
    assert foreground.wait(60) == 0
    assert not is_open(found[1])


@pytest.mark.real
@pytest.mark.slow
def test_no_broker_outlives_a_run_that_was_killed(foreground: subprocess.Popen[str]) -> None:
    assert foreground.stdout is not None
    address = foreground.stdout.readline().split()[3].rstrip(";")
    assert is_open(address)
    foreground.kill()
    deadline = time.monotonic() + 30
    while is_open(address) and time.monotonic() < deadline:
        foreground.poll()
    assert not is_open(address)


def test_broker_that_the_environment_names_is_used_and_none_is_started() -> None:
    env = {**os.environ, "KAFKA_BOOTSTRAP": "kafka.example:9092", "PATH": ""}
    done = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "kafka.example:9092" in done.stdout


def test_missing_java_is_named_with_its_package() -> None:
    env = {key: value for key, value in os.environ.items() if key != "KAFKA_BOOTSTRAP"}
    done = subprocess.run(COMMAND, cwd=ROOT, env={**env, "PATH": ""}, capture_output=True, text=True)
    assert done.returncode == 3
    assert "apt-get install default-jre-headless" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_maven_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrokerError, match="apt-get install maven"):
        class_path()


def test_maven_that_fetches_nothing_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] Could not resolve kafka_2.13'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match=r"Could not resolve kafka_2\.13.*name your mirror"):
        class_path()


def test_jars_are_fetched_once_and_again_when_the_pom_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(f"#!/bin/sh\necho fetched >> {tmp_path}/calls\n")
    maven.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert class_path() == class_path() == str(cache_folder() / "jars" / "*")
    assert (tmp_path / "calls").read_text().splitlines() == ["fetched"]
    changed = tmp_path / "pom.xml"
    changed.write_text(artifacts.POM.read_text("utf-8") + "<!-- another -->")
    monkeypatch.setattr(artifacts, "POM", changed)
    class_path()
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


@pytest.mark.real
@pytest.mark.slow
def test_broker_that_cannot_start_tells_the_end_of_its_log(broker: Cluster, tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.start()
    cluster.stop()
    properties = tmp_path / "node-1" / "server.properties"
    properties.write_text(properties.read_text().replace("process.roles=broker,controller", "process.roles=baker"))
    with pytest.raises(BrokerError, match=r"exit code 1, see .*server\.log: .*process\.roles"):
        cluster.restart(1)
    cluster.stop()
    assert cluster.log_of(1).exists()


def test_every_address_of_a_broker_is_this_machine() -> None:
    nodes = [
        Node(number, Path(f"n{number}"), {OPEN: 1_000 + number, CONTROLLER: 2_000 + number}) for number in (1, 2, 3)
    ]
    text = properties_of(nodes[0], nodes, None)
    assert set(re.findall(r"(?:://|@)([\d.]+):", text)) == {"127.0.0.1"}
    assert "auto.create.topics.enable=false" in text
    assert "offsets.topic.replication.factor=3" in text


def test_program_that_is_there_is_found() -> None:
    assert Path(find_program("openssl")).name == "openssl"
