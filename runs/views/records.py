"""What a run left behind: its checkpoints, its trace and its branches."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import list_parameters, refusals
from kneo_project.api.views import ApiView
from kneo_project.errors import NotFound
from runs.inspection.checkpoint_views import checkpoint_views
from runs.inspection.run_views import known_run, list_views
from runs.serializers.records import CheckpointListSerializer, TraceSerializer
from runs.serializers.runs import BranchListSerializer
from runs.serializers.showing import shown
from runs.views import examples
from runs.views.callers import parsed_id
from runs.views.listing import BRANCHES, CHECKPOINTS, EVENTS, branches_of


class CheckpointsView(ApiView):
    """The checkpoints of a run."""

    required_scope = "runs:read"
    query_parameters = CHECKPOINTS.query_parameters

    @extend_schema(
        tags=["runs"],
        parameters=list_parameters(CHECKPOINTS),
        responses={200: CheckpointListSerializer, **refusals("runs:read", NotFound())},
        examples=[examples.page("checkpoints", examples.CHECKPOINT, "sequence", "asc", run_id=examples.RUN_ID)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List a run's checkpoints."""
        query = CHECKPOINTS.read(request.query_params)
        run = known_run(parsed_id(run_id))
        page = CHECKPOINTS.page_of(run.checkpoints.filter(**query.filters), query)
        envelope = CHECKPOINTS.envelope(query, page, checkpoint_views(run, page.items))
        return Response(shown(CheckpointListSerializer({"run_id": run.pk, **envelope})))


class BranchesView(ApiView):
    """The branches of a run that are runs of their own."""

    required_scope = "runs:read"
    query_parameters = BRANCHES.query_parameters

    @extend_schema(
        tags=["runs"],
        parameters=list_parameters(BRANCHES),
        responses={200: BranchListSerializer, **refusals("runs:read", NotFound())},
        examples=[examples.page("branches", examples.BRANCH, "branch_index", "asc", run_id=examples.RUN_ID)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List the branches of a run: items of a map, participants of a workflow that has many."""
        query = BRANCHES.read(request.query_params)
        run = known_run(parsed_id(run_id))
        page = BRANCHES.page_of(branches_of(run, query.filters), query)
        envelope = BRANCHES.envelope(query, page, list_views(page.items))
        return Response(shown(BranchListSerializer({"run_id": run.pk, **envelope})))


class TraceView(ApiView):
    """The trace of a run."""

    required_scope = "runs:read"
    query_parameters = EVENTS.query_parameters

    @extend_schema(
        tags=["runs"],
        parameters=list_parameters(EVENTS),
        responses={200: TraceSerializer, **refusals("runs:read", NotFound())},
        examples=[
            examples.page(
                "events", examples.EVENT, "timestamp", "asc", run_id=examples.RUN_ID, dropped=0, complete=True
            )
        ],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List a run's trace events."""
        query = EVENTS.read(request.query_params)
        run = known_run(parsed_id(run_id))
        wanted = query.filters.get("event_type")
        events = run.trace_events.all() if wanted is None else run.trace_events.filter(type=wanted)
        page = EVENTS.page_of(events, query)
        facts = {"run_id": run.pk, "dropped": run.trace_dropped, "complete": run.trace_dropped == 0}
        return Response(shown(TraceSerializer({**EVENTS.envelope(query, page), **facts})))
