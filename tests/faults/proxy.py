"""A TCP proxy between clients and brokers that cuts, delays and swallows, as a bad line does.

    client -> told port [ proxy ] listening port -> broker       one pair of ports for each broker

Bytes that were swallowed are gone, so when the hole closes their connections are cut: a stream with a gap is none.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Mapping

PIECE_BYTES = 64 << 10

RESET = struct.pack("ii", 1, 0)
"""To linger for no time: closing is a reset."""


class Link:
    """One connection of a client, and ours to the broker."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self._ends = (client, broker)
        self.has_gap = False

    def end(self) -> None:
        """End both, after what was passed on."""
        for end in self._ends:
            end.close()

    def cut(self) -> None:
        """Reset both at once, as a machine does that forgot its connections."""
        for end in self._ends:
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.transport.abort()


class Proxy:
    """Stands between; `start` and `stop`, the troubles from any thread in between.

    Args:
        ports: by the port that clients are told, the one where the broker listens.
    Attributes:
        delay_seconds: what each piece waits, in each direction. is_hole: whether everything is swallowed.
        links_cut, pieces_delayed, bytes_swallowed: what was done so far.
    """

    def __init__(self, ports: Mapping[int, int]) -> None:
        self._ports = dict(ports)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self.delay_seconds = 0.0
        self.is_hole = False
        self.links_cut = 0
        self.pieces_delayed = 0
        self.bytes_swallowed = 0

    @property
    def addresses(self) -> str:
        """For `bootstrap_servers`."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports)

    def start(self) -> None:
        """Listen. Raises: OSError: a port was taken by somebody else meanwhile."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        """End every connection, and listen no more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self, share: float, rng: random.Random) -> None:
        """Cut about this share of the connections."""
        self._do(lambda: self._cut([link for link in self._links if rng.random() < share]))

    def open_hole(self) -> None:
        """Swallow whatever comes, from now on; connections stay, and new ones are taken too."""
        self.is_hole = True

    def close_hole(self) -> None:
        """Let everything pass again; what lost bytes is cut."""
        self.is_hole = False
        self._do(lambda: self._cut([link for link in self._links if link.has_gap]))

    def _do(self, change: Callable[[], None]) -> None:
        async def changed() -> None:
            change()

        asyncio.run_coroutine_threadsafe(changed(), self._loop).result(10)

    def _cut(self, links: list[Link]) -> None:
        for link in links:
            link.cut()
        self.links_cut += len(links)

    async def _listen(self) -> None:
        for told, listening in self._ports.items():
            self._servers.append(await asyncio.start_server(self._take(listening), "127.0.0.1", told))

    def _take(self, listening: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._serve(reader, writer, listening))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return take

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listening: int) -> None:
        try:
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", listening)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, to_broker)
        self._links.add(link)
        ways = [
            self._loop.create_task(self._pass(link, reader, to_broker)),
            self._loop.create_task(self._pass(link, from_broker, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._links.discard(link)
            link.end()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends."""
        try:
            while piece := await reader.read(PIECE_BYTES):
                if self.delay_seconds:
                    self.pieces_delayed += 1
                    await asyncio.sleep(self.delay_seconds)
                if self.is_hole or link.has_gap:
                    link.has_gap = True
                    self.bytes_swallowed += len(piece)
                    continue
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass  # cut

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
