"""Who is to answer a human task: claiming it, releasing it, assigning it."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from humantasks.assigning import assign_task, claim_task, release_task
from humantasks.errors import HumanTaskClaimed, HumanTaskNotClaimed, HumanTaskReassigned
from humantasks.models import AssigneeKind
from humantasks.serializers import AssignmentSerializer, ReleaseSerializer
from kneo_project.api.answers import missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest, NotFound
from runs.serializers.human_tasks import HumanTaskSerializer
from runs.views import examples
from runs.views.callers import parsed_id
from runs.views.human_tasks import shown_task

CLAIMED = HumanTaskClaimed(continuation_id=examples.CONTINUATION_ID, claimed_by="alice")
UNCLAIMED = HumanTaskNotClaimed(continuation_id=examples.CONTINUATION_ID)
REASSIGNED = HumanTaskReassigned(continuation_id=examples.CONTINUATION_ID, assignee="finance")
SHOWN = examples.answer("the human task", examples.TASK)


class ClaimView(ApiView):
    """Who works on a human task."""

    required_scope = "human:write"

    @extend_schema(
        tags=["human tasks"],
        request=None,
        responses={200: HumanTaskSerializer, **refusals("human:write", NotFound(), CLAIMED)},
        examples=[SHOWN],
    )
    def post(self, request: Request, continuation_id: str) -> Response:
        """Claim a human task: until it is released, nobody else can answer it."""
        task = claim_task(parsed_id(continuation_id), by=actor_of(request))
        return Response(shown_task(task.pk))


class ReleaseView(ApiView):
    """The end of a claim."""

    required_scope = "human:write"

    @extend_schema(
        tags=["human tasks"],
        request=ReleaseSerializer,
        responses={
            200: HumanTaskSerializer,
            **refusals("human:write", InvalidRequest(), NotFound(), CLAIMED, UNCLAIMED),
        },
        examples=[examples.order("somebody is ill", examples.RELEASE), SHOWN],
    )
    def post(self, request: Request, continuation_id: str) -> Response:
        """Release a human task, so that others can answer it."""
        body = {"force": False} if request.stream is None else self.read_body(request, ReleaseSerializer)
        task = release_task(parsed_id(continuation_id), by=actor_of(request), force=body["force"])
        return Response(shown_task(task.pk))


class AssignView(ApiView):
    """Who is to answer a human task."""

    required_scope = "human:write"

    @extend_schema(
        tags=["human tasks"],
        request=AssignmentSerializer,
        responses={
            200: HumanTaskSerializer,
            **refusals("human:write", InvalidRequest(), NotFound(), missing("body", "assignee"), REASSIGNED),
        },
        examples=[examples.order("to a group", examples.ASSIGNMENT), SHOWN],
    )
    def post(self, request: Request, continuation_id: str) -> Response:
        """Assign a human task to a user or a group, or with null to nobody; another person's claim ends."""
        body = self.read_body(request, AssignmentSerializer)
        task = assign_task(
            parsed_id(continuation_id),
            body["assignee"] or None,
            AssigneeKind(body["assignee_kind"]),
            by=actor_of(request),
            expected=body["expected_assignee"],
        )
        return Response(shown_task(task.pk))
