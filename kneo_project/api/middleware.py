"""Gives every request an id and one log line, and every answer the headers that all of them have."""

from collections.abc import Callable
from time import perf_counter
from uuid import uuid4

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from kneo_project.client_addresses import client_address

REQUEST_ID_HEADER = "X-Request-ID"
MAX_REQUEST_ID_CHARS = 128
_NAMES_IN_PATHS = ("run_id", "continuation_id")

logger = structlog.stdlib.get_logger("kneo_serv.service")


class RequestIdMiddleware:
    """The outermost middleware: what it adds is on every answer, whoever gives it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request under its id."""
        started = perf_counter()
        request_id = _accepted_id(request.headers.get(REQUEST_ID_HEADER, "")) or str(uuid4())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            if settings.REQUEST_LOGS:
                _log(request, response, duration_ms=round((perf_counter() - started) * 1000, 3))
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.content = b""  # its length stays announced
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response


def _accepted_id(presented: str) -> str | None:
    is_acceptable = 0 < len(presented) <= MAX_REQUEST_ID_CHARS and presented.isascii() and presented.isprintable()
    return presented if is_acceptable else None


def _log(request: HttpRequest, response: HttpResponseBase, *, duration_ms: float) -> None:
    match = request.resolver_match
    named = {name: str(match.kwargs[name]) for name in _NAMES_IN_PATHS if match and name in match.kwargs}
    logger.info(
        "http_request",
        method=request.method,
        path=request.path,
        status_code=response.status_code,
        duration_ms=duration_ms,
        client_ip=client_address(request),
        user_agent=request.headers.get("User-Agent"),
        **named,
    )
