"""The watchlist: the topics that a desk watches, read from a CSV or YAML file and read again when it changes.

Columns: `id,name,kind,tickers,aliases_en,aliases_zh,exclude`, lists joined by `;`; docs/watchlist.md explains each.
Every fault of a file is reported at once, by row and column. The version is a hash of what the topics say, so a file
that is saved again, reordered or converted to YAML keeps its version, and each scored record can name the list that
tagged it. How topics are found in texts is none of this module's business (see `operators/tag`).
"""

import csv
import hashlib
import io
import json
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.errors import ConfigError

COLUMNS = ("id", "name", "kind", "tickers", "aliases_en", "aliases_zh", "exclude")
_REQUIRED = ("id", "name")
_LISTS = ("tickers", "aliases_en", "aliases_zh", "exclude")
_YAML_SUFFIXES = (".yaml", ".yml")
_VERSION_HEX = 12
"""48 bits: two watchlists of one desk never share a version, and it still fits a log line."""
_MAX_ID_CHARS = 200
"""An id becomes a Kafka key and a part of every alert's id."""
_MAX_FAULTS = 50
"""A file in the wrong format has a fault in each row; nobody reads more than this."""


@dataclass(frozen=True, slots=True)
class Watchlist:
    """The topics in the order of the file, and the first 12 hex digits of a hash of what they say."""

    topics: tuple[Topic, ...]
    version: str


@dataclass(frozen=True, slots=True)
class _Row:
    """One topic as the file has it: where it stands, and its cells (a text, or a list in YAML)."""

    place: str
    cells: Mapping[str, str | list[str]]


def load_watchlist(path: Path) -> Watchlist:
    """Read a watchlist: YAML by its suffix (.yaml, .yml), else CSV.

    Raises: ConfigError: the file is missing, not UTF-8, empty or malformed; all faults together, by row and column.
    """
    return _parse(path, _read_bytes(path))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"watchlist {path}: there is no such file; give the path of a CSV or YAML file") from None
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise ConfigError(f"watchlist {path}: cannot be read ({reason}); check the path and its permissions") from exc


def _parse(path: Path, content: bytes) -> Watchlist:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise ConfigError(f"watchlist {path}: row {line} is not UTF-8; save the file as UTF-8") from None
    faults: list[str] = []
    read = _yaml_rows if path.suffix.lower() in _YAML_SUFFIXES else _csv_rows
    topics: list[Topic] = []
    first_places: dict[str, str] = {}
    for row in read(text, faults):
        topic = _topic(row, faults)
        if topic is None:
            continue
        earlier = first_places.setdefault(topic.id, row.place)
        if earlier != row.place:
            faults.append(f"{row.place}, id: {topic.id!r} is already the id of {earlier}; give each topic its own")
        topics.append(topic)
    if not topics and not faults:
        faults.append(f"has no topic; add at least one row below the columns {','.join(COLUMNS)}")
    if faults:
        more = len(faults) - _MAX_FAULTS
        shown = faults[:_MAX_FAULTS] + ([f"and {more} more faults; mend these first"] if more > 0 else [])
        raise ConfigError(*(f"watchlist {path}: {fault}" for fault in shown))
    return Watchlist(tuple(topics), _version_of(topics))


def _csv_rows(text: str, faults: list[str]) -> Iterator[_Row]:
    """The rows of a CSV file; a row is named by the line on which it begins, as an editor counts."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    header: list[str] | None = None
    width, line = 0, 1
    try:
        for cells in reader:
            place, line = f"row {line}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                width = len(cells)  # spreadsheets pad every row, the header too, with blank cells
                header = ",".join(cell.strip().lower() for cell in cells).rstrip(",").split(",")
                if not _is_header_good(place, header, faults):
                    return
            elif len(cells) > width or any(cell.strip() for cell in cells[len(header) :]):
                faults.append(f"{place}: {len(cells)} cells for {len(header)} columns; quote a cell that holds a comma")
            else:
                yield _Row(place, dict(zip(header, cells, strict=False)))
    except csv.Error as exc:
        faults.append(f"row {line}: is not CSV ({exc}); check its quotation marks")


def _is_header_good(place: str, header: Sequence[str], faults: list[str]) -> bool:
    before = len(faults)
    for column in dict.fromkeys(header):
        if column not in COLUMNS:
            faults.append(f"{place}: unknown column {column!r}; the columns are {','.join(COLUMNS)}")
        elif header.count(column) > 1:
            faults.append(f"{place}: column {column!r} is there {header.count(column)} times; keep one")
    faults += [f"{place}: column {column!r} is missing; add it" for column in _REQUIRED if column not in header]
    return len(faults) == before


def _yaml_rows(text: str, faults: list[str]) -> Iterator[_Row]:
    """The entries of a YAML list. Read as nodes, so that 0700 and NO stay the texts that they are."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"row {mark.line + 1}: " if mark else ""
        problem = getattr(exc, "problem", None) or "nested too deep or holds a forbidden character"
        faults.append(f"{where}is not YAML ({problem})")
        return
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        faults.append("row 1: is no YAML list; write one entry for each topic, each beginning with '- id:'")
        return
    for entry in root.value:
        place = f"row {entry.start_mark.line + 1}"
        if isinstance(entry, yaml.MappingNode):
            yield _Row(place, _yaml_cells(place, entry, faults))
        else:
            faults.append(f"{place}: is no mapping; write the keys {','.join(COLUMNS)}")


