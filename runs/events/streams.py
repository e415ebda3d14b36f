"""Streams of Server-Sent Events: what happened before, then what happens, until the run ends or the listener leaves.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from runs.events.happenings import Happening, happened_after, happened_to
from runs.events.hub import Listener, hub

READ_AT_ONCE = 500
MOST_UNREAD = 2_000
# How soon a client comes back when the connection breaks, in milliseconds.
GREETING = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"


class Source(Protocol):
    """Which events a listener wants, and how they are numbered for it."""

    @property
    def after(self) -> int | None:
        """The place to begin after; None is now."""

    def wants(self, happening: Happening) -> bool:
        """Whether the event is one of them."""

    def place(self, happening: Happening) -> int:
        """Return where in the stream the event is: what a client sends back as Last-Event-ID."""

    def earlier(self, place: int, until: int) -> list[Happening]:
        """Return some events after ``place``, in order, wanted or not; none that will be told live, after ``until``."""

    def ahead(self, place: int, happening: Happening) -> int:
        """Return how many events are missing between ``place`` and this one; less than 0 if it came before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRun:
    """The events of one run, numbered by their sequence."""

    run_id: uuid.UUID
    after: int

    def wants(self, happening: Happening) -> bool:
        """Whether the event is one of them."""
        return happening.run_id == self.run_id

    def place(self, happening: Happening) -> int:
        """Return the sequence number."""
        return happening.sequence

    def earlier(self, place: int, until: int) -> list[Happening]:
        """Return some events after ``place``."""
        return happened_to(self.run_id, after=place, at_most=READ_AT_ONCE)

    def ahead(self, place: int, happening: Happening) -> int:
        """Return the length of the gap: sequence numbers have none."""
        return happening.sequence - place - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAll:
    """The events of all runs that ``fits`` lets through, numbered over all runs."""

    fits: Callable[[Happening], bool]
    after: int | None

    def wants(self, happening: Happening) -> bool:
        """Whether the event is one of them."""
        return self.fits(happening)

    def place(self, happening: Happening) -> int:
        """Return the number."""
        return happening.number

    def earlier(self, place: int, until: int) -> list[Happening]:
        """Return some events after ``place`` that are not told live."""
        return [each for each in happened_after(place, at_most=READ_AT_ONCE) if each.number <= until]

    def ahead(self, place: int, happening: Happening) -> int:
        """Return 0: the hub has put the events in order."""
        return 0


class _Mailbox:
    """Where the hub's thread leaves events for the event loop of a listener, who must not fall too far behind."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._unread: asyncio.Queue[Happening] = asyncio.Queue(MOST_UNREAD)
        self.has_overflowed = False

    def deliver(self, happening: Happening) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, happening)

    def _put(self, happening: Happening) -> None:
        try:
            self._unread.put_nowait(happening)
        except asyncio.QueueFull:
            self.has_overflowed = True

    async def read(self) -> AsyncIterator[Happening | None]:
        """Yield the events as they come, None when nothing happens for a while; ends when some could not be kept."""
        while not self.has_overflowed:
            try:
                yield await asyncio.wait_for(self._unread.get(), settings.EVENTS_HEARTBEAT_SECONDS)
            except TimeoutError:
                yield None


async def stream(source: Source) -> AsyncIterator[bytes]:
    """Yield the events of ``source`` as the bytes of an event stream, and a comment when nothing happens.

    A stream of one run ends with it. Any ends when the listener is too slow: it may come back and go on where it was.
    """
    yield GREETING
    async with aclosing(_happenings(source)) as happenings:
        async for happening in happenings:
            yield HEARTBEAT if happening is None else _text(happening, source.place(happening))
            if happening is not None and happening.is_last and isinstance(source, OfRun):
                return


def in_thread(events: AsyncIterator[bytes]) -> Iterator[bytes]:
    """Yield what ``events`` yields, for a server that gives each listener a thread."""

    async def following() -> bytes | None:
        return await anext(events, None)

    with asyncio.Runner() as runner:
        while (piece := runner.run(following())) is not None:
            yield piece


async def _happenings(source: Source) -> AsyncGenerator[Happening | None]:
    """Yield what ``source`` wants: None when nothing happened for a while."""
    mailbox = _Mailbox()
    listener = Listener(wants=source.wants, deliver=mailbox.deliver)
    until = await sync_to_async(_join)(listener)
    place = until if source.after is None else source.after
    try:
        while not mailbox.has_overflowed:
            while earlier := await sync_to_async(_earlier)(source, place, until):
                place = source.place(earlier[-1])
                for happening in filter(source.wants, earlier):
                    yield happening
            async for news in mailbox.read():
                ahead = 0 if news is None else source.ahead(place, news)
                if ahead > 0:
                    break  # something was not told: the database knows
                if ahead == 0:
                    place = place if news is None else max(place, source.place(news))
                    yield news
    finally:
        hub.leave(listener)


def _join(listener: Listener) -> int:
    try:
        return hub.join(listener)
    finally:
        connection.close()


def _earlier(source: Source, place: int, until: int) -> list[Happening]:
    try:
        return source.earlier(place, until)
    finally:
        connection.close()


def _text(happening: Happening, place: int) -> bytes:
    facts = json.dumps(happening.facts, ensure_ascii=False, separators=(",", ":"))
    return f"id: {place}\nevent: {happening.type}\ndata: {facts}\n\n".encode()
