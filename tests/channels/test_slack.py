"""An alert on Slack: readable, within Slack's limits whatever a feed says, and its web hook a secret throughout."""

import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.channels.outbox import MaybeArrivedError
from monitor.channels.slack import HEADER_CHARS, SHOWN_DOCUMENTS, SlackWebhook, escaped, message
from monitor.channels.terminal import BOUND_SPACE
from monitor.clock import HOUR_MS
from monitor.domain.alerts import GROUP_TOPIC, AlertEvent, AlertId, AlertState, Rule, feed_topic
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId
from monitor.errors import RecordError, TransientError
from tests.channels.slack_server import PATH, SlackServer, faults_of, slack_server
from tests.channels.test_console import AT_MS, CHINESE, ENGLISH, alert, evidence

HOSTILE = "<!channel> <@U123> <http://evil.example|log in> & @here \x1b[2J\u202e&lt;!everyone&gt;"


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as told:
        yield told


def texts(body: dict[str, Any]) -> list[str]:
    """Every text that a person sees, in order, as one writes it with plain spaces."""
    found = []
    for block in body["blocks"] + [block for each in body["attachments"] for block in each["blocks"]]:
        parts = block["elements"] if block["type"] == "context" else [block["text"]]
        found += [part["text"].replace(BOUND_SPACE, " ") for part in parts]
    return found


def shown(event: AlertEvent, topic_name: str = "Northvale Bank", *, may_repeat: bool = False) -> list[str]:
    body = message(event, topic_name, may_repeat=may_repeat)
    assert faults_of(body) == []
    return texts(body)


def test_a_firing_alert_tells_what_how_unusual_since_when_and_what_carries_it() -> None:
    assert shown(alert()) == [
        "▲ FIRING · Northvale Bank",
        "*12 negative stories in 4 h where 0.6 are usual, nominally once in 9 months for such a topic.*\n"
        "Since 2026-03-02 08:57 UTC · 7 independent origins · 31 documents in all\n"
        "Leading risk: *liquidity*",
        "1. <https://wire.example/1|Northvale Bank halts withdrawals at three branches after overnight run>\n"
        "wire-one (wire.example) · 09:14 UTC · 5 copies · net -0.82 · “halts withdrawals”",
        "2. <https://wire.example/1|Depositors queue outside Northvale Bank>\n"
        "townforum (wire.example) · 09:07 UTC · net -0.82 · “halts withdrawals”",
        "3. <https://wire.example/1|Regulator in talks with Northvale>\n"
        "daily-ledger (wire.example) · 2026-03-01 09:14 UTC · 1 copy · net -0.82 · “halts withdrawals”",
        "severity 3.2 (peak 4.0, threshold 3.0) · lexicon-3 · watchlist 1f0c9a · config 9f3b0c11aa20 · alert "
        "northvale:negative_burst:1772441820000 · revision 0 · decided 2026-03-02 09:14 UTC",
    ]


def test_the_locked_phone_shows_state_topic_and_what_happened() -> None:
    body = message(alert(), "Northvale Bank", may_repeat=False)
    assert (
        body["text"]
        .replace(BOUND_SPACE, " ")
        .startswith("▲ FIRING · Northvale Bank: 12 negative stories in 4 h where 0.6 are usual")
    )


def test_no_more_documents_are_shown_than_a_phone_holds() -> None:
    listed = [text for text in shown(alert(evidence=ENGLISH * 3)) if "Northvale" in text and "|" in text]
    assert len(listed) == SHOWN_DOCUMENTS


def test_an_amended_alert_shows_only_what_carries_most_of_it() -> None:
    told = shown(alert(AlertState.AMENDED))
    assert told[0] == "△ AMENDED · Northvale Bank"
    assert told[1].startswith("*Worse: 12 negative stories in 4 h")
    assert [text[:2] for text in told[2:]] == ["1.", "se"]


@pytest.mark.parametrize(
    ("state", "words"),
    [(AlertState.RESOLVED, "*Over after 8 h 17 min"), (AlertState.RETRACTED, "*Withdrawn after 8 h 17 min")],
)
def test_the_end_of_an_alert_is_told_shortly_and_lists_no_documents(state: AlertState, words: str) -> None:
    event = replace(alert(state, observed=0, severity=0.0), at_ms=AT_MS + 8 * HOUR_MS)
    header, news, provenance = shown(event)
    assert "Northvale Bank" in header
    assert news.startswith(words)
    assert "\n" not in news
    assert "alert northvale:negative_burst" in provenance


