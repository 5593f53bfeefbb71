"""The steps of a restore, one by one, outside the process that is timed: what of it takes how long.

    python -m tests.bench.kafka.stepswork PATH
"""

import gc
import time
from pathlib import Path

from monitor.app.building import make_trend
from monitor.clock import Laps, SystemClock
from monitor.config import load_config
from monitor.delivery.chunks import join
from monitor.delivery.metadata import decode_state
from monitor.delivery.shape import Owner
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.engine import collect_garbage_seldom
from monitor.roles import trend_snapshot
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_log import KafkaLog
from monitor.transports.kafka_plan import STATE_TOPIC
from tests.bench.kafka.job import given, tell


def main() -> None:
    """Load, unpack, decode, build: seconds each."""
    job, path = given()
    collect_garbage_seldom()
    access, config = Access(tuple(job.bootstrap.split(","))), load_config(None, {}, dict(job.options))
    admin, log = KafkaAdmin(access), KafkaLog(access, SystemClock())
    source = InputPartition(f"{job.prefix}{Stream.SCORED.value}")
    stored = admin.committed(f"{job.prefix}sentiment-trend")[source]
    owner = Owner("trend", source)
    pointer = decode_state(stored.metadata, owner, stored.offset).pointers[0]
    place = InputPartition(f"{job.prefix}{STATE_TOPIC}")
    took: dict[str, float] = {}
    gc.collect()
    at = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal at
        now = time.perf_counter()
        took[name], at = now - at, now

    read = log.read(place, pointer.first_offset, pointer.end_offset)
    chunks = [record.value for record in read if record.value is not None]
    lap("load")
    snapshot = join(chunks, pointer.snapshot, owner)
    lap("unpack")
    state = trend_snapshot.restore(snapshot.state)
    lap("decode")
    make_trend(config, state, lambda: len(state.topics), Laps())
    lap("build")
    sizes = {"packed": sum(map(len, chunks)), "whole": sum(map(len, snapshot.state.values()))}
    tell(Path(path), ".result", {"seconds": took, "bytes": sizes, "keys": len(snapshot.state)})
    log.close()
    admin.close()


if __name__ == "__main__":
    main()
