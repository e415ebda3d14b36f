"""Doing something to many runs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import list_parameters, missing, refusals
from kneo_project.api.pagination import Listing
from kneo_project.api.permissions import actor_of
from kneo_project.api.query import text_or_absent
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidTimestamp
from runs.bulk import cancel_bulk, count_meant, find_bulk, start_bulk
from runs.errors import BulkNotFound, IdempotencyKeyConflict, InvalidIdempotencyKey
from runs.idempotency import word_in
from runs.models import BulkAction, BulkOperation
from runs.serializers.bulk import (
    BulkCountSerializer,
    BulkListSerializer,
    BulkRequestSerializer,
    BulkSerializer,
    wanted_in,
)
from runs.serializers.showing import shown
from runs.views import examples
from runs.views.callers import parsed_id
from runs.views.runs import KEY_HEADER

OPERATIONS = Listing(
    items_key="operations",
    sort_by="created_at",
    sort_order="desc",
    filters={"status": text_or_absent, "action": text_or_absent},
    sort_columns={name: name for name in ("created_at", "completed_at", "status", "action")},
    store_order=("-created_at", "pk"),
)
ORDER: dict[str, Any] = {"action": "continue", "filter": {"status": "failed", "tag": ["billing"]}}
OPERATION: dict[str, Any] = {
    "bulk_id": "0b9f6f52-30f3-4a51-8f0f-0a1f2c3d4e5f",
    "action": "continue",
    "filter": {"status": ["failed"], "tag": ["billing"]},
    "status": "running",
    "matched": 180,
    "done": 50,
    "skipped": 1,
    "refusals": [{"run_id": examples.RUN_ID, "error": "run_state_conflict", "message": "The run has not failed."}],
    "batch_size": 50,
    "created_by": "op",
    "created_at": "2026-11-23T01:28:14.311381+00:00",
    "completed_at": None,
}
COUNTED: dict[str, Any] = {name: OPERATION[name] for name in ("action", "filter", "matched")}


class BulkView(ApiView):
    """Work on many runs."""

    required_scopes = {"GET": "runs:read", "POST": "runs:write"}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Let only the list have query parameters."""
        if request.method != "POST":
            self.query_parameters = OPERATIONS.query_parameters
        super().initial(request, *args, **kwargs)

    @extend_schema(
        tags=["bulk"],
        parameters=list_parameters(OPERATIONS),
        responses={200: BulkListSerializer, **refusals("runs:read")},
        examples=[examples.page("operations", OPERATION, "created_at", "desc")],
    )
    def get(self, request: Request) -> Response:
        """List what was ordered for many runs, the newest first."""
        query = OPERATIONS.read(request.query_params)
        page = OPERATIONS.page_of(BulkOperation.objects.filter(**query.filters), query)
        return Response(shown(BulkListSerializer(OPERATIONS.envelope(query, page))))

    @extend_schema(
        tags=["bulk"],
        parameters=[KEY_HEADER],
        request=BulkRequestSerializer,
        responses={
            200: BulkCountSerializer,
            202: BulkSerializer,
            **refusals(
                "runs:write",
                missing("body", "filter"),
                InvalidTimestamp(param="created_after"),
                InvalidIdempotencyKey(),
                IdempotencyKeyConflict(scope="runs:bulk"),
            ),
        },
        examples=[
            examples.order("go on with what failed", ORDER),
            examples.answer("counted", COUNTED),
            examples.answer("ordered", OPERATION, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Cancel, continue, or start again every run that matches: on the server, a batch at a time.

        ``restart`` starts a fork of each from its beginning. ``dry_run`` only counts.
        """
        word, actor = word_in(request.headers.get("Idempotency-Key")), actor_of(request)
        body = self.read_body(request, BulkRequestSerializer)
        wanted, action = wanted_in(body), BulkAction(body["action"])
        if body["dry_run"]:
            counted = {"action": action, "filter": wanted, "matched": count_meant(wanted)}
            return Response(shown(BulkCountSerializer(counted)))
        operation = start_bulk(action, wanted, batch_size=body["batch_size"], actor=actor, word=word)
        return Response(shown(BulkSerializer(operation)), status=202)


class BulkOperationView(ApiView):
    """Some work on many runs."""

    required_scope = "runs:read"

    @extend_schema(
        tags=["bulk"],
        responses={200: BulkSerializer, **refusals("runs:read", BulkNotFound())},
        examples=[examples.answer("under way", OPERATION)],
    )
    def get(self, request: Request, bulk_id: str) -> Response:
        """Show how far it is."""
        return Response(shown(BulkSerializer(find_bulk(parsed_id(bulk_id)))))


class CancelBulkView(ApiView):
    """The end of some work on many runs."""

    required_scope = "runs:write"

    @extend_schema(
        tags=["bulk"],
        request=None,
        responses={200: BulkSerializer, **refusals("runs:write", BulkNotFound())},
        examples=[examples.answer("cancelled", OPERATION | {"status": "cancelled"})],
    )
    def post(self, request: Request, bulk_id: str) -> Response:
        """Do it to no further run; what is done stays done."""
        return Response(shown(BulkSerializer(cancel_bulk(parsed_id(bulk_id), actor=actor_of(request)))))
