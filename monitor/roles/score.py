"""Score: from bytes of a feed to one scored document for each topic that it names. Pure for each record.

Order of events, for each record in its partition's order:
    parse -> is the date believed? -> watermark and effective time -> tag -> sign -> batch -> score -> repartition
What is in hand is finished by `cut`, which announces the progress of every partition; commits fall only on cuts.
A document that cannot be scored is dead-lettered when its batch comes back: it is taken back from the volumes, which
are told only at cuts, and from its intake run, which is judged only when that can no longer change the judgement.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from monitor.clock import Laps
from monitor.domain.document import DeadLetter, DeadLetterReason, Document, FeedRecord, InputPartition, ScoredDocument
from monitor.domain.progress import NO_TIME_MS, Progress, SourceState
from monitor.domain.streams import Output, Stream
from monitor.domain.topics import TopicId, TopicMatch
from monitor.operators.batching import Batcher, FlushReason, Poison
from monitor.operators.intake import IntakeGuard
from monitor.operators.leap import Judged, LeapGuard
from monitor.operators.parse import ParseLimits, parse
from monitor.operators.signature import signatures
from monitor.operators.watermark import PartitionState, PartitionWatermark
from monitor.ports import Score, ScoreRequest, Tags

HEADLINE_CHARS = 200
"""What a person needs to recognise a story; longer ones only fill the log."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """What the role needs of the configuration.

    Attributes:
        as_of_ms: the moment of knowledge: what arrived later is not known yet, and where no arrival is known a document
            cannot have been said later. None: live.
        from_ms, to_ms: documents said outside [from, to) are left out, and counted.
        partitions: of `sentiment.scored`; partition_of: the partition of a topic.
        forgets_at_commits: the scorer forgets its answers with each commit, so that whoever goes on from there asks it
            the same; for a replay, because a live run repeats no bytes and gains by a long memory.
    """

    limits: ParseLimits
    max_out_of_orderness_ms: int
    max_leap_ms: int
    max_lead_ms: int
    idle_after_ms: int
    as_of_ms: int | None
    from_ms: int | None
    to_ms: int | None
    partitions: int
    partition_of: Callable[[TopicId], int]
    forgets_at_commits: bool = False


@dataclass(slots=True)
class Read:
    """A document on its way, with its record; `run` numbers the intake runs of its input, `watchlist` tagged it."""

    record: FeedRecord
    document: Document
    effective_ms: int = 0
    run: int = 0
    watchlist: str = ""
    matches: tuple[TopicMatch, ...] = ()
    signature: bytes = b""


class ScoreRole:
    """Turns feed records into scored documents, dead letters and progress."""

    def __init__(
        self,
        batcher: Batcher[Read],
        tags: Tags,
        scorer_name: str,
        settings: ScoreSettings,
        intake: IntakeGuard,
        known: Iterable[InputPartition],
        states: dict[InputPartition, PartitionState],
        laps: Laps | None = None,
    ) -> None:
        self._batcher = batcher
        self._tags = tags
        self._scorer_name = scorer_name
        self._settings = settings
        self._intake = intake
        self._laps = laps or Laps()
        self._known: tuple[InputPartition, ...] = ()
        self._partitions: dict[InputPartition, PartitionWatermark] = {}
        self._guards: dict[InputPartition, LeapGuard[Read]] = {}
        self._last_read_ms: dict[InputPartition, int] = {}
        for source in known:
            self.assign(source, states.get(source, PartitionState()))
        self.know(self._partitions)
        self._accepted: list[Read] = []
        self._outputs: list[Output] = []
        self._runs: Counter[InputPartition] = Counter()
        self._now_ms = 0
        self.counts: Counter[str] = Counter()
        self.dead: Counter[DeadLetterReason] = Counter()
        self.roles_matched: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        """Pairs since it was last cleared that the scorer marked, by mark."""
        self.flushes: list[tuple[FlushReason, int]] = []
        """Batches since it was last read and cleared: why each was closed, and its pairs."""
        batcher.on_batch = lambda reason, pairs: self.flushes.append((reason, pairs))

    @property
    def states(self) -> dict[InputPartition, PartitionState]:
        """What a commit carries for each partition; call only right after `cut`."""
        return {source: watermark.state for source, watermark in self._partitions.items()}

    def positions(self) -> dict[InputPartition, int]:
        """Exclusive positions that may be committed; call only right after `cut`."""
        return {source: watermark.state.position for source, watermark in self._partitions.items()}

    def know(self, known: Iterable[InputPartition]) -> None:
        """Every input partition that exists, whoever reads it: readers wait for all of them."""
        self._known = tuple(known)

    def assign(self, source: InputPartition, state: PartitionState) -> None:
        """Read a partition from its committed state on."""
        self._partitions[source] = PartitionWatermark(source, self._settings.max_out_of_orderness_ms, state)
        self._guards[source] = LeapGuard(self._settings.max_leap_ms, state.believed_ms)
        self._last_read_ms.pop(source, None)

    def revoke(self, source: InputPartition) -> None:
        """Somebody else reads a partition from now on; call only right after `cut`."""
        del self._partitions[source], self._guards[source]

    def handle(self, records: Sequence[FeedRecord], now_ms: int) -> list[Output]:
        """Take records, in order within each partition; give whatever is finished by now."""
        self._now_ms = now_ms
        self._laps.start()
        self._parse(records, now_ms)
        self._laps.lap("parse", len(records))
        self._tag_and_sign(now_ms)
        self._finish(self._batcher.due(now_ms))
        return self._take_outputs()

    def end(self, source: InputPartition) -> bool:
        """A partition has ended: what waits for followers is judged, and nobody waits for it. Whether that was news."""
        state = self._partitions[source].state
        if state.state is SourceState.ENDED:
            return False
        guard = self._guards[source]
        self._judge(guard.finish())
        state.believed_ms = guard.believed_ms
        state.position = max(state.position, state.read_position)
        state.state = SourceState.ENDED
        return True

    def cut(self, now_ms: int, behind: Container[InputPartition] = ()) -> list[Output]:
        """Finish what is in hand and announce progress; afterwards a commit may fall on the announced positions.

        Args:
            behind: partitions that are known to hold more: they are not idle, however long they gave nothing.
        """
        self._now_ms = now_ms
        self._mark_idle(now_ms, behind)
        self._tag_and_sign(now_ms)
        self._finish(self._batcher.flush(FlushReason.CUT))
        told = tuple(watermark.progress() for watermark in self._partitions.values())
        progress = Progress(self._known, told, now_ms)
        for partition in range(self._settings.partitions):
            self._outputs.append(Output(Stream.SCORED, progress, partition))
        return self._take_outputs()

    def committed(self, sources: Iterable[InputPartition] | None = None) -> None:
        """The positions of the last cut were committed: of these partitions, or of all."""
        for source in self._partitions if sources is None else sources:
            self._partitions[source].committed()
        if self._settings.forgets_at_commits:
            self._batcher.forget()

    def running_ahead(self) -> set[InputPartition]:
        """Partitions to pause for a while, because the slowest active one is far behind them."""
        active = {s: w for s, w in self._partitions.items() if w.state.state is SourceState.ACTIVE}
        slowest_ms = min((watermark.watermark_ms for watermark in active.values()), default=NO_TIME_MS)
        return {s for s, w in active.items() if w.watermark_ms > slowest_ms + self._settings.max_lead_ms}

    def watermarks(self) -> dict[InputPartition, int]:
        """W of each input partition."""
        return {source: watermark.watermark_ms for source, watermark in self._partitions.items()}

    def source_states(self) -> dict[InputPartition, SourceState]:
        """Whether each input partition is active, idle or at its end."""
        return {source: watermark.state.state for source, watermark in self._partitions.items()}

    def stopped(self) -> set[InputPartition]:
        """Inputs that gave too many unusable records: they are to be paused, and nobody waits for them."""
        return {source for source, watermark in self._partitions.items() if watermark.state.run.is_stopped}

    def _take_outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _parse(self, records: Sequence[FeedRecord], now_ms: int) -> None:
        limits, as_of_ms = self._settings.limits, self._settings.as_of_ms
        self.counts["read"] += len(records)
        has_bounds = as_of_ms is not None or self._settings.from_ms is not None or self._settings.to_ms is not None
        for record in records:
            source = record.source_partition
            guard, state = self._guards[source], self._partitions[source].state
            if state.run.is_stopped:
                continue  # what was read together with the record that stopped it is as if it had not been read
            parsed = parse(record, limits)
            if isinstance(parsed, DeadLetter):
                self._dead_letter(parsed)
            elif has_bounds and self._is_outside(parsed):
                self.counts["outside"] += 1
                self._count(source, is_usable=True)
            else:
                event_ms, observed_ms = parsed.event_time_ms, parsed.observed_ms
                is_bounded = observed_ms is not None
                seen_ms = event_ms if observed_ms is None else min(event_ms, observed_ms)
                read = Read(record, parsed)
                if not is_bounded and as_of_ms is not None and event_ms > as_of_ms + limits.max_future_ms:
                    self._far_future(read, "said after the moment of knowledge (--as-of)")
                elif guard.believes(seen_ms, is_bounded=is_bounded):
                    self._accept(read)
                else:
                    self._judge(guard.add(seen_ms, read, is_bounded=is_bounded))
                state.believed_ms = guard.believed_ms
            state.state = SourceState.ACTIVE
            state.read_position = record.next_offset
            held = guard.first_held
            state.position = record.next_offset if held is None else held.record.offset
        for source in {record.source_partition for record in records}:
            self._last_read_ms[source] = now_ms

    def _is_outside(self, document: Document) -> bool:
        """Whether the person who replays asked to leave it out."""
        settings, observed_ms = self._settings, document.observed_ms
        return (
            (settings.from_ms is not None and document.event_time_ms < settings.from_ms)
            or (settings.to_ms is not None and document.event_time_ms >= settings.to_ms)
            or (settings.as_of_ms is not None and observed_ms is not None and observed_ms > settings.as_of_ms)
        )

    def _judge(self, judged: Iterable[Judged[Read]]) -> None:
        for verdict in judged:
            if verdict.is_far_future:
                self._far_future(verdict.item, "far ahead of all records around it: give observed_at, or mend the date")
            else:
                self._accept(verdict.item)

    def _accept(self, read: Read) -> None:
        document, source = read.document, read.record.source_partition
        watermark = self._partitions[source]
        read.effective_ms, is_late = watermark.read(document.event_time_ms, document.observed_ms, document.source)
        read.run = self._runs[source]
        self.counts["late"] += is_late
        self._accepted.append(read)
        self._count(source, is_usable=True)

    def _far_future(self, read: Read, detail: str) -> None:
        detail = f"published_at {read.document.event_time_ms} ms is {detail}"
        self._dead_letter(DeadLetter.of(read.record, DeadLetterReason.FAR_FUTURE, detail))

    def _dead_letter(self, letter: DeadLetter) -> None:
        self._send_letter(letter)
        self._count(letter.source_partition, is_usable=False)

    def _send_letter(self, letter: DeadLetter) -> None:
        self.dead[letter.reason] += 1
        self._outputs.append(Output(Stream.DEAD_LETTER, letter))

    def _count(self, source: InputPartition, *, is_usable: bool) -> None:
        """Count a record of an input in its turn, and judge its run at the last one."""
        run = self._partitions[source].state.run
        if not self._intake.count(run, is_usable=is_usable):
            return
        self._laps.lap("parse")
        self._tag_and_sign(self._now_ms)
        number = self._runs[source]
        undecided = sum(one.run == number and one.record.source_partition == source for one in self._batcher)
        if self._intake.turns_on(run, undecided):
            self._finish(self._batcher.flush(FlushReason.INTAKE))
        self._intake.judge(run)
        self._runs[source] += 1

    def _poison(self, read: Read, target: str) -> None:
        """A document that cannot be scored: it was counted as usable, and is not."""
        source = read.record.source_partition
        watermark = self._partitions[source]
        watermark.take_back(read.effective_ms, read.document.source)
        # A run before the present one was judged when this could no longer change the judgement.
        if read.run == self._runs[source]:
            self._intake.recant(watermark.state.run)
        # Without the scorer's own words, which name what else was in the batch: a resumed run must give these bytes.
        asked = f"for the target {target!r}" if target else "as a whole"
        detail = f"text: the scorer cannot read it {asked}; the log says why"
        self._send_letter(DeadLetter.of(read.record, DeadLetterReason.POISON, detail))

    def _tag_and_sign(self, now_ms: int) -> None:
        """Tag what was accepted, sign what is watched, and hand it to the batcher."""
        accepted, self._accepted = self._accepted, []
        if not accepted:
            return
        watched: list[Read] = []
        tag, watchlist = self._tags.tag, self._tags.watchlist
        for read in accepted:
            read.matches = tag(read.document)
            if read.matches:
                read.watchlist = watchlist
                watched.append(read)
        self.counts["unwatched"] += len(accepted) - len(watched)
        self._laps.lap("tag", len(accepted))
        readings = [read.document.reading for read in watched]
        for read, signature in zip(watched, signatures(readings), strict=True):
            read.signature = signature
        self._laps.lap("sign", len(watched))
        for read, reading in zip(watched, readings, strict=True):
            lang = read.document.lang
            requests = [ScoreRequest(reading, match.target, lang) for match in read.matches]
            self._finish(self._batcher.add(read, requests, now_ms))
        self._laps.lap("score", len(watched))

    def _finish(self, scored: Sequence[tuple[Read, list[Score] | Poison]]) -> None:
        """Repartition: one scored document for each topic that the document names."""
        self._laps.lap("score")
        # Counted by value: an enum's hash is a Python function, and this runs for each match.
        roles = self.roles_matched
        for read, scores in scored:
            if isinstance(scores, Poison):
                self._poison(read, scores.request.target)
                continue
            document, record = read.document, read.record
            headline = (document.title or document.reading)[:HEADLINE_CHARS]
            self.counts["scored"] += 1
            self.counts["pairs"] += len(scores)
            for match, score in zip(read.matches, scores, strict=True):
                roles[match.role._value_] += 1
                if score.marks:
                    self.marks.update(score.marks)
                value = ScoredDocument(
                    document.id,
                    match.topic_id,
                    document.event_time_ms,
                    read.effective_ms,
                    document.source,
                    document.author,
                    document.url,
                    headline,
                    document.lang,
                    match.role,
                    match.of_topics,
                    score.sentiment,
                    score.risk,
                    score.cues,
                    read.signature,
                    self._scorer_name,
                    read.watchlist,
                    record.source_partition,
                    record.offset,
                )
                self._outputs.append(Output(Stream.SCORED, value, self._settings.partition_of(match.topic_id)))
        self._laps.lap("repartition", len(scored))

    def _mark_idle(self, now_ms: int, behind: Container[InputPartition]) -> None:
        """A partition that gave nothing for a while no longer holds the readers back."""
        paused = self.running_ahead()
        for source, watermark in self._partitions.items():
            if source in paused or source in behind:
                # It is we who do not read it: it is not idle, and has the whole time again once it may speak.
                self._last_read_ms[source] = now_ms
            last_ms = self._last_read_ms.setdefault(source, now_ms)
            if watermark.state.state is SourceState.ACTIVE and now_ms - last_ms >= self._settings.idle_after_ms:
                watermark.state.state = SourceState.IDLE


def only_partition(topic_id: TopicId) -> int:
    """The partition of every topic where there is one partition: embedded."""
    return 0
