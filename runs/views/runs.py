"""Starting, listing, showing and cancelling runs."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import filter_parameters, list_parameters, missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.query import read_query
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest, InvalidTimestamp, NotFound
from runs import services
from runs.errors import (
    IdempotencyKeyConflict,
    InvalidIdempotencyKey,
    QueueFull,
)
from runs.idempotency import key_of, once, word_in
from runs.inspection.matching import RUN_FILTERS, counts_by_status, matching_runs
from runs.inspection.run_views import fresh_view, full_view, list_views
from runs.serializers.requests import RunCreateRequestSerializer, order_in
from runs.serializers.runs import (
    RunAcceptedSerializer,
    RunCountsSerializer,
    RunCreateSerializer,
    RunListSerializer,
    RunStatusSerializer,
)
from runs.serializers.showing import shown
from runs.tasks import ring
from runs.views import examples
from runs.views.answering import FAILURES, kept, respond, wait_for
from runs.views.callers import parsed_id
from runs.views.listing import RUNS
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid, SpecPathConfined

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="At most 256 characters; the same key, the same answer.",
)


def _refused_orders(key_scope: str) -> dict[int, OpenApiResponse]:
    """Return how an order may be refused; ``key_scope`` is what its idempotency keys are for."""
    return refusals(
        "runs:write",
        missing("body", "input"),
        InvalidRequest(),
        InvalidIdempotencyKey(),
        IdempotencyKeyConflict(scope=key_scope),
        SpecInvalid(diagnostics=[]),
        SpecPathConfined(),
        EnvironmentPolicyBlocked(diagnostics=[]),
        QueueFull(queue_depth=100, limit=100),
        *FAILURES,
    )


class RunsView(ApiView):
    """All runs."""

    required_scopes = {"GET": "runs:read", "POST": "runs:write"}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Let only the list have query parameters."""
        if request.method != "POST":
            self.query_parameters = RUNS.query_parameters
        super().initial(request, *args, **kwargs)

    @extend_schema(
        tags=["runs"],
        parameters=list_parameters(RUNS),
        responses={200: RunListSerializer, **refusals("runs:read", InvalidTimestamp(param="created_after"))},
        examples=[examples.page("runs", examples.RUN_ITEM, "updated_at", "desc")],
    )
    def get(self, request: Request) -> Response:
        """List runs."""
        query = RUNS.read(request.query_params)
        page = RUNS.page_of(matching_runs(query.filters), query)
        return Response(shown(RunListSerializer(RUNS.envelope(query, page, list_views(page.items)))))

    @extend_schema(
        tags=["runs"],
        parameters=[KEY_HEADER],
        request=RunCreateRequestSerializer,
        responses={200: RunCreateSerializer, 202: RunAcceptedSerializer, **_refused_orders("runs:create")},
        examples=[
            examples.order("start a run", examples.ORDER),
            examples.answer("completed", examples.OUTCOME),
            examples.answer("accepted", examples.ACCEPTED, 202),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Start a run, and wait for its outcome unless ``async_mode`` is set."""
        return _start(self, request, scope="runs:create", event_type="run.created")


class RunCountsView(ApiView):
    """How many runs there are."""

    required_scope = "runs:read"
    query_parameters = frozenset(RUN_FILTERS)

    @extend_schema(
        tags=["runs"],
        parameters=filter_parameters(RUN_FILTERS),
        responses={200: RunCountsSerializer, **refusals("runs:read", InvalidTimestamp(param="created_after"))},
        examples=[examples.answer("counts", examples.COUNTS)],
    )
    def get(self, request: Request) -> Response:
        """Count runs by status, with the filters of the list."""
        counts = counts_by_status(read_query(RUN_FILTERS, request.query_params))
        queued = counts.pop("queued")
        return Response({"counts": counts, "queued": queued, "total": sum(counts.values())})


class SpecRunView(ApiView):
    """A run, begun from its spec."""

    required_scope = "runs:write"

    @extend_schema(
        tags=["specs"],
        parameters=[KEY_HEADER],
        request=RunCreateRequestSerializer,
        responses={200: RunCreateSerializer, 202: RunAcceptedSerializer, **_refused_orders("specs:run")},
        examples=[
            examples.order("run a spec", examples.ORDER),
            examples.answer("completed", examples.OUTCOME),
            examples.answer("accepted", examples.ACCEPTED, 202),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Start a run as ``POST /runs`` does, with idempotency keys and an audit event of its own."""
        return _start(self, request, scope="specs:run", event_type="spec.run")


class RunView(ApiView):
    """One run."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["runs"],
        responses={200: RunStatusSerializer, **refusals("runs:read", NotFound())},
        examples=[examples.answer("waiting for a person", examples.RUN)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Show a run."""
        run = services.find_run(parsed_id(run_id))
        return Response(shown(RunStatusSerializer(full_view(run))))


class CancelRunView(ApiView):
    """The end of a run, when somebody wants it."""

    required_scope = "runs:write"

    @extend_schema(
        tags=["runs"],
        request=None,
        responses={200: RunStatusSerializer, **refusals("runs:write", NotFound())},
        examples=[examples.answer("cancelled", examples.CANCELLED)],
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Cancel a run; one that has ended stays as it is."""
        run = services.cancel_run(parsed_id(run_id), actor=actor_of(request))
        return Response(shown(RunStatusSerializer(full_view(run))))


def _start(view: ApiView, request: Request, *, scope: str, event_type: str) -> HttpResponse:
    word, actor = word_in(request.headers.get("Idempotency-Key")), actor_of(request)
    body = view.read_body(request, RunCreateRequestSerializer)
    key = key_of(word, principal=actor, scope=scope, payload=body)
    order = order_in(body, event_type=event_type)
    run, promised = once(key, lambda: services.start_run(order, actor=actor, key=key))
    if (again := kept(promised)) is not None:
        return again
    ring(run.pk, run.queue)
    if body["async_mode"]:
        return respond(RunAcceptedSerializer(fresh_view(run)), status=202, key=key)
    outcome = wait_for(run.pk)
    return respond(RunCreateSerializer(outcome.view), status=outcome.status_code, key=key, keep=outcome.is_at_rest)
