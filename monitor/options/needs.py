"""Needs: an option that must, or must not, be given beside another. Declared once, for the code and the reference."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.options.fault import Fault
from monitor.options.option import Option


@dataclass(frozen=True, slots=True)
class Need:
    """`path` must not be null when `when` is one of `among`, or, where that is None, is given at all.

    Attributes:
        reason: why, in half a sentence for people.
    """

    path: str
    when: str
    among: Collection[StrEnum] | None
    reason: str

    @property
    def paths(self) -> tuple[str, str]:
        return self.path, self.when

    @property
    def rule(self) -> str:
        """The rule in words, for the reference."""
        return f"`{self.path}` is given where `{self.when}` {self._case}: {self.reason}"

    def judge(self, values: Mapping[str, object], options: Mapping[str, Option[object]]) -> Fault | None:
        """The fault in these values, if the need is not met."""
        other = values[self.when]
        is_needed = other is not None if self.among is None else other in self.among
        if not is_needed or values[self.path] is not None:
            return None
        there = "is given" if self.among is None else f"is {options[self.when].show(other, masked=True)}"
        problem = f"is needed because {self.when} {there}: {self.reason}"
        return Fault(self.path, problem, f"give {self.path}, or change {self.when}")

    @property
    def _case(self) -> str:
        return "is" if self.among is None else f"is {' or '.join(one.value for one in self.among)}"


@dataclass(frozen=True, slots=True)
class Either:
    """At most one of two options is given; an empty list is not."""

    first: str
    second: str
    reason: str

    @property
    def paths(self) -> tuple[str, str]:
        return self.first, self.second

    @property
    def rule(self) -> str:
        """The rule in words, for the reference."""
        return f"`{self.first}` and `{self.second}` are not both given: {self.reason}"

    def judge(self, values: Mapping[str, object], options: Mapping[str, Option[object]]) -> Fault | None:
        """The fault in these values, if both are given; reported at the second."""
        if not values[self.first] or not values[self.second]:
            return None
        return Fault(
            self.second, f"is given, and {self.first} is too: {self.reason}", f"take {self.first} away, or this"
        )
