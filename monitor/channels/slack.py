"""Slack: an alert as a message to an incoming web hook (api.slack.com/messaging/webhooks), readable on a phone.

    header       state and topic
    section      what was seen, how unusual it is; since when, on how much it rests, the leading kind of risk
    | section    each of the first documents: linked headline, source, time, copies, phrases     (bar in the state's
    | context    severity, threshold, alert id, versions                                           colour)

A feed must not be able to ring everybody or to forge a link: every text is one harmless line, `&`, `<` and `>` are
escaped, nothing is parsed out of plain words (`verbatim`), and only http and https are linked, with the host beside it.
The address of a web hook is a secret: it is in no message, log line or exception. Retries are the outbox's business.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any, assert_never
from urllib.parse import quote, urlsplit

import orjson
import requests
from urllib3.exceptions import NewConnectionError

from monitor.channels.outbox import MaybeArrivedError
from monitor.channels.terminal import harmless
from monitor.channels.words import (
    NAME_CHARS,
    POSSIBLE_REPEAT,
    STATE_WORDS,
    breadth_facts,
    evidence_facts,
    headline_words,
    moment_words,
    news_words,
    provenance_facts,
)
from monitor.domain.alerts import AlertEvent, AlertState, Evidence, Rule
from monitor.domain.sentiment import RiskKind
from monitor.errors import RecordError, TransientError

# Slack refuses a whole message for one text that is too long (docs.slack.dev/reference/block-kit/blocks).
HEADER_CHARS = 150
TEXT_CHARS = 3_000
_FALLBACK_CHARS = 1_000
"""Of the plain text that a phone shows before it is unlocked; a longer one is cut by the phone anyway."""

SHOWN_DOCUMENTS = 3
_SHOWN_MEMBERS = 12
_URL_CHARS = 1_000
_HOST_CHARS = 60

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_ANSWER_BYTES = 200
"""Slack answers in a word; whoever answers with a page is not Slack."""

_RETRY_AFTER_SECONDS = 1.0
_DOT = " · "
_COLOURS = {
    AlertState.FIRING: "#c0392b",
    AlertState.AMENDED: "#e67e22",
    AlertState.RESOLVED: "#27ae60",
    AlertState.RETRACTED: "#2980b9",
}
_REMEDIES = {
    "no_service": "the web hook was removed; make another",
    "no_active_hooks": "the web hook was disabled; make another",
    "invalid_token": "the address is not right; copy it again",
    "channel_not_found": "its Slack channel was deleted; make another web hook",
    "channel_is_archived": "its Slack channel was archived; make another web hook",
    "action_prohibited": "an administrator of the workspace forbids it",
}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

Block = dict[str, Any]


class SlackWebhook:
    """One attempt at a time to one web hook.

    Args: url: its address, which is the key to it.
    """

    name = "slack"

    def __init__(
        self, url: str, connect_seconds: float = _CONNECT_SECONDS, read_seconds: float = _READ_SECONDS
    ) -> None:
        self._url = url
        self._timeout = (connect_seconds, read_seconds)
        # At debug level the library logs the path of every request, which here is the secret.
        logging.getLogger("urllib3").setLevel(logging.INFO)

    def deliver(self, event: AlertEvent, topic_name: str, *, may_repeat: bool) -> None:
        """Post one turn of an alert.

        Raises:
            TransientError: Slack is down, slow or asks for patience; MaybeArrivedError where the message had left.
            RecordError: it is refused for good.
        """
        body = orjson.dumps(message(event, topic_name, may_repeat=may_repeat))
        try:
            status, retry_after, word = self._post(body)
        # `from None`: what the library raises quotes the address.
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as exc:
            raise RecordError("address", f"the web hook is no address ({type(exc).__name__}); copy it again") from None
        except requests.exceptions.RequestException as exc:
            if _never_left(exc):
                raise TransientError(f"Slack cannot be reached ({type(exc).__name__})") from None
            raise MaybeArrivedError(f"Slack did not answer ({type(exc).__name__})") from None
        _judge(status, retry_after, word)

    def _post(self, body: bytes) -> tuple[int, str, str]:
        """Status, Retry-After and the first word of the answer."""
        with requests.post(
            self._url,
            data=body,
            headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "financial-sentiment-monitor"},
            timeout=self._timeout,
            # Whoever redirects a secret address is not to be followed.
            allow_redirects=False,
            stream=True,
        ) as answer:
            said = next(answer.iter_content(_ANSWER_BYTES), b"")
            return answer.status_code, answer.headers.get("Retry-After", ""), said.decode("ascii", "replace").strip()


def _never_left(error: requests.exceptions.RequestException) -> bool:
    """Whether no connection came about, so that nothing can have arrived."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    if isinstance(error, requests.exceptions.ProxyError):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _judge(status: int, retry_after: str, said: str) -> None:
    """Returns if the message was taken. Raises: TransientError, RecordError: as `deliver` does."""
    if status == 200 and said == "ok":
        return
    seconds = float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else _RETRY_AFTER_SECONDS
    if status in (408, 429, 503):
        raise TransientError(f"Slack answered {status}", seconds)
    if status >= 500:
        raise MaybeArrivedError(f"Slack answered {status}", seconds)
    if status == 200:
        raise RecordError("answer", "answered 200 but not as Slack does; is the address that of a web hook?")
    # A page of somebody else may quote the address, one of Slack's own words cannot.
    word = said if re.fullmatch(r"[a-z_]{1,40}", said) else "in words that are not Slack's"
    remedy = _REMEDIES.get(word, "look at the web hook in Slack")
    raise RecordError("refused", f"Slack answered {status} {word}: {remedy}")


