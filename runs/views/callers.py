"""What a request says about its caller and its subject."""

import uuid

from rest_framework.request import Request

from kneo_project.api.permissions import principal_of
from kneo_project.errors import NotFound


def actor_of(request: Request) -> str:
    """Return the name that the audit log keeps."""
    principal = principal_of(request)
    if principal is None:
        raise AssertionError("a scoped route without a principal")
    return principal.name


def parsed_id(text: str) -> uuid.UUID:
    """Return the id that ``text`` is. Raises NotFound when it is none: nothing has such an id."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        raise NotFound from None
    if str(parsed) != text:
        raise NotFound
    return parsed
