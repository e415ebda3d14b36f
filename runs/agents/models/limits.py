"""How much this process asks of one endpoint: at a time, in a minute, and after failures.

One gate for each endpoint and process. Steps run in threads with event loops of their own, so nothing here belongs to a
loop: whoever has to wait looks again.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache

from runs.agents.errors import ProviderError

LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator decides for every endpoint; 0 is no limit.

    After ``failures`` in a row an endpoint is left alone for ``rest_seconds``; then one call finds out whether it is
    back.
    """

    concurrency: int = 0
    per_minute: int = 0
    failures: int = 0
    rest_seconds: float = 30.0


class Gate:
    """What calls of one endpoint have to pass."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._under_way = 0
        self._next_slot = 0.0
        self._failures = 0
        self._closed_until: float | None = None
        self._has_probe = False

    @asynccontextmanager
    async def passage(self, shown: str) -> AsyncIterator[None]:
        """Let one call of the endpoint, which is ``shown`` as such, pass when it may; learn from how it ends.

        Raises:
            ProviderError: the endpoint is left alone for the moment.
        """
        self._refuse_if_closed(shown)
        try:
            await self._slot()
            await self._turn()
        except BaseException:
            self._has_probe = False
            raise
        try:
            yield
        except ProviderError as error:
            self._leave(has_failed=error.retriable)
            raise
        except BaseException:
            self._leave(has_failed=None)
            raise
        self._leave(has_failed=False)

    def _refuse_if_closed(self, shown: str) -> None:
        with self._lock:
            if self._closed_until is None:
                return
            left = self._closed_until - time.monotonic()
            if left <= 0 and not self._has_probe:
                self._has_probe = True
                return
        message = f"The model endpoint {shown} has failed {self._limits.failures} times in a row and is left alone"
        raise ProviderError(f"{message} for a while.", status=None, retriable=True, retry_after_seconds=max(left, 1.0))

    async def _slot(self) -> None:
        """Wait for this call's moment, when calls are spread over the minute."""
        if not self._limits.per_minute:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next_slot)
            self._next_slot = slot + 60 / self._limits.per_minute
        await asyncio.sleep(slot - now)

    async def _turn(self) -> None:
        """Wait until fewer calls are under way than may be. No event of one loop could tell the others."""
        while not self._enter():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _enter(self) -> bool:
        with self._lock:
            if self._limits.concurrency and self._under_way >= self._limits.concurrency:
                return False
            self._under_way += 1
            return True

    def _leave(self, *, has_failed: bool | None) -> None:
        """Count how a call ended; one that was broken off says nothing about the endpoint."""
        with self._lock:
            self._under_way -= 1
            self._has_probe = False
            if has_failed is None or not self._limits.failures:
                return
            self._failures = self._failures + 1 if has_failed else 0
            is_down = self._failures >= self._limits.failures
            self._closed_until = time.monotonic() + self._limits.rest_seconds if is_down else None


@lru_cache(maxsize=1000)
def gate_of(endpoint: str, limits: Limits) -> Gate:
    """Return the gate of ``endpoint`` in this process. Endpoints come from specs, so no more are kept than can be."""
    del endpoint
    return Gate(limits)
