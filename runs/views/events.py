"""Live events: of one run, or of all."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from kneo_project.api.answers import filter_parameters, refusals
from kneo_project.api.query import Reader, Repeated, read_query, text_or_absent
from kneo_project.api.views import ApiView
from kneo_project.errors import NotFound
from runs.errors import InvalidLastEventId, TooManyListeners
from runs.events.happenings import Happening
from runs.events.streams import OfAll, OfRun, Source, in_thread, stream
from runs.inspection.run_views import known_run
from runs.views import examples
from runs.views.callers import parsed_id

CONTENT_TYPE = "text/event-stream"
GREATEST_PLACE = 2**63 - 1
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="Go on after this event; what a browser sends by itself."
)
FILTERS: Mapping[str, Reader] = {
    "type": Repeated(parser=text_or_absent),
    "status": text_or_absent,
    "workflow_name": text_or_absent,
    "environment": text_or_absent,
    "session_id": text_or_absent,
    "tag": Repeated(parser=text_or_absent),
}
_places = threading.BoundedSemaphore(settings.MAX_LISTENING_THREADS)


def _told(description: str) -> dict[Any, OpenApiResponse]:
    example = OpenApiExample("events", examples.EVENT_STREAM, media_type=CONTENT_TYPE, status_codes=["200"])
    return {(200, CONTENT_TYPE): OpenApiResponse(OpenApiTypes.STR, description=description, examples=[example])}


class RunEventsView(ApiView):
    """What happens to one run."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["events"],
        parameters=[LAST_EVENT_ID],
        responses={
            **_told("What happened so far and what happens, as Server-Sent Events; ends with the run."),
            204: OpenApiResponse(description="The run has ended, and the caller knows how."),
            **refusals("runs:read", NotFound(), InvalidLastEventId(), TooManyListeners()),
        },
    )
    def get(self, request: Request, run_id: str) -> HttpResponseBase:
        """Follow a run: its events from the first on, or from the one after ``Last-Event-ID``."""
        run = known_run(parsed_id(run_id))
        after = _last_event_id(request) or 0
        if run.is_terminal and after >= run.sequence:
            return HttpResponse(status=204)  # tells a browser not to come back
        return _listen(request, OfRun(run_id=run.pk, after=after))


class EventsView(ApiView):
    """What happens to all runs."""

    required_scope = "runs:read"
    query_parameters = frozenset(FILTERS)

    @extend_schema(
        tags=["events"],
        parameters=[LAST_EVENT_ID, *filter_parameters(FILTERS)],
        responses={
            **_told("What happens from now on, as Server-Sent Events."),
            **refusals("runs:read", InvalidLastEventId(), TooManyListeners()),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Follow all runs that match, from now on or from the event after ``Last-Event-ID``."""
        asked = read_query(FILTERS, request.query_params)
        return _listen(request, OfAll(fits=lambda happening: _fits(happening, asked), after=_last_event_id(request)))


def _fits(happening: Happening, asked: Mapping[str, Any]) -> bool:
    facts = happening.facts
    if asked.get("type") and happening.type not in asked["type"]:
        return False
    if not set(asked.get("tag", ())) <= set(facts["tags"]):
        return False
    plain = ("status", "workflow_name", "environment", "session_id")
    return all(facts[name] == asked[name] for name in plain if name in asked)


def _last_event_id(request: Request) -> int | None:
    given = request.headers.get("Last-Event-ID", "").strip()
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and int(given[:19]) <= GREATEST_PLACE and len(given) <= 19):
        raise InvalidLastEventId
    return int(given)


def _listen(request: Request, source: Source) -> HttpResponseBase:
    """Answer with the stream of ``source``: on an event loop if the server has one, else on the request's thread."""
    if isinstance(request._request, ASGIRequest):  # noqa: SLF001 (DRF wraps what the server made)
        content: Any = stream(source)
    else:
        content = _on_this_thread(source)
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
