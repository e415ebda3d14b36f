"""How long to leave a provider alone before asking it again."""

from random import SystemRandom

MAX_DELAY_SECONDS = 60.0
_random = SystemRandom()


def delay_seconds(attempt: int, *, backoff_seconds: float, retry_after_seconds: float | None = None) -> float:
    """Return the wait after failed attempt number ``attempt`` (from 1).

    It doubles each time, is shortened by up to a half at random so that many runs do not come back together, is never
    less than what the provider asked for, and never more than ``MAX_DELAY_SECONDS``.
    """
    # The exponent is bounded because a float overflows long before an author's number of retries does.
    backoff = backoff_seconds * 2.0 ** min(attempt - 1, 16) * _random.uniform(0.5, 1.0)
    return min(max(backoff, retry_after_seconds or 0.0), MAX_DELAY_SECONDS)
