"""The one kind of error that reaches a caller: a stable code, a status, a sentence and named data."""

from typing import Any


class KneoError(Exception):
    """Something went wrong that a caller can understand.

    Subclasses set ``code`` (stable, public), ``status`` (HTTP) and use their docstring's first line as the default
    message. ``data`` are sibling keys of the error body; ``retry_after_seconds`` becomes a ``Retry-After`` header.
    """

    code = "internal_error"
    status = 500
    retry_after_seconds: int | None = None

    def __init__(self, message: str | None = None, **data: Any) -> None:
        default = (type(self).__doc__ or self.code).strip().splitlines()[0]
        self.message = message or default
        self.data = data
        super().__init__(self.message)


class InvalidRequest(KneoError):
    """The request cannot be carried out as it stands."""

    code = "invalid_request"
    status = 400


class NotFound(KneoError):
    """The requested object was not found."""

    code = "not_found"
    status = 404


class StoreUnavailable(KneoError):
    """The database is not reachable at the moment; nothing was lost, try again."""

    code = "store_unavailable"
    status = 503
    retry_after_seconds = 5
