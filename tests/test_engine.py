"""The engine: the order of the seams, what is durable before what, and that no input can stop the others.

live:    poll -> handle -> cut -> [outputs written] -> rows, state -> [snapshot] -> commit -> [committed]
replay:  poll -> handle -> cut -> poll -> handle -> [outputs written] -> rows, state -> [snapshot] -> ...
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from monitor.clock import Laps, ManualClock
from monitor.domain.archive import SuppressedRow
from monitor.domain.document import FeedRecord, InputPartition
from monitor.domain.streams import Message, Output, Stream
from monitor.engine import DRAIN_BATCH, TICK_MS, Engine, Pace, Seam, Stage
from monitor.errors import TransientError
from monitor.ports import Commit
from monitor.transports.bus import Bus
from monitor.transports.memory import MemoryFeed

NEWS, POSTS = InputPartition("feeds.news"), InputPartition("feeds.social")
REPLAY = Pace(False, poll_records=2, progress_every_ms=0, commit_every_ms=0, commit_records=4, retention_ms=0)
LIVE = Pace(True, poll_records=2, progress_every_ms=100, commit_every_ms=5_000, commit_records=1_000, retention_ms=0)
START_MS = 1_700_000_000_000


@dataclass
class World:
    """Everything around the engine, and a journal of what was asked of it, in order."""

    feed: MemoryFeed
    pace: Pace = REPLAY
    clock: ManualClock = field(default_factory=lambda: ManualClock(START_MS))
    bus: Bus = field(default_factory=lambda: Bus(capacity=1_000))
    journal: list[str] = field(default_factory=list)
    waiting: list[bool] = field(default_factory=list)
    fan_out: int = 1
    has_store: bool = True
    limit: int = 1_000_000
    on_seam: Callable[[Seam], None] = lambda seam: None
    on_beat: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.score = FakeScore(self)
        self.notifier = FakeNotifier(self)
        self.archive = FakeArchive(self)
        self.store = FakeStore(self)
        self.observer = FakeObserver(self)

    def engine(self) -> Engine:
        """Two stages between scored and alerts, each as wide as `fan_out`."""
        scored, detections = self.bus.reader(Stream.SCORED), self.bus.reader(Stream.DETECTIONS)
        stages = [
            Stage("trend", "trend", scored, Echo(self, Stream.DETECTIONS), lambda: {"t": b"tt"}),
            Stage("alert", "alert", detections, Echo(self, Stream.ALERTS), lambda: {"a": None}),
        ]
        return Engine(
            feed=self.feed,
            score=self.score,
            transport=self.bus,
            stages=stages,
            notify=(self.bus.reader(Stream.ALERTS), self.notifier),
            archive=([self.bus.reader(Stream.SCORED), self.bus.reader(Stream.ALERTS)], self.archive),
            store=self.store if self.has_store else None,
            score_snapshot=lambda: {"s": b"sss"},
            clock=self.clock,
            pace=self.pace,
            observer=self.observer,
            laps=Laps(),
            on_seam=self._seam,
            maintenance=self._maintain,
            meta=lambda: {"watchlist": "w-1"},
        )

    def _maintain(self) -> None:
        self.journal.append("maintenance")
        self.waiting.append(self.bus.is_full)

    def _seam(self, seam: Seam) -> None:
        self.journal.append(f"[{seam}]")
        self.on_seam(seam)

    def told(self, *names: str) -> list[str]:
        """The journal, of these entries only."""
        return [entry for entry in self.journal if entry.split(" ")[0] in names]


class FakeScore:
    """Publishes the number of each record; what it has in hand it publishes at the cut. `bad` records are unusable."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hand: list[Output] = []
        self._at = dict.fromkeys(world.feed.partitions, 0)
        self.unusable: Counter[InputPartition] = Counter()
        self.ahead: set[InputPartition] = set()
        self.ended: set[InputPartition] = set()
        self.clocks: list[int] = []
        self.told_by_idleness: list[Output] = []

    def handle(self, records: Sequence[FeedRecord], now_ms: int) -> list[Output]:
        """Take them in hand."""
        self._world.journal.append("handle " + " ".join(f"{r.source_partition}:{r.offset}" for r in records))
        for record in records:
            self._at[record.source_partition] = record.next_offset
            self.unusable[record.source_partition] += record.value == b"bad"
            self._hand.append(Output(Stream.SCORED, f"{record.source_partition}:{record.offset}"))
        return []

    def cut(self, now_ms: int) -> list[Output]:
        """Everything in hand."""
        self._world.journal.append("cut")
        self.clocks.append(now_ms)
        outputs, self._hand = self._hand + self.told_by_idleness, []
        self.told_by_idleness = []
        return outputs

    def end(self, source: InputPartition) -> bool:
        """News the first time."""
        is_news = source not in self.ended
        self.ended.add(source)
        return is_news

    def stopped(self) -> set[InputPartition]:
        """Too many are `limit` unusable ones, ever."""
        return {source for source, count in self.unusable.items() if count >= self._world.limit}

    def committed(self) -> None:
        """Noted."""
        self._world.journal.append("score.committed")

    def positions(self) -> dict[InputPartition, int]:
        """What was handled."""
        return dict(self._at)

    def running_ahead(self) -> set[InputPartition]:
        """As the test says."""
        return set(self.ahead)


