"""Pairs: two options of which one bounds the other. Each is declared once; code and reference both read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from monitor.domain.windows import WindowSpec
from monitor.options.fault import Fault
from monitor.options.option import Option
from monitor.options.times import Duration, show_duration


class Side(StrEnum):
    """One of the two options of a pair."""

    LOW = "low"
    HIGH = "high"


LOW, HIGH = Side.LOW, Side.HIGH


class Rule(Protocol):
    """What one option asks of another."""

    @property
    def paths(self) -> tuple[str, str]: ...

    @property
    def rule(self) -> str:
        """In words, for the reference."""
        ...

    def judge(self, values: Mapping[str, object], options: Mapping[str, Option[object]]) -> Fault | None: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """`low` is at most `high` (below it, if `strictly`), by option path; of a list the greatest counts.

    Attributes:
        side: which of the two a fault is reported at.
        reason: why, in half a sentence for people.
        zero_is_none: a 0 on that side switches the thing off, and then there is nothing to compare.
    """

    low: str
    high: str
    side: Side
    reason: str
    strictly: bool = False
    zero_is_none: bool = False

    @property
    def paths(self) -> tuple[str, str]:
        return self.low, self.high

    @property
    def named(self) -> str:
        """The path that a fault is reported at."""
        return self.low if self.side is LOW else self.high

    @property
    def rule(self) -> str:
        """The rule in words, for the reference."""
        unless = f", unless `{self.named}` is 0" if self.zero_is_none else ""
        return f"`{self.low}` is {'below' if self.strictly else 'at most'} `{self.high}`{unless}: {self.reason}"

    def judge(self, values: Mapping[str, object], options: Mapping[str, Option[object]]) -> Fault | None:
        """The fault in these values, if the pair does not hold; what is null cannot be compared."""
        if values[self.low] is None or values[self.high] is None:
            return None
        low, high = _greatest(values[self.low]), _greatest(values[self.high])
        if self.zero_is_none and _greatest(values[self.named]) == 0:
            return None
        if low < high or (low == high and not self.strictly):
            return None
        shown = {self.low: _show(low, options[self.low]), self.high: _show(high, options[self.high])}
        if self.named == self.low:
            relation, other = "below" if self.strictly else "at most", self.high
        else:
            relation, other = "above" if self.strictly else "at least", self.low
        problem = f"{shown[self.named]} must be {relation} {other}, which is {shown[other]}, because {self.reason}"
        return Fault(self.named, problem, f"raise {self.high} or lower {self.low}")


def _greatest(value: object) -> float:
    if isinstance(value, tuple):
        return max(_greatest(entry) for entry in value)
    if isinstance(value, WindowSpec):
        return value.size_ms
    assert isinstance(value, int | float), "a pair is of numbers"
    return value


def _show(value: float, option: Option[object]) -> str:
    is_plain = not isinstance(option.default, tuple) and not isinstance(option.kind, Duration)
    return f"{value:g}" if is_plain else show_duration(int(value))
