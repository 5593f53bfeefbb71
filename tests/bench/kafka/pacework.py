"""A score role that never does more nor less: sends a prepared load at its own pace, progress behind what it announces.

    python -m tests.bench.kafka.pacework PATH

The options say `tick_ms`, the time of one progress record. Answers when each progress record was handed over.
"""

import time
from pathlib import Path

from kafka import KafkaProducer

from monitor.transports.kafka_access import Access
from monitor.transports.kafka_sender import BATCH_BYTES, LINGER_MS
from tests.bench.kafka.ground import Row, saved
from tests.bench.kafka.job import given, tell

_SLICES = 10
"""In which the documents of a tick are handed over, so that they come evenly."""


def main() -> None:
    """Once through the load."""
    job, path = given()
    tick_seconds = float(str(job.options["tick_ms"])) / 1_000
    ticks = ticks_of(saved(Path(job.inputs)))
    access = Access(tuple(job.bootstrap.split(",")))
    producer = KafkaProducer(
        **access.options("pace"), metrics_enabled=False, acks="all", compression_type="lz4", linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
    )  # fmt: skip

    def send(rows: list[Row]) -> None:
        for one in rows:
            producer.send(
                job.prefix + one.kafka_topic, one.value, key=one.key, headers=list(one.headers), partition=one.partition
            )

    sent: list[float] = []
    behind = 0.0
    began = time.time()
    for number, (documents, progress) in enumerate(ticks):
        size = -(-len(documents) // _SLICES) or 1
        for index in range(_SLICES):
            due = began + (number + index / _SLICES) * tick_seconds
            behind = max(behind, time.time() - due)
            time.sleep(max(0.0, due - time.time()))
            send(documents[index * size : (index + 1) * size])
        producer.flush()
        sent.append(time.time())
        send([progress])
        producer.flush()
    producer.close()
    tell(path, ".result", {"sent": sent, "behind": behind})


def ticks_of(rows: list[Row]) -> list[tuple[list[Row], Row]]:
    """Documents, and the progress record behind them."""
    ticks: list[tuple[list[Row], Row]] = []
    documents: list[Row] = []
    for one in rows:
        if one.headers[0][1] == b"progress":
            ticks.append((documents, one))
            documents = []
        else:
            documents.append(one)
    return ticks


if __name__ == "__main__":
    main()
