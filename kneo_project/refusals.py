"""Answers what goes wrong in an API view, and puts on record who was refused."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api import exception_handler
from kneo_project.api.authentication import presented_key
from kneo_project.api.permissions import principal_of
from kneo_project.audit.sparing import record_sparingly
from kneo_project.client_addresses import client_address, client_network
from kneo_project.errors import Forbidden, Unauthorized

FINGERPRINT_CHARS = 8


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception raised inside a view (the setting ``EXCEPTION_HANDLER``)."""
    request = cast("Request", context["request"])
    if isinstance(exc, Unauthorized) and (key := presented_key(request)):
        _record_failure(request, key)
    elif isinstance(exc, Forbidden):
        _record_forbidden(request, exc)
    return exception_handler.handle(exc, context)


def fingerprint(credential: bytes) -> str:
    """Return enough of a digest to see that the same was tried again, and too little to find out what it was."""
    return sha256(credential).hexdigest()[:FINGERPRINT_CHARS]


def _record_failure(request: Request, key: bytes) -> None:
    facts = _facts(request) | {"fingerprint": fingerprint(key)}
    record_sparingly("auth.failed", client_network(request), _route(request), actor=None, metadata=facts)


def _record_forbidden(request: Request, error: Forbidden) -> None:
    facts = _facts(request) | {"required_scope": error.data.get("required_scope")}
    principal = principal_of(request)
    actor = principal.name if principal else ""
    record_sparingly("auth.forbidden", actor, _route(request), actor=actor, metadata=facts)


def _facts(request: Request) -> dict[str, object]:
    return {"method": request.method, "route": _route(request), "client_ip": client_address(request)}


def _route(request: Request) -> str:
    match = request.resolver_match
    return f"/{match.route}" if match else ""
