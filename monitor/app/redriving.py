"""`monitor dead-letters redrive`: sends records to their input again, each once, however often that is asked for.

    read all letters -> choose -> send -> acknowledged -> mark -> acknowledged -> the next lot

Whoever dies between send and mark leaves letters that will be sent a second time. That is harmless: a document's id
comes from its content, and the second is a repeat.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from monitor.app.letters import check_position, open_letters, unknown
from monitor.clock import Clock
from monitor.config import Config
from monitor.delivery.deadletters import StoredLetter, redriven_mark, redriven_record
from monitor.delivery.redrive import WORTH_SENDING, Entry, RedrivePlan, Wanted, plan_redrive
from monitor.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from monitor.transports.kafka_admin import KafkaAdmin
    from monitor.transports.kafka_letters import KafkaLetters
    from monitor.transports.kafka_sender import KafkaSender

OnSent = Callable[[], None]

LOT_LETTERS, LOT_BYTES = 500, 8 << 20
"""Sent before they are marked: so many a crash sends again at most, and so much lies in memory."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """What is to be sent again.

    Attributes:
        wanted: by position, by reason, or, with neither, every reason that lies outside the record.
        dry_run: only tell. force: also what killed the process, where it is not named by position.
    """

    wanted: Wanted
    dry_run: bool = False
    force: bool = False


def redrive_letters(
    config: Config, redrive: Redrive, say: TextIO, clock: Clock, on_sent: OnSent = lambda: None
) -> ExitCode:
    """Send letters again and say what was done with each. `on_sent`: between sending a lot and marking it.

    Raises: ConfigError: a position has no letter, or one that cannot be sent; nothing was sent. DependencyError.
    """
    wanted = redrive.wanted
    for position in sorted(wanted.positions or ()):
        check_position(position)
    if config.kafka.bootstrap is None:
        raise ConfigError(
            "kafka.bootstrap: records are sent again on Kafka; a file's are mended in the file, and replayed from it"
        )
    if wanted.positions is None and wanted.reasons is None:
        wanted = replace(wanted, reasons=WORTH_SENDING)
    with open_letters(config, clock) as (cluster, admin, letters):
        chosen = [one for one in letters.shelf().entries() if wanted.takes(one)]
        plan = plan_redrive(chosen, with_crashed=redrive.force or wanted.positions is not None)
        placed, homeless = _place(plan.send, admin)
        if wanted.positions is not None:
            _check_named(wanted.positions, chosen, plan, homeless)
        if redrive.dry_run:
            for entry in placed:
                print(f"would send {entry.position} again", file=say)
            told = f"{len(placed):,} would be sent again"
        else:
            sender = cluster.sender(clock)
            try:
                told = f"{_send(letters, sender, placed, say, on_sent):,} sent again"
            finally:
                sender.close()
    print("; ".join([told, *_left(plan, homeless)]), file=say)
    return ExitCode.DONE


def _place(entries: Sequence[Entry], admin: "KafkaAdmin") -> tuple[list[Entry], list[Entry]]:
    """Those whose input partition is still there, and those whose is not."""
    shapes = admin.shapes({one.letter.source_partition.kafka_topic for one in entries})
    placed: list[Entry] = []
    homeless: list[Entry] = []
    for one in entries:
        source = one.letter.source_partition
        there = shapes.get(source.kafka_topic)
        (homeless if there is None or source.partition >= there.partitions else placed).append(one)
    return placed, homeless


def _check_named(
    positions: Iterable[str], chosen: Iterable[Entry], plan: RedrivePlan, homeless: Iterable[Entry]
) -> None:
    """A position that is named and cannot be sent is a mistake, and not passed over."""
    missing = sorted(set(positions) - {one.position for one in chosen})
    if missing:
        raise unknown(", ".join(missing))
    for one in plan.cut:
        raise ConfigError(
            f"POSITION: the bytes of {one.position} were not kept whole; have whoever wrote it send it again, and "
            "raise kafka.max_record_bytes to keep such records"
        )
    for one in homeless:
        raise ConfigError(
            f"POSITION: {one.letter.source_partition}, where {one.position} stood, is gone; have whoever writes the "
            "feed send the record to where it is read now"
        )


def _send(
    letters: "KafkaLetters", sender: "KafkaSender", entries: Sequence[Entry], say: TextIO, on_sent: OnSent
) -> int:
    """Lot after lot; how many there were."""
    lot: list[StoredLetter] = []
    count = size = 0
    for _, stored in letters.whole(entries):
        lot.append(stored)
        count += 1
        size += len(stored.original.value)
        if len(lot) >= LOT_LETTERS or size >= LOT_BYTES:
            _send_lot(letters, sender, lot, say, on_sent)
            lot, size = [], 0
    if lot:
        _send_lot(letters, sender, lot, say, on_sent)
    return count


def _send_lot(
    letters: "KafkaLetters", sender: "KafkaSender", lot: Sequence[StoredLetter], say: TextIO, on_sent: OnSent
) -> None:
    from monitor.transports.kafka_sender import OutRecord

    receipts = []
    for stored in lot:
        source, record = stored.letter.source_partition, redriven_record(stored)
        out = OutRecord(source.kafka_topic, source.partition, record.key, record.value or b"", record.headers)
        receipts.append(sender.append_traced(out))
    sender.flush()
    on_sent()
    said = []
    for stored, receipt in zip(lot, receipts, strict=True):
        source = stored.letter.source_partition
        went = f"{source}@{'?' if receipt.offset is None else receipt.offset}"
        said.append(f"sent {source}@{stored.letter.offset} again: now {went}")
        mark = redriven_mark(stored.letter, went)
        place = letters.place_of((mark.key or b"").decode())
        sender.append(OutRecord(place.kafka_topic, place.partition, mark.key, mark.value or b"", mark.headers))
    sender.flush()
    for line in said:
        print(line, file=say)


def _left(plan: RedrivePlan, homeless: Sequence[Entry]) -> list[str]:
    """Why the others that were asked for are left."""
    reasons: tuple[tuple[Sequence[Entry], str], ...] = (
        (plan.sent_before, "sent before"),
        (plan.cut, "not kept whole"),
        (homeless, "of a partition that is gone"),
        (plan.crashed, "left, because they killed the process (--force sends them)"),
    )
    return [f"{len(entries):,} {why}" for entries, why in reasons if entries]
