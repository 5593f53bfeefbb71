"""PipeReader: standard input or a named pipe, read by a thread of its own so that nobody else waits for the writer.

The queue between the two is bounded in records and bytes; when it is full the thread stops reading and the pipe's own
buffer holds the writer back.
"""

import os
import select
from collections import deque
from threading import Condition, Thread

from monitor.clock import Clock
from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import DependencyError, StateError
from monitor.transports.lines import LineSplitter
from monitor.transports.positions import Position
from monitor.transports.streams import RAW_BYTES, pipe_stream

QUEUE_BYTES = 64 * 1_048_576
"""Bytes that may wait in the queue, to within a block: ten thousand records at their limit would be 10 GB."""


class PipeReader:
    """Reads a pipe once, from the first time that it is asked. `clock` stamps arrivals; None leaves them out."""

    lost_bytes_unknown = 0

    def __init__(
        self,
        source: str | int,
        partition: InputPartition,
        clock: Clock | None,
        max_record_bytes: int,
        queue_records: int,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self._source = source
        self._partition = partition
        self._clock = clock
        self._queue_records = queue_records
        self._queue_bytes = queue_bytes
        self._splitter = LineSplitter(partition, max_record_bytes)
        self._changed = Condition()
        self._queue: deque[FeedRecord] = deque()
        self._queued_bytes = 0
        self._is_read = False
        self._is_closed = False
        self._failure: OSError | None = None
        self._wake, self._call = os.pipe()
        # A daemon: a read that never returns must not keep the process from ending.
        self._thread = Thread(target=self._read_all, name=f"read {partition}", daemon=True)
        self._is_started = False

    @property
    def has_ended(self) -> bool:
        with self._changed:
            return self._is_read and not self._queue and self._failure is None

    @property
    def blank_lines(self) -> int:
        return self._splitter.blank_lines

    @property
    def waiting_records(self) -> int:
        """Records read from the pipe and not yet taken."""
        return len(self._queue)

    def take(self, max_records: int, into: list[FeedRecord]) -> None:
        """Append up to `max_records` records, without waiting. Raises: DependencyError: the pipe broke for good."""
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        with self._changed:
            for _ in range(min(max_records, len(self._queue))):
                record = self._queue.popleft()
                self._queued_bytes -= len(record.value)
                into.append(record)
            self._changed.notify_all()
            if self._failure is not None and not self._queue:
                reason = self._failure.strerror or str(self._failure)
                raise DependencyError(f"{self._partition} cannot be read any more: {reason}") from self._failure

    def join(self, timeout_seconds: float) -> bool:
        """Wait until the writer has closed the pipe and all of it is in the queue. Returns: whether that is so."""
        if self._is_started:
            self._thread.join(timeout_seconds)
        return self._is_read

    def mark(self, next_offset: int) -> str:
        return Position(next_offset, next_offset).to_text()

    def seek(self, text: str) -> None:
        """Number on from a position. Raises: StateError: a replay would need what came through the pipe once more.

        A pipe that is followed live gives what its writer sends from now on; what an earlier process had read and not
        committed went with that process, and only the writer can send it again.
        """
        position = Position.from_text(text)
        if self._is_started or (self._clock is None and position.offset != 0):
            raise StateError(
                f"{self._partition} is a pipe and cannot go on from byte {position.offset}: "
                "give a new --state, or feed the same documents as a file"
            )
        self._splitter.restart(position.offset, at_start=True)

    def close(self) -> None:
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
        os.write(self._call, b"x")
        if self._is_started:
            # Only a named pipe that no writer ever opened can still hold the thread.
            self._thread.join(timeout=1.0)
        os.close(self._call)
        if not self._thread.is_alive():
            os.close(self._wake)

    def _read_all(self) -> None:
        descriptor = -1
        try:
            descriptor = self._source if isinstance(self._source, int) else os.open(self._source, os.O_RDONLY)
            self._queue_lines(descriptor)
        except OSError as exc:
            self._failure = exc
        finally:
            if descriptor >= 0 and not isinstance(self._source, int):
                os.close(descriptor)
            with self._changed:
                self._is_read = True
                self._changed.notify_all()

    def _queue_lines(self, descriptor: int) -> None:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.register(self._wake, select.POLLIN)

        def read_raw() -> bytes:
            is_called = any(ready == self._wake for ready, _ in poller.poll())
            return b"" if is_called else os.read(descriptor, RAW_BYTES)

        splitter = self._splitter
        stream = pipe_stream(read_raw)
        while (block := stream.read()) and not self._is_closed:
            splitter.feed(block, self._clock.now_ms() if self._clock else None)
            self._queue_complete()
        if not self._is_closed:
            if stream.damage is None:
                splitter.finish()
            else:
                splitter.fail()
            self._queue_complete()

    def _queue_complete(self) -> None:
        """Move what the splitter has into the queue, as far as there is room, until it has nothing left."""
        while not self._splitter.is_drained:
            with self._changed:
                while self._is_full and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                room = self._queue_records - len(self._queue)
            records: list[FeedRecord] = []
            self._splitter.take(room, records)
            with self._changed:
                self._queue.extend(records)
                self._queued_bytes += sum(len(record.value) for record in records)

    @property
    def _is_full(self) -> bool:
        return len(self._queue) >= self._queue_records or self._queued_bytes >= self._queue_bytes
