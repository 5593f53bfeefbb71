"""Kinds of time: durations with a unit and calendar days, both held as integer ms."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from monitor.options.fault import Fault, Misfit, quote
from monitor.options.kind import Kind

_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION = re.compile(r"([0-9]{1,15})(ms|s|m|h|d)")
_DAY_MS = _UNIT_MS["d"]
_EPOCH = date(1970, 1, 1)
MINUTE_MS = _UNIT_MS["m"]


@dataclass(frozen=True, slots=True)
class Duration(Kind[int]):
    """A stretch of time in ms, a multiple of `step_ms`."""

    low_ms: int
    high_ms: int
    step_ms: int = 1

    def takes_text(self) -> bool:
        return True

    def describe(self) -> str:
        return "duration"

    def limits(self) -> str:
        whole = ", in whole minutes" if self.step_ms == MINUTE_MS else ""
        return f"{show_duration(self.low_ms)} to {show_duration(self.high_ms)}{whole}"

    def wanted(self) -> str:
        return f"give a duration such as 15m or 250ms (units ms, s, m, h, d), {self.limits()}"

    def parse(self, raw: object) -> int:
        if raw == "0" or (isinstance(raw, int) and not isinstance(raw, bool) and raw == 0):
            return 0  # no time is no time in every unit
        value = parse_duration(raw) if isinstance(raw, str) else None
        if value is None:
            problem = "is empty" if raw is None else f"{quote(raw)} is no duration with a unit"
            raise Misfit(Fault("", problem, self.wanted()))
        return value

    def check(self, value: int) -> None:
        if not self.low_ms <= value <= self.high_ms or value % self.step_ms:
            raise self.out_of_range(value)

    def show(self, value: int) -> object:
        return show_duration(value)


@dataclass(frozen=True, slots=True)
class Day(Kind[int]):
    """A calendar day, held as the UTC ms of its midnight."""

    low: date
    high: date

    def takes_text(self) -> bool:
        return True

    def describe(self) -> str:
        return "date"

    def limits(self) -> str:
        return f"{self.low} to {self.high}"

    def parse(self, raw: object) -> int:
        try:
            return day_ms(date.fromisoformat(raw)) if isinstance(raw, str) else self._refuse(raw)
        except ValueError:
            return self._refuse(raw)

    def _refuse(self, raw: object) -> int:
        raise Misfit(Fault("", "is empty" if raw is None else f"{quote(raw)} is no date", self.wanted()))

    def check(self, value: int) -> None:
        if not day_ms(self.low) <= value <= day_ms(self.high) or value % _DAY_MS:
            raise Misfit(Fault("", f"{self.show(value)} is out of range", self.wanted()))

    def show(self, value: int) -> object:
        return (_EPOCH + timedelta(milliseconds=value)).isoformat()

    def wanted(self) -> str:
        return f"give a date such as 1990-01-31, {self.limits()}"


def parse_duration(written: str) -> int | None:
    """Milliseconds of `15m`, `2s`, `24h`, `30d` or `250ms`; None of anything else."""
    match = _DURATION.fullmatch(written.strip())
    return int(match[1]) * _UNIT_MS[match[2]] if match else None


def show_duration(duration_ms: int) -> str:
    """The shortest form that `parse_duration` takes back: 5,400,000 ms is `90m`."""
    if duration_ms == 0:
        return "0s"
    unit = next(unit for unit, unit_ms in _UNIT_MS.items() if duration_ms % unit_ms == 0)
    return f"{duration_ms // _UNIT_MS[unit]}{unit}"


def day_ms(calendar_day: date) -> int:
    """UTC ms of the day's midnight."""
    return (calendar_day - _EPOCH).days * _DAY_MS
