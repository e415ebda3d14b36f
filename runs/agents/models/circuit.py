"""Whether an endpoint that keeps failing is asked at all (a circuit breaker).

Closed, it counts failures in a row; open, it lets nobody pass for a while; then one call, the probe, finds out whether
the endpoint is back. While it is open only the probe changes anything: other calls that end then began before it
opened, and know nothing newer.
"""


class Circuit:
    """The state of one endpoint. Whoever shares it between threads holds a lock; moments are monotonic seconds.

    Args:
        failures: so many in a row open it; 0 means never.
        rest_seconds: how long nobody passes then.
    """

    def __init__(self, *, failures: int, rest_seconds: float) -> None:
        self._limit = failures
        self._rest_seconds = rest_seconds
        self._failures = 0
        self._open_until: float | None = None
        self._has_probe = False

    def seconds_left(self, now: float) -> float | None:
        """Return how long to leave the endpoint alone; None when it may be asked now."""
        if self._open_until is None or (now >= self._open_until and not self._has_probe):
            return None
        return max(self._open_until - now, 0.0)

    def begin(self) -> bool:
        """Take note that a call begins that may; return whether it is the probe."""
        is_probe = self._open_until is not None
        self._has_probe = self._has_probe or is_probe
        return is_probe

    def end(self, *, is_probe: bool, has_failed: bool | None, now: float) -> None:
        """Take note of how a call ended; one that was broken off (None) says nothing about the endpoint."""
        if is_probe:
            self._has_probe = False
        elif self._open_until is not None:
            return
        if has_failed is None or not self._limit:
            return
        self._failures = self._failures + 1 if has_failed else 0
        self._open_until = now + self._rest_seconds if self._failures >= self._limit else None
