"""The demo's story on a real broker, in a process for each role: `make demo-kafka`, or `python -m tools.kafka.demo`.

Order of events: broker -> topics made -> a process for each role -> story written -> alerts, as the notify role tells
them -> verdict -> everything stopped. With `KAFKA_BOOTSTRAP` in the environment that broker is used; our Kafka topics
have a word of their own there, and stay.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic, OffsetSpec

from monitor.lab.demo.ending import names_of, verdict_lines, write_lines
from monitor.lab.story import Story, StorySettings, tell, watchlist_table
from monitor.lab.verdict import judge
from monitor.storage.history import History
from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import running_cluster

ROLES = ("score", "trend", "alert", "notify", "archive")
SCORED_PARTITIONS = 4
INPUT_PARTITIONS = 2

IDLE_SECONDS = 4
"""After which an input that says nothing holds nobody back: the end of the story is decided then."""

QUIET_SECONDS = 8.0
"""So long nothing new was said: the story is over. Above the time after which its inputs are idle."""

PATIENCE_SECONDS = 600.0
STOP_SECONDS = 40.0

CONFIG = """
server: {enabled: false}
logging: {level: warning}
feeds: {idle_after: %(idle)ds}
alerts: {budget_per_topic_month: 0.25}
notify: {max_age: 365d}
storage: {path: %(folder)s/history.db, commit_every: 1s}
kafka:
  bootstrap: [%(bootstrap)s]
  input_topics: [%(prefix)sfeeds.news]
  prefix: %(prefix)s
  partitions: %(partitions)d
  alert_partitions: 1
  replication_factor: 1
  session_timeout: 10s
  snapshot_every: 5s
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Play the story; 0 where it was played to its end."""
    parser = argparse.ArgumentParser(prog="python -m tools.kafka.demo")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which story (default: %(default)s)")
    parser.add_argument("--documents", type=int, default=6_000, metavar="N", help="its length (default: %(default)s)")
    arguments = parser.parse_args(argv)
    story = tell(StorySettings(seed=arguments.seed, documents=arguments.documents))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-kafka-")))
        try:
            bootstrap = os.environ.get("KAFKA_BOOTSTRAP") or stack.enter_context(running_cluster(folder)).bootstrap
        except BrokerError as exc:
            print(exc, file=sys.stderr)
            return 3
        _play(story, folder, bootstrap)
    return 0


def _play(story: Story, folder: Path, bootstrap: str) -> None:
    prefix = f"demo{os.getpid()}."
    config = folder / "monitor.yaml"
    given = {"folder": folder, "bootstrap": bootstrap, "prefix": prefix, "partitions": SCORED_PARTITIONS}
    config.write_text(CONFIG % {**given, "idle": IDLE_SECONDS}, encoding="utf-8")
    watchlist = folder / "watchlist.csv"
    watchlist.write_text(watchlist_table(story.watchlist), encoding="utf-8")
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(f"{prefix}feeds.news", INPUT_PARTITIONS, 1)])
        command = [sys.executable, "-m", "monitor", "topics", "--create", "--config", str(config)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        started = time.monotonic()
        with _processes(config, watchlist) as processes:
            print(f"Five processes ({', '.join(ROLES)}) on Kafka at {bootstrap}; the story of two weeks begins.\n")
            _write(bootstrap, f"{prefix}feeds.news", story.records)
            _await_end(admin, prefix, processes)
            seconds = time.monotonic() - started
    finally:
        admin.close()
    history = History.open(folder / "history.db")
    try:
        verdict = judge(story.planted, history.alerts())
    finally:
        history.close()
    write_lines(verdict_lines(verdict, names_of(story.watchlist)), sys.stdout)
    print(f"\n{len(story.records):,} records in {seconds:.0f} s, from the first to the last word.")


@contextmanager
def _processes(config: Path, watchlist: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A process for each role, stopped well at the end."""
    running = {}
    try:
        for role in ROLES:
            command = [sys.executable, "-m", "monitor", "run", "--roles", role]
            running[role] = subprocess.Popen([*command, "--config", str(config), "--watchlist", str(watchlist)])
        yield running
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _write(bootstrap: str, topic: str, records: Sequence[bytes]) -> None:
    """Each vendor's records to one partition, as a crawler for each would."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type="lz4")
    sent = [producer.send(topic, line, partition=_partition(line)) for line in records]
    for future in sent:
        future.get(60)
    producer.close()


def _partition(line: bytes) -> int:
    _, _, rest = line.partition(b'"source"')
    return sum(rest.partition(b",")[0]) % INPUT_PARTITIONS


def _await_end(admin: KafkaAdminClient, prefix: str, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Until nothing new was said for a while. Raises: SystemExit: a process has ended by itself, or it never comes."""
    places = [TopicPartition(f"{prefix}sentiment.trends", number) for number in range(SCORED_PARTITIONS)]
    places.append(TopicPartition(f"{prefix}sentiment.alerts", 0))
    said, changed = 0, time.monotonic()
    deadline = changed + PATIENCE_SECONDS
    while not said or time.monotonic() - changed < QUIET_SECONDS or not _is_read(admin, prefix):
        for role, process in processes.items():
            if process.poll() is not None:
                raise SystemExit(f"the process of {role} ended with {process.returncode}; its reason stands above")
        if time.monotonic() > deadline:
            raise SystemExit(f"the story had not ended after {PATIENCE_SECONDS:.0f} s")
        found = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        ends = sum(one.offset for one in found.values())
        if ends != said:
            said, changed = ends, time.monotonic()
        time.sleep(0.5)


def _is_read(admin: KafkaAdminClient, prefix: str) -> bool:
    """Whether score has committed everything that its inputs hold."""
    inputs = [TopicPartition(f"{prefix}feeds.news", number) for number in range(INPUT_PARTITIONS)]
    ends = admin.list_partition_offsets(dict.fromkeys(inputs, OffsetSpec.LATEST))
    group = f"{prefix}sentiment-score"
    committed = admin.list_group_offsets([group])[group]
    return all(place in committed and committed[place].offset == end.offset for place, end in ends.items())


if __name__ == "__main__":
    sys.exit(main())
