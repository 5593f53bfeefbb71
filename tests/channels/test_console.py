"""An alert on the console: what a person needs, in few lines, whatever the terminal and the language."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from monitor.channels.console import ConsoleChannel, render
from monitor.channels.words import duration_words, return_period_words
from monitor.clock import DAY_MS, HOUR_MS, MINUTE_MS
from monitor.domain.alerts import (
    GROUP_TOPIC,
    AlertEvent,
    AlertId,
    AlertState,
    Detection,
    Evidence,
    Rule,
    feed_topic,
)
from monitor.domain.document import DocumentId
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId
from monitor.errors import DependencyError

# 2026-03-02 09:14:00 UTC.
AT_MS = 1_772_442_840_000


def evidence(headline: str, *, source: str = "wire-one", minutes_before: int = 0, copies: int = 0) -> Evidence:
    return Evidence(
        document_id=DocumentId(f"{source}:1"),
        effective_ms=AT_MS - minutes_before * MINUTE_MS,
        source=source,
        headline=headline,
        url="https://wire.example/1",
        net=-8200,
        risk=RiskKind.LIQUIDITY,
        cues=("halts withdrawals",),
        copies=copies,
        share=5000,
    )


ENGLISH = (
    evidence("Northvale Bank halts withdrawals at three branches after overnight run", copies=5),
    evidence("Depositors queue outside Northvale Bank", source="townforum", minutes_before=7),
    evidence("Regulator in talks with Northvale", source="daily-ledger", minutes_before=24 * 60, copies=1),
)
CHINESE = (
    evidence(
        "北谷银行三家网点暂停取款，隔夜遭遇挤兑；监管机构称“正在密切关注”，并要求其提交流动性报告", source="东港财经"
    ),
    evidence("网友爆料：北谷银行APP无法登录Northvale回应称系统升级", source="townforum", minutes_before=3),
)


def alert(state: AlertState = AlertState.FIRING, **changes: Any) -> AlertEvent:
    """A burst about an invented bank; `changes` go into its detection."""
    detection = Detection(
        partition=0,
        topic_id=TopicId("northvale"),
        rule=Rule.NEGATIVE_BURST,
        at_ms=AT_MS,
        episode_start_ms=AT_MS - 17 * MINUTE_MS,
        severity=3.2,
        look_back_ms=4 * HOUR_MS,
        observed=12,
        expected=0.61,
        volume=900,
        documents=31,
        origins=7,
        risk=RiskKind.LIQUIDITY,
        evidence=ENGLISH,
        topics_watched=86,
        scorer="lexicon-3",
        watchlist="1f0c9a",
    )
    return AlertEvent(
        alert_id=AlertId("northvale:negative_burst:1772441820000"),
        revision=0,
        state=state,
        at_ms=AT_MS + 2000,
        started_ms=AT_MS - 17 * MINUTE_MS,
        peak_severity=4.0,
        threshold=3.0,
        detection=replace(detection, **changes),
        config="9f3b0c11aa20",
    )


def shown(event: AlertEvent, topic_name: str = "Northvale Bank", *, width: int = 110) -> str:
    return render(event, topic_name, width=width, color=False)


def test_a_firing_alert_tells_what_how_unusual_since_when_and_what_carries_it() -> None:
    assert shown(alert()) == (
        "▲ FIRING · Northvale Bank [northvale] · liquidity\n"
        "  12 negative stories in 4 h where 0.6 are usual, nominally once in 9 months for such a topic\n"
        "  since 2026-03-02 08:57 UTC · 7 independent origins · 31 documents in all\n"
        "  1. Northvale Bank halts withdrawals at three branches after overnight run\n"
        "     wire-one · 09:14 UTC · 5 copies · net -0.82 · “halts withdrawals”\n"
        "  2. Depositors queue outside Northvale Bank\n"
        "     townforum · 09:07 UTC · net -0.82 · “halts withdrawals”\n"
        "  3. Regulator in talks with Northvale\n"
        "     daily-ledger · 2026-03-01 09:14 UTC · 1 copy · net -0.82 · “halts withdrawals”\n"
        "  severity 3.2 (peak 4.0, threshold 3.0) · lexicon-3 · watchlist 1f0c9a · config 9f3b0c11aa20 · alert\n"
        "  northvale:negative_burst:1772441820000 · revision 0 · decided 2026-03-02 09:14 UTC\n"
    )


def test_an_amended_alert_is_short_and_shows_what_carries_most_of_it() -> None:
    lines = shown(alert(AlertState.AMENDED)).splitlines()
    assert lines[0] == "△ AMENDED · Northvale Bank [northvale] · liquidity"
    assert lines[1].startswith("  worse: 12 negative stories in 4 h where 0.6 are usual")
    assert "  1. Northvale Bank halts withdrawals at three branches after overnight run" in lines
    assert not any("2. " in line[:5] for line in lines)


def test_a_resolved_alert_tells_how_long_it_was_and_lists_no_documents() -> None:
    event = replace(alert(AlertState.RESOLVED, observed=0, severity=0.0), at_ms=AT_MS + 8 * HOUR_MS)
    lines = shown(event).splitlines()
    assert lines[0] == "▽ RESOLVED · Northvale Bank [northvale]"
    assert lines[1].startswith("  over after 8 h 17 min (since 2026-03-02 08:57 UTC): no negative stories in 4 h")
    assert "halts" not in shown(event)


def test_a_retracted_alert_says_that_it_was_withdrawn() -> None:
    text = shown(alert(AlertState.RETRACTED, observed=1, severity=0.0))
    assert text.startswith("× RETRACTED · Northvale Bank [northvale]\n  withdrawn after 17 min")
    assert "1 negative story in 4 h" in text


@pytest.mark.parametrize("state", AlertState)
def test_every_turn_names_the_alert_and_the_versions_that_decided_it(state: AlertState) -> None:
    text = " ".join(shown(alert(state)).split())
    for fact in (
        "alert northvale:negative_burst:1772441820000",
        "lexicon-3",
        "watchlist 1f0c9a",
        "config 9f3b0c11aa20",
    ):
        assert fact in text


@pytest.mark.parametrize("state", AlertState)
@pytest.mark.parametrize("documents", [ENGLISH, CHINESE])
@pytest.mark.parametrize("width", [24, 31, 40, 57, 80, 110])
def test_no_line_is_wider_than_the_terminal(state: AlertState, documents: tuple[Evidence, ...], width: int) -> None:
    text = shown(alert(state, evidence=documents), "北谷银行", width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_a_chinese_headline_fills_its_lines() -> None:
    lines = shown(alert(evidence=CHINESE), "北谷银行", width=60).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("  1. "))
    assert lines[start] == "  1. 北谷银行三家网点暂停取款，隔夜遭遇挤兑；监管机构称“正在"
    assert lines[start + 1] == "     密切关注”，并要求其提交流动性报告"


def test_a_terminal_too_narrow_for_words_gets_lines_of_24_columns() -> None:
    assert shown(alert(), width=1) == shown(alert(), width=24)


def test_colour_marks_the_state_and_is_switched_off_at_each_line_end() -> None:
    coloured = render(alert(), "Northvale Bank", width=80, color=True)
    assert coloured.splitlines()[0] == "\x1b[1;31m▲ FIRING · Northvale Bank [northvale] · liquidity\x1b[0m"
    assert all(line.endswith("\x1b[0m") for line in coloured.splitlines() if "\x1b" in line)
    stripped = coloured
    for code in ("\x1b[1;31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        stripped = stripped.replace(code, "")
    assert stripped == shown(alert(), width=80)


def test_no_foreign_text_reaches_the_terminal_as_it_came() -> None:
    hostile = "\x1b[2J\x1b]0;own\x07\u202e\r\n\x9b1m"
    document = replace(evidence(hostile + "headline", source=hostile + "source"), cues=(hostile + "cue",))
    event = alert(evidence=(document,), scorer=hostile, watchlist=hostile, topic_id=TopicId(hostile + "id"))
    text = render(replace(event, alert_id=AlertId(hostile), config=hostile), hostile + "name", width=80, color=False)
    assert not {"\x1b", "\x07", "\x9b", "\r", "\u202e"} & set(text)
    assert all(word in text for word in ("headline", "source", "cue", "id", "name"))


def test_a_document_without_headline_copies_or_cues_says_what_it_can() -> None:
    bare = replace(evidence(" \n"), cues=("",))
    lines = shown(alert(evidence=(bare,), risk=RiskKind.NONE)).splitlines()
    assert lines[0] == "▲ FIRING · Northvale Bank [northvale]"
    assert lines[3:5] == ["  1. (no headline)", "     wire-one · 09:14 UTC · net -0.82"]


def test_a_topic_without_a_name_is_called_by_its_id_once() -> None:
    assert shown(alert(), "").startswith("▲ FIRING · northvale · ")
    assert shown(alert(), "northvale").startswith("▲ FIRING · northvale · ")


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (0.0, "fewer than 0.1 are"),
        (0.099, "fewer than 0.1 are"),
        (0.1, "0.1 are"),
        (1.0, "1.0 are"),
        (9.94, "9.9 are"),
        (9.96, "10 are"),
        (41.7, "42 are"),
    ],
)
def test_the_usual_number_is_as_exact_as_it_deserves(expected: float, words: str) -> None:
    assert f"where {words} usual" in shown(alert(expected=expected))


@pytest.mark.parametrize(
    ("look_back_ms", "severity", "words"),
    [
        (15 * MINUTE_MS, 0.0, "several times a day"),
        (4 * HOUR_MS, 0.5, "once a day"),
        (4 * HOUR_MS, 1.5, "once in 5 days"),
        (4 * HOUR_MS, 2.0, "once in 2 weeks"),
        (4 * HOUR_MS, 3.0, "once in 6 months"),
        (4 * HOUR_MS, 3.4, "rarer than once a year"),
        (DAY_MS, 400.0, "rarer than once a year"),
    ],
)
def test_severity_reads_as_a_coarse_return_period_of_at_most_a_year(
    look_back_ms: int, severity: float, words: str
) -> None:
    detection = alert(look_back_ms=look_back_ms, severity=severity).detection
    assert return_period_words(detection) == f"nominally {words} for such a topic"


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (-5, "0 min"),
        (0, "0 min"),
        (15 * MINUTE_MS, "15 min"),
        (HOUR_MS, "1 h"),
        (90 * MINUTE_MS, "1 h 30 min"),
        (24 * HOUR_MS, "24 h"),
        (DAY_MS + HOUR_MS, "1 d 1 h"),
        (3 * DAY_MS, "3 d"),
    ],
)
def test_a_duration_reads_in_its_two_largest_units(duration_ms: int, words: str) -> None:
    assert duration_words(duration_ms) == words


def test_the_channel_writes_the_alert_and_an_empty_line() -> None:
    stream = io.StringIO()
    ConsoleChannel(stream, color=None, width=None).send(alert(), "Northvale Bank")
    assert stream.getvalue() == render(alert(), "Northvale Bank", width=100, color=False) + "\n"


def test_colour_that_is_asked_for_is_given_even_where_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    ConsoleChannel(stream, color=True, width=80).send(alert(), "Northvale Bank")
    assert "\x1b[1;31m" in stream.getvalue()


def test_a_stream_of_an_old_locale_still_gets_the_alert() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    ConsoleChannel(stream, color=False, width=80).send(alert(), "北谷银行")
    assert raw.getvalue().startswith(b"! FIRING | ???? [northvale] | liquidity\n")


def test_a_console_that_went_away_is_a_dependency_that_is_down() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DependencyError, match="console cannot be written"):
        ConsoleChannel(stream, color=False, width=80).send(alert(), "Northvale Bank")


def test_alert_that_ends_because_too_little_is_left_says_so() -> None:
    text = render(alert(AlertState.RESOLVED, look_back_ms=0, observed=0, severity=0.0), "Halden", width=90, color=False)
    assert "too few negative stories are left" in text
    assert "0 min" not in text


def test_a_group_and_a_silent_feed_are_called_by_their_names_alone() -> None:
    group = alert(rule=Rule.GROUP_BURST, topic_id=GROUP_TOPIC, members=(TopicId("a"), TopicId("b")), expected=0.04)
    lines = shown(group, "2 topics: Northvale Bank and Halden").splitlines()
    assert lines[0] == "▲ FIRING · 2 topics: Northvale Bank and Halden · liquidity"
    assert lines[1].startswith("  2 topics turned unusual at once where fewer than 0.1 are usual in 4 h, nominally")
    feed = alert(rule=Rule.FEED_SILENT, topic_id=feed_topic("chirrup"), risk=RiskKind.NONE, expected=45.0, evidence=())
    lines = shown(feed, "feed chirrup").splitlines()
    assert lines[:3] == [
        "▲ FIRING · feed chirrup",
        "  no document in 4 h where 45 are usual",
        "  since 2026-03-02 08:57 UTC",
    ]
