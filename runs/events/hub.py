"""One reader of events in each process, for all who listen there: a listener costs memory, and the database nothing."""

import asyncio
import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from runs.events.gapless import Gapless
from runs.events.happenings import Happening, happened_after, newest_number
from runs.events.watching import changes

logger = logging.getLogger(__name__)
READ_AT_ONCE = 1_000
# A bell may be lost: this is how long its news may then take.
LOOK_ANYWAY_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.2
TRY_AGAIN_SECONDS = 1.0

type Deliver = Callable[[Sequence[Happening]], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listener:
    """Somebody who wants to know: which events, and where to put them: ``deliver``, called on ``loop``."""

    wants: Callable[[Happening], bool]
    loop: asyncio.AbstractEventLoop
    deliver: Deliver


class Hub:
    """Reads every event once, while there are listeners, and hands it to those who want it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._order: Gapless[Happening] | None = None
        self._stop = threading.Event()

    def join(self, listener: Listener) -> int:
        """Add a listener; return the number after which it is told everything it wants."""
        with self._lock:
            if self._order is None:
                self._order = Gapless(newest_number())
                self._stop = threading.Event()
                threading.Thread(target=self._read, args=(self._stop,), name="events", daemon=True).start()
            self._listeners.add(listener)
            return self._order.position

    def leave(self, listener: Listener) -> None:
        """Tell ``listener`` nothing any more; without any, nothing is read."""
        with self._lock:
            self._listeners.discard(listener)
            if not self._listeners:
                self._order = None
                self._stop.set()

    def _read(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with changes(stop) as wait:
                    while not stop.is_set():
                        wait(LOOK_AGAIN_SECONDS if self._hand_out(stop) else LOOK_ANYWAY_SECONDS)
            except Exception:  # whatever it is: nobody would read for the listeners that are there any more
                logger.warning("Events cannot be read at the moment", exc_info=True)
                stop.wait(TRY_AGAIN_SECONDS)
            finally:
                connection.close()

    def _hand_out(self, stop: threading.Event) -> bool:
        """Hand out what is new; return whether more is to be expected at once."""
        with self._lock:
            order = self._order
        if order is None or stop.is_set():
            return False
        seen = happened_after(order.position, at_most=READ_AT_ONCE, missed=order.missed)
        with self._lock:
            if stop.is_set():
                return False
            _tell(order.take(seen, time.monotonic()), self._listeners)
            return order.is_waiting or len(seen) == READ_AT_ONCE


def _tell(happenings: Sequence[Happening], listeners: Iterable[Listener]) -> None:
    """Call each loop once for all its listeners: each call lets its thread run, which then keeps this one waiting."""
    post: defaultdict[asyncio.AbstractEventLoop, list[tuple[Deliver, list[Happening]]]] = defaultdict(list)
    for listener in listeners if happenings else ():
        if wanted := [happening for happening in happenings if listener.wants(happening)]:
            post[listener.loop].append((listener.deliver, wanted))
    for loop, letters in post.items():
        with contextlib.suppress(RuntimeError):  # closed: whoever listened there is gone
            loop.call_soon_threadsafe(_deliver, letters)


def _deliver(letters: Iterable[tuple[Deliver, Sequence[Happening]]]) -> None:
    for deliver, happenings in letters:
        deliver(happenings)


hub = Hub()
