"""The in-process transport: one bounded log for each of our streams, from which each reader takes in order.

What Kafka is between processes this is within one: order within a partition, offsets, several independent readers,
and back-pressure instead of memory without bound. What every reader has taken is forgotten.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from monitor.domain.streams import Message, Output, Stream
from monitor.errors import Backpressure


class BusReader:
    """One reader's place in one partition of one stream."""

    def __init__(self, stream: Stream, partition: int) -> None:
        self.stream = stream
        self.partition = partition
        self.waiting: deque[Message] = deque()

    def poll(self, max_messages: int) -> list[Message]:
        """The next messages in order; an empty list when there are none."""
        waiting = self.waiting
        if len(waiting) <= max_messages:
            messages = list(waiting)
            waiting.clear()
            return messages
        return [waiting.popleft() for _ in range(max_messages)]


class Bus:
    """Publishes outputs to whoever reads their stream.

    Args:
        capacity: messages that may wait for one reader; a single step's outputs may go over it, the next may not.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._readers: dict[tuple[Stream, int], list[BusReader]] = {}
        self._offsets: dict[tuple[Stream, int], int] = {}

    def reader(self, stream: Stream, partition: int = 0) -> BusReader:
        """A new reader, from now on."""
        reader = BusReader(stream, partition)
        self._readers.setdefault((stream, partition), []).append(reader)
        return reader

    def publish(self, outputs: Sequence[Output]) -> None:
        """Append to the streams. Raises: Backpressure: a reader of one has too much waiting; nothing was appended."""
        # Outputs come in runs of one stream, and an enum's hash costs more than all else here: look up once for a run.
        for key in dict.fromkeys((stream, partition) for stream, _, partition in outputs):
            if self._is_behind(self._readers.get(key, ())):
                raise Backpressure(f"a reader of {key[0]} in the in-process transport is behind; let it read first")
        stream: Stream | None = None
        partition, offset = -1, 0
        readers: Sequence[BusReader] = ()
        for output in outputs:
            if output.stream is not stream or output.partition != partition:
                if stream is not None:
                    self._offsets[stream, partition] = offset
                stream, partition = output.stream, output.partition
                readers = self._readers.get((stream, partition), ())
                offset = self._offsets.get((stream, partition), 0)
            if readers:
                message = Message(stream, partition, offset, output.value)
                for reader in readers:
                    reader.waiting.append(message)
            offset += 1
        if stream is not None:
            self._offsets[stream, partition] = offset

    @property
    def is_full(self) -> bool:
        """Whether any reader has `capacity` messages waiting."""
        return any(self._is_behind(readers) for readers in self._readers.values())

    def _is_behind(self, readers: Sequence[BusReader]) -> bool:
        return any(len(reader.waiting) >= self._capacity for reader in readers)

    def restore(self, next_offsets: Mapping[Stream, int]) -> None:
        """Number on from where a run was cut off: the next offset of partition 0 of each stream that is read back."""
        for stream, offset in next_offsets.items():
            self._offsets[stream, 0] = offset
