"""KafkaSender: records into Kafka, durable when `flush` returns, or the sender is finished.

Order: send (into the client's batches), flush, look at every future. Whatever is not acknowledged by every replica
within its deadline is a failure, and after a failure nothing more is sent: its owner discards what it computed and
begins as after a crash. Left out: retries beyond the client's own, and transactions (DESIGN section 3).
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from kafka import KafkaProducer, errors

from monitor.clock import Clock
from monitor.delivery.sizes import batch_bytes
from monitor.domain.document import DeadLetterReason
from monitor.errors import Backpressure, MonitorError, RecordError, StateError, TransientError
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_errors import told

BATCH_BYTES = 128 * 1_024
"""A batch of one partition. Kafka's 16 KiB holds a dozen scored documents, and lz4 finds little to share in those."""

LEAST_REQUEST_BYTES = 1 << 20
"""Kafka's own default: a request that carries batches of many partitions is cheaper than many requests."""

LINGER_MS = 20
"""How long a batch waits for more; a flush ends the waiting, so this is only for what is sent between two flushes. At
5 ms each of the many small requests cost more than all records in it; an alert waits for it twice."""

FLUSH_SLICE_SECONDS = 0.25
"""How late the deadline of a flush may be noticed."""

REQUEST_SHARE = 3
"""Requests in one delivery timeout: with one alone, a single lost answer would already be a failure."""

_FAR_BELOW_BYTES = 8_192
"""More than the headers of any record of ours but a dead letter's, which is cut to the limit when it is made."""


class OutRecord(NamedTuple):
    """What is sent. The partition is named by whoever sends: state rests on it."""

    kafka_topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Receipt:
    """Where one record came to lie."""

    def __init__(self, future: Any) -> None:
        self._future = future

    @property
    def offset(self) -> int | None:
        """Its offset, once `flush` has returned; None where the brokers did not say."""
        told = self._future.value
        return None if told is None or told.offset < 0 else int(told.offset)


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """Deadlines and bounds.

    Attributes:
        delivery_timeout_ms: after which a record that is not acknowledged counts as failed; of flush and close too.
        max_record_bytes: what the brokers take in one batch; a larger record must not be sent.
        max_pending_bytes, max_pending_records: what may be under way; a step may go over it, the next may not.
    """

    delivery_timeout_ms: int
    max_record_bytes: int
    max_pending_bytes: int = 32 << 20
    max_pending_records: int = 50_000


def size_of(record: OutRecord) -> int:
    """Bytes of a batch that holds only this record, before compression: at least what the brokers measure."""
    return batch_bytes(record.key, record.value, record.headers)


