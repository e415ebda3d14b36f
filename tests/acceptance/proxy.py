"""A TCP proxy that can be cut, for a server that goes away and comes back, or that balances over several."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Coroutine
from typing import Any, Self
from urllib.parse import urlsplit

CHUNK = 65_536
PATIENCE_SECONDS = 10


DEFAULT_PORTS = {"amqp": 5672, "redis": 6379}


class Proxy:
    """Forwards a local port to the ``targets`` in turn, from a thread of its own, until it is cut.

    A target that refuses a connection is passed over.
    """

    def __init__(self, *targets: tuple[str, int]) -> None:
        self._targets = deque(targets)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0
        self.heal()

    @classmethod
    def before(cls, url: str) -> tuple[Self, str]:
        """Return a proxy for the server of ``url``, and the URL that leads through it."""
        place = urlsplit(url)
        proxy = cls((place.hostname or "127.0.0.1", place.port or DEFAULT_PORTS[place.scheme]))
        login = f"{place.netloc.rpartition('@')[0]}@" if "@" in place.netloc else ""
        return proxy, place._replace(netloc=f"{login}127.0.0.1:{proxy.port}").geturl()

    def heal(self) -> None:
        """Accept connections, again on the same port."""
        self._do(self._listen())

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._do(self._break())

    def close(self) -> None:
        """Stop for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _break(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._forward(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer.transport), contextlib.suppress(OSError):
            onward_reader, onward_writer = await self._connect()
            with contextlib.closing(onward_writer.transport):
                await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(len(self._targets)):
            self._targets.rotate(-1)
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection(*self._targets[-1])
        raise ConnectionRefusedError("nobody is there")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.close()
