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

from runs.agents.errors import ProviderCircuitOpen, ProviderError
from runs.agents.models.circuit import Circuit

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
        self._circuit = Circuit(failures=limits.failures, rest_seconds=limits.rest_seconds)

    @asynccontextmanager
    async def passage(self, shown: str) -> AsyncIterator[None]:
        """Let one call of the endpoint, which is ``shown`` as such, pass when it may; learn from how it ends.

        Raises:
            ProviderCircuitOpen: the endpoint is left alone for the moment, also if it came to that while waiting.
        """
        with self._lock:
            self._refuse_if_open(shown)
        await self._slot()
        is_probe = await self._turn(shown)
        has_failed: bool | None = None
        try:
            yield
            has_failed = False
        except ProviderError as error:
            has_failed = error.retriable
            raise
        finally:
            with self._lock:
                self._under_way -= 1
                self._circuit.end(is_probe=is_probe, has_failed=has_failed, now=time.monotonic())

    def _refuse_if_open(self, shown: str) -> None:
        left = self._circuit.seconds_left(time.monotonic())
        if left is not None:
            raise ProviderCircuitOpen(shown, failures=self._limits.failures, retry_after_seconds=max(left, 1.0))

    async def _slot(self) -> None:
        """Wait for this call's moment, when calls are spread over the minute."""
        if not self._limits.per_minute:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next_slot)
            self._next_slot = slot + 60 / self._limits.per_minute
        await asyncio.sleep(slot - now)

    async def _turn(self, shown: str) -> bool:
        """Wait until fewer calls are under way than may be; return whether this one is the probe.

        No event of one loop could tell the others.
        """
        while True:
            with self._lock:
                self._refuse_if_open(shown)
                if not self._limits.concurrency or self._under_way < self._limits.concurrency:
                    self._under_way += 1
                    return self._circuit.begin()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


_making_gates = threading.Lock()


def gate_of(endpoint: str, limits: Limits) -> Gate:
    """Return the gate of ``endpoint`` in this process. Endpoints come from specs, so no more are kept than can be."""
    with _making_gates:
        return _gate_of(endpoint, limits)


@lru_cache(maxsize=1000)
def _gate_of(endpoint: str, limits: Limits) -> Gate:
    del endpoint
    return Gate(limits)
