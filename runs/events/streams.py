"""Streams of Server-Sent Events: what happened before, then what happens, until the run ends or the listener leaves.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from asgiref.sync import SyncToAsync, sync_to_async
from django.conf import settings
from django.db import connection

from runs.events.happenings import Happening, happened_after, happened_to, happened_within
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

    def ends_with(self, happening: Happening) -> bool:
        """Whether nothing comes after the event."""


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

    def ends_with(self, happening: Happening) -> bool:
        """Whether the run has ended."""
        return happening.is_last


@dataclass(frozen=True, slots=True, kw_only=True)
class OfWhole:
    """The events of a run and of all its branches, numbered over all runs."""

    run_id: uuid.UUID
    after: int

    def wants(self, happening: Happening) -> bool:
        """Whether the event is one of them."""
        return happening.run_id == self.run_id or happening.facts["branch_within"] == str(self.run_id)

    def place(self, happening: Happening) -> int:
        """Return the number."""
        return happening.number

    def earlier(self, place: int, until: int) -> list[Happening]:
        """Return some events after ``place`` that are not told live."""
        return [
            each for each in happened_within(self.run_id, after=place, at_most=READ_AT_ONCE) if each.number <= until
        ]

    def ahead(self, place: int, happening: Happening) -> int:
        """Return 0: the hub has put the events in order."""
        return 0

    def ends_with(self, happening: Happening) -> bool:
        """Whether the run has ended, and its branches with it."""
        return happening.is_last and happening.run_id == self.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAll:
    """The events of all runs that ``fits`` lets through, numbered over all runs."""

    fits: Callable[[Happening], bool]
    after: int | None

    def wants(self, happening: Happening) -> bool:
        """Whether the event is one of them, and no news of long ago that came with an import."""
        return not happening.is_history and self.fits(happening)

    def place(self, happening: Happening) -> int:
        """Return the number."""
        return happening.number

    def earlier(self, place: int, until: int) -> list[Happening]:
        """Return some events after ``place`` that are not told live."""
        return [each for each in happened_after(place, at_most=READ_AT_ONCE) if each.number <= until]

    def ahead(self, place: int, happening: Happening) -> int:
        """Return 0: the hub has put the events in order."""
        return 0

    def ends_with(self, happening: Happening) -> bool:
        """Return False: there is always another run."""
        return False


class _Mailbox:
    """Where events are left for a listener, who must not fall too far behind."""

    def __init__(self) -> None:
        self._unread: list[Happening] = []
        self._has_news = asyncio.Event()
        self.has_overflowed = False

    def put(self, happenings: Sequence[Happening]) -> None:
        """Leave ``happenings`` here; called on the listener's event loop."""
        if len(self._unread) + len(happenings) > MOST_UNREAD:
            self.has_overflowed = True
        else:
            self._unread += happenings
        self._has_news.set()

    async def read(self) -> AsyncIterator[list[Happening]]:
        """Yield the events as they come, none when nothing happens for a while; ends when some could not be kept."""
        while not self.has_overflowed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.EVENTS_HEARTBEAT_SECONDS):
                    await self._has_news.wait()
            self._has_news.clear()
            news, self._unread = self._unread, []
            yield news


async def stream(source: Source) -> AsyncGenerator[bytes]:
    """Yield the events of ``source`` as the bytes of an event stream, and a comment when nothing happens.

    A stream of one run ends with it. Any ends when the listener is too slow: it may come back and go on where it was.
    """
    mailbox = _Mailbox()
    listener = Listener(wants=source.wants, loop=asyncio.get_running_loop(), deliver=mailbox.put)
    joining = asyncio.ensure_future(sync_to_async(_join)(listener))
    try:
        until = await asyncio.shield(joining)
        yield GREETING  # only now: whoever has read it misses nothing that begins after that
        async with aclosing(_happenings(source, mailbox, until)) as batches:
            async for batch in batches:
                # All at once, as each piece costs the server more than what is in it.
                yield b"".join(_text(each, source.place(each)) for each in batch) or HEARTBEAT
                if any(source.ends_with(each) for each in batch):
                    return
    finally:
        _leave(listener, joining)


def in_thread(events: AsyncIterator[bytes]) -> Iterator[bytes]:
    """Yield what ``events`` yields, for a server that gives each listener a thread."""

    async def following() -> bytes | None:
        return await anext(events, None)

    with asyncio.Runner() as runner:
        while (piece := runner.run(following())) is not None:
            yield piece


async def _happenings(source: Source, mailbox: _Mailbox, until: int) -> AsyncGenerator[list[Happening]]:
    """Yield what ``source`` wants, as much as there is at a time: nothing when nothing happened for a while."""
    place = until if source.after is None else source.after
    while not mailbox.has_overflowed:
        while earlier := await sync_to_async(_earlier)(source, place, until):
            place = source.place(earlier[-1])
            yield [each for each in earlier if source.wants(each)]  # also none: it may take long, and others cut it off
        _let_thread_go()
        async for news in mailbox.read():
            following, is_complete = _following(source, place, news)
            place = max([place, *map(source.place, following)])
            if following or not news:
                yield following
            if not is_complete:
                break  # something was not told: the database knows


def _following(source: Source, place: int, news: Sequence[Happening]) -> tuple[list[Happening], bool]:
    """Return those of ``news`` that follow ``place`` without a gap, and whether these are all that are new."""
    following: list[Happening] = []
    for happening in news:
        ahead = source.ahead(place, happening)
        if ahead > 0:
            return following, False
        if ahead == 0:
            following.append(happening)
            place = max(place, source.place(happening))
    return following, True


def _let_thread_go() -> None:
    """End the thread that Django keeps for the synchronous code of a request: who only waits for events needs none.

    Should there be such code again, it gets a new one.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context and (executor := SyncToAsync.context_to_thread_executor.pop(context, None)):
        executor.shutdown(wait=False)


def _join(listener: Listener) -> int:
    try:
        return hub.join(listener)
    finally:
        connection.close()


def _leave(listener: Listener, joining: asyncio.Future[int]) -> None:
    """Leave, or do so once ``joining`` is over: its thread goes on when a listener is gone before it was answered."""
    if joining.done():
        hub.leave(listener)
    else:
        joining.add_done_callback(lambda _: hub.leave(listener))


def _earlier(source: Source, place: int, until: int) -> list[Happening]:
    try:
        return source.earlier(place, until)
    finally:
        connection.close()


def _text(happening: Happening, place: int) -> bytes:
    return f"id: {place}\nevent: {happening.type}\ndata: {happening.data}\n\n".encode()
