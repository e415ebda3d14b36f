"""How steps that failed are tried again, as the operator wants it."""

from django.conf import settings

from runs.engine.retrying import RetryPolicy


def retry_policy() -> RetryPolicy:
    """Return the deployment's part of the policy."""
    return RetryPolicy(
        base_seconds=settings.STEP_RETRY_BACKOFF_SECONDS,
        max_seconds=settings.STEP_RETRY_BACKOFF_MAX_SECONDS,
        retry_on_timeout=settings.WORKFLOW_RETRY_ON_TIMEOUT,
    )