def test_each_state_has_a_colour_of_its_own() -> None:
    bodies = [message(alert(state), "Northvale Bank", may_repeat=False) for state in AlertState]
    assert len({body["attachments"][0]["color"] for body in bodies}) == len(AlertState)


def test_a_possible_repeat_says_so_before_anything_else() -> None:
    header, note, *_ = shown(alert(), may_repeat=True)
    assert header.startswith("▲ FIRING")
    assert note.startswith("possible repeat")
    assert "possible repeat" not in " ".join(shown(alert()))


def test_a_group_names_its_topics_and_a_topic_period_is_not_claimed_for_it() -> None:
    members = tuple(TopicId(f"company-{number}") for number in range(14))
    event = alert(rule=Rule.GROUP_BURST, topic_id=GROUP_TOPIC, members=members, observed=14, expected=0.1)
    _, news, *_ = shown(event, "14 topics: A, B, C and 11 more")
    assert news.startswith("*14 topics turned unusual at once where 0.1 are usual in 4 h, nominally once in 9 months.*")
    assert "Topics: company-0, company-1" in news
    assert news.endswith("company-11 and 2 more")


def test_a_group_that_is_over_says_how_many_are_left() -> None:
    members = tuple(TopicId(f"company-{number}") for number in range(6))
    changes: dict[str, Any] = {"rule": Rule.GROUP_BURST, "topic_id": GROUP_TOPIC, "members": members, "severity": 0.0}
    assert "1 of 6 topics is still unusual" in shown(alert(AlertState.RESOLVED, observed=1, **changes))[1]
    assert "none of 6 topics are still unusual" in shown(alert(AlertState.RESOLVED, observed=0, **changes))[1]


def test_a_silent_feed_tells_how_long_and_what_was_due_and_no_risk() -> None:
    changes: dict[str, Any] = {
        "rule": Rule.FEED_SILENT,
        "topic_id": feed_topic("chirrup"),
        "risk": RiskKind.NONE,
        "evidence": (),
    }
    header, news, _ = shown(alert(observed=0, expected=45.0, documents=0, **changes), "feed chirrup")
    assert header == "▲ FIRING · feed chirrup"
    assert news == "*No document in 4 h where 45 are usual.*\nSince 2026-03-02 08:57 UTC"
    over = alert(AlertState.RESOLVED, severity=0.0, **changes)
    assert "its documents come again" in shown(over, "feed chirrup")[1]


def test_half_blindness_is_told() -> None:
    assert "only 62% of the usual feed was there" in shown(alert(coverage=0.62))[1]
    assert "usual feed" not in shown(alert(coverage=0.999))[1]


# --- what a feed may try


def hostile(state: AlertState, text: str) -> AlertEvent:
    document = replace(evidence(text, source=text), cues=(text,), url=f"https://wire.example/{text}")
    event = alert(state, evidence=(document,), topic_id=TopicId(text), scorer=text, watchlist=text)
    return replace(event, alert_id=AlertId(text), config=text)


@pytest.mark.parametrize("state", AlertState)
def test_a_feed_can_neither_ring_everybody_nor_forge_a_link(state: AlertState) -> None:
    body = message(hostile(state, HOSTILE), HOSTILE, may_repeat=True)
    assert faults_of(body) == []
    everything = " ".join([body["text"], *texts(body)])
    assert not [sign for sign in ("<!", "<@", "<http://evil", "\x1b", "\u202e") if sign in everything]
    assert "&lt;!channel&gt;" in everything, "it is shown as it was written"


@given(st.text(max_size=400), st.sampled_from(AlertState), st.booleans())
def test_whatever_a_feed_says_the_message_is_one_that_slack_takes(text: str, state: AlertState, again: bool) -> None:
    assert faults_of(message(hostile(state, text), text, may_repeat=again)) == []


@pytest.mark.parametrize("long", ["&" * 5_000, "<" * 5_000, "銀" * 5_000, "a b " * 2_000])
def test_texts_that_are_too_long_are_cut_within_the_limits(long: str) -> None:
    documents = tuple(replace(document, headline=long, source=long, cues=(long,) * 5) for document in ENGLISH)
    members = tuple(TopicId(long) for _ in range(30))
    event = alert(evidence=documents, rule=Rule.GROUP_BURST, members=members, scorer=long, watchlist=long)
    told = shown(replace(event, alert_id=AlertId(long), config=long), long)
    assert len(told[0]) <= HEADER_CHARS


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://files.example/1",
        "//wire.example/1",
        "https://",
        "https://[broken",
        "https://wire.example/a b",
        "https://wire.example/\u202eexe",
        "https://wire.example/" + "a" * 1_000,
    ],
)
def test_what_nobody_should_follow_is_not_linked(url: str | None) -> None:
    told = shown(alert(evidence=(replace(evidence("Depositors queue"), url=url),)))
    assert told[2].startswith("1. Depositors queue\nwire-one · 09:14 UTC")


