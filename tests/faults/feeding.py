"""A feed that is written a little at a time, so that work is always in hand, through whatever befalls the brokers.

The producer is idempotent: a record that it sends again after a lost answer lies on the log once. What lies there in
the end is read back, and is the known feed that a run without a broker is given.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from kafka import KafkaProducer

from monitor.clock import SystemClock
from monitor.transports.kafka_log import KafkaLog
from tests.faults.kafka_world import World

STEP_SECONDS = 0.2
LONGEST_OUTAGE_MS = 240_000
"""For which a record waits to be written: above every fault of ours."""


class Feeder:
    """Writes a world's feed at a steady pace until it is told to stop, or the feed is over."""

    def __init__(self, world: World, documents_a_second: float) -> None:
        self._world = world
        self._step = max(1, round(documents_a_second * STEP_SECONDS / len(world.lines)))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="feeder")
        self._failures: list[BaseException] = []
        self.written = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be written."""
        return self.written >= max(map(len, self._world.lines))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write no more, and wait for what is on its way. Raises: AssertionError: it did not arrive."""
        self._over.set()
        self._thread.join(LONGEST_OUTAGE_MS / 1_000)
        assert not self._thread.is_alive(), "the feed cannot be written"
        assert not self._failures, f"the feed could not be written: {self._failures[0]!r}"

    def _write(self) -> None:
        producer = KafkaProducer(
            **{**self._world.cluster.access.options("crawler"), "reconnect_backoff_max_ms": 1_000},
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=20_000,
            delivery_timeout_ms=LONGEST_OUTAGE_MS,
            max_block_ms=LONGEST_OUTAGE_MS,
        )
        sent = []
        try:
            while not self.is_over and not self._over.wait(STEP_SECONDS):
                share = slice(self.written, self.written + self._step)
                for place, lines in zip(self._world.inputs, self._world.lines, strict=True):
                    sent += [producer.send(place.kafka_topic, one, partition=place.partition) for one in lines[share]]
                self.written += self._step
            for future in sent:
                future.get(LONGEST_OUTAGE_MS / 1_000)
        except BaseException as exc:  # whoever stops it is told
            self._failures.append(exc)
        finally:
            producer.close(timeout=5)


@contextmanager
def feeding(world: World, documents_a_second: float) -> Iterator[Feeder]:
    """The feed is written while the block lasts; what is left of it at the end is not written."""
    feeder = Feeder(world, documents_a_second)
    feeder.start()
    try:
        yield feeder
    finally:
        feeder.stop()


def written(world: World) -> list[Sequence[bytes]]:
    """What lies in each input partition. Raises: AssertionError: that is no beginning of the feed."""
    found: list[Sequence[bytes]] = []
    with closing(KafkaLog(world.cluster.access, SystemClock())) as log:
        for place, lines in zip(world.inputs, world.lines, strict=True):
            records = [record.value or b"" for record in log.read(place, 0, 1 << 62)]
            assert tuple(records) == lines[: len(records)], f"{place} holds something else than the feed"
            found.append(records)
    return found