@dataclass
class Echo:
    """A role that hands on what it reads, `fan_out` times."""

    world: World
    to: Stream

    def handle(self, messages: Sequence[Message]) -> list[Output]:
        """Copies."""
        return [Output(self.to, m.value) for m in messages for _ in range(self.world.fan_out)]


class FakeNotifier:
    """Remembers what it was handed, and how much of it was made durable."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sent: list[object] = []
        self.flushed = 0

    def handle(self, messages: Sequence[Message], now_ms: int) -> None:
        """Send."""
        self.sent += [message.value for message in messages]

    def flush(self) -> dict[str, str]:
        """Durable now."""
        self._world.journal.append("flush")
        self.flushed = len(self.sent)
        return {"alerts_file": str(self.flushed)}


class FakeArchive:
    """Keeps a row for each message until it is taken."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: list[object] = []
        self.last: list[object] = []

    def handle(self, messages: Sequence[Message]) -> None:
        """Keep."""
        self._rows += [message.value for message in messages]

    def take(self) -> Commit:
        """The rows since the last time."""
        self._world.journal.append("take")
        self.last, self._rows = self._rows, []
        return Commit(suppressed=[row for row in self.last if isinstance(row, SuppressedRow)])

    def __len__(self) -> int:
        return len(self._rows)


class FakeStore:
    """Remembers each commit with what was archived and durable at that moment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.commits: list[Commit] = []
        self.archived: list[object] = []
        self.durable: list[list[object]] = []
        self.pruned_before: list[int] = []

    def commit(self, commit: Commit) -> None:
        """There whole."""
        self._world.journal.append("store.commit")
        self.commits.append(commit)
        self.archived += self._world.archive.last
        notifier = self._world.notifier
        self.durable.append(notifier.sent[: notifier.flushed])

    def prune_steps(self, before_ms: int) -> Iterator[int]:
        """Three small steps."""
        self.pruned_before.append(before_ms)
        for step in range(3):
            self._world.journal.append("prune")
            yield step


class FakeObserver:
    """Lets a test step in at each turn of the loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.paused_inputs: list[InputPartition] = []

    def beat(self) -> None:
        """One more turn."""
        self._world.on_beat()

    def read(self, records: Sequence[FeedRecord]) -> None:
        """Nothing to note."""

    def advanced(self) -> None:
        """Nothing to note."""

    def committed(self, seconds: float, state_bytes: int) -> None:
        """Noted."""
        self._world.journal.append(f"observed {state_bytes}")

    def paused(self, source: InputPartition) -> None:
        """Noted."""
        self.paused_inputs.append(source)


class FlakyFeed(MemoryFeed):
    """Cannot be read the first few times."""

    def __init__(self, values: Mapping[InputPartition, Sequence[bytes]], failures: int) -> None:
        super().__init__(values)
        self.failures = failures

    def poll(self, max_records: int) -> list[FeedRecord]:
        """Raises: TransientError: not yet."""
        if self.failures:
            self.failures -= 1
            raise TransientError("the share is away", retry_after_seconds=7.0)
        return super().poll(max_records)


def lines(count: int) -> list[bytes]:
    return [b"good"] * count


def positions(commit: Commit) -> dict[str, int]:
    """Where a commit stands: MemoryFeed marks a position by its offset."""
    return {source: int(mark.split('"at":')[1].split(",")[0]) for source, mark in commit.positions.items()}


# ---- the seams


