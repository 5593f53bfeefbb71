"""A real HTTP server on loopback that serves feeds well and badly, and invented feeds to serve."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from xml.sax.saxutils import escape

Answer = Callable[["Handler"], None]

DRIP_SECONDS = 0.02


@dataclass
class FeedServer:
    """What each path answers, and what was asked."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Message]] = field(default_factory=list)
    is_over: Event = field(default_factory=Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: FeedServer

    def do_GET(self) -> None:
        self.close_connection = True
        self.site.asked.append((self.path, self.headers))
        self.site.answers[self.path.partition("?")[0]](self)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, pieces: Iterator[bytes]) -> None:
        """Bytes, one piece after the other, until the reader has had enough."""
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            if self.site.is_over.wait(DRIP_SECONDS):
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that hangs up is what is tested."""


@contextmanager
def serving() -> Iterator[FeedServer]:
    """A server for the length of a test."""

    class SiteHandler(Handler):
        """This site's: a handler is made for each request, and finds its site in its class."""

    server = _Server(("127.0.0.1", 0), SiteHandler)
    site = FeedServer(server.server_address[1])
    SiteHandler.site = site
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def page(body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """200 with a body."""
    return lambda handler: handler.reply(200, body, {"Content-Type": "application/rss+xml", **(headers or {})})


def status(code: int, headers: Mapping[str, str] | None = None) -> Answer:
    """A bare status."""
    return lambda handler: handler.reply(code, b"", headers)


@dataclass(frozen=True)
class Item:
    """One entry; `when` as the feed writes it, empty for none."""

    id: str
    title: str
    text: str = ""
    when: str = ""


def rss(items: Sequence[Item], encoding: str = "UTF-8", language: str = "en") -> bytes:
    """RSS 2.0, the items in this order."""
    rows = "".join(
        f"<item><guid isPermaLink='false'>{escape(item.id)}</guid><title>{escape(item.title)}</title>"
        f"<link>https://wire.example.com/{escape(item.id)}</link><description>{escape(item.text)}</description>"
        + (f"<pubDate>{item.when}</pubDate>" if item.when else "")
        + "</item>"
        for item in items
    )
    head = f"<?xml version='1.0' encoding='{encoding}'?><rss version='2.0'><channel><title>Harbour Wire</title>"
    return f"{head}<language>{language}</language>{rows}</channel></rss>".encode(encoding)
