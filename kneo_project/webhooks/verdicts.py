"""What an answer to a delivery means, and when to try again: values in, values out."""

from dataclasses import dataclass

from kneo_project.webhooks.models import DeliveryStatus

GROWTH = 4
LONGEST_WAIT_SECONDS = 12 * 3600.0
GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: a status, or why there is none. ``error`` is fit to be shown."""

    status_code: int | None = None
    error: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of the delivery. ``is_gone``: its address wants to hear no more, of anything."""

    status: DeliveryStatus
    retry_after_seconds: float | None = None
    is_gone: bool = False


def verdict_on(
    answer: Answer, *, attempts: int, max_attempts: int, backoff_seconds: float, chance: float = 1.0
) -> Verdict:
    """Return what ``answer`` to the attempt number ``attempts`` means; ``chance`` (0 to 1) spreads the next ones."""
    code = answer.status_code
    if code is not None and 200 <= code < 300:
        return Verdict(status=DeliveryStatus.DELIVERED)
    if code == GONE:
        return Verdict(status=DeliveryStatus.DEAD, is_gone=True)
    if attempts >= max_attempts:
        return Verdict(status=DeliveryStatus.DEAD)
    wait = backoff_seconds * GROWTH ** min(attempts - 1, 16) * (0.5 + chance / 2)
    wait = max(wait, answer.retry_after_seconds or 0.0)
    return Verdict(status=DeliveryStatus.PENDING, retry_after_seconds=min(wait, LONGEST_WAIT_SECONDS))
