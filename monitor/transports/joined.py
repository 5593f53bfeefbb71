"""JoinedFeed: several feeds as one, so that the engine polls files, pipes and URLs alike."""

from collections.abc import Sequence

from monitor.domain.document import FeedRecord, InputPartition
from monitor.errors import TransientError
from monitor.ports import Feed


class JoinedFeed(Feed):
    """Polls each feed in turn; a feed that fails stops nothing but itself.

    `read_errors` counts the failures that were passed over because another feed had records.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = tuple(feeds)
        self._feed_of = {partition: feed for feed in feeds for partition in feed.partitions}
        self._turn = 0
        self.read_errors = 0

    @property
    def partitions(self) -> Sequence[InputPartition]:
        return tuple(self._feed_of)

    def poll(self, max_records: int) -> list[FeedRecord]:
        """Records that can be had now. Raises: TransientError: a feed failed, and no other had anything."""
        records: list[FeedRecord] = []
        failure: TransientError | None = None
        # Whoever fills its share is asked again for what the others left: one file beside a hundred quiet URLs is
        # read as fast as alone.
        asked = self._in_turn()
        while asked and len(records) < max_records:
            filled = []
            for index, feed in enumerate(asked):
                share = -(-(max_records - len(records)) // (len(asked) - index))
                if share <= 0:
                    break
                try:
                    polled = feed.poll(share)
                except TransientError as exc:
                    self.read_errors += 1
                    failure = exc
                    continue
                records += polled
                if polled:
                    self._turn = self._feeds.index(feed) + 1
                if len(polled) == share:
                    filled.append(feed)
            asked = filled
        if failure is not None and not records:
            raise failure
        return records

    def pause(self, partition: InputPartition) -> None:
        self._feed_of[partition].pause(partition)

    def resume(self, partition: InputPartition) -> None:
        self._feed_of[partition].resume(partition)

    def has_ended(self, partition: InputPartition) -> bool:
        return self._feed_of[partition].has_ended(partition)

    def mark(self, partition: InputPartition, next_offset: int) -> str:
        return self._feed_of[partition].mark(partition, next_offset)

    def seek(self, partition: InputPartition, position: str) -> None:
        self._feed_of[partition].seek(partition, position)

    def close(self) -> None:
        for feed in self._feeds:
            feed.close()

    def _in_turn(self) -> list[Feed]:
        turn = self._turn % len(self._feeds) if self._feeds else 0
        return [*self._feeds[turn:], *self._feeds[:turn]]
