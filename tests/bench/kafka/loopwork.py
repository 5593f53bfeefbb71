"""The bare loop: the client library alone, with the record sizes, compression, acknowledgements and fan-out of a role.

    python -m tests.bench.kafka.loopwork PATH

It reads as the product's members read, sends what the role would have said at the same place of the log, already as
bytes, flushes, and commits as often as the product does. It decodes nothing and decides nothing.
"""

import gc
import time
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from monitor.app.distributed.run import POLL_RECORDS
from monitor.config import load_config
from monitor.engine import collect_garbage_seldom
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_member import FETCH_BYTES, FETCH_WAIT_MS, PARTITION_FETCH_BYTES
from monitor.transports.kafka_sender import BATCH_BYTES, LEAST_REQUEST_BYTES, LINGER_MS
from tests.bench.kafka.ground import saved
from tests.bench.kafka.job import Mark, given, tell


def main() -> None:
    """Until everything was read."""
    job, path = given()
    access = Access(tuple(job.bootstrap.split(",")))
    every = load_config(None, {}, dict(job.options)).storage.commit_documents
    rows = saved(Path(job.outputs)) if job.outputs else []
    outputs = [(job.prefix + one.kafka_topic, one.partition, one.key, one.value, list(one.headers)) for one in rows]
    consumer = KafkaConsumer(
        **access.options("loop"), metrics_enabled=False, group_id=f"{job.prefix}loop", enable_auto_commit=False,
        auto_offset_reset="earliest", fetch_max_wait_ms=FETCH_WAIT_MS, fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
    )  # fmt: skip
    producer = KafkaProducer(
        **access.options("loop"), metrics_enabled=False, acks="all", compression_type="lz4", linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES, max_request_size=2 * LEAST_REQUEST_BYTES,
    )  # fmt: skip
    place = TopicPartition(job.prefix + job.reads, 0)
    # By hand: a join that outlasts a poll may be forgotten by the client, which then polls in peace for ever. The
    # product's members finish such a join (`KafkaMember`); what heartbeats cost is far below what is measured.
    consumer.assign([place])
    gc.collect()
    collect_garbage_seldom()
    done = sent = since = 0
    size = 0
    marks = [Mark(0, time.process_time(), time.time())]
    while done < job.target:
        for records in consumer.poll(timeout_ms=100, max_records=POLL_RECORDS).values():
            for record in records:
                size += len(record.value)
            done += len(records)
            since += len(records)
        due = len(outputs) * done // job.count
        for topic, partition, key, value, headers in outputs[sent:due]:
            producer.send(topic, value, key=key, headers=headers, partition=partition)
        sent = due
        if since >= every or done >= job.target:
            producer.flush()
            consumer.commit({place: OffsetAndMetadata(done, "", -1)})
            since = 0
            marks.append(Mark(done, time.process_time(), time.time()))
    consumer.close(autocommit=False)
    producer.close()
    tell(path, ".result", {"marks": marks, "bytes": size})


if __name__ == "__main__":
    main()
