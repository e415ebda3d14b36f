"""Many listeners to live events in one thread: they note what arrives and when, and read it later."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

# How many ask at the same time: a server takes new listeners one after another anyway.
ASKING_AT_ONCE = 32
PATIENCE_SECONDS = 300
GREETING = b"retry:"
# One event of a stream; what the server sends in between to keep chunks apart is of no interest.
EVENT = re.compile(rb'event: (\w+)\ndata: .*?"created_at":"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An event as it reached one listener, by the clock of the machine, on which all processes run."""

    type: str
    delay_seconds: float


class _Listener(asyncio.Protocol):
    """One connection. It only keeps what it gets: reading it would delay what the others get."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._pieces: list[tuple[float, bytes]] = []
        self.is_greeted = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._pieces.append((time.time(), data))
        if not self.is_greeted.is_set() and GREETING in data:
            self.is_greeted.set()

    def forget(self) -> None:
        self._pieces = []

    def has_heard(self, event: str) -> bool:
        """Whether ``event`` is the last thing that arrived."""
        return f"event: {event}\n".encode() in b"".join(piece for _, piece in self._pieces[-2:])

    def heard(self) -> Iterator[Heard]:
        """Yield the events; each arrived with the piece in which it ends."""
        text = b"".join(piece for _, piece in self._pieces)
        ends: list[tuple[int, float]] = []
        for at, piece in self._pieces:
            ends.append(((ends[-1][0] if ends else 0) + len(piece), at))
        for found in EVENT.finditer(text):
            at = next(at for end, at in ends if end >= found.end())
            recorded_at = datetime.fromisoformat(found[2].decode()).timestamp()
            yield Heard(type=found[1].decode(), delay_seconds=at - recorded_at)


class Audience:
    """Listeners on one event loop, which has a thread of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="audience", daemon=True)
        self._listeners: list[_Listener] = []
        self._transports: list[asyncio.BaseTransport] = []

    @classmethod
    @contextmanager
    def of(cls, port: int) -> Iterator[Self]:
        """Open an audience without listeners for the server on ``port``; let everybody go at the end."""
        audience = cls(port)
        audience._thread.start()
        try:
            yield audience
        finally:
            audience.leave()
            audience._loop.call_soon_threadsafe(audience._loop.stop)
            audience._thread.join()
            audience._loop.close()

    def grow(self, count: int) -> None:
        """Let listeners come until there are ``count``, and wait until each has been greeted."""
        asyncio.run_coroutine_threadsafe(self._grow(count), self._loop).result(PATIENCE_SECONDS)

    def leave(self) -> None:
        """Let all listeners go."""

        async def close() -> None:
            for transport in self._transports:
                transport.close()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(PATIENCE_SECONDS)
        self._listeners, self._transports = [], []

    def forget(self) -> None:
        """Forget everything that was heard so far."""
        for listener in self._listeners:
            listener.forget()

    def has_heard(self, event: str) -> bool:
        """Whether ``event`` is the last thing that every listener has heard."""
        return all(listener.has_heard(event) for listener in self._listeners)

    def heard(self) -> list[list[Heard]]:
        """Return what each listener has heard."""
        return [list(listener.heard()) for listener in self._listeners]

    async def _grow(self, count: int) -> None:
        places = asyncio.Semaphore(ASKING_AT_ONCE)
        request = b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"

        async def come() -> None:
            async with places:
                listener = _Listener(request)
                transport, _ = await self._loop.create_connection(lambda: listener, "127.0.0.1", self._port)
                self._listeners.append(listener)
                self._transports.append(transport)
                await listener.is_greeted.wait()

        await asyncio.gather(*(come() for _ in range(count - len(self._listeners))))
