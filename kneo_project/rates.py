"""How often somebody does something: counted in this process, or in a Redis for all of them."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache

import structlog
from django.conf import settings
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

TIMEOUT_SECONDS = 0.5
REST_SECONDS = 10.0

logger = structlog.stdlib.get_logger("kneo_serv.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How much of a limit is used up, and when all of it is there again."""

    limit: int
    remaining: int
    reset_seconds: int
    is_exceeded: bool


class Counts:
    """Counts in a storage. One that is away counts nothing and refuses nothing, and is left alone for a while."""

    def __init__(self, url: str) -> None:
        is_shared = not url.startswith("memory:")
        self._limiter = FixedWindowRateLimiter(_in_redis(url) if is_shared else MemoryStorage())
        # Two threads that start its timer at once would fail.
        self._alone: AbstractContextManager[object] = nullcontext() if is_shared else threading.Lock()
        self._rests_until = 0.0

    def hit(self, limit: RateLimitItem, *who: str) -> Rate | None:
        """Count once more, and return where that leads; None if nobody knows."""
        return self._asked(lambda: self._hit(limit, *who))

    def forget(self, limit: RateLimitItem, *who: str) -> None:
        """Count from nothing."""
        self._asked(lambda: self._limiter.clear(limit, *who))

    def _hit(self, limit: RateLimitItem, *who: str) -> Rate:
        is_within = self._limiter.hit(limit, *who)
        window = self._limiter.get_window_stats(limit, *who)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        return Rate(limit=limit.amount, remaining=window.remaining, reset_seconds=seconds, is_exceeded=not is_within)

    def _asked[T](self, ask: Callable[[], T]) -> T | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            with self._alone:
                return ask()
        except StorageError as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            reason = f"{type(error.storage_error).__name__}: {error.storage_error}"
            logger.warning("rate_limit_storage_unavailable", reason=reason, rests_seconds=REST_SECONDS)
            return None


def counts() -> Counts:
    """Return what the settings say to count in."""
    return _counts(settings.RATE_LIMIT_STORAGE)


@cache
def _counts(url: str) -> Counts:
    return Counts(url)


def _in_redis(url: str) -> RedisStorage:
    """Return a storage that answers soon or not at all: every request waits for it."""
    # Only here: the library brings OpenTelemetry along, and takes a third of a second.
    import redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    return RedisStorage(url, connection_pool=pool, key_prefix="kneo-rates", wrap_exceptions=True)