def message(event: AlertEvent, topic_name: str, *, may_repeat: bool) -> dict[str, Any]:
    """One turn of an alert as the body of a request, within Slack's limits."""
    found = event.detection
    title = f"{STATE_WORDS[event.state]}{_DOT}{harmless(topic_name or found.topic_id, NAME_CHARS)}"
    news = _sentence(news_words(event))
    provenance = [_context(provenance_facts(event))]
    lines = [f"*{escaped(news, TEXT_CHARS // 2)}*"]
    documents: list[Block] = []
    match event.state:
        case AlertState.FIRING:
            lines += _more_lines(event)
            documents = _documents(found.evidence, SHOWN_DOCUMENTS, found.at_ms)
        case AlertState.AMENDED:
            lines += _more_lines(event)
            # The others were told when it fired; what carries most of it now may be new.
            documents = _documents(found.evidence, 1, found.at_ms)
        case AlertState.RESOLVED | AlertState.RETRACTED:
            pass
        case _:
            assert_never(event.state)
    notes = [_context([POSSIBLE_REPEAT])] if may_repeat else []
    return {
        "text": escaped(f"{title}: {news}", _FALLBACK_CHARS),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": escaped(title, HEADER_CHARS), "emoji": False}},
            *notes,
            _section("\n".join(lines)),
        ],
        "attachments": [{"color": _COLOURS[event.state], "blocks": [*documents, *provenance]}],
        # Pictures and summaries of whatever a feed links to are not ours to show.
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _more_lines(event: AlertEvent) -> list[str]:
    found = event.detection
    lines = [_DOT.join((f"Since {moment_words(event.started_ms)}", *breadth_facts(found)))]
    if found.risk is not RiskKind.NONE:
        lines.append(f"Leading risk: *{found.risk.replace('_', ' ')}*")
    if found.rule is Rule.GROUP_BURST:
        hidden = len(found.members) - _SHOWN_MEMBERS
        members = ", ".join(harmless(member, 40) for member in found.members[:_SHOWN_MEMBERS])
        lines.append(escaped(f"Topics: {members}{f' and {hidden} more' if hidden > 0 else ''}", TEXT_CHARS // 3))
    return lines


def _documents(evidence: tuple[Evidence, ...], most: int, decided_ms: int) -> list[Block]:
    blocks = []
    for number, document in enumerate(evidence[:most], start=1):
        host, link = _link(document.url)
        headline = escaped(headline_words(document), TEXT_CHARS // 3)
        source, *facts = evidence_facts(document, decided_ms)
        facts.insert(0, " ".join(filter(None, (source, f"({host})" if host else ""))))
        first = f"{number}. <{link}|{headline}>" if link else f"{number}. {headline}"
        blocks.append(_section(f"{first}\n{escaped(_DOT.join(filter(None, facts)), TEXT_CHARS // 3)}"))
    return blocks


def _link(url: str | None) -> tuple[str, str]:
    """Host and link of a document; both empty where there is none that a person should follow."""
    if not url or len(url) > _URL_CHARS or harmless(url, _URL_CHARS) != url or " " in url:
        return "", ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    if parts.scheme not in ("http", "https") or not host:
        return "", ""
    # What would end the link, or its address, is percent-encoded; everything else stays as it came.
    return harmless(host, _HOST_CHARS), quote(url, safe="%:/?#[]@!$&'()*+,;=~").replace("&", "&amp;")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _section(markdown: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": markdown, "verbatim": True}}


def _context(facts: Iterable[str]) -> Block:
    text = escaped(_DOT.join(facts), TEXT_CHARS)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def escaped(text: str, max_chars: int) -> str:
    """The text with Slack's three signs written out, cut between characters so that the result is not longer."""
    written = "".join(_ESCAPES.get(char, char) for char in text)
    if len(written) <= max_chars:
        return written
    kept, used = [], 1  # one for the sign of the cut
    for char in text:
        used += len(_ESCAPES.get(char, char))
        if used > max_chars:
            break
        kept.append(_ESCAPES.get(char, char))
    return "".join(kept).rstrip() + "…"
