"""Live events: of one run, or of all."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
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
from runs.events.listening import CONTENT_TYPE, last_event_id, listen
from runs.events.streams import OfAll, OfRun
from runs.inspection.run_views import known_run
from runs.views import examples
from runs.views.callers import parsed_id

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
        after = last_event_id(request.headers) or 0
        if run.is_terminal and after >= run.sequence:
            return HttpResponse(status=204)  # tells a browser not to come back
        return listen(request._request, OfRun(run_id=run.pk, after=after))  # noqa: SLF001 (DRF wraps what the server made)


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
        source = OfAll(fits=lambda happening: _fits(happening, asked), after=last_event_id(request.headers))
        return listen(request._request, source)  # noqa: SLF001 (DRF wraps what the server made)


def _fits(happening: Happening, asked: Mapping[str, Any]) -> bool:
    facts = happening.facts
    if asked.get("type") and happening.type not in asked["type"]:
        return False
    if not set(asked.get("tag", ())) <= set(facts["tags"]):
        return False
    plain = ("status", "workflow_name", "environment", "session_id")
    return all(facts[name] == asked[name] for name in plain if name in asked)
