"""Runs that are started by the clock."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import list_parameters, missing, refusals
from kneo_project.api.pagination import Listing
from kneo_project.api.permissions import actor_of
from kneo_project.api.query import flag, text_or_absent
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest
from runs.errors import (
    IdempotencyKeyConflict,
    InvalidIdempotencyKey,
    QueueFull,
    ScheduleExists,
    ScheduleNotFound,
)
from runs.idempotency import key_of, once, word_in
from runs.inspection.run_views import fresh_view
from runs.models import Schedule
from runs.schedules import firing, keeping
from runs.serializers.runs import RunAcceptedSerializer
from runs.serializers.schedules import (
    ScheduleChangeSerializer,
    ScheduleListSerializer,
    ScheduleRequestSerializer,
    ScheduleSerializer,
    columns_in,
)
from runs.serializers.showing import shown
from runs.tasks import ring
from runs.views import examples
from runs.views.answering import kept, respond
from runs.views.runs import KEY_HEADER
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid, SpecPathConfined
from specs.serializers import other_source_in, source_in

READ, WRITE = "schedules:read", "schedules:write"
SCHEDULES = Listing(
    items_key="schedules",
    sort_by="name",
    filters={"is_paused": flag, "last_outcome": text_or_absent},
    sort_columns={name: name for name in ("name", "next_at", "created_at", "updated_at", "last_due_at")},
    store_order=("name",),
)
ORDER: dict[str, Any] = {
    "name": "nightly-report",
    "cron": "30 2 * * mon-fri",
    "time_zone": "Europe/Vienna",
    "overlap": "skip",
    "misfire_grace_seconds": 3600,
    "spec_path": "specs/report.yaml",
    "environment": "prod",
    "input": "the day before",
    "tags": ["reports"],
}
SCHEDULE: dict[str, Any] = {
    "id": "5a0f9e1c-8d27-4b6e-9f13-7c2d4e6a8b90",
    **ORDER,
    "is_paused": False,
    "next_at": "2026-11-24T01:30:00.000000+00:00",
    "waiting_since": None,
    "last_due_at": "2026-11-23T01:30:00.000000+00:00",
    "last_outcome": "started",
    "last_reason": None,
    "last_run_id": examples.RUN_ID,
    "spec_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "target": "workflow",
    "session_id": None,
    "metadata": {},
    "timeout_seconds": None,
    "queue": "default",
    "priority": "normal",
    "token_budget": None,
    "cost_budget": None,
    "created_by": "op",
    "created_at": "2026-11-20T08:12:44.104211+00:00",
    "updated_at": "2026-11-20T08:12:44.104211+00:00",
}
PAUSED: dict[str, Any] = {**SCHEDULE, "is_paused": True, "next_at": None}
SPEC_REFUSED = (SpecInvalid(diagnostics=[]), SpecPathConfined(), EnvironmentPolicyBlocked(diagnostics=[]))


class SchedulesView(ApiView):
    """All schedules."""

    required_scopes = {"GET": READ, "POST": WRITE}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Let only the list have query parameters."""
        if request.method != "POST":
            self.query_parameters = SCHEDULES.query_parameters
        super().initial(request, *args, **kwargs)

    @extend_schema(
        tags=["schedules"],
        parameters=list_parameters(SCHEDULES),
        responses={200: ScheduleListSerializer, **refusals(READ)},
        examples=[examples.page("schedules", SCHEDULE, "name", "asc")],
    )
    def get(self, request: Request) -> Response:
        """List the schedules."""
        query = SCHEDULES.read(request.query_params)
        page = SCHEDULES.page_of(Schedule.objects.filter(**query.filters), query)
        return Response(shown(ScheduleListSerializer(SCHEDULES.envelope(query, page))))

    @extend_schema(
        tags=["schedules"],
        request=ScheduleRequestSerializer,
        responses={
            201: ScheduleSerializer,
            **refusals(WRITE, missing("body", "cron"), InvalidRequest(), ScheduleExists(), *SPEC_REFUSED),
        },
        examples=[
            examples.order("every working night", ORDER),
            examples.answer("made", SCHEDULE, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Have runs started by the clock. The spec is checked and frozen now; its files may change later."""
        body = self.read_body(request, ScheduleRequestSerializer)
        row = keeping.create_schedule(body["name"], source_in(body), columns_in(body), actor=actor_of(request))
        return Response(shown(ScheduleSerializer(row)), status=201)


class ScheduleView(ApiView):
    """One schedule."""

    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(
        tags=["schedules"],
        responses={200: ScheduleSerializer, **refusals(READ, ScheduleNotFound())},
        examples=[examples.answer("a schedule", SCHEDULE)],
    )
    def get(self, _request: Request, name: str) -> Response:
        """Show a schedule."""
        return Response(shown(ScheduleSerializer(keeping.find_schedule(name))))

    @extend_schema(
        tags=["schedules"],
        request=ScheduleChangeSerializer,
        responses={
            200: ScheduleSerializer,
            **refusals(WRITE, missing("body"), InvalidRequest(), ScheduleNotFound(), *SPEC_REFUSED),
        },
        examples=[
            examples.order("an hour later", {"cron": "30 3 * * mon-fri"}),
            examples.answer("changed", {**SCHEDULE, "cron": "30 3 * * mon-fri"}),
        ],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a schedule; what is left out stays. Runs that were started go on as they began."""
        body = self.read_body(request, ScheduleChangeSerializer)
        row = keeping.update_schedule(name, other_source_in(body), columns_in(body), actor=actor_of(request))
        return Response(shown(ScheduleSerializer(row)))

    @extend_schema(tags=["schedules"], responses={204: None, **refusals(WRITE, ScheduleNotFound())})
    def delete(self, request: Request, name: str) -> Response:
        """End a schedule. Its runs stay."""
        keeping.delete_schedule(name, actor=actor_of(request))
        return Response(status=204)


class PauseScheduleView(ApiView):
    """A schedule that rests."""

    required_scope = WRITE

    @extend_schema(
        tags=["schedules"],
        request=None,
        responses={200: ScheduleSerializer, **refusals(WRITE, ScheduleNotFound())},
        examples=[examples.answer("paused", PAUSED)],
    )
    def post(self, request: Request, name: str) -> Response:
        """Start no runs until it is resumed. One that waits for its turn is forgotten; those under way go on."""
        return Response(shown(ScheduleSerializer(keeping.pause_schedule(name, actor=actor_of(request)))))


class ResumeScheduleView(ApiView):
    """A schedule that goes on."""

    required_scope = WRITE

    @extend_schema(
        tags=["schedules"],
        request=None,
        responses={200: ScheduleSerializer, **refusals(WRITE, ScheduleNotFound())},
        examples=[examples.answer("resumed", SCHEDULE)],
    )
    def post(self, request: Request, name: str) -> Response:
        """Start runs again, from the next moment on. What passed meanwhile is not made up for."""
        return Response(shown(ScheduleSerializer(keeping.resume_schedule(name, actor=actor_of(request)))))


class TriggerScheduleView(ApiView):
    """A run of a schedule, now."""

    required_scope = WRITE

    @extend_schema(
        tags=["schedules"],
        parameters=[KEY_HEADER],
        request=None,
        responses={
            202: RunAcceptedSerializer,
            **refusals(
                WRITE,
                ScheduleNotFound(),
                InvalidIdempotencyKey(),
                IdempotencyKeyConflict(scope="schedules:trigger"),
                QueueFull(queue_depth=100, limit=100),
                *SPEC_REFUSED,
            ),
        },
        examples=[examples.answer("accepted", examples.ACCEPTED, 202)],
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """Start a run of it now, also while it is paused or another run of it is under way."""
        word, actor = word_in(request.headers.get("Idempotency-Key")), actor_of(request)
        key = key_of(word, principal=actor, scope="schedules:trigger", payload={"name": name})
        run, promised = once(key, lambda: firing.trigger(name, actor=actor, key=key))
        if (again := kept(promised)) is not None:
            return again
        ring(run.pk, run.queue)
        return respond(RunAcceptedSerializer(fresh_view(run)), status=202, key=key)