def test_commit_passes_the_seams_in_their_order() -> None:
    world = World(MemoryFeed({NEWS: lines(2)}), pace=LIVE)
    assert world.engine().run()
    journal = world.journal
    assert journal[journal.index("flush") - 1] == "cut"
    assert journal[journal.index("flush") :] == [
        "flush",
        "[outputs_written]",
        "take",
        "[snapshot]",
        "store.commit",
        "[committed]",
        "score.committed",
        "observed 5",
    ]


def test_commit_holds_positions_state_of_every_role_and_what_the_channels_keep() -> None:
    world = World(MemoryFeed({NEWS: lines(3), POSTS: lines(1)}))
    world.engine().run()
    last = world.store.commits[-1]
    assert positions(last) == {"feeds.news/0": 3, "feeds.social/0": 1}
    assert last.state == {"score": {"s": b"sss"}, "trend": {"t": b"tt"}, "alert": {"a": None}}
    assert last.meta == {"alerts_file": "4", "watchlist": "w-1"}


def test_nothing_is_committed_before_what_it_caused_is_archived_and_flushed() -> None:
    world = World(MemoryFeed({NEWS: lines(11), POSTS: lines(6)}))
    checked: list[int] = []

    def at_seam(seam: Seam) -> None:
        if seam is Seam.COMMITTED:
            commit, durable = world.store.commits[-1], world.store.durable[-1]
            below = {f"{source}:{n}" for source, at in positions(commit).items() for n in range(at)}
            assert set(durable) == below
            assert set(world.store.archived) == below
            checked.append(len(below))

    world.on_seam = at_seam
    world.engine().run()
    assert checked == [4, 8, 12, 16, 17]


@pytest.mark.parametrize(("seam", "commits"), [(Seam.OUTPUTS_WRITTEN, 0), (Seam.SNAPSHOT, 0), (Seam.COMMITTED, 1)])
def test_process_that_dies_at_a_seam_leaves_all_of_a_commit_or_nothing(seam: Seam, commits: int) -> None:
    world = World(MemoryFeed({NEWS: lines(4)}), pace=LIVE)

    def die(at: Seam) -> None:
        if at is seam:
            raise KeyboardInterrupt

    world.on_seam = die
    with pytest.raises(KeyboardInterrupt):
        world.engine().run()
    assert len(world.store.commits) == commits
    assert "score.committed" not in world.journal


@pytest.mark.parametrize(("seam", "commits"), [(Seam.OUTPUTS_WRITTEN, 1), (Seam.SNAPSHOT, 1), (Seam.COMMITTED, 2)])
def test_replay_that_dies_at_a_seam_has_committed_nothing_of_what_it_read_ahead(seam: Seam, commits: int) -> None:
    world = World(MemoryFeed({NEWS: lines(30)}))
    passed: list[Seam] = []

    def die(at: Seam) -> None:
        passed.append(at)
        if passed.count(seam) == 2:
            raise KeyboardInterrupt

    world.on_seam = die
    with pytest.raises(KeyboardInterrupt):
        world.engine().run()
    assert len(world.store.commits) == commits
    assert positions(world.store.commits[-1]) == {"feeds.news/0": 4 * commits}
    assert world.score.positions() == {NEWS: 10}, "two records beyond the cut are in hand"


def test_replay_reads_on_before_it_decides_and_commits_what_was_cut() -> None:
    """So that a scorer on a thread of its own has work meanwhile; the commit holds what was so at the cut."""
    world = World(MemoryFeed({NEWS: lines(9)}))
    held: list[tuple[dict[str, int], dict[InputPartition, int]]] = []

    def at_seam(seam: Seam) -> None:
        if seam is Seam.COMMITTED:
            held.append((positions(world.store.commits[-1]), world.score.positions()))

    world.on_seam = at_seam
    assert world.engine().run()
    assert [(at["feeds.news/0"], read[NEWS]) for at, read in held] == [(4, 6), (8, 9), (9, 9)]
    turns = [entry.split(" ")[0] for entry in world.told("cut", "handle", "flush")]
    assert turns[:6] == ["handle", "handle", "cut", "handle", "flush", "handle"]
    assert world.notifier.sent == [f"feeds.news/0:{n}" for n in range(9)], "in order, and once"


def test_live_run_commits_before_it_reads_on() -> None:
    world = World(MemoryFeed({NEWS: lines(9)}), pace=Pace(True, 2, 100, 5_000, 4, 0))
    assert world.engine().run()
    turns = [entry.split(" ")[0] for entry in world.told("cut", "handle", "store.commit")]
    assert turns[turns.index("store.commit") - 1] == "cut"
    assert [positions(commit)["feeds.news/0"] for commit in world.store.commits] == [4, 8, 9]


