"""Questions: what `monitor score` is asked, one JSON object a line, plain or gzip, from a file or a pipe.

A line that cannot be used stops the whole: answers of which some are missing would be taken for all of them. So that no
hour of work is lost to a file's last line, a file is looked through before anything is scored, and all its faults are
told together; a pipe can be read only once. Blank lines ask nothing, and keys that nobody knows are passed over.
"""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from models.scorer import Pair
from monitor.errors import InputError, RecordError
from monitor.operators.decode import decode

STANDARD_INPUT = "-"

MAX_LINE_BYTES = 16 << 20
"""A longer line is refused, not read into memory; ten times the longest text that makes sense has room in it."""
MAX_FAULTS_TOLD = 20
"""A person mends the first and looks again; a screen holds no more."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Question:
    """One line: the id is given back as it came."""

    id: str | int
    pair: Pair


class Questions:
    """The questions of one file or pipe, in order, in bounded memory.

    Args:
        path: a file, or `-` for `standard_input`.
    Raises: InputError: the file cannot be read at all.
    """

    def __init__(self, path: str, standard_input: BinaryIO) -> None:
        self._path = path
        self._standard_input = standard_input
        self._name = "standard input" if path == STANDARD_INPUT else path
        self.is_file = False
        """Whether it can be read more than once."""
        if path != STANDARD_INPUT:
            self.is_file = self._look_at_file()

    def count(self) -> int:
        """Read a whole file and judge each line. Raises: InputError: with all faults of all lines."""
        count, faults = 0, 0
        told: list[str] = []
        for question in self._read():
            if isinstance(question, Question):
                count += 1
                continue
            faults += len(question)
            told += question[: MAX_FAULTS_TOLD - len(told)]
        if faults > len(told):
            told.append(f"{self._name}: {faults - len(told):,} more faults in later lines; mend these first")
        if told:
            raise InputError(*told)
        return count

    def read(self) -> Iterator[Question]:
        """One after the other. Raises: InputError: with the faults of the first line that cannot be used."""
        for question in self._read():
            if not isinstance(question, Question):
                raise InputError(*question)
            yield question

    def _look_at_file(self) -> bool:
        try:
            mode = os.stat(self._path).st_mode
        except FileNotFoundError as exc:
            raise InputError(f"{self._path}: there is no such file; correct the path") from exc
        except (OSError, ValueError) as exc:
            raise InputError(f"{self._path}: cannot be read ({exc}); correct the path") from exc
        if stat.S_ISDIR(mode):
            raise InputError(f"{self._path}: is a folder; name a file in it")
        return stat.S_ISREG(mode)

    def _read(self) -> Iterator[Question | list[str]]:
        """The questions, and in place of each that cannot be used its faults."""
        try:
            with ExitStack() as open_things:
                stream = self._open(open_things)
                for number, line, is_whole in _lines(stream):
                    if is_whole and not line.strip():
                        continue
                    where = f"{self._name}, line {number}"
                    if not is_whole:
                        yield [f"{where}: is longer than {MAX_LINE_BYTES >> 20} MiB; cut the text"]
                        continue
                    try:
                        fields = decode(line)
                    except RecordError as exc:
                        yield [f"{where}: {exc.detail.removeprefix('record: ')}"]
                        continue
                    yield _question(fields, where)
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise InputError(f"{self._name}: is gzip that is cut off or damaged ({exc}); pack it again") from exc
        except OSError as exc:
            raise InputError(f"{self._name}: cannot be read ({exc.strerror or exc}); correct the path") from exc

    def _open(self, open_things: ExitStack) -> "_Stream":
        file = self._standard_input if self._path == STANDARD_INPUT else io.FileIO(self._path)
        # A buffer of our own, because standard input may be something that cannot be looked ahead in.
        buffered = open_things.enter_context(io.BufferedReader(cast(io.RawIOBase, file)))
        if buffered.peek(2)[:2] != _GZIP:
            return buffered
        return open_things.enter_context(gzip.GzipFile(fileobj=buffered))


class _Stream(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def _lines(stream: _Stream) -> Iterator[tuple[int, bytes, bool]]:
    """(number from 1, bytes, whether these are all) of each line; what is too long is read past."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        is_whole = line.endswith(b"\n") or len(line) < MAX_LINE_BYTES
        rest = b"" if is_whole else line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE_BYTES)
        yield number, line, is_whole


def _question(fields: dict[str, Any], where: str) -> Question | list[str]:
    faults = []
    id_, text = fields.get("id"), fields.get("text")
    if isinstance(id_, bool) or not isinstance(id_, str | int):
        faults.append(f"{where}: id: {_told(id_)}; give each line an id, a text or a whole number")
    if not isinstance(text, str):
        faults.append(f"{where}: text: {_told(text)}; give the text to score, in quotes")
    for key in ("target", "lang"):
        if not isinstance(fields.get(key), str | None):
            faults.append(f"{where}: {key}: {_told(fields[key])}; give a text, or leave the key out")
    if faults:
        return faults
    return Question(fields["id"], Pair(fields["text"], fields.get("target") or "", fields.get("lang") or None))


def _told(value: object) -> str:
    """What stands in a text's place."""
    if value is None:
        return "is missing"
    if isinstance(value, bool):
        return "is true or false"
    if isinstance(value, int | float):
        return "is a number"
    return "is a text" if isinstance(value, str) else "is a list" if isinstance(value, list) else "is an object"
