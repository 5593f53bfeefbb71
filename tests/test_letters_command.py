"""`monitor dead-letters` against a real broker: listed, shown whole, sent again once; and what it refuses."""

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from monitor.app import Redrive, Wanted, redrive_letters
from monitor.cli import main
from monitor.clock import SystemClock
from monitor.config import load_config
from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition, Original
from monitor.domain.streams import Output, Stream
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_log import KafkaLog
from monitor.transports.kafka_streams import KafkaPublisher
from tests.faults.kafka_world import World, make_world
from tests.feeds import FeedShape
from tests.imports import ROOT
from tests.kafka_monitor import CONFIG, Monitor, write_config

pytestmark = [pytest.mark.slow, pytest.mark.real]

SHAPE = FeedShape(documents=20, hours=24, bursts=1)
PATIENCE_SECONDS = 60.0

Ran = tuple[int, str]
"""Exit code; standard output and standard error."""
Ask = Callable[..., Ran]


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    return make_world(kafka_bootstrap, fresh, tmp_path, shape=SHAPE)


@pytest.fixture
def config(world: World) -> Path:
    return write_config(world)


@pytest.fixture
def ask(config: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run `monitor dead-letters` with these arguments."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(["dead-letters", *arguments, "--config", str(config)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


class Yard:
    """The dead letters of a world, and the input that they came from."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.feed = world.cluster.inputs[0]

    def letter(self, offset: int, reason: DeadLetterReason = DeadLetterReason.FAR_FUTURE, value: bytes = b"") -> str:
        """Make a letter as score does; its position."""
        value = value or b'{"id": "%d", "text": "Halden Bank"}' % offset
        original = Original(b"halden-%d" % offset, value, (("trace", b"%d" % offset),), 1_700_000_000_000)
        source = InputPartition(self.feed, 1)
        self.bury(DeadLetter(reason, "published_at: set the clock", source, offset, value[:4_096], original))
        return f"{source}@{offset}"

    def bury(self, letter: DeadLetter) -> None:
        cluster = self.world.cluster
        sender = cluster.sender(SystemClock())
        publisher = KafkaPublisher(sender, cluster.topic)
        publisher.publish([Output(Stream.DEAD_LETTER, letter)])
        publisher.flush()
        sender.close()

    def sent(self, partition: int = 1) -> list[InRecord]:
        """What stands in the input."""
        return self._read(InputPartition(self.feed, partition))

    def marks(self) -> list[InRecord]:
        """The marks among the letters."""
        records = self._read(InputPartition(self.world.cluster.topic(Stream.DEAD_LETTER), 0))
        return [one for one in records if dict(one.headers)["kind"] == b"redriven"]

    def _read(self, partition: InputPartition) -> list[InRecord]:
        log = KafkaLog(self.world.cluster.access, SystemClock())
        try:
            return list(log.read(partition, 0, 1 << 62))
        finally:
            log.close()


@pytest.fixture
def yard(world: World) -> Yard:
    return Yard(world)


# ---- list and show


def test_letters_are_listed_a_line_each_and_filtered(yard: Yard, ask: Ask) -> None:
    assert ask("list") == (0, "")
    first, second = yard.letter(7), yard.letter(8, DeadLetterReason.NOT_JSON, b"\x1b[2J{oops\n\xff and on")
    code, said = ask("list")
    lines = said.splitlines()
    assert (code, len(lines)) == (0, 2)
    assert re.fullmatch(rf"{re.escape(first)}  far_future  \d{{4}}-\d\d-\d\dT\S+Z  {{\"id\": \"7\", .*", lines[0])
    assert lines[1].endswith("\\x1b[2J{oops \ufffd and on")
    assert ask("list", "--reason", "not_json")[1].splitlines() == [lines[1]]
    assert ask("list", "--reason", "not_json", "--reason", "far_future")[1].splitlines() == lines
    assert ask("list", "--limit", "1")[1].splitlines() == [lines[1]]
    assert ask("list", "--source", f"{yard.feed}/1")[1].splitlines() == lines
    assert ask("list", "--source", f"{yard.feed}/0") == (0, "")
    assert ask("list", "--since", "2199-01-01") == (0, "")
    assert ask("list", "--since", "2020-01-01")[1].splitlines() == lines
    found = json.loads(ask("list", "--json", "--reason", "not_json")[1])
    assert found == {
        "position": second,
        "reason": "not_json",
        "detail": "published_at: set the clock",
        "kafka_topic": yard.feed,
        "partition": 1,
        "offset": 8,
        "at": found["at"],
        "bytes": 18,
        "is_whole": True,
        "sent_to": None,
        "words": "\\x1b[2J{oops \ufffd and on",
    }


def test_letter_is_shown_with_its_story_and_every_byte(yard: Yard, ask: Ask) -> None:
    value = b'{"id": "7", "text": "' + bytes(range(256)) * 1_000
    position = yard.letter(7, DeadLetterReason.NOT_UTF8, value)
    code, said = ask("show", position)
    assert code == 0
    assert "reason: not_utf8\n" in said
    assert "source_key: halden-7\n" in said
    assert "source_header.trace: 7\n" in said
    assert f"{len(value):,} bytes, whole:\n" in said
    assert "\x1b" not in said
    found = json.loads(ask("show", position, "--json")[1])
    assert base64.b64decode(found["value_base64"]) == value
    assert base64.b64decode(found["key_base64"]) == b"halden-7"
    assert found["headers"][0] == ["kind", base64.b64encode(b"dead_letter").decode()]


# ---- sent again


def test_letter_is_sent_to_its_partition_as_it_was_and_never_twice(yard: Yard, ask: Ask) -> None:
    position, other = yard.letter(7), yard.letter(8)
    assert ask("redrive", position, "--dry-run") == (0, f"would send {position} again\n1 would be sent again\n")
    assert yard.sent() == []
    assert ask("redrive", position) == (0, f"sent {position} again: now {yard.feed}/1@0\n1 sent again\n")
    (record,) = yard.sent()
    assert (record.key, record.value) == (b"halden-7", b'{"id": "7", "text": "Halden Bank"}')
    assert record.headers == [("trace", b"7"), ("redriven_from", position.encode())]
    (mark,) = yard.marks()
    assert (mark.key, dict(mark.headers)["redriven_to"]) == (position.encode(), f"{yard.feed}/1@0".encode())
    assert ask("redrive", position) == (0, "0 sent again; 1 sent before\n")
    assert ask("redrive", "--reason", "far_future")[1].endswith("1 sent again; 1 sent before\n")
    assert ask("redrive", "--all") == (0, "0 sent again; 2 sent before\n")
    assert [one.key for one in yard.sent()] == [b"halden-7", b"halden-8"]
    assert f"sent again: {yard.feed}/1@1" in ask("list")[1].splitlines()[1]
    assert "redriven_to: " in ask("show", other)[1]
    assert yard.sent(partition=0) == []


def test_without_names_only_what_lies_outside_the_record_is_sent(yard: Yard, ask: Ask) -> None:
    for offset, reason in enumerate(DeadLetterReason):
        yard.letter(offset, reason)
    cut = DeadLetter(DeadLetterReason.POISON, "", InputPartition(yard.feed, 1), 90, b"x" * 4_096)
    yard.bury(cut)
    assert ask("redrive", "--all")[1].endswith("3 sent again; 1 not kept whole\n")
    numbers = {int((record.key or b"").removeprefix(b"halden-")) for record in yard.sent()}
    reasons = list(DeadLetterReason)
    assert {reasons[number].value for number in numbers} == {"far_future", "poison", "oversize"}
    assert ask("redrive", "--reason", "crashed")[1] == (
        "0 sent again; 1 left, because they killed the process (--force sends them)\n"
    )
    assert ask("redrive", "--reason", "crashed", "--force")[1].endswith("1 sent again\n")
    assert ask("redrive", "--reason", "no_text", "--source", "feeds.other") == (0, "0 sent again\n")
    assert ask("redrive", "--reason", "no_text")[1].endswith("1 sent again\n")


KILLED = """
import os, signal, sys
from pathlib import Path
from monitor.app import Redrive, Wanted, redrive_letters
from monitor.clock import SystemClock
from monitor.config import load_config

redrive_letters(
    load_config(Path(sys.argv[1]), {}, {}), Redrive(Wanted()), sys.stdout, SystemClock(),
    on_sent=lambda: os.kill(os.getpid(), signal.SIGKILL),
)
"""


def test_kill_between_send_and_mark_sends_that_lot_again_and_then_no_more(
    yard: Yard, config: Path, ask: Ask
) -> None:
    for offset in (7, 8):
        yard.letter(offset)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(config)], cwd=ROOT, timeout=PATIENCE_SECONDS)
    assert killed.returncode == -signal.SIGKILL
    assert (len(yard.sent()), yard.marks()) == (2, [])
    assert ask("redrive", "--all")[1].endswith("2 sent again\n")
    assert ask("redrive", "--all")[1] == "0 sent again; 2 sent before\n"
    sent = yard.sent()
    assert [(one.key, one.value) for one in sent[:2]] == [(one.key, one.value) for one in sent[2:]]


def test_large_letters_go_in_lots_each_marked_before_the_next(yard: Yard, config: Path) -> None:
    for offset in range(12):
        yard.letter(offset, value=os.urandom(900_000))
    marks: list[int] = []
    said = io.StringIO()
    loaded = load_config(config, {}, {})
    redrive_letters(loaded, Redrive(Wanted()), said, SystemClock(), on_sent=lambda: marks.append(len(yard.marks())))
    assert marks == [0, 10]
    assert len(yard.marks()) == 12


# ---- what is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "{feed}/1@99"), "POSITION: there is no dead letter"),
        (("redrive", "{feed}/1@7", "{feed}/1@99"), "POSITION: there is no dead letter"),
        (("redrive", "{feed}/1@99"), "older than kafka.dead_letter_retention is gone"),
        (("show", "the seventh"), "POSITION: 'the seventh' names no record; write it as feeds.news/2@4711"),
        (("redrive", "the seventh"), "POSITION: 'the seventh' names no record"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_sent(
    yard: Yard, ask: Ask, arguments: tuple[str, ...], said: str
) -> None:
    yard.letter(7)
    code, told = ask(*(one.format(feed=yard.feed) for one in arguments))
    assert (code, yard.sent()) == (2, [])
    assert said in told


def test_letter_that_cannot_be_sent_is_refused_by_name_and_passed_over_in_a_crowd(yard: Yard, ask: Ask) -> None:
    good = yard.letter(7)
    source = InputPartition(yard.feed, 1)
    yard.bury(DeadLetter(DeadLetterReason.POISON, "", source, 90, b"x" * 4_096))
    gone = DeadLetter(DeadLetterReason.POISON, "", InputPartition(yard.feed, 9), 1, b"{}", Original(None, b"{}", (), 0))
    yard.bury(gone)
    yard.bury(replace(gone, source_partition=InputPartition(yard.feed + "-old", 0)))
    code, told = ask("redrive", good, f"{source}@90")
    assert (code, "were not kept whole" in told, yard.sent()) == (2, True, [])
    code, told = ask("redrive", good, f"{yard.feed}/9@1")
    assert (code, f"{yard.feed}/9, where {yard.feed}/9@1 stood, is gone" in told, yard.sent()) == (2, True, [])
    assert ask("redrive", "--all")[1].endswith("1 sent again; 1 not kept whole; 2 of a partition that is gone\n")


def test_letter_that_retention_took_is_unknown_and_the_others_are_not(yard: Yard, world: World, ask: Ask) -> None:
    old, young = yard.letter(7), yard.letter(8)
    admin = KafkaAdminClient(**world.cluster.access.options("admin"))
    admin.delete_records({TopicPartition(world.cluster.topic(Stream.DEAD_LETTER), 0): 1})
    admin.close()
    assert [line.split()[0] for line in ask("list")[1].splitlines()] == [young]
    assert ask("redrive", old)[0] == 2
    assert ask("redrive", "--all")[1].endswith("1 sent again\n")


def test_topic_that_was_never_made_and_brokers_that_are_away_end_with_3(
    config: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    text = config.read_text()
    config.write_text(re.sub(r"  prefix: .*", "  prefix: nobody-made-them.", text))
    assert ask("list")[0] == 3
    config.write_text(re.sub(r"bootstrap: .*", "bootstrap: ['127.0.0.1:1']", text))
    assert ask("redrive", "--all")[0] == 3


# ---- the whole way


def test_document_over_the_limit_is_scored_once_the_limit_is_raised_and_it_is_sent_again(
    world: World, yard: Yard, ask: Ask
) -> None:
    """crawler -> too long for feeds.max_record_bytes -> letter, whole -> limit raised -> redrive -> scored."""
    strict = CONFIG.replace("idle_after: 1s", "idle_after: 1s, max_record_bytes: 2000")
    text = b"Halden Bank halts withdrawals. " * 200
    long = b'{"id":"long","source":"wire","published_at":"2026-03-02T09:00:00Z","text":"%s"}' % text
    running = Monitor(write_config(world, strict), "--roles", "score")
    try:
        producer = KafkaProducer(**world.cluster.access.options("crawler"))
        producer.send(yard.feed, long, key=b"wire", headers=[("trace", b"7")], partition=1).get(30)
        producer.close()
        running.wait_for("the letter", lambda: running.metric("dead_letters_total", '"oversize"') == 1)
        assert running.stop() == 0
    finally:
        running.kill()
    position = f"{yard.feed}/1@0"
    assert base64.b64decode(json.loads(ask("show", position, "--json")[1])["value_base64"]) == long
    assert ask("redrive", "--all")[1].endswith("1 sent again\n")
    running = Monitor(write_config(world), "--roles", "score")
    try:
        running.wait_for("the document", lambda: running.metric("documents_total") == 1)
        assert running.metric("dead_letters_total") == 0
        assert running.stop() == 0
    finally:
        running.kill()
    assert [(one.key, one.value) for one in yard.sent()] == [(b"wire", long)] * 2


def test_record_that_is_dead_again_is_a_letter_of_its_own(world: World, config: Path, yard: Yard, ask: Ask) -> None:
    running = Monitor(config, "--roles", "score")
    try:
        world.write(1, [b"{oops"])
        running.wait_for("the letter", lambda: running.metric("dead_letters_total", '"not_json"') == 1)
        wait(lambda: len(ask("list")[1].splitlines()) == 1)
        assert ask("redrive", f"{yard.feed}/1@0")[1].endswith("1 sent again\n")
        running.wait_for("the next", lambda: running.metric("dead_letters_total", '"not_json"') == 2)
        wait(lambda: len(ask("list")[1].splitlines()) == 2)
        assert running.stop() == 0
    finally:
        running.kill()
    first, second = map(json.loads, ask("list", "--json")[1].splitlines())
    assert (first["sent_to"], second["position"], second["sent_to"]) == (f"{yard.feed}/1@1", f"{yard.feed}/1@1", None)


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)  # between two looks