def test_without_a_store_outputs_are_flushed_all_the_same() -> None:
    world = World(MemoryFeed({NEWS: lines(5)}), has_store=False)
    assert world.engine().run()
    assert world.notifier.flushed == 5
    assert world.told("score.committed") != []
    assert world.store.commits == []


# ---- what waits between roles


def test_everything_downstream_has_run_before_more_is_read() -> None:
    world = World(MemoryFeed({NEWS: lines(12)}), fan_out=2, bus=Bus(capacity=1))
    world.engine().run()
    assert len(world.waiting) >= 6
    assert not any(world.waiting), "with room for one message, whatever waits makes the bus full"
    assert len(world.notifier.sent) == 12 * 4


def test_step_that_releases_far_more_than_the_bus_holds_is_worked_off_without_back_pressure() -> None:
    # A source that held the merge back speaks at last, and one progress record sets free all that waited.
    world = World(MemoryFeed({NEWS: lines(DRAIN_BATCH + 10)}), fan_out=3, bus=Bus(capacity=5))
    world.pace = Pace(False, 2 * DRAIN_BATCH, 0, 0, 2 * DRAIN_BATCH, 0)
    assert world.engine().run()
    assert len(world.notifier.sent) == 9 * (DRAIN_BATCH + 10)


# ---- inputs


def test_ended_inputs_end_the_run_and_score_is_told_of_each() -> None:
    world = World(MemoryFeed({NEWS: lines(3), POSTS: []}))
    assert world.engine().run()
    assert world.score.ended == {NEWS, POSTS}


def test_stopped_input_does_not_stop_the_others() -> None:
    world = World(MemoryFeed({NEWS: [b"bad"] * 20, POSTS: lines(20)}), limit=3)
    engine = world.engine()
    assert engine.run()
    assert engine.stopped_inputs == {NEWS}
    assert world.observer.paused_inputs == [NEWS]
    assert positions(world.store.commits[-1]) == {"feeds.news/0": 3, "feeds.social/0": 20}
    assert world.score.ended == {NEWS, POSTS}, "the readers must not wait for an input that was stopped"


def test_run_is_false_once_every_input_was_stopped_and_what_was_read_is_committed() -> None:
    world = World(MemoryFeed({NEWS: [b"bad"] * 20, POSTS: [b"bad"] * 20}), limit=3)
    assert not world.engine().run()
    assert set(world.observer.paused_inputs) == {NEWS, POSTS}
    assert positions(world.store.commits[-1]) == {"feeds.news/0": 3, "feeds.social/0": 3}


def test_input_that_runs_ahead_is_paused_and_resumed_once_it_no_longer_does() -> None:
    world = World(MemoryFeed({NEWS: lines(6), POSTS: lines(6)}))
    turns = 0

    def let_posts_catch_up() -> None:
        nonlocal turns
        turns += 1
        world.score.ahead = {NEWS} if turns < 6 else set()

    world.on_beat = let_posts_catch_up
    assert world.engine().run()
    order = [place.split("/")[0] for entry in world.told("handle") for place in entry.split(" ")[1:]]
    assert order[:2] == ["feeds.news", "feeds.social"]
    assert order[2:7] == ["feeds.social"] * 5, "after its first poll news waits until posts have caught up"
    assert Counter(order) == {"feeds.news": 6, "feeds.social": 6}


