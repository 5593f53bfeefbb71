"""Times: every form of docs/feeds.md, and what is refused because it could be two moments."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.operators.times import LATEST_MS, format_time, read_time

HALF_PAST_TEN_MS = 1_709_634_600_000  # 2024-03-05T10:30:00Z
GUIDE = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-05T10:30:00Z",
        "2024-03-05T10:30Z",
        "2024-03-05 10:30:00",
        " 2024-03-05T10:30:00.000000000Z ",
        "2024-03-05t10:30:00z",
        "2024-03-05T18:30:00+08:00",
        "2024-03-05T18:30:00+0800",
        "2024-03-05T05:00:00 -05:30",
        "2024-03-05 10:30:00 +0000 UTC",
        "2024-03-05 05:30 EST",
        "2024/3/5 10:30",
        "2024.03.05 10:30:00",
        "20240305T103000Z",
        "20240305T183000+0800",
        "20240305103000",
        20240305103000,
        "2024年3月5日 10:30",
        "2024年3月5日10时30分",
        "2024年03月05日 10时30分00秒",
        "Tue, 05 Mar 2024 10:30:00 GMT",
        "Tue, 05 Mar 2024 10:30:00 -0000",
        "Tue, 5 Mar 2024 05:30:00 EST",
        "Tue, 05 Mar 2024 11:30:00 CET",
        "05-Mar-24 10:30",
        "5 March 2024, 18:30 +0800 (HKT)",
        "Tue Mar 05 10:30:00 +0000 2024",
        "Tue Mar  5 10:30:00 2024",
        "Tue Mar 05 05:30:00 EST 2024",
        "Tue Mar 05 2024 18:30:00 GMT+0800 (China Standard Time)",
        "Mar 5, 2024 10:30 AM",
        "March 5, 2024 at 5:30 a.m. EST",
        1_709_634_600,
        1_709_634_600.0,
        "1709634600",
        "1709634600.0",
        1_709_634_600_000,
        "1709634600000",
        1_709_634_600_000_000,
        1_709_634_600_000_000_000,
        1.7096346e18,
    ],
)
def test_each_form_of_the_same_moment_reads_the_same(written: str | int | float) -> None:
    assert read_time(written) == HALF_PAST_TEN_MS


def test_every_time_in_the_guide_reads_as_the_fifth_of_march_2024() -> None:
    section = GUIDE.split("## 3. Times")[1].split("The unit of an epoch number")[0]
    rows = [line.split("|")[2] for line in section.splitlines() if line.startswith("| ") and "---" not in line]
    examples = [example for row in rows[1:] for example in re.findall(r"`([^`]+)`", row)]
    assert len(examples) > 20
    for example in examples:
        assert format_time(read_time(example)).startswith("2024-03-05T"), example


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-03-05T10:30:00.123987Z", HALF_PAST_TEN_MS + 123),
        ("2024-03-05 10:30:00,5 UTC", HALF_PAST_TEN_MS + 500),
        (1_709_634_600.123, HALF_PAST_TEN_MS + 123),
        ("1709634600.123", HALF_PAST_TEN_MS + 123),
        (1_709_634_600_123_999, HALF_PAST_TEN_MS + 123),
        ("20240305", HALF_PAST_TEN_MS - 37_800_000),
        ("2024-03-05", HALF_PAST_TEN_MS - 37_800_000),
        ("12 Mar 1999 12:00 PM GMT", 921_240_000_000),
        ("12 Mar 99 12:00 AM GMT", 921_196_800_000),
        (-1.5, -1_500),
        (0, 0),
    ],
)
def test_fractions_dates_and_halves_of_the_day_are_kept(written: str | int | float, expected: int) -> None:
    assert read_time(written) == expected


def test_leap_second_is_the_next_second_and_midnight_may_end_a_day() -> None:
    assert read_time("2016-12-31T23:59:60Z") == read_time("2017-01-01T00:00:00Z")
    assert read_time("2016-12-31T24:00:00Z") == read_time("2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "yesterday",
        "05/03/2024",
        "5 Mar 10:30",
        "2024-02-30",
        "2024-03-05T25:00:00Z",
        "2024-03-05T24:00:01Z",
        "2024-03-05T10:61:00Z",
        "2024-03-05T10:30:00+99:00",
        "13 Mar 2024 13:30 PM",
        "Tue, 05 Mxr 2024 10:30:00 GMT",
        "Tue, 05 Mar 2024 10:30:00 XYZ",
        "٢٠٢٤٠٣٠٥",
        "NaN",
        "1e9",
        "1_709_634_600",
        "2024-03-05T10:30:00Z and then some more words",
        "9" * 300,
        10**25,
        -(10**25),
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_moment_or_could_be_two_is_refused(written: str | int | float) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_time(written)


def test_unknown_zone_name_is_named_and_told_how_to_write_it() -> None:
    with pytest.raises(ValueError, match=r"zone name ACST is not known; write an offset"):
        read_time("Tue, 05 Mar 2024 10:30:00 ACST")


@given(st.text(max_size=60) | st.integers() | st.floats())
def test_any_value_gives_an_integer_or_a_value_error(written: str | int | float) -> None:
    try:
        assert type(read_time(written)) is int
    except ValueError as refused:
        assert str(refused)


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_a_moment_written_in_any_zone_reads_as_itself(moment: datetime, offset_minutes: int) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    past = there - datetime(1970, 1, 1, tzinfo=UTC)
    expected = past // timedelta(milliseconds=1)
    whole_second = expected // 1_000 * 1_000
    assert read_time(there.isoformat()) == expected
    assert read_time(format_datetime(there)) == whole_second
    assert read_time(there.strftime("%a %b %d %H:%M:%S %z %Y")) == whole_second
    assert read_time(there.strftime("%Y/%m/%d %H:%M:%S %z")) == whole_second
    assert read_time(expected) == expected


@given(st.integers(min_value=-62_135_596_800_000, max_value=LATEST_MS))
def test_what_is_written_for_people_reads_back(time_ms: int) -> None:
    assert read_time(format_time(time_ms)) == time_ms