def _yaml_cells(place: str, entry: yaml.MappingNode, faults: list[str]) -> dict[str, str | list[str]]:
    cells: dict[str, str | list[str]] = {}
    for key_node, value_node in entry.value:
        key = key_node.value.strip().lower() if isinstance(key_node, yaml.ScalarNode) else "?"
        if key not in COLUMNS:
            faults.append(f"{place}: unknown column {key!r}; the columns are {','.join(COLUMNS)}")
        elif key in cells:
            faults.append(f"{place}: column {key!r} is there twice; keep one")
        elif isinstance(value_node, yaml.ScalarNode):
            cells[key] = "" if value_node.tag.endswith(":null") else value_node.value
        elif isinstance(value_node, yaml.SequenceNode) and key in _LISTS:
            values = [node.value for node in value_node.value if isinstance(node, yaml.ScalarNode)]
            if len(values) < len(value_node.value):
                faults.append(f"{place}, {key}: holds something that is no text; write a plain list")
            cells[key] = values
        else:
            faults.append(f"{place}, {key}: must be a text{' or a list of texts' if key in _LISTS else ''}")
            cells[key] = ""
    return cells


def _topic(row: _Row, faults: list[str]) -> Topic | None:
    """One row as a topic; None, and its faults noted, when it cannot be one."""
    before = len(faults)
    texts = {column: _clean(value) for column in COLUMNS if isinstance(value := row.cells.get(column, ""), str)}
    for column in _REQUIRED:
        if not texts[column]:
            faults.append(f"{row.place}, {column}: is missing; every topic needs one")
    if len(texts["id"]) > _MAX_ID_CHARS or not texts["id"].isprintable():
        faults.append(f"{row.place}, id: must be printable and at most {_MAX_ID_CHARS} characters")
    kind = texts["kind"].lower() or TopicKind.COMPANY.value
    if kind not in {known.value for known in TopicKind}:
        faults.append(f"{row.place}, kind: unknown kind {kind!r}; it is one of {', '.join(TopicKind)}")
    lists = {column: _items(row.cells.get(column, "")) for column in _LISTS}
    for column, items in (("name", (texts["name"],)), *lists.items()):
        faults += [
            f"{row.place}, {column}: {item!r} has no letter or digit to look for; mend or remove it"
            for item in items
            if item and not any(character.isalnum() for character in item)
        ]
    if len(faults) > before:
        return None
    return Topic(id=TopicId(texts["id"]), name=texts["name"], kind=TopicKind(kind), **lists)


def _clean(text: str) -> str:
    """One form for what editors and spreadsheets write differently: composed accents, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _items(value: str | list[str]) -> tuple[str, ...]:
    """The distinct items of a list cell, in order; a Chinese keyboard's semicolon separates too."""
    pieces = value.replace("；", ";").split(";") if isinstance(value, str) else value
    return tuple(dict.fromkeys(item for piece in pieces if (item := _clean(piece))))


def _version_of(topics: Sequence[Topic]) -> str:
    rows = [
        [topic.id, topic.name, topic.kind.value, topic.tickers, topic.aliases_en, topic.aliases_zh, topic.exclude]
        for topic in sorted(topics, key=lambda topic: topic.id)
    ]
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(content).hexdigest()[:_VERSION_HEX]


class WatchlistFile:
    """A watchlist file that may change while the monitor runs; a faulty edit never takes the topics away."""

    def __init__(self, path: Path) -> None:
        """Read it for the first time. Raises: ConfigError: as `load_watchlist`."""
        self._path = path
        self._signature = self._stat()
        content = _read_bytes(path)
        self._digest = hashlib.sha256(content).digest()
        self._fault = ""
        self.current = _parse(path, content)

    def reload(self) -> Watchlist | None:
        """Read the file again if it changed; cheap enough to ask every second.

        Returns: the new watchlist, which is then `current`; None when its topics are what they were.
        Raises: ConfigError: the new content is faulty or the file is gone; `current` stays as it was, and the same
            fault is raised once, not at every call.
        """
        # The signature is taken before the read: an edit in between makes the next call read once more.
        signature = self._stat()
        if signature is not None and signature == self._signature:
            return None
        try:
            watchlist = self._read_again()
        except ConfigError as exc:
            if str(exc) == self._fault:
                return None
            self._fault = str(exc)
            raise
        self._signature, self._fault = signature, ""
        if watchlist is None or watchlist.version == self.current.version:
            return None
        self.current = watchlist
        return watchlist

    def _read_again(self) -> Watchlist | None:
        content = _read_bytes(self._path)
        digest = hashlib.sha256(content).digest()
        if digest == self._digest:
            return None
        watchlist = _parse(self._path, content)
        self._digest = digest
        return watchlist

    def _stat(self) -> tuple[int, int, int] | None:
        """What changes when the file is written or, as a mounted secret is, replaced; None when it is not there."""
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
