"""Words: what the figures of the history mean, said to a person at a risk desk.

Times are UTC throughout, and the page says so once.
"""

from datetime import UTC, datetime
from typing import assert_never
from urllib.parse import urlsplit

from monitor.channels.terminal import harmless
from monitor.channels.words import duration_words
from monitor.config import Config
from monitor.domain.alerts import AlertState, Detection, Rule, Suppression
from monitor.domain.document import DeadLetterReason
from monitor.domain.sentiment import RiskKind

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not from the machine's locale: a report reads the same wherever it was made."""

HEADLINE_CHARS, NAME_CHARS, SOURCE_CHARS, CUE_CHARS = 200, 120, 60, 40

SUPPRESSIONS = {
    Suppression.BELOW_THRESHOLD: "not unusual enough for the budget",
    Suppression.OVER_BUDGET: "the week's budget was spent",
    Suppression.COOLDOWN: "too soon after the last alert about it, and no worse",
    Suppression.NO_RISE: "told already, and no worse",
    Suppression.GROUPED: "told as part of a group alert",
}

STATES = {
    AlertState.FIRING: "open",
    AlertState.AMENDED: "open",
    AlertState.RESOLVED: "resolved",
    AlertState.RETRACTED: "withdrawn",
}

TURNS = {
    AlertState.FIRING: "▲ fired",
    AlertState.AMENDED: "△ worse",
    AlertState.RESOLVED: "▽ resolved",
    AlertState.RETRACTED: "× withdrawn",
}

DEAD_LETTERS = {
    DeadLetterReason.NOT_UTF8: "not UTF-8",
    DeadLetterReason.NOT_JSON: "not JSON",
    DeadLetterReason.NOT_AN_OBJECT: "JSON, but no object",
    DeadLetterReason.TOO_DEEP: "nested too deep",
    DeadLetterReason.OVERSIZE: "longer than a record may be",
    DeadLetterReason.TRUNCATED: "cut off before its end",
    DeadLetterReason.BAD_FIELD: "a field of the wrong kind",
    DeadLetterReason.NO_TEXT: "no text",
    DeadLetterReason.NO_TIME: "no time of publication",
    DeadLetterReason.BAD_TIME: "a time that cannot be read",
    DeadLetterReason.TIME_OUT_OF_RANGE: "a time before all that is accepted",
    DeadLetterReason.FAR_FUTURE: "a time in the future",
    DeadLetterReason.POISON: "the scorer failed on it",
    DeadLetterReason.CRASHED: "it ended the process more than once",
}


def clean(text: str, max_chars: int) -> str:
    """Foreign text as one line, without what could turn round or hide the text beside it."""
    return harmless(text, max_chars)


def link(url: str | None) -> str | None:
    """The address if a reader may be sent there: http or https, with a host, and nothing that hides; else None."""
    if url is None or any(char.isspace() or not char.isprintable() for char in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return url if parts.scheme.lower() in ("http", "https") and parts.hostname else None


def date_words(time_ms: int) -> str:
    """`9 Mar`."""
    day = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{day.day} {MONTHS[day.month - 1]}"


def clock_words(time_ms: int) -> str:
    """`14:05`."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%H:%M}"


def moment_words(time_ms: int) -> str:
    """`9 Mar 14:05`."""
    return f"{date_words(time_ms)} {clock_words(time_ms)}"


def iso_words(time_ms: int) -> str:
    """For the `datetime` attribute: `2026-03-09T14:05:11Z`."""
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}Z"


def period_words(start_ms: int, end_ms: int) -> str:
    """First and last day: `2 Mar to 15 Mar 2026`."""
    first, last = (datetime.fromtimestamp(time_ms / 1000, UTC) for time_ms in (start_ms, max(start_ms, end_ms - 1)))
    until = f"{date_words(round(last.timestamp() * 1000))} {last.year}"
    if first.date() == last.date():
        return until
    since = date_words(start_ms) if first.year == last.year else f"{date_words(start_ms)} {first.year}"
    return f"{since} to {until}"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 story`, `1,204 stories`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def usual_words(expected: float) -> str:
    """What is usual, as coarse as it is known: `fewer than 0.1`, `0.4`, `23`."""
    if expected < 0.1:
        return "fewer than 0.1"
    return f"{expected:.1f}" if expected < 9.95 else f"{expected:,.0f}"


def risk_words(risk: RiskKind) -> str | None:
    """The kind of risk, None where nothing names one."""
    return None if risk is RiskKind.NONE else risk.value


def budget_words(config: Config) -> str:
    """What the desk accepts."""
    per_topic = config.alerts.budget_per_topic_month
    if per_topic is not None:
        return f"{per_topic:g} alerts for each topic and month"
    return f"{config.alerts.budget_per_working_day:g} alerts on a working day for the whole desk"


def gate_words(detection: Detection, config: Config) -> tuple[str, ...]:
    """What it had to pass besides the threshold, with the figure that passed."""
    asked, alerts = config.detection, config.alerts
    match detection.rule:
        case Rule.NEGATIVE_BURST:
            documents = f"{plural(detection.documents, 'document')} about it in the look-back"
            return (
                f"{plural(detection.origins, 'independent origin')}, at least {asked.min_origins} needed",
                f"{documents}, at least {asked.min_documents} negative ones needed",
                f"direction: at least {asked.min_negative_ratio:.0%} of what took a side is negative",
                f"watched for at least {duration_words(asked.min_history_ms)}",
            )
        case Rule.GROUP_BURST:
            within = duration_words(alerts.group_window_ms)
            return (
                f"{plural(detection.observed, 'topic')} within {within}, at least {alerts.group_min_topics} needed",
            )
        case Rule.FEED_SILENT:
            return ()
        case _:
            assert_never(detection.rule)
