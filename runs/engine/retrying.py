"""Whether, and when, a failed step is tried again. Policy only: the engine obeys."""

import random
from dataclasses import dataclass

from runs.engine.outcomes import Failed
from specs.language.plan import StepPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The deployment's part of the policy; the spec says how often. Lengths are in seconds."""

    base_seconds: float = 1.0
    max_seconds: float = 60.0
    retry_on_timeout: bool = False


def retry_delay(work: StepPlan, attempt: int, failure: Failed, policy: RetryPolicy) -> float | None:
    """Return the seconds to wait before attempt ``attempt + 1``, or None when there is none.

    The wait doubles with each attempt up to the ceiling, and half of it is random, so that runs which failed together
    do not come back together.
    """
    if attempt > work.max_retries or not failure.is_retriable:
        return None
    if failure.is_timeout and not policy.retry_on_timeout:
        return None
    exponent = min(attempt - 1, 32)
    ceiling = min(policy.base_seconds * 2.0**exponent, policy.max_seconds)
    return ceiling * (0.5 + random.random() / 2)  # noqa: S311 - spreading load needs no secrecy
