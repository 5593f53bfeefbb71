"""Kinds of single values: numbers, switches, choices and text."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from monitor.options.fault import Fault, Misfit, quote
from monitor.options.kind import Kind

E = TypeVar("E", bound=StrEnum)

_MAX_TEXT_CHARS = 4_096  # the longest path that Linux takes; a longer text is a file pasted in by mistake


@dataclass(frozen=True, slots=True)
class Whole(Kind[int]):
    unit: str
    low: int
    high: int

    def describe(self) -> str:
        return f"whole number ({self.unit})" if self.unit else "whole number"

    def limits(self) -> str:
        return f"{self.low:_} to {self.high:_}"

    def parse(self, raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise self.of_other_type(raw)
        return raw

    def check(self, value: int) -> None:
        if not self.low <= value <= self.high:
            raise self.out_of_range(value)


@dataclass(frozen=True, slots=True)
class Real(Kind[float]):
    unit: str
    low: float
    high: float

    def describe(self) -> str:
        return f"number ({self.unit})" if self.unit else "number"

    def limits(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def parse(self, raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise self.of_other_type(raw)
        try:
            return float(raw)
        except OverflowError:
            raise Misfit(Fault("", f"{quote(raw)} is out of range", self.wanted())) from None

    def check(self, value: float) -> None:
        if not self.low <= value <= self.high:  # written so that NaN fails
            raise self.out_of_range(value)


@dataclass(frozen=True, slots=True)
class Switch(Kind[bool]):
    def describe(self) -> str:
        return "true or false"

    def parse(self, raw: object) -> bool:
        if not isinstance(raw, bool):
            raise self.of_other_type(raw)
        return raw

    def wanted(self) -> str:
        return "give true or false"


@dataclass(frozen=True, slots=True)
class Choice(Kind[E]):
    """One of a closed set; upper case is taken too, because that is how people write log levels."""

    members: type[E]

    def takes_text(self) -> bool:
        return True

    def describe(self) -> str:
        return "choice"

    def limits(self) -> str:
        return ", ".join(member.value for member in self.members)

    def parse(self, raw: object) -> E:
        for member in self.members:
            if isinstance(raw, str) and member.value == raw.lower():
                return member
        problem = "is empty" if raw is None else f"{quote(raw)} is none of the choices"
        raise Misfit(Fault("", problem, f"choose one of {self.limits()}"))

    def show(self, value: E) -> object:
        return value.value


@dataclass(frozen=True, slots=True)
class Text(Kind[str]):
    def takes_text(self) -> bool:
        return True

    def describe(self) -> str:
        return "text"

    def parse(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise self.of_other_type(raw)
        return raw

    def check(self, value: str) -> None:
        if not value.strip() or len(value) > _MAX_TEXT_CHARS or not value.isprintable():
            raise Misfit(Fault("", f"{quote(value)} is blank, too long or unprintable", self.wanted()))

    def wanted(self) -> str:
        return f"give one line of printable text, at most {_MAX_TEXT_CHARS} characters, in quotes if it looks like more"