def test_input_that_cannot_be_read_for_now_is_tried_again_after_the_time_it_names(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(FlakyFeed({NEWS: lines(3)}, failures=2))
    with caplog.at_level(logging.WARNING):
        assert world.engine().run()
    assert world.clock.now_ms() - START_MS >= 2 * 7_000
    assert [record.message for record in caplog.records] == ["an input cannot be read for now: the share is away"] * 2
    assert positions(world.store.commits[-1]) == {"feeds.news/0": 3}


# ---- closing


def test_close_takes_no_more_but_finishes_and_commits_what_is_in_hand() -> None:
    world = World(MemoryFeed({NEWS: lines(3)}, is_open=True), pace=LIVE)
    engine = world.engine()

    def close_after_the_first_read() -> None:
        if world.told("handle"):
            world.feed.append(NEWS, b"good")
            engine.close()

    world.on_beat = close_after_the_first_read
    assert engine.run()
    read = [place for entry in world.told("handle") for place in entry.split(" ")[1:]]
    assert world.notifier.sent == read
    assert world.notifier.flushed == len(read)
    assert positions(world.store.commits[-1]) == {"feeds.news/0": len(read)}
    assert NEWS not in world.score.ended, "an input that may still grow has not ended"


def test_close_before_the_first_turn_reads_nothing() -> None:
    world = World(MemoryFeed({NEWS: lines(3)}))
    engine = world.engine()
    engine.close()
    engine.run()
    assert world.told("handle") == []
    assert positions(world.store.commits[-1]) == {"feeds.news/0": 0}


# ---- pace


def test_replay_writes_its_progress_at_no_time_of_day() -> None:
    world = World(MemoryFeed({NEWS: lines(9)}))
    world.engine().run()
    assert set(world.score.clocks) == {0}


def live(world: World, seconds: float, each_turn: Callable[[int], None] = lambda now_ms: None) -> None:
    """Run a live engine for a while of its clock."""
    engine = world.engine()

    def beat() -> None:
        now_ms = world.clock.now_ms() - START_MS
        if now_ms >= seconds * 1_000:
            engine.close()
        else:
            each_turn(now_ms)

    world.on_beat = beat
    engine.run()


def test_idleness_is_told_at_each_tick_though_nothing_is_read() -> None:
    world = World(MemoryFeed({NEWS: []}, is_open=True), pace=LIVE)
    live(world, seconds=10)
    gaps = [later - sooner for sooner, later in pairwise(world.score.clocks)]
    assert 8 <= len(gaps) <= 10
    assert all(TICK_MS <= gap <= TICK_MS + 100 for gap in gaps[:-1])


def test_live_progress_is_written_at_most_as_often_as_agreed() -> None:
    feed = MemoryFeed({NEWS: []}, is_open=True)
    world = World(feed, pace=LIVE)

    def busy(now_ms: int) -> None:
        feed.append(NEWS, b"good")
        world.clock.advance(seconds=0.01)

    live(world, seconds=2, each_turn=busy)
    clocks = world.score.clocks[:-1]
    gaps = [later - sooner for sooner, later in pairwise(clocks)]
    assert len(gaps) >= 15
    assert all(gap >= LIVE.progress_every_ms for gap in gaps)


def test_live_commit_is_due_after_its_time_and_not_for_nothing() -> None:
    feed = MemoryFeed({NEWS: lines(1)}, is_open=True)
    world = World(feed, pace=LIVE)
    committed: list[int] = []
    world.on_seam = lambda seam: committed.append(world.clock.now_ms() - START_MS) if seam is Seam.COMMITTED else None
    live(world, seconds=60)
    assert len(committed) == 2, "one for the record, one at the end"
    assert LIVE.commit_every_ms <= committed[0] <= LIVE.commit_every_ms + 1_100


def test_what_idleness_alone_decided_is_committed_in_its_time() -> None:
    world = World(MemoryFeed({NEWS: []}, is_open=True), pace=LIVE)
    committed: list[int] = []
    waiting = ["what was waiting"]
    world.on_seam = lambda seam: committed.append(world.clock.now_ms() - START_MS) if seam is Seam.COMMITTED else None

    def go_idle(now_ms: int) -> None:
        if now_ms >= 20_000 and waiting:
            world.score.told_by_idleness = [Output(Stream.SCORED, waiting.pop())]

    live(world, seconds=60, each_turn=go_idle)
    assert world.store.archived.count("what was waiting") == 2, "as scored and as an alert"
    assert 20_000 <= committed[0] <= 20_000 + LIVE.commit_every_ms + TICK_MS
    assert len(committed) == 2


def test_old_history_is_deleted_in_small_steps_while_nothing_is_to_do() -> None:
    world = World(MemoryFeed({NEWS: []}, is_open=True), pace=Pace(True, 2, 100, 5_000, 1_000, retention_ms=86_400_000))
    live(world, seconds=30)
    assert world.told("prune") == ["prune"] * 3
    assert world.store.pruned_before == [START_MS - 86_400_000]


def test_replay_deletes_no_history() -> None:
    world = World(MemoryFeed({NEWS: lines(3)}), pace=Pace(False, 2, 0, 0, 4, retention_ms=86_400_000))
    world.engine().run()
    assert world.store.pruned_before == []


def test_maintenance_has_its_turn_before_each_poll() -> None:
    world = World(MemoryFeed({NEWS: lines(4)}))
    world.engine().run()
    assert [entry.split(" ")[0] for entry in world.told("maintenance", "handle")][:4] == ["maintenance", "handle"] * 2
