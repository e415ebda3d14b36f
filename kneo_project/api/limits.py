"""Refuses bodies that are too large, before anything reads them."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import IO, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from kneo_project.api.exception_handler import json_response
from kneo_project.errors import PayloadTooLarge


class BodySizeMiddleware:
    """Answers 413 to a body larger than ``MAX_BODY_BYTES``, on any path and before authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on, or refuse it by its declared length."""
        if _declared_length(request.META.get("CONTENT_LENGTH")) > settings.MAX_BODY_BYTES:
            return _too_large()
        return self.get_response(request)


def count_chunked(application: WSGIApplication) -> WSGIApplication:
    """Return ``application`` with every chunked body read ahead, up to one byte past the limit.

    WSGI announces no length for such a body, and Django reads none without one. Once counted it is like any other.
    """

    def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
            body = _read_at_most(environ["wsgi.input"], settings.MAX_BODY_BYTES + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return counted


def _read_at_most(stream: IO[Any], size: int) -> bytes:
    pieces: list[bytes] = []
    missing = size
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _declared_length(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _too_large() -> HttpResponse:
    limit = settings.MAX_BODY_BYTES
    return json_response(PayloadTooLarge(f"The request body is larger than {limit} bytes.", max_body_bytes=limit))
