"""`monitor dead-letters list|show`: what could not be used, told to people and scripts.

On Kafka the letters are whole, and stay for `kafka.dead_letter_retention`. Without Kafka, or where a store is named,
they are those of the history, which has the first bytes of the newest of each input and no time. Sending them again is
in `redriving`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from monitor.app.letter_forms import Header, fields_of, json_line, line_of, page_fields_of, page_of
from monitor.app.states import open_cluster
from monitor.clock import Clock
from monitor.config import Config
from monitor.delivery.redrive import Entry, Shelf, Wanted
from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason, Original
from monitor.domain.streams import Stream
from monitor.errors import ConfigError, DependencyError, ExitCode
from monitor.storage.history import History
from monitor.storage.retention import DEAD_LETTERS_KEPT

if TYPE_CHECKING:
    from monitor.app.distributed.cluster import Cluster
    from monitor.transports.kafka_admin import KafkaAdmin
    from monitor.transports.kafka_letters import KafkaLetters

_POSITION = re.compile(r".+/\d+@\d+")


def list_letters(
    config: Config, wanted: Wanted, say: TextIO, clock: Clock, *, limit: int | None, as_json: bool, store: Path | None
) -> ExitCode:
    """One line for each letter, the oldest first; the newest `limit` of them. Raises: ConfigError, DependencyError."""
    path = _store_of(config, store)
    if path is None:
        with open_letters(config, clock) as (_, _, letters):
            entries = letters.shelf().entries()
    elif wanted.since_ms is not None:
        raise ConfigError("--since: the history keeps no time of a dead letter; leave it out, or ask Kafka's")
    else:
        entries = [_entry(letter) for letter in _stored(path)]
    chosen = [one for one in entries if wanted.takes(one)]
    for entry in chosen if limit is None else chosen[max(0, len(chosen) - limit) :]:
        print(json_line(fields_of(entry)) if as_json else line_of(entry), file=say)
    return ExitCode.DONE


def show_letter(
    config: Config, position: str, say: TextIO, clock: Clock, *, as_json: bool, store: Path | None
) -> ExitCode:
    """Everything about one letter. Raises: ConfigError: there is none at this position. DependencyError."""
    check_position(position)
    path = _store_of(config, store)
    if path is None:
        entry, original, headers = _on_kafka(config, position, clock)
    else:
        entry, original, headers = _in_history(path, position)
    if as_json:
        print(json_line(page_fields_of(entry, original, headers)), file=say)
    else:
        print(page_of(entry, original, headers), file=say)
    return ExitCode.DONE


def check_position(position: str) -> None:
    """Raises: ConfigError: this names no record of an input."""
    if not _POSITION.fullmatch(position):
        raise ConfigError(f"POSITION: {position!r} names no record; write it as feeds.news/2@4711, as the list does")


def unknown(position: str) -> ConfigError:
    """What is said of a position without a letter."""
    return ConfigError(
        f"POSITION: there is no dead letter {position}; monitor dead-letters list names those there are, and one that "
        "is older than kafka.dead_letter_retention is gone"
    )


@contextmanager
def open_letters(config: Config, clock: Clock) -> "Iterator[tuple[Cluster, KafkaAdmin, KafkaLetters]]":
    """The cluster, its administrator, and the dead-letter topic. Raises: ConfigError, DependencyError."""
    cluster, admin = open_cluster(config, clock)
    # Here, because the slim set has no client for it.
    from monitor.transports.kafka_letters import KafkaLetters

    try:
        name = cluster.topic(Stream.DEAD_LETTER)
        shapes = admin.shapes([name])
        if name not in shapes:
            raise DependencyError(
                f"there is no Kafka topic {name}; make ours with: monitor topics --create --config FILE"
            )
        letters = KafkaLetters(cluster.access, name, shapes[name].partitions, clock)
        try:
            yield cluster, admin, letters
        finally:
            letters.close()
    finally:
        admin.close()


def _on_kafka(config: Config, position: str, clock: Clock) -> tuple[Entry, Original, list[Header]]:
    from monitor.transports.kafka_letters import as_record, letter_in

    with open_letters(config, clock) as (_, _, letters):
        records = letters.records_of(position)
    shelf = Shelf()
    for one in records:
        shelf.add(one.source, one.offset, one.timestamp_ms, as_record(one))
    stored = letter_in(records)
    if stored is None:
        raise unknown(position)
    (entry,) = shelf.entries()
    letter = next(one for one in records if one.offset == entry.at)
    mark = () if entry.sent_to is None else (("redriven_to", entry.sent_to.encode()),)
    return entry, stored.original, [*letter.headers, *mark]


def _in_history(path: Path, position: str) -> tuple[Entry, Original, list[Header]]:
    for letter in _stored(path):
        entry = _entry(letter)
        if entry.position == position:
            told = [("reason", letter.reason.value.encode()), ("detail", letter.detail.encode())]
            return entry, Original(None, letter.value, (), -1), told
    raise ConfigError(f"POSITION: there is no dead letter {position} in {path}, which keeps the newest of each input")


def _store_of(config: Config, store: Path | None) -> Path | None:
    """The history to read; None is Kafka. Raises: ConfigError: there is neither."""
    if store is not None or config.kafka.bootstrap is not None:
        return store
    if config.storage.path is None:
        raise ConfigError(
            "kafka.bootstrap: neither Kafka nor a history is configured; name the brokers, or storage.path, or --state"
        )
    return config.storage.path


def _stored(path: Path) -> tuple[DeadLetter, ...]:
    history = History.open(path)
    try:
        letters = history.dead_letters(limit=DEAD_LETTERS_KEPT)
    finally:
        history.close()
    return tuple(sorted(letters, key=lambda one: (one.source_partition, one.offset)))


def _entry(letter: DeadLetter) -> Entry:
    is_whole = letter.reason is not DeadLetterReason.OVERSIZE and len(letter.value) < LETTER_BYTES
    size = len(letter.value) if is_whole else None
    return Entry(letter, letter.source_partition, letter.offset, -1, is_whole, size)