class KafkaSender:
    """Sends for one role. Not for several threads.

    Raises: DependencyError, TransientError: no broker lets us in.
    """

    def __init__(self, access: Access, limits: SenderLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._pending: deque[tuple[Any, int]] = deque()
        self._pending_bytes = 0
        self._failure: MonitorError | None = None
        self._partitions: dict[str, int] = {}
        self._is_closed = False
        options = {
            **access.options("sender"),
            "metrics_enabled": False,
            "acks": "all",
            "compression_type": "lz4",
            "linger_ms": LINGER_MS,
            "batch_size": min(BATCH_BYTES, limits.max_record_bytes),
            # Two of the largest, because a batch that outgrew it by a header would never leave.
            "max_request_size": max(LEAST_REQUEST_BYTES, 2 * limits.max_record_bytes),
            "delivery_timeout_ms": limits.delivery_timeout_ms,
            "request_timeout_ms": max(1, (limits.delivery_timeout_ms - LINGER_MS) // REQUEST_SHARE),
            "max_block_ms": limits.delivery_timeout_ms,
            "allow_auto_create_topics": False,
        }
        try:
            self._producer: Any = KafkaProducer(**options)
        except errors.KafkaError as exc:
            raise told(exc, "opening a producer") from exc

    @property
    def max_record_bytes(self) -> int:
        """What a record may measure (see `size_of`)."""
        return self._limits.max_record_bytes

    @property
    def is_full(self) -> bool:
        """Whether so much is under way that nothing should be added; never of a sender that is finished."""
        self._settle()
        return self._failure is None and (
            self._pending_bytes >= self._limits.max_pending_bytes
            or len(self._pending) >= self._limits.max_pending_records
        )

    @property
    def pending(self) -> int:
        """Records that are not acknowledged yet."""
        self._settle()
        return len(self._pending)

    def partitions(self, kafka_topic: str) -> int:
        """How many partitions a topic has; asked once.

        Raises: TransientError: no broker knows the topic, or none answers: the client cannot tell one from the other.
            Whoever begins anew asks an administrator, who can.
        """
        if kafka_topic not in self._partitions:
            try:
                found = self._producer.partitions_for(kafka_topic)
            except errors.KafkaTimeoutError as exc:
                raise self._fail(
                    TransientError(
                        f"no broker answers, or there is no Kafka topic {kafka_topic}; make ours with: "
                        "monitor topics --create --config FILE"
                    )
                ) from exc
            except errors.KafkaError as exc:
                raise self._fail(told(exc, f"looking at the Kafka topic {kafka_topic}")) from exc
            self._partitions[kafka_topic] = len(found)
        return self._partitions[kafka_topic]

    def check(self, record: OutRecord) -> None:
        """Raises: RecordError: it is larger than the brokers take, and would fail those that are queued behind it."""
        size = size_of(record)
        if size > self._limits.max_record_bytes:
            raise RecordError(
                DeadLetterReason.OVERSIZE,
                f"a record of {size:,} bytes for {record.kafka_topic} is over kafka.max_record_bytes",
            )

    def send(self, record: OutRecord) -> None:
        """Hand a record to the client; it is durable only when `flush` returns.

        Raises: Backpressure: too much is under way. RecordError: see `check`; nothing was sent.
            StateError: the topic has no such partition. TransientError, DependencyError: this sender is finished.
        """
        self._still_usable()
        if self.is_full:
            raise Backpressure("too many records are on their way to Kafka; let them arrive first")
        self.append(record)

    def append(self, record: OutRecord) -> None:
        """As `send`, for the rest of a step that may go over the bound."""
        self.put(*record)

    def append_traced(self, record: OutRecord) -> Receipt:
        """As `append`; for whoever tells people where it went, and never for a decision."""
        self.check(record)  # Its headers may be anybody's.
        return Receipt(self.put(*record))

    def put(
        self, topic: str, partition: int, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> Any:
        """As `append`, of a record in its parts: most of them are made only to be sent. What the client promises."""
        if self._failure is not None or self._is_closed:
            self._still_usable()
        # Far below the limit nobody has to count the headers.
        if 2 * (len(value) + len(key or b"")) > self._limits.max_record_bytes - _FAR_BELOW_BYTES:
            self.check(OutRecord(topic, partition, key, value, headers))
        count = self._partitions.get(topic) or self.partitions(topic)
        if not 0 <= partition < count:
            raise self._fail(
                StateError(
                    f"{topic} has {count} partitions, but a record is for {partition}: its partition "
                    "count has changed; make the topics as they were (monitor topics --check tells how)"
                )
            )
        try:
            future = self._producer.send(topic, value, key=key, headers=list(headers), partition=partition)
        except (errors.KafkaError, ValueError) as exc:
            raise self._fail(told(exc, f"sending to {topic}")) from exc
        size = len(value)
        self._pending.append((future, size))
        self._pending_bytes += size
        return future

    def flush(self) -> None:
        """Return when everything that was sent is on every replica.

        Raises: TransientError, DependencyError, StateError: something is not, and this sender is finished.
        """
        self._still_usable()
        deadline = self._clock.monotonic_seconds() + self._limits.delivery_timeout_ms / 1_000
        while self._pending:
            self._settle()
            if self._failure is not None:
                raise self._failure
            if not self._pending:
                break
            left = deadline - self._clock.monotonic_seconds()
            if left <= 0:
                raise self._fail(
                    TransientError(
                        f"{len(self._pending):,} records were not acknowledged within "
                        f"{self._limits.delivery_timeout_ms:,} ms; their sender is given up"
                    )
                )
            # In slices, because the client waits for each batch anew, and its time-outs would add up.
            with suppress(errors.KafkaError):
                self._producer.flush(timeout=min(left, FLUSH_SLICE_SECONDS))

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Send what is under way if it goes quickly, and let the connections go. Never hangs; may be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._failure is None:
            with suppress(errors.KafkaError):
                self._producer.close(timeout=timeout_seconds)
                return
        self._abandon()

    def _settle(self) -> None:
        """Forget what was acknowledged, and see the first failure."""
        pending = self._pending
        while pending and pending[0][0].is_done:
            future, size = pending.popleft()
            self._pending_bytes -= size
            if future.exception is not None and self._failure is None:
                self._fail(told(future.exception, "sending"))

    def _still_usable(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_closed:
            raise ValueError("this sender was closed")

    def _fail(self, failure: MonitorError) -> MonitorError:
        self._failure = failure
        self._abandon()
        return failure

    def _abandon(self) -> None:
        """Stop the client's thread without waiting for anything.

        Its own `close` first flushes, and where that ends in a time-out it leaves the thread alive: what it still held
        would arrive minutes later, after its owner has begun again.
        """
        self._producer._sender.force_close()
        self._producer._unregister_cleanup()
        self._producer._closed = True
