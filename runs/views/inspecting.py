"""A run explained: what it could go on with, its history, what changed, its workflow as a picture, what it may do."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.query import read_query, whole_number
from kneo_project.api.views import ApiView
from kneo_project.audit.services import record
from kneo_project.errors import InvalidRequest, NotFound
from kneo_project.redaction import redact
from runs import services
from runs.inspection import drawing, recovery
from runs.inspection.comparing import changes_between, pair_of
from runs.inspection.run_views import full_view, known_run
from runs.models import Run
from runs.serializers.inspecting import (
    CheckpointDiffSerializer,
    RecoverySerializer,
    ReplaySerializer,
    RunGraphSerializer,
)
from runs.serializers.showing import shown
from runs.views import examples
from runs.views.callers import parsed_id
from runs.views.inspecting_examples import DIFFERENCE, POLICY_REPORT, RECOVERY, REPLAY, RUN_GRAPH
from specs.errors import SpecInvalid
from specs.language.checking import Examination
from specs.language.policy_report import policy_report
from specs.language.schema import Spec
from specs.serializers import PolicyReportSerializer
from specs.services import examine_stored

A_SEQUENCE = {"type": "integer", "minimum": 1}
SEQUENCES = {"from_sequence": whole_number(1), "to_sequence": whole_number(1)}


class RecoveryView(ApiView):
    """Where a run is."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["runs"],
        responses={200: RecoverySerializer, **refusals("runs:read", NotFound())},
        examples=[examples.answer("waiting for a person", RECOVERY)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Show where a run is, and with what it could go on."""
        view = full_view(services.find_run(parsed_id(run_id)))
        return Response(shown(RecoverySerializer(recovery.recovery(view))))


class ReplayView(ApiView):
    """The history of a run."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["runs"],
        responses={200: ReplaySerializer, **refusals("runs:read", NotFound())},
        examples=[examples.answer("a short history", REPLAY)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Show all that happened to a run, in order. Nothing is executed."""
        view = full_view(services.find_run(parsed_id(run_id)))
        return Response(shown(ReplaySerializer(recovery.replay(view))))


class CheckpointDiffView(ApiView):
    """What changed in a run."""

    required_scope = "runs:read"
    query_parameters = frozenset(SEQUENCES)

    @extend_schema(
        tags=["runs"],
        parameters=[
            OpenApiParameter("from_sequence", A_SEQUENCE, description="Default: the last but one checkpoint."),
            OpenApiParameter("to_sequence", A_SEQUENCE, description="Default: the last checkpoint."),
        ],
        responses={
            200: CheckpointDiffSerializer,
            **refusals("runs:read", NotFound(), InvalidRequest(), missing("query", "from_sequence")),
        },
        examples=[examples.answer("one step further", DIFFERENCE)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Show what changed in a run between two of its checkpoints."""
        asked = read_query(SEQUENCES, request.query_params)
        run = known_run(parsed_id(run_id))
        before, after = pair_of(run, asked.get("from_sequence"), asked.get("to_sequence"))
        changes = changes_between(before, after)
        named = {"from_checkpoint": recovery.named(before), "to_checkpoint": recovery.named(after)}
        return Response(CheckpointDiffSerializer({"run_id": str(before.run.pk), **named, **changes}).data)


class RunGraphView(ApiView):
    """A run as a picture."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["runs"],
        responses={200: RunGraphSerializer, **refusals("runs:read", NotFound(), SpecInvalid(diagnostics=[]))},
        examples=[examples.answer("two steps", RUN_GRAPH)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return the workflow of a run as nodes and edges, and where the run is in it."""
        run = services.find_run(parsed_id(run_id))
        return Response(RunGraphSerializer(drawing.drawn(full_view(run), _spec_of(run))).data)


class RunPolicyReportView(ApiView):
    """What a run may do."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["runs"],
        responses={200: PolicyReportSerializer, **refusals("runs:read", NotFound())},
        examples=[examples.answer("a valid spec", POLICY_REPORT)],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Report what the agents of a run's frozen spec may do, and which people are asked."""
        run = services.find_run(parsed_id(run_id))
        report = policy_report(_examined(run))
        facts = {"valid": report["valid"], "source": "run"}
        record("spec.policy_reported", actor=actor_of(request), run_id=run.pk, metadata=facts)
        return Response({"valid": report["valid"], "report": redact(report)})


def _examined(run: Run) -> Examination:
    return examine_stored(run.snapshot.content)


def _spec_of(run: Run) -> Spec:
    examination = _examined(run)
    if examination.spec is None or examination.errors:
        raise SpecInvalid.because(examination.diagnostics)
    return examination.spec
