"""Reading times: whatever a feed writes for a moment, as integer UTC milliseconds.

It reads ISO 8601 and its careless relatives (slashes, Chinese date signs, a trailing zone name), RFC 2822, the forms of
`date`, asctime and browsers, and epoch numbers in seconds, milliseconds, microseconds or nanoseconds. A time without a
zone is UTC. What could mean two moments is refused, never guessed: `05/03/2024` (month or day first), a zone name that
the table below does not hold, a date without its year. A weekday is not checked against its date.
Whether a time is plausible is `parse`'s question.
"""

import math
import re
from datetime import UTC, date, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # Taken only from times without a zone, which count as UTC.
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000

LATEST_MS = 253_402_300_799_999
"""The last millisecond of year 9999: what lies behind it cannot be written as a date, so nobody could be told of it."""

# An epoch number's unit follows from its size. Seconds reach the year 5138 before they would be milliseconds, and
# milliseconds begin in 1973, so from 1990 to 5138 no number has two meanings.
_SECONDS_BELOW = 10**11
_MILLISECONDS_BELOW = 10**14
_MICROSECONDS_BELOW = 10**17
_NANOSECONDS_BELOW = 10**20

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

# Hours east of UTC. CST and IST have other meanings in China and Israel; RFC 2822 fixes CST, and IST is India's by
# far the most often in feeds. A name that is not here is refused: email.utils reads CEST as UTC, two hours wrong.
_ZONE_HOURS: dict[str, float] = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
    "MSK": 3, "IST": 5.5, "SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip

_TIME = (
    r"(?P<hour>\d{1,2})[:时時](?P<minute>\d{2})(?:[:分](?P<second>\d{2})(?:秒|[.,](?P<fraction>\d{1,12}))?|分)?"
    r"\s?(?P<half>[ap]\.?m\.?)?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s{1,3})?"
_ZONE = r"(?P<zone>.{0,60})"
_FLAGS = re.IGNORECASE | re.ASCII

_SHAPES = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        # 2024/3/5 10:30 UTC, 2024年3月5日 10:30
        rf"(?P<year>\d{{4}})[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})日?(?:[t\s,]{{0,3}}{_TIME}\s?{_ZONE})?",
        # Tue, 05 Mar 2024 10:30:00 GMT, 5-Mar-24 10:30
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[\s-](?P<month>[a-z]{{3,9}})\.?,?[\s-](?P<year>\d{{4}}|\d{{2}})"
        rf"(?:,?\s{{1,3}}{_TIME}\s?{_ZONE})?",
        # Tue Mar 05 10:30:00 +0000 2024, Tue Mar  5 10:30:00 2024
        rf"{_WEEKDAY}(?P<month>[a-z]{{3,9}})\.?\s{{1,3}}(?P<day>\d{{1,2}})\s{_TIME}\s?(?P<zone>\S{{0,9}})\s(?P<year>\d{{4}})",
        # Tue Mar 05 2024 10:30:00 GMT+0800 (China Standard Time), March 5, 2024 10:30 PM EST
        rf"{_WEEKDAY}(?P<month>[a-z]{{3,9}})\.?\s{{1,3}}(?P<day>\d{{1,2}}),?\s(?P<year>\d{{4}})"
        rf"(?:,?\s{{1,3}}(?:at\s)?{_TIME}\s?{_ZONE})?",
    )
)
_ZONE_SHAPE = re.compile(
    r"(?P<name>[a-z]{1,5})?\s?(?:(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?(?:\s[a-z]{1,5})?\s?(?:\(.*\))?",
    _FLAGS,
)
_NUMBER = re.compile(r"[+-]?\d{1,25}(?:\.\d{1,25})?", re.ASCII)
_COMPACT = re.compile(r"((?:19|20|21)\d\d)(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d))?", re.ASCII)


def read_time(value: str | int | float) -> int:
    """The moment that a feed's value means, in UTC milliseconds, without what is finer.

    Raises: ValueError: no moment, or more than one, can be read from it; the message says which, not the field.
    """
    if not isinstance(value, str):
        return _read_number(value)
    if value[4:5] == "-" or value[8:9] == "T":
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            pass  # A careless relative: the shapes below say whether it can be read.
        else:
            past = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)
            return past.days * _DAY_MS + past.seconds * 1_000 + past.microseconds // 1_000
    return _read_text(value)