def test_a_link_keeps_its_query_and_cannot_end_early() -> None:
    document = replace(evidence("Depositors queue"), url="https://wire.example/a%20b?x=1&y=<2>|3#top")
    told = shown(alert(evidence=(document,)))
    assert told[2].startswith("1. <https://wire.example/a%20b?x=1&amp;y=%3C2%3E%7C3#top|Depositors queue>\n")


def test_the_host_that_a_link_leads_to_stands_beside_it() -> None:
    document = replace(evidence("Depositors queue"), url="https://northvale.example@evil.example/login")
    assert "wire-one (evil.example)" in shown(alert(evidence=(document,)))[2]


def test_chinese_headlines_arrive_as_they_are() -> None:
    assert "北谷银行三家网点暂停取款" in shown(alert(evidence=CHINESE), "北谷银行")[2]


@pytest.mark.parametrize(("text", "most", "cut"), [("a&b", 7, "a&amp;b"), ("a&b", 6, "a…"), ("abcdef", 4, "abc…")])
def test_an_escape_is_never_cut_in_two(text: str, most: int, cut: str) -> None:
    assert escaped(text, most) == cut


# --- delivery


def deliver(url: str, **options: float) -> None:
    SlackWebhook(url, **options).deliver(alert(), "Northvale Bank", may_repeat=False)


def test_a_message_is_posted_as_json_and_taken(server: SlackServer) -> None:
    deliver(server.url)
    assert server.faults == []
    assert server.posts == [message(alert(), "Northvale Bank", may_repeat=False)]


@pytest.mark.parametrize(
    ("status", "headers", "wait_seconds", "may_have_arrived"),
    [
        (429, {"Retry-After": "30"}, 30.0, False),
        (429, {}, 1.0, False),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1.0, False),
        (503, {"Retry-After": "7"}, 7.0, False),
        (500, {}, 1.0, True),
        (504, {}, 1.0, True),
    ],
)
def test_what_passes_is_tried_again_when_slack_says(
    server: SlackServer, status: int, headers: dict[str, str], wait_seconds: float, may_have_arrived: bool
) -> None:
    server.answers = [(status, headers, "rate_limited")]
    with pytest.raises(TransientError, match=f"Slack answered {status}") as caught:
        deliver(server.url)
    assert caught.value.retry_after_seconds == wait_seconds
    assert isinstance(caught.value, MaybeArrivedError) is may_have_arrived


@pytest.mark.parametrize(
    ("status", "word", "told"),
    [
        (400, "invalid_payload", "400 invalid_payload"),
        (403, "action_prohibited", "an administrator of the workspace forbids it"),
        (404, "no_service", "the web hook was removed; make another"),
        (410, "channel_is_archived", "was archived"),
        (302, "", "302"),
        (200, "<html>Please log in</html>", "is the address that of a web hook"),
    ],
)
def test_what_is_refused_for_good_is_not_tried_again_and_names_the_remedy(
    server: SlackServer, status: int, word: str, told: str
) -> None:
    server.answers = [(status, {"Location": server.url} if status == 302 else {}, word)]
    with pytest.raises(RecordError, match=told):
        deliver(server.url)
    assert len(server.posts) == 1, "a redirect is not followed"


def test_a_server_that_hangs_may_have_taken_it(server: SlackServer) -> None:
    server.hangs = True
    with pytest.raises(MaybeArrivedError, match="did not answer"):
        deliver(server.url, read_seconds=0.05)


def test_a_port_where_nobody_listens_has_surely_not_taken_it() -> None:
    with slack_server() as gone:
        url = gone.url
    with pytest.raises(TransientError, match="cannot be reached") as caught:
        deliver(url)
    assert not isinstance(caught.value, MaybeArrivedError)


def test_the_address_is_in_no_error_and_no_log(server: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    """The library quotes it in exceptions and at debug level, and a page that is not Slack's may quote it too."""
    caplog.set_level(logging.DEBUG)
    said = []
    server.answers = [(404, {}, f"Cannot POST {PATH}"), (200, {}, "ok")]
    for url in (server.url, server.url, "http://127.0.0.1:1" + PATH, "https://[::1" + PATH, "slack:" + PATH):
        try:
            deliver(url)
        except (TransientError, RecordError) as exc:
            said.append("".join(traceback.format_exception(exc)))
    assert len(said) == 4
    assert "hush-hush" not in " ".join(said) + caplog.text + repr(SlackWebhook(server.url))
