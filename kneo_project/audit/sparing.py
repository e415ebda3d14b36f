"""Records what strangers can cause as often as they like, without letting them fill the table."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from django.db import Error

from kneo_project.audit.services import record

SECONDS = 60.0
MOST_A_MINUTE = 120
MOST_REMEMBERED = 10_000

logger = structlog.stdlib.get_logger("kneo_serv.audit")


@dataclass(slots=True)
class _Seen:
    recorded_at: float = float("-inf")
    held_back: int = 0


class Recent:
    """What this process recorded lately: the same at most once a minute, and not more than so much of all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], _Seen] = OrderedDict()
        self._minute_began = float("-inf")
        self._recorded = 0

    def admit(self, *what: str) -> int | None:
        """Return for how many a record made now would stand; None when it is held back."""
        now = self._clock()
        with self._lock:
            seen = self._seen.setdefault(what, _Seen())
            self._seen.move_to_end(what)
            if len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
            if now - seen.recorded_at < SECONDS or not self._has_room(now):
                seen.held_back += 1
                return None
            count, seen.recorded_at, seen.held_back = seen.held_back + 1, now, 0
            self._recorded += 1
            return count

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._seen.clear()
            self._minute_began, self._recorded = float("-inf"), 0

    def _has_room(self, now: float) -> bool:
        if now - self._minute_began >= SECONDS:
            self._minute_began, self._recorded = now, 0
        return self._recorded < MOST_A_MINUTE


recent = Recent()


def record_sparingly(event_type: str, *alike: str, actor: str | None, metadata: Mapping[str, object]) -> None:
    """Record a refusal, once a minute for those that are ``alike``; a database that is away must not prevent one.

    ``count`` in the metadata says how many there were since the last that was recorded.
    """
    if (count := recent.admit(event_type, *alike)) is None:
        return
    try:
        record(event_type, actor=actor, metadata={**metadata, "count": count})
    except Error as error:
        logger.warning("audit_event_lost", event_type=event_type, reason=type(error).__name__)
