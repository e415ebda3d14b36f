"""Listing, showing and answering human tasks: what runs wait for."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from humantasks.errors import (
    AlreadyApproved,
    HumanTaskClaimed,
    HumanTaskExpired,
    HumanTaskNotFound,
    InvalidDecision,
    RequesterExcluded,
    RequestMismatch,
)
from humantasks.serializers import HumanResumeRequestSerializer, answer_in
from kneo_project.api.answers import list_parameters, missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.views import ApiView
from kneo_project.errors import NotFound
from runs import services
from runs.errors import (
    IdempotencyKeyConflict,
    InvalidIdempotencyKey,
    RunStateConflict,
)
from runs.idempotency import key_of, once, word_in
from runs.inspection.task_views import task_views
from runs.serializers.human_tasks import HumanResumeSerializer, HumanTaskListSerializer, HumanTaskSerializer
from runs.serializers.showing import shown
from runs.tasks import ring
from runs.views import examples
from runs.views.answering import FAILURES, kept, respond, wait_for
from runs.views.callers import parsed_id
from runs.views.listing import TASKS, matching_tasks
from runs.views.runs import KEY_HEADER

REFUSED_ANSWERS = refusals(
    "human:write",
    NotFound(),
    missing("body", "request_id"),
    InvalidDecision(options=["yes", "no"]),
    RequestMismatch(continuation_id=examples.CONTINUATION_ID, request_id=examples.REQUEST_ID),
    HumanTaskExpired(continuation_id=examples.CONTINUATION_ID, expires_at=1795400894.460403),
    RunStateConflict(run_id=examples.RUN_ID, status="cancelled"),
    HumanTaskClaimed(continuation_id=examples.CONTINUATION_ID, claimed_by="alice"),
    AlreadyApproved(continuation_id=examples.CONTINUATION_ID),
    RequesterExcluded(continuation_id=examples.CONTINUATION_ID),
    InvalidIdempotencyKey(),
    IdempotencyKeyConflict(scope="human:resume"),
    *FAILURES,
)


class HumanTasksView(ApiView):
    """The open human tasks."""

    required_scope = "human:read"
    query_parameters = TASKS.query_parameters

    @extend_schema(
        tags=["human tasks"],
        parameters=list_parameters(TASKS, {"status": ("pending", "escalated")}),
        responses={200: HumanTaskListSerializer, **refusals("human:read")},
        examples=[examples.page("tasks", examples.TASK_ITEM, "id", "asc")],
    )
    def get(self, request: Request) -> Response:
        """List open human tasks."""
        query = TASKS.read(request.query_params)
        page = TASKS.page_of(matching_tasks(query.filters), query)
        return Response(shown(HumanTaskListSerializer(TASKS.envelope(query, page, task_views(page.items)))))


class HumanTaskView(ApiView):
    """One open human task."""

    required_scope = "human:read"

    @extend_schema(
        tags=["human tasks"],
        responses={200: HumanTaskSerializer, **refusals("human:read", NotFound())},
        examples=[examples.answer("a question", examples.TASK)],
    )
    def get(self, request: Request, continuation_id: str) -> Response:
        """Show an open human task."""
        return Response(shown_task(continuation_id))


class ResumeView(ApiView):
    """The answer to a human task."""

    required_scope = "human:write"

    @extend_schema(
        tags=["human tasks"],
        parameters=[KEY_HEADER],
        request=HumanResumeRequestSerializer,
        responses={200: HumanResumeSerializer, 202: HumanResumeSerializer, **REFUSED_ANSWERS},
        examples=[
            examples.order("edit the draft", examples.DECISION),
            examples.answer("completed", examples.RESUMED),
            examples.answer("still running", examples.RESUMED | {"status": "running", "output_text": None}, 202),
        ],
    )
    def post(self, request: Request, continuation_id: str) -> HttpResponse:
        """Answer a human task, and wait for what becomes of its run."""
        word, actor = word_in(request.headers.get("Idempotency-Key")), actor_of(request)
        body = self.read_body(request, HumanResumeRequestSerializer)
        task_id, answer = parsed_id(continuation_id), answer_in(body)
        payload = {"continuation_id": continuation_id, "request": body}
        key = key_of(word, principal=actor, scope="human:resume", payload=payload)
        run, promised = once(key, lambda: services.resume_run(task_id, answer, actor=actor, key=key))
        if (again := kept(promised)) is not None:
            return again
        ring(run.pk, run.queue)
        outcome = wait_for(run.pk)
        status = outcome.status_code
        return respond(HumanResumeSerializer(outcome.view), status=status, key=key, keep=outcome.is_at_rest)


def shown_task(continuation_id: object) -> dict[str, Any]:
    """Return an open human task as callers see it. Raises HumanTaskNotFound."""
    task = matching_tasks({}).filter(pk=parsed_id(str(continuation_id))).first()
    if task is None:
        raise HumanTaskNotFound(continuation_id=str(continuation_id))
    return shown(HumanTaskSerializer(task_views([task])[0]))
