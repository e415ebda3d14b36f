"""Going on with a run that failed, and forking one."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from kneo_project.api.answers import refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest, NotFound
from runs.errors import (
    ForkNotPossible,
    IdempotencyKeyConflict,
    InvalidIdempotencyKey,
    QueueFull,
    RunStateConflict,
)
from runs.idempotency import key_of, once, word_in
from runs.inspection.run_views import fresh_view
from runs.redriving import continue_run, fork_run
from runs.serializers.requests import RunForkRequestSerializer, fork_in
from runs.serializers.runs import RunAcceptedSerializer, RunCreateSerializer
from runs.tasks import ring
from runs.views import examples
from runs.views.answering import FAILURES, kept, respond, wait_for
from runs.views.callers import parsed_id
from runs.views.runs import KEY_HEADER
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid, SpecPathConfined


class ContinueRunView(ApiView):
    """A run that failed, gone on with."""

    required_scope = "runs:write"

    @extend_schema(
        tags=["runs"],
        parameters=[KEY_HEADER],
        request=None,
        responses={
            200: RunCreateSerializer,
            202: RunCreateSerializer,
            **refusals(
                "runs:write",
                NotFound(),
                RunStateConflict(run_id=examples.RUN_ID, status="completed"),
                InvalidIdempotencyKey(),
                IdempotencyKeyConflict(scope="runs:continue"),
                *FAILURES,
            ),
        },
        examples=[examples.answer("completed", examples.OUTCOME)],
    )
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """Go on with a run that failed, from the step that failed, and wait for what becomes of it."""
        word, actor = word_in(request.headers.get("Idempotency-Key")), actor_of(request)
        key = key_of(word, principal=actor, scope="runs:continue", payload={"run_id": run_id})
        run, promised = once(key, lambda: continue_run(parsed_id(run_id), actor=actor, key=key))
        if (again := kept(promised)) is not None:
            return again
        ring(run.pk, run.queue)
        outcome = wait_for(run.pk)
        return respond(RunCreateSerializer(outcome.view), status=outcome.status_code, key=key, keep=outcome.is_at_rest)


class ForkRunView(ApiView):
    """Another way from the middle of a run."""

    required_scope = "runs:write"

    @extend_schema(
        tags=["runs"],
        parameters=[KEY_HEADER],
        request=RunForkRequestSerializer,
        responses={
            200: RunCreateSerializer,
            202: RunAcceptedSerializer,
            **refusals(
                "runs:write",
                NotFound(),
                InvalidRequest(),
                ForkNotPossible(run_id=examples.RUN_ID, checkpoint=3),
                InvalidIdempotencyKey(),
                IdempotencyKeyConflict(scope="runs:fork"),
                SpecInvalid(diagnostics=[]),
                SpecPathConfined(),
                EnvironmentPolicyBlocked(diagnostics=[]),
                QueueFull(queue_depth=100, limit=100),
                *FAILURES,
            ),
        },
        examples=[
            examples.order("try the next step with other words", {"checkpoint": 3, "input": "Shorter, please"}),
            examples.answer("completed", examples.OUTCOME),
        ],
    )
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """Start a run from a checkpoint of this one, which stays as it is."""
        word, actor = word_in(request.headers.get("Idempotency-Key")), actor_of(request)
        body = self.read_body(request, RunForkRequestSerializer)
        key = key_of(word, principal=actor, scope="runs:fork", payload={"run_id": run_id, "request": body})
        fork = fork_in(body)
        run, promised = once(key, lambda: fork_run(parsed_id(run_id), fork, actor=actor, key=key))
        if (again := kept(promised)) is not None:
            return again
        ring(run.pk, run.queue)
        if body["async_mode"]:
            return respond(RunAcceptedSerializer(fresh_view(run)), status=202, key=key)
        outcome = wait_for(run.pk)
        return respond(RunCreateSerializer(outcome.view), status=outcome.status_code, key=key, keep=outcome.is_at_rest)
