"""A server on loopback that behaves as Slack's incoming web hooks do, and refuses what Slack would refuse.

The limits are those of docs.slack.dev/reference/block-kit and of docs.slack.dev/messaging/sending-messages-using-
incoming-webhooks; `faults_of` knows only the blocks that a web hook of ours sends.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/services/T000/B000/hush-hush-7f3a"

_CONTROL = re.compile(r"<([^>|]*)(?:\|[^>]*)?>")


@dataclass
class SlackServer:
    """What it was sent, and what it answers: `answers` in turn, each (status, headers, body), then 200 ok."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    hangs: bool = False
    slow_seconds: float = 0.0
    let_go: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, content_type: str, body: bytes) -> tuple[int, dict[str, str], str]:
        """Judge one request as Slack does."""
        if path != PATH:
            return 404, {}, "no_service"
        if not content_type.startswith("application/json"):
            self.faults.append(f"content type {content_type}")
            return 400, {}, "invalid_payload"
        try:
            payload = json.loads(body)
        except ValueError:
            self.faults.append("no JSON")
            return 400, {}, "invalid_payload"
        faults = faults_of(payload)
        self.posts.append(payload)
        self.arrived.set()
        if faults:
            self.faults += faults
            return 400, {}, "invalid_blocks"
        return self.answers.pop(0) if self.answers else (200, {}, "ok")


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A server on a free port, gone at the end."""
    told = SlackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sends it has died: nothing has arrived
                self.close_connection = True
                return
            status, headers, said = told.answer(self.path, self.headers.get("Content-Type", ""), body)
            if told.hangs:
                told.let_go.wait(30)
                self.close_connection = True
                return
            if told.slow_seconds:
                told.let_go.wait(told.slow_seconds)
            try:
                self._answer(status, headers, said.encode())
            except ConnectionError:  # whoever asked has died meanwhile
                self.close_connection = True

        def _answer(self, status: int, headers: dict[str, str], said: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    try:
        yield told
    finally:
        told.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def faults_of(payload: Any) -> list[str]:
    """Everything for which Slack would refuse a message, or show it in another way than we mean."""
    if not isinstance(payload, dict):
        return ["the payload is no object"]
    faults = [f"unknown key {key}" for key in payload.keys() - {"text", "blocks", "attachments", *_UNFURL}]
    faults += [f"{key} is no truth value" for key in _UNFURL if not isinstance(payload.get(key, False), bool)]
    faults += _text_faults("text", payload.get("text"), 4_000)
    blocks = list(payload.get("blocks", []))
    for attachment in payload.get("attachments", []):
        if attachment.keys() != {"color", "blocks"} or not re.fullmatch(r"#[0-9a-f]{6}", attachment["color"]):
            faults.append(f"an attachment has the keys {sorted(attachment)}")
        blocks += attachment.get("blocks", [])
    if not 1 <= len(blocks) <= 50:
        faults.append(f"{len(blocks)} blocks")
    for number, block in enumerate(blocks):
        faults += [f"block {number}: {fault}" for fault in _block_faults(block)]
    return faults


_UNFURL = ("unfurl_links", "unfurl_media")


def _block_faults(block: Any) -> list[str]:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": bool()}, **rest} if not rest:
            return _text_faults("header", text, 150)
        case {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}, **rest} if not rest:
            return _text_faults("section", text, 3_000)
        case {"type": "context", "elements": [*elements], **rest} if not rest and 1 <= len(elements) <= 10:
            faults = []
            for element in elements:
                if element.keys() != {"type", "text", "verbatim"} or element["type"] != "mrkdwn":
                    faults.append(f"context element {element}")
                else:
                    faults += _text_faults("context", element["text"], 3_000)
            return faults
        case _:
            return [f"is no block that we send: {block}"]


def _text_faults(where: str, text: Any, most: int) -> list[str]:
    if not isinstance(text, str) or not text:
        return [f"{where} is empty"]
    faults = [f"{where} has {len(text)} characters"] if len(text) > most else []
    for control in _CONTROL.finditer(text):
        if not re.match(r"https?://[^\s<>|]+$", control[1]):
            faults.append(f"{where} holds the control sequence {control[0]}")
    bare = _CONTROL.sub("", text)
    if "<" in bare or ">" in bare or re.search(r"&(?!amp;|lt;|gt;)", bare):
        faults.append(f"{where} holds a sign that is not escaped: {bare!r}")
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text):
        faults.append(f"{where} holds a control character")
    return faults
