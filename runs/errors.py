"""What can be wrong with a request about runs."""

from kneo_project.errors import KneoError, NotFound


class RunNotFound(NotFound):
    """There is no run of that id."""


class BulkNotFound(NotFound):
    """There is no bulk operation of that id."""


class ScheduleNotFound(NotFound):
    """There is no schedule of that name."""


class ScheduleExists(KneoError):
    """There is a schedule of that name already."""

    code = "schedule_exists"
    status = 409


class SignalNotFound(NotFound):
    """The spec of this run declares no signal of that name."""


class InvalidSignal(KneoError):
    """The payload is not what the spec says of this signal."""

    code = "invalid_signal"
    status = 422


class RunStateConflict(KneoError):
    """The run is not in a status that allows this."""

    code = "run_state_conflict"
    status = 409


class ForkNotPossible(KneoError):
    """The run cannot be gone on with from there."""

    code = "fork_not_possible"
    status = 409


class QueueFull(KneoError):
    """Too many runs are waiting already; try again later."""

    code = "queue_full"
    status = 503
    retry_after_seconds = 5


class InvalidLastEventId(KneoError):
    """Last-Event-ID must be the id of an event of this stream, a whole number."""

    code = "invalid_last_event_id"
    status = 400


class TooManyListeners(KneoError):
    """As many callers listen to this web process as it has room for; the server for events has more."""

    code = "too_many_listeners"
    status = 503
    retry_after_seconds = 5


class RunFailed(KneoError):
    """The run failed; its record says why."""

    code = "internal_error"
    status = 500


class GuardrailBlocked(KneoError):
    """A guardrail or tool policy stopped the run."""

    code = "guardrail_violation"
    status = 422


class ProviderFailed(KneoError):
    """The run failed because a model endpoint did; its record says how."""

    code = "provider_error"
    status = 502


class ProviderTimedOut(KneoError):
    """The run failed because a model endpoint did not answer in time."""

    code = "provider_timeout"
    status = 504


class TokenBudgetSpent(KneoError):
    """The run spent more tokens than its budget allows."""

    code = "token_budget_exceeded"
    status = 400


class CostBudgetSpent(KneoError):
    """The run spent the money that it may, or its model has no price."""

    code = "cost_budget_exceeded"
    status = 400


class IdempotencyKeyConflict(KneoError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_conflict"
    status = 409


class InvalidIdempotencyKey(KneoError):
    """The Idempotency-Key is longer than 256 characters."""

    code = "invalid_idempotency_key"
    status = 400
