"""Option: one setting, declared once, as the default of a field of a section in config.py.

Each function below declares one of a kind. A new option is one line there, and nothing anywhere else.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from monitor.domain.windows import WindowSpec
from monitor.options.compounds import AscendingDurations, Listing, Maybe, Windows
from monitor.options.kind import Kind
from monitor.options.network import Address, Addresses, DatabaseUrl, KafkaName, Password, Pattern
from monitor.options.places import MASK, FeedPlace, FilePath, PathNeed, Secret, SecretUrl
from monitor.options.scalars import Choice, Real, Switch, Text, Whole
from monitor.options.times import MINUTE_MS, Day, Duration, day_ms, parse_duration

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

OPTION = "option"
"""Key of a field's metadata that holds its Option."""


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One option, declared once.

    Attributes:
        decides: whether another value can change what is alerted on, and when.
        also: environment variables that give it too, as other tools know them; our own name stands above them.
    """

    kind: Kind[T]
    default: T
    sentence: str
    decides: bool
    also: tuple[str, ...] = ()

    def show(self, value: T, *, masked: bool) -> object:
        """The value as YAML would hold it; of a secret only the mask, if so wished."""
        return MASK if masked and self.kind.is_secret() and value is not None else self.kind.show(value)


def _declare(kind: Kind[T], default: T, sentence: str, decides: bool, also: tuple[str, ...] = ()) -> T:
    return field(default=default, metadata={OPTION: Option(kind, default, sentence, decides, also)})


def whole(default: int, unit: str, low: int, high: int, sentence: str, *, decides: bool = True) -> int:
    return _declare(Whole(unit, low, high), default, sentence, decides)


def real(default: float, unit: str, low: float, high: float, sentence: str, *, decides: bool = True) -> float:
    return _declare(Real(unit, low, high), default, sentence, decides)


def maybe_real(unit: str, low: float, high: float, sentence: str, *, decides: bool = True) -> float | None:
    return _declare(Maybe(Real(unit, low, high)), None, sentence, decides)


def duration(default: str, low: str, high: str, sentence: str, *, decides: bool = True) -> int:
    return _declare(Duration(_ms(low), _ms(high)), _ms(default), sentence, decides)


def look_backs(default: Iterable[str], low: str, high: str, most: int, sentence: str) -> tuple[int, ...]:
    kind = AscendingDurations(Duration(_ms(low), _ms(high), MINUTE_MS), 1, most)
    return _declare(kind, tuple(map(_ms, default)), sentence, True)


def windows(
    default: Iterable[tuple[str, str]], low: str, high: str, most: int, sentence: str
) -> tuple[WindowSpec, ...]:
    kind = Listing(Windows(Duration(_ms(low), _ms(high), MINUTE_MS)), 1, most)
    return _declare(kind, tuple(WindowSpec(_ms(size), _ms(hop)) for size, hop in default), sentence, True)


def day(default: str, low: str, high: str, sentence: str) -> int:
    kind = Day(date.fromisoformat(low), date.fromisoformat(high))
    return _declare(kind, day_ms(date.fromisoformat(default)), sentence, True)


def switch(default: bool, sentence: str, *, decides: bool = True) -> bool:
    return _declare(Switch(), default, sentence, decides)


def choice(default: E, sentence: str, *, decides: bool = True) -> E:
    return _declare(Choice(type(default)), default, sentence, decides)


def text(default: str, sentence: str, *, decides: bool = True) -> str:
    return _declare(Text(), default, sentence, decides)


def feed_places(most: int, sentence: str) -> tuple[str, ...]:
    # Where the documents lie decides nothing; which they are is recorded with each of them.
    return _declare(Listing(FeedPlace(), 0, most), (), sentence, False)


def maybe_path(need: PathNeed, sentence: str) -> Path | None:
    # Where a file lies decides nothing; what it holds has a version of its own.
    return _declare(Maybe(FilePath(need)), None, sentence, False)


def maybe_text(sentence: str) -> str | None:
    return _declare(Maybe(Text()), None, sentence, False)


def maybe_pattern(sentence: str) -> str | None:
    return _declare(Maybe(Pattern()), None, sentence, False)


def maybe_secret(sentence: str) -> Secret | None:
    return _declare(Maybe(Password()), None, sentence, False)


def maybe_database(sentence: str) -> str | None:
    return _declare(Maybe(DatabaseUrl()), None, sentence, False)


def addresses(sentence: str, *, also: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    return _declare(Maybe(Addresses(Address(), 1, 100)), None, sentence, False, also)


def kafka_name(default: str, sentence: str) -> str:
    return _declare(KafkaName(), default, sentence, False)


def kafka_prefix(sentence: str) -> str:
    return _declare(KafkaName(least=0), "", sentence, False)


def kafka_names(most: int, sentence: str) -> tuple[str, ...]:
    return _declare(Listing(KafkaName(), 0, most), (), sentence, False)


def maybe_secret_url(sentence: str, *, also: tuple[str, ...] = ()) -> Secret | None:
    return _declare(Maybe(SecretUrl()), None, sentence, False, also)


def _ms(written: str) -> int:
    parsed = parse_duration(written)
    assert parsed is not None, f"{written} in a declaration is no duration"
    return parsed
