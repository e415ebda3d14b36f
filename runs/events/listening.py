"""A stream of events as the answer to a request: on an event loop if the server has one, else on a thread."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from runs.errors import InvalidLastEventId, TooManyListeners
from runs.events.streams import Source, in_thread, stream

CONTENT_TYPE = "text/event-stream"
GREATEST_PLACE = 2**63 - 1
_places = threading.BoundedSemaphore(settings.MAX_LISTENING_THREADS)


def last_event_id(headers: Mapping[str, str]) -> int | None:
    """Return the place that a listener knows already; None when it does not say. Raises InvalidLastEventId."""
    return place_in(headers.get("Last-Event-ID", ""))


def place_in(text: str) -> int | None:
    """Return the place in a stream that ``text`` names; None for no text. Raises InvalidLastEventId."""
    given = text.strip()
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and int(given[:19]) <= GREATEST_PLACE and len(given) <= 19):
        raise InvalidLastEventId
    return int(given)


def listen(request: HttpRequest, source: Source) -> StreamingHttpResponse:
    """Answer with the stream of ``source``. Raises TooManyListeners, where each of them has a thread."""
    content: Any = stream(source) if isinstance(request, ASGIRequest) else _on_this_thread(source)
    response = StreamingHttpResponse(content, content_type=CONTENT_TYPE)
    response["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return response


def _on_this_thread(source: Source) -> Iterator[bytes]:
    """Return the stream of ``source``. Raises TooManyListeners: threads are few, and others must be answered too."""
    if not _places.acquire(blocking=False):
        raise TooManyListeners
    return _Held(in_thread(stream(source)))


class _Held:
    """A stream that gives its place back when the server closes it, whether or not it was begun."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._content)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._content.close()  # type: ignore[attr-defined]
            _places.release()
