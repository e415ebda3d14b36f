"""The one kind of error that reaches a caller: a stable code, a status, a sentence and named data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class KneoError(Exception):
    """Something went wrong that a caller can understand.

    Subclasses set ``code`` (stable, public), ``status`` (HTTP) and use their docstring's first line as the default
    message. ``data`` are sibling keys of the error body; ``retry_after_seconds`` becomes a ``Retry-After`` header;
    ``headers`` are sent as they are.
    """

    code = "internal_error"
    status = 500
    retry_after_seconds: int | None = None
    headers: Mapping[str, str] = {}

    def __init__(self, message: str | None = None, **data: object) -> None:
        default = (type(self).__doc__ or self.code).strip().splitlines()[0]
        self.message = message or default
        self.data = data
        super().__init__(self.message)

    @property
    def detail(self) -> object:
        """The value under ``detail`` in the error body."""
        return {"error": self.code, "message": self.message, **self.data}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a request: a stable type, where it is, and what is expected there.

    ``loc`` starts with ``body``, ``query``, ``path`` or ``header``. The offending value is never repeated: it may be a
    secret, or very large.
    """

    type: str
    loc: tuple[str | int, ...]
    msg: str


class RequestInvalid(KneoError):
    """The request does not have the documented shape.

    Carries every problem found, and answers with them as a list, the way clients of this API read validation errors.
    """

    code = "validation_error"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)

    @property
    def detail(self) -> object:
        """One entry per problem."""
        return [{"type": each.type, "loc": list(each.loc), "msg": each.msg} for each in self.problems]


class InvalidRequest(KneoError):
    """The request cannot be carried out as it stands."""

    code = "invalid_request"
    status = 400


class Unauthorized(KneoError):
    """A valid API key is required: send Authorization: Bearer <key> or X-Kneo-Api-Key: <key>."""

    code = "unauthorized"
    status = 401
    headers = {"WWW-Authenticate": "Bearer"}


class Forbidden(KneoError):
    """The API key does not grant what this request needs."""

    code = "forbidden"
    status = 403


class RateLimited(KneoError):
    """Too many requests in a minute; wait as long as Retry-After says."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 60, **data: object) -> None:
        super().__init__(message, **data)
        self.retry_after_seconds = retry_after_seconds


class NotFound(KneoError):
    """The requested object was not found."""

    code = "not_found"
    status = 404


class PayloadTooLarge(KneoError):
    """The request body is larger than this service accepts."""

    code = "payload_too_large"
    status = 413


class UnknownQueryParameters(KneoError):
    """The request has query parameters that this route does not know."""

    code = "unknown_query_parameters"
    status = 422


class InvalidTimestamp(KneoError):
    """The query parameter is not an ISO 8601 timestamp."""

    code = "invalid_timestamp"
    status = 422


class InternalError(KneoError):
    """The request failed unexpectedly; quote the X-Request-ID of this answer when you report it."""

    code = "internal_error"
    status = 500


class StoreUnavailable(KneoError):
    """The database is not reachable at the moment; nothing was lost, try again."""

    code = "store_unavailable"
    status = 503
    retry_after_seconds = 5


class StoreFull(KneoError):
    """The database has no room left; nothing was lost. Somebody has to make room on its disk; then try again."""

    code = "store_full"
    status = 503
    retry_after_seconds = 30


class StoreReadOnly(KneoError):
    """The database can only be read; nothing was lost. Somebody has to let the service write to it; then try again."""

    code = "store_read_only"
    status = 503
    retry_after_seconds = 30


class IdentityProviderUnavailable(KneoError):
    """The identity provider is not reachable at the moment, so that the token cannot be checked; try again."""

    code = "identity_provider_unavailable"
    status = 503
    retry_after_seconds = 5


class NotReady(KneoError):
    """The service is not ready to take requests."""

    code = "not_ready"
    status = 503
    retry_after_seconds = 5
