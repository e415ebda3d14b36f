"""Refuses bodies that are too large, before anything reads them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from io import BytesIO
from typing import IO, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from kneo_project.api.exception_handler import json_response
from kneo_project.errors import PayloadTooLarge

type Message = Mapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type AsgiApplication = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


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


def count_streamed(application: AsgiApplication) -> AsgiApplication:
    """Return ``application`` with every body read ahead, up to one byte past the limit.

    Django keeps a body of any length, on disk, before a middleware is asked. What is announced as too long is not read.
    """

    async def counted(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
        is_hopeless = _declared_length(declared) > settings.MAX_BODY_BYTES
        first = await _received_at_most(receive, 0 if is_hopeless else settings.MAX_BODY_BYTES + 1)
        if first["type"] == "http.request" and not declared:
            length = str(len(first["body"])).encode()
            scope = {**scope, "headers": [*scope["headers"], (b"content-length", length)]}
        await application(scope, _replay(first, receive), send)

    return counted


async def _received_at_most(receive: Receive, size: int) -> Message:
    """Return the body, or its first ``size`` bytes, as one message; or that the client has gone."""
    body = bytearray()
    is_complete = size == 0
    while not is_complete:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        is_complete = len(body) >= size or not message.get("more_body", False)
    return {"type": "http.request", "body": bytes(body[:size]), "more_body": False}


def _replay(first: Message, receive: Receive) -> Receive:
    """Return what gives the message ``first``, and then those from ``receive`` that are no further body."""
    pending = [first]

    async def next_message() -> Message:
        if pending:
            return pending.pop()
        while (message := await receive())["type"] == "http.request":
            continue  # past the limit: nobody keeps it
        return message

    return next_message


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
