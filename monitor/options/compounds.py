"""Kinds made of other kinds: a value or none, lists, and the sizes of windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from monitor.domain.windows import WindowSpec
from monitor.options.fault import Fault, Misfit, nearest, quote, type_word
from monitor.options.kind import Kind
from monitor.options.times import Duration, show_duration

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Maybe(Kind[T | None]):
    """A value or none."""

    inner: Kind[T]

    def takes_text(self) -> bool:
        return self.inner.takes_text()

    def is_secret(self) -> bool:
        return self.inner.is_secret()

    def describe(self) -> str:
        return f"{self.inner.describe()} or null"

    def limits(self) -> str:
        return self.inner.limits()

    def parse(self, raw: object) -> T | None:
        return None if raw is None else self.inner.parse(raw)

    def check(self, value: T | None) -> None:
        if value is not None:
            self.inner.check(value)

    def show(self, value: T | None) -> object:
        return None if value is None else self.inner.show(value)


@dataclass(frozen=True, slots=True)
class Windows(Kind[WindowSpec]):
    """One set of windows: `{size, hop}`."""

    length: Duration

    def describe(self) -> str:
        return "{size, hop}"

    def limits(self) -> str:
        return f"{self.length.limits()}, the hop dividing the size"

    def parse(self, raw: object) -> WindowSpec:
        if not isinstance(raw, Mapping):
            raise Misfit(Fault("", f"{quote(raw)} is {type_word(raw)}", "write it as {size: 1h, hop: 15m}"))
        keys = ("size", "hop")
        faults = [Fault(f".{key}", "is no known key", nearest(str(key), keys)) for key in raw if key not in keys]
        lengths: dict[str, int] = {}
        for key in keys:
            if key not in raw:
                faults.append(Fault(f".{key}", "is missing", self.length.wanted()))
                continue
            try:
                lengths[key] = self.length.read(raw[key])
            except Misfit as misfit:
                faults += [fault._replace(path=f".{key}") for fault in misfit.faults]
        if not faults and lengths["size"] % lengths["hop"]:
            hop, size = show_duration(lengths["hop"]), show_duration(lengths["size"])
            remedy = f"give a hop that divides the size, such as {size}"
            faults.append(Fault(".hop", f"{hop} does not divide the size {size}", remedy))
        if faults:
            raise Misfit(*faults)
        return WindowSpec(lengths["size"], lengths["hop"])

    def check(self, value: WindowSpec) -> None:
        for key, length in (("size", value.size_ms), ("hop", value.hop_ms)):
            try:
                self.length.check(length)
            except Misfit as misfit:
                raise Misfit(*(fault._replace(path=f".{key}") for fault in misfit.faults)) from None

    def show(self, value: WindowSpec) -> object:
        return {"size": show_duration(value.size_ms), "hop": show_duration(value.hop_ms)}


@dataclass(frozen=True, slots=True)
class Listing(Kind[tuple[T, ...]]):
    """Several values of one kind, none of them twice."""

    item: Kind[T]
    fewest: int
    most: int

    def describe(self) -> str:
        return f"list of {self.item.describe()}"

    def limits(self) -> str:
        each = f", each {self.item.limits()}" if self.item.limits() else ""
        return f"{self.fewest} to {self.most} of them{each}"

    def parse(self, raw: object) -> tuple[T, ...]:
        if not isinstance(raw, list | tuple):
            raise Misfit(Fault("", "is empty" if raw is None else f"{quote(raw)} is {type_word(raw)}", self.wanted()))
        values, faults = [], []
        for index, entry in enumerate(raw):
            try:
                values.append(self.item.read(entry))
            except Misfit as misfit:
                faults += [fault._replace(path=f"[{index}]{fault.path}") for fault in misfit.faults]
        if faults:
            raise Misfit(*faults)
        return tuple(values)

    def check(self, value: tuple[T, ...]) -> None:
        if not self.fewest <= len(value) <= self.most:
            raise Misfit(Fault("", f"has {len(value)} entries", self.wanted()))
        faults = []
        for index, entry in enumerate(value):
            try:
                self.item.check(entry)
            except Misfit as misfit:
                faults += [fault._replace(path=f"[{index}]{fault.path}") for fault in misfit.faults]
                continue
            if entry in value[:index]:
                faults.append(Fault(f"[{index}]", f"{quote(self.item.show(entry))} is there twice", "name each once"))
        if faults:
            raise Misfit(*faults)

    def show(self, value: tuple[T, ...]) -> object:
        return [self.item.show(entry) for entry in value]

    def wanted(self) -> str:
        return f"give a list in brackets, {self.limits()}"


class AscendingDurations(Listing[int]):
    """Durations, the shortest first."""

    __slots__ = ()

    def limits(self) -> str:
        return f"{Listing.limits(self)}, ascending"

    def check(self, value: tuple[int, ...]) -> None:
        Listing.check(self, value)
        faults = [
            Fault(
                f"[{index}]", f"{show_duration(later)} comes after {show_duration(earlier)}", "list the shortest first"
            )
            for index, (earlier, later) in enumerate(pairwise(value), start=1)
            if later < earlier
        ]
        if faults:
            raise Misfit(*faults)