def format_time(time_ms: int) -> str:
    """ISO 8601 in UTC to the millisecond, for people; `time_ms` lies in the years 1 to 9999."""
    days, within_ms = divmod(time_ms, _DAY_MS)
    seconds, fraction_ms = divmod(within_ms, 1_000)
    minutes, second = divmod(seconds, 60)
    day = date.fromordinal(_EPOCH_ORDINAL + days)
    return f"{day.isoformat()}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{fraction_ms:03}Z"


def _read_text(value: str) -> int:
    # Real forms have at most some 70 characters (a browser's, with its zone spelt out); longer ones are prose.
    text = " ".join(value[:200].split())
    if not text or len(text) > 100:
        raise ValueError("it is not a time")
    if _NUMBER.fullmatch(text):
        return _read_number(float(text) if "." in text else int(text))
    if compact := _COMPACT.fullmatch(text.removesuffix("Z")):
        return _read_compact(compact)
    for shape in _SHAPES:
        if found := shape.fullmatch(text):
            return _compose(found.groupdict())
    raise ValueError("it is not in a form that is known")


def _read_number(value: int | float) -> int:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("it is not a finite number")
    elif (compact := _COMPACT.fullmatch(str(value) if abs(value) < 10**15 else "")) is not None:
        # 20240305103000 is a written date in every feed that has it: as milliseconds it would be the year 2611.
        try:
            return _read_compact(compact)
        except ValueError:
            pass  # 20241399 is no date; as seconds it is a moment of 1970, which the caller refuses by its range.
    size = abs(value)
    if size < _SECONDS_BELOW:
        return round(value * 1_000)
    if size < _MILLISECONDS_BELOW:
        return round(value)
    if size < _MICROSECONDS_BELOW:
        return int(value // 1_000)
    if size < _NANOSECONDS_BELOW:
        return int(value // 1_000_000)
    raise ValueError("the number is too great for an epoch time")


def _read_compact(found: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(piece or 0) for piece in found.groups())
    return _join(year, month, day, hour, minute, second)


def _compose(pieces: dict[str, str | None]) -> int:
    year_text = pieces["year"] or ""
    year = int(year_text)
    if len(year_text) == 2:  # RFC 2822, section 4.3
        year += 2_000 if year < 50 else 1_900
    month_text = pieces["month"] or ""
    month = int(month_text) if month_text.isdigit() else _month(month_text.lower())
    hour = int(pieces["hour"] or 0)
    if half := pieces["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} is not an hour of a twelve-hour clock")
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    fraction_ms = int(f"{pieces['fraction'] or '0':0<3}"[:3])
    time_ms = _join(year, month, int(pieces["day"] or 0), hour, int(pieces["minute"] or 0), int(pieces["second"] or 0))
    return time_ms + fraction_ms - _zone_ms(pieces["zone"] or "")


def _join(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    # A leap second (60) is the next second and 24:00 the next day, as both standards have it.
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError(f"{hour:02}:{minute:02}:{second:02} is not a time of day")
    days = date(year, month, day).toordinal() - _EPOCH_ORDINAL
    return days * _DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000


def _month(name: str) -> int:
    # The pattern asks for three letters or more, so that "ju" cannot be both June and July.
    for month, full_name in enumerate(_MONTHS, start=1):
        if full_name.startswith(name):
            return month
    raise ValueError(f"{name!r} is not a month")


def _zone_ms(text: str) -> int:
    found = _ZONE_SHAPE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:20]!r} is not a zone")
    if sign := found["sign"]:
        hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
        if hours > 23 or minutes > 59:
            raise ValueError(f"{text[:20]!r} is not an offset from UTC")
        return (hours * 60 + minutes) * (60_000 if sign == "+" else -60_000)
    name = (found["name"] or "Z").upper()
    if name not in _ZONE_HOURS:
        raise ValueError(f"the zone name {name} is not known; write an offset such as +02:00")
    return round(_ZONE_HOURS[name] * 3_600_000)
