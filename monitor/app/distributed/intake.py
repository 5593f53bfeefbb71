"""ScoreWorker: polls feeds, keeps the membership alive, and commits; the scoring is done in another thread.

    assigned    commit -> watermark, position -> the deaths that its note tells of -> read
    at work     poll -> put, while there is room; else all is paused, and polling goes on
    revoked     settle: what is in hand is finished, announced and committed within a third of the session timeout
    lost        given up; whatever of it is still sent is a repeat

A record that may be the one that kills the process goes alone, marked first (see delivery.crashes).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.inputs import Input, Life
from monitor.app.distributed.scoring import CommitRequest, Scoring, Settle
from monitor.app.distributed.worker import LivingWorker, OnSeam, Pace, Seam, Watch
from monitor.clock import SECOND_MS, Clock
from monitor.delivery.crashes import UNTROUBLED, CrashNote, Way
from monitor.delivery.metadata import ScoreCommit, decode_score, encode_score
from monitor.delivery.shape import Owner, check_shapes
from monitor.domain.document import DeadLetterReason, FeedRecord, InputPartition
from monitor.domain.streams import Stream
from monitor.errors import ExitCode, MonitorError, StateError, TransientError
from monitor.logs import event
from monitor.operators.intake import Run
from monitor.operators.watermark import PartitionState
from monitor.roles import score_snapshot
from monitor.roles.score import ScoreRole
from monitor.transports.kafka_errors import MembershipError
from monitor.transports.kafka_feed import KafkaFeed
from monitor.transports.kafka_member import Committed
from monitor.transports.kafka_membership import Change, Event
from monitor.transports.kafka_streams import KafkaPublisher

logger = logging.getLogger(__name__)

JOIN_SECONDS = 5.0
"""For the scoring thread to end: a batch in hand may take so long."""

MakeScore = Callable[[int], ScoreRole]
"""Builds the role, for so many partitions of `sentiment.scored`."""


PIECE_RECORDS = 64
"""Handed over at once: a model on one core takes a second for so many, and only between two pieces is progress told,
committed, or a partition handed over."""

CAREFUL_RECORDS = 32
"""Read at once while records go one by one: each costs two commits, and polls must not be forgotten over them."""


class AllStopped(MonitorError):
    """Every input gave too many unusable records: the role stops."""

    exit_code = ExitCode.TOO_MANY_UNUSABLE


class ScoreWorker(LivingWorker):
    """Reads feeds for the score role."""

    def __init__(
        self,
        cluster: Cluster,
        make: MakeScore,
        pace: Pace,
        clock: Clock,
        watch: Watch,
        on_seam: OnSeam,
        *,
        max_record_bytes: int,
        max_pending: int,
        maintain: Callable[[], None] = lambda: None,
    ) -> None:
        """`maintain` is called in the scoring thread after each cut: the watchlist is looked at there."""
        super().__init__(RoleName.SCORE, clock, watch)
        self._cluster = cluster
        self._make = make
        self._pace = pace
        self._on_seam = on_seam
        self._max_record_bytes = max_record_bytes
        self._max_pending = max_pending
        # Reading on for every text that was scored would cost a poll for a handful of records.
        self._least_room = max(1, min(pace.poll_records, max_pending // 2))
        self._maintain = maintain

    def _live(self) -> None:
        with ExitStack() as open_things:
            life = self._open(open_things)
            looks = self._lag_looks()
            while not self._lives.is_closing:
                self._watch.beat(self.role)
                self._step(life)
                self._tell_brokers(life.member, looks, lambda: self._tell_lag(life))
                self._end_if_all_stopped(life)
            if not self._settle(life, life.inputs.keys(), self._pace.handover_ms * 3):
                raise TransientError("what was in hand was not finished and committed before the end")
            self._end_well(life, life.inputs)

    def _open(self, open_things: ExitStack) -> Life:
        cluster, clock = self._cluster, self._clock
        scored = cluster.shapes()[cluster.topic(Stream.SCORED)]
        sender = cluster.sender(clock)
        open_things.callback(sender.close)
        member = cluster.input_member(clock)
        open_things.callback(member.close)
        role = self._make(scored.partitions)
        publisher = KafkaPublisher(sender, cluster.topic)

        def on_cut() -> None:
            self._watch.advanced(self.role, [role])
            self._maintain()

        scoring = Scoring(role, publisher, self._pace, clock, self._on_seam, self._max_pending, on_cut)
        open_things.callback(lambda: scoring.close(JOIN_SECONDS))
        # What is new is begun in `_follow`, after what went has been settled.
        feed = KafkaFeed(member, self._max_record_bytes, begins=lambda partitions: None)
        scoring.start()
        return Life(member, feed, scoring, scored, self._lag_looks())

    def _step(self, life: Life) -> None:
        scoring = life.scoring
        self._pause(life)
        wanted = min(scoring.room, self._pace.poll_records, CAREFUL_RECORDS if life.is_careful else scoring.room)
        records = life.feed.poll(max(1, wanted))
        self._raise_failure(life)
        self._follow(life, life.feed.take_events())
        scoring.existing = life.feed.partitions
        backlog = {record.source_partition for record in life.backlog}
        scoring.behind = frozenset(one for one in life.inputs if one in backlog or life.feed.has_more(one))
        ours = [record for record in records if record.source_partition in life.inputs]
        self._watch.read(ours)
        for record in ours:
            life.inputs[record.source_partition].written_ms = record.arrival_ms
        self._admit(life, ours)
        self._serve(life, scoring.take_request())

    def _tell_lag(self, life: Life) -> None:
        for source, (_, end) in life.member.bounds(list(life.inputs)).items():
            held = life.inputs[source]
            # What is in hand waits too, until it is committed.
            self._watch.lag(self.role, source, end - held.position, held.written_ms)

    def _pause(self, life: Life) -> None:
        """Nothing is read while there is little room, nor of what is stopped, nor of what is far ahead of others."""
        view, owned = life.scoring.view, frozenset(life.inputs)
        is_full = life.scoring.room < self._least_room or bool(life.backlog)
        wanted = set(owned if is_full else (view.stopped | view.ahead) & owned)
        for source in wanted - life.paused:
            life.feed.pause(source)
        for source in life.paused - wanted:
            life.feed.resume(source)
        life.paused = wanted

    def _end_if_all_stopped(self, life: Life) -> None:
        """Raises: AllStopped: no input is read any more, by us or by any other process."""
        if not life.inputs or not life.inputs.keys() <= life.scoring.view.stopped:
            return
        others = [one for one in life.feed.partitions if one not in life.inputs]
        if others and not life.asks_others.is_now():
            return
        life.asks_others.done()
        life.asks_others.count(1)
        if all(self._is_stopped(source, stored) for source, stored in life.member.committed(others).items()):
            raise AllStopped("every input was stopped for too many unusable records; mend the feeds, and start again")

    def _is_stopped(self, source: InputPartition, stored: Committed | None) -> bool:
        """Whether its owner has committed that it is stopped."""
        if stored is None:
            return False
        try:
            commit = decode_score(stored.metadata, Owner(self.role.value, source), stored.offset)
        except StateError:
            return False  # whoever reads it says so
        return score_snapshot.restore({str(source): commit.state})[source].run.is_stopped

    def _follow(self, life: Life, events: Sequence[Event]) -> None:
        for change in events:
            self._watch.rebalanced(self.role, change.change, len(change.partitions))
            event(
                logger,
                f"partitions_{change.change.value}",
                role=self.role.value,
                partitions=[str(one) for one in change.partitions],
            )
            match change.change:
                case Change.ASSIGNED:
                    self._begin(life, change.partitions)
                case Change.REVOKED:
                    gone = [one for one in change.partitions if one in life.inputs]
                    if self._settle(life, gone, self._pace.handover_ms):
                        self._end_well(life, gone)
                    life.forget(gone)
                case Change.LOST:
                    lost = Settle(frozenset(change.partitions) & life.inputs.keys(), commits=False)
                    life.leaving.append(lost)
                    life.scoring.put(lost)
                    life.forget(change.partitions)
        if events:
            self._watch.owns(self.role, list(life.inputs))

    def _begin(self, life: Life, partitions: Iterable[InputPartition]) -> None:
        ours = [one for one in partitions if one in life.member.owned]
        begun: dict[InputPartition, PartitionState] = {}
        for source, stored in life.member.committed(ours).items():
            owner = Owner(self.role.value, source)
            shapes = (life.member.shape(source.kafka_topic), life.scored)
            try:
                if stored is None:
                    position = life.member.begin(source)
                    state = PartitionState(position, position, position)
                    found = Input(life.member.owned[source], position, _encoded(source, state), UNTROUBLED, shapes)
                else:
                    commit = decode_score(stored.metadata, owner, stored.offset)
                    check_shapes(owner, commit.shapes, {shape.kafka_topic: shape for shape in shapes})
                    state = score_snapshot.restore({str(source): commit.state})[source]
                    # Whoever starts again after an input was stopped has mended it, or wants to see it stop again.
                    state.run = Run()
                    found = Input(life.member.owned[source], commit.position, commit.state, commit.crashes, shapes)
                    life.member.begin(source, commit.position)
            except MembershipError as exc:
                event(logger, "partition_went", level=logging.WARNING, partition=str(source), reason=str(exc))
                continue
            life.inputs[source] = found
            begun[source] = state
        if begun:
            life.scoring.put(begun)

    def _settle(self, life: Life, partitions: Iterable[InputPartition], limit_ms: int) -> bool:
        """Finish and commit what is in hand, and let partitions go; False when it took too long and was given up."""
        settle = Settle(frozenset(partitions) & life.inputs.keys(), commits=True)
        life.scoring.put(settle)
        until = self._clock.monotonic_seconds() + limit_ms / SECOND_MS
        while not settle.done.is_set():
            self._raise_failure(life)
            self._watch.beat(self.role)
            self._serve(life, life.scoring.take_request(0.02))
            if self._clock.monotonic_seconds() > until:
                event(logger, "handover_given_up", level=logging.WARNING, role=self.role.value, after_ms=limit_ms)
                break
        self._serve(life, life.scoring.take_request())
        if not settle.done.is_set():
            life.leaving.append(settle)
        return settle.done.is_set()

    def _serve(self, life: Life, request: CommitRequest | None) -> None:
        """Commit what scoring asks for, of what is ours without a break since it was computed."""
        if request is None:
            return
        started = self._clock.monotonic_seconds()
        self._on_seam(self.role, Seam.SNAPSHOT_WRITTEN)
        due: dict[InputPartition, ScoreCommit] = {}
        for source, (position, state) in request.states.items():
            held = life.inputs.get(source)
            if held is not None and position > held.position and not life.is_leaving(source):
                note = held.note.passed()
                due[source] = ScoreCommit(Owner(self.role.value, source), position, state, held.shapes, note)
        if due and self._send(life, due):
            request.committed = frozenset(due)
            self._watch.committed(self.role, self._clock.monotonic_seconds() - started)
            self._on_seam(self.role, Seam.COMMITTED)
        request.answered.set()

    def _send(self, life: Life, due: dict[InputPartition, ScoreCommit]) -> bool:
        """Commit, and remember it; False when the group has moved on."""
        positions = {source: Committed(commit.position, encode_score(commit)) for source, commit in due.items()}
        assignments = {source: life.inputs[source].assignment for source in due}
        try:
            life.member.commit(positions, assignments, self._pace.commit_timeout_ms / SECOND_MS)
        except MembershipError as exc:
            event(logger, "commit_refused", level=logging.WARNING, role=self.role.value, reason=str(exc))
            return False
        for source, commit in due.items():
            held = life.inputs[source]
            held.position, held.state, held.note = commit.position, commit.state, commit.crashes
        return True

    def _note(self, life: Life, source: InputPartition, note: CrashNote) -> bool:
        """Make a note durable where the partition is committed."""
        held = life.inputs[source]
        return self._send(
            life, {source: ScoreCommit(Owner(self.role.value, source), held.position, held.state, held.shapes, note)}
        )

    def _admit(self, life: Life, records: Sequence[FeedRecord]) -> None:
        """Put records, each partition's first after its note says so; one by one where deaths call for it.

        What cannot be noted, because the group is moving, waits for the next turn.
        """
        waiting, life.backlog = [*life.backlog, *records], []
        for source in dict.fromkeys(record.source_partition for record in waiting):
            held = life.inputs[source]
            if not held.has_arrived:
                # More than lies between two commits, so that the one that kills is among them.
                stretch = self._pace.commit_records + self._max_pending + self._pace.poll_records
                if not self._note(life, source, held.note.arrived(stretch)):
                    life.backlog = waiting
                    return
                held.has_arrived = True
        if not life.is_careful:
            pieces = range(0, len(waiting), PIECE_RECORDS)
            life.scoring.put(*(waiting[start : start + PIECE_RECORDS] for start in pieces))
            return
        for number, record in enumerate(waiting):
            if not self._one(life, record):
                life.backlog = waiting[number:]
                return

    def _one(self, life: Life, record: FeedRecord) -> bool:
        """A record by itself: nothing else is in hand in this role while it is. False: not now."""
        source = record.source_partition
        self._settle_all(life)
        held = life.inputs[source]
        match held.note.way(record.offset):
            case Way.CRASHED:
                event(logger, "record_crashed", level=logging.ERROR, place=f"{source}@{record.offset}")
                record = record._replace(fault=DeadLetterReason.CRASHED)
            case Way.ALONE:
                if not self._note(life, source, held.note.marked(record.offset)):
                    return False
            case Way.TOGETHER:
                pass
        life.scoring.put([record])
        self._settle_all(life)
        return True

    def _settle_all(self, life: Life) -> None:
        if not self._settle(life, (), self._pace.handover_ms * 3):
            raise TransientError("what was in hand was not finished in time")

    def _end_well(self, life: Life, sources: Iterable[InputPartition]) -> None:
        """Nothing is in hand: whoever reads next need not think that this run died."""
        due = {}
        for source in sources:
            held = life.inputs[source]
            if held.has_arrived:
                owner = Owner(self.role.value, source)
                due[source] = ScoreCommit(owner, held.position, held.state, held.shapes, held.note.ended())
        if due:
            self._send(life, due)

    def _raise_failure(self, life: Life) -> None:
        if life.scoring.failure is not None:
            raise life.scoring.failure


def _encoded(source: InputPartition, state: PartitionState) -> bytes:
    return score_snapshot.snapshot({source: state})[str(source)] or b""
